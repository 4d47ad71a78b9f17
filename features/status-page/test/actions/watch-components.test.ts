import { expect, test } from 'vitest';
import { Config } from '../../../../schemas/config/config.ts';
import { SetClock, silent } from '../../../../test/support/fake-deps.ts';
import { watchComponents } from '../../actions/watch-components.ts';
import { statusApp } from '../../pages/routes.ts';
import { at, MemoryPublicIncidents, publicIncident } from '../support/public-incidents.ts';

/** @param incidents public ones of before */
function worldAt(now: string, incidents: readonly object[] = []) {
  const clock = new SetClock(now);
  const publicIncidents = new MemoryPublicIncidents(...incidents.map((one) => publicIncident(one)));
  const components = ['Checkout'];
  const config = {
    current: async () =>
      Config.parse({ version: 'test', paging: {}, services: { shop: { statusPage: { components } } } }),
    problems: async () => [],
  };
  const app = statusApp({ clock, config, publicIncidents, log: silent, publicUrl: undefined });
  const bars = (name: string, page: string) => new RegExp(`aria-label="(${name}: [^"]*)"[^]*?</svg>`).exec(page);
  return {
    clock,
    components,
    watch: () => watchComponents({ clock, config, publicIncidents }),
    async shown(name = 'Checkout') {
      const [svg, label] =
        bars(name, await (await app.request('http://localhost/status')).text()) ?? expect.unreachable();
      return {
        label,
        days: [...svg.matchAll(/class="(\w+)" d="([^"]*)"/g)].map(([, state, path]) => `${state} ${path}`),
      };
    },
  };
}

test('a component of a minute ago has one day, and no percentage', async () => {
  const { clock, watch, shown } = worldAt('2026-11-27T20:21:00Z');
  await watch();
  clock.set(Date.parse('2026-11-27T20:22:00Z'));
  const { label, days } = await shown();
  expect(label).toBe('Checkout: less than a day of data, 0 days with incidents or maintenance');
  expect(days).toEqual(['none M0 28h355', 'operational M356 22.5h3']);
});

test('it gets a percentage of the days since then', async () => {
  const { clock, watch, shown } = worldAt('2026-11-27T20:21:00Z');
  await watch();
  clock.set(Date.parse('2026-11-28T20:21:00Z'));
  expect((await shown()).label).toBe('Checkout: 100 % uptime in the last 2 days, 0 days with incidents or maintenance');
});

test('before it is recorded, it has no percentage either', async () => {
  expect((await worldAt('2026-11-27T20:21:00Z').shown()).label).toContain('less than a day of data');
});

test('a page with an incident of before has watched its components since then, but not later ones', async () => {
  const { clock, components, watch, shown } = worldAt('2026-11-27T10:00:00Z', [
    { components: ['Other'], started_at: at('2026-11-02T10:00:00Z') },
  ]);
  await watch();
  components.push('Search');
  clock.set(Date.parse('2026-11-27T11:00:00Z'));
  await watch();
  expect((await shown()).label).toContain('100 % uptime in the last 26 days');
  expect((await shown('Search')).label).toContain('less than a day of data');
});

test('an incident of before is data of the component', async () => {
  const { watch, shown } = worldAt('2026-11-27T10:00:00Z', [{ components: ['Checkout'] }]);
  await watch();
  expect((await shown()).label).toMatch(/^Checkout: 99\.\d+ % uptime in the last 8 days, 1 day with incidents/);
});
