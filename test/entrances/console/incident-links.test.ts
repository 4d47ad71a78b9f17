import { expect, test } from 'vitest';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { LinksFile } from '../../../schemas/links/links.ts';
import { fullRequest } from '../../../workflows/steps/page.ts';
import { consoleWorld } from '../../support/console-world.ts';

const LINKS = LinksFile.parse({
  links: [
    {
      title: 'Logs "of" <it>',
      kind: 'grafana-loki',
      url: 'https://grafana.test',
      datasource: 'loki',
      query: '{app="${{ service }}"}',
    },
    { title: 'Pod', kind: 'url', url: 'https://x.test/${{ labels.pod }}' },
  ],
});

const HOSTILE = '"}\'><script>alert(1)</script>';

test('the page of an incident and its page to people link to logs, whatever the service is called', async () => {
  const { world, get } = consoleWorld();
  world.config = { ...world.config, links: LINKS };
  const { id } = await world.deps.incidents.declare({
    service: HOSTILE as ServiceName,
    environment: 'production' as EnvironmentName,
    title: 'Payments fail',
    severity: 'warning',
    by: 'ada',
    trace: 'trace',
  });
  const page = await (await get(`/console/incidents/${id}`, { token: 'vera' })).text();
  const found = /<a href="(https:\/\/grafana\.test\/explore\?[^"]*)"[^>]*>([^<]*)<\/a>/.exec(page);
  expect(found?.[2]).toBe('Logs &quot;of&quot; &lt;it&gt;');
  const href = found?.[1]?.replaceAll('&amp;', '&') ?? '';
  expect(JSON.parse(new URL(href).searchParams.get('panes') ?? '')).toMatchObject({
    firebreak: { queries: [{ expr: `{app=${JSON.stringify(HOSTILE)}}` }] },
  });
  expect(page).not.toContain('https://x.test/');

  const { incident } = (await world.deps.incidents.story(id, null)) ?? expect.unreachable();
  const deps = { ...world.deps, config: { ...world.deps.config, current: async () => world.config } };
  const request = await fullRequest(incident, 'key', { number: 1, causes: [], chat: null }, deps);
  expect(request.links).toContainEqual({ href, text: 'Logs "of" <it>' });
  expect(request.details?.['logs "of" <it>']).toBe(href);
});

test('a page is sent if the configuration cannot be read', async () => {
  const { world } = consoleWorld();
  const { id } = await world.deps.incidents.declare({
    service: 'checkout' as ServiceName,
    environment: 'production' as EnvironmentName,
    title: 'Payments fail',
    severity: 'critical',
    by: 'ada',
    trace: 'trace',
  });
  const { incident } = (await world.deps.incidents.story(id, null)) ?? expect.unreachable();
  const deps = { ...world.deps, config: { ...world.deps.config, current: () => Promise.reject(new Error('gone')) } };
  const request = await fullRequest(incident, 'key', { number: 1, causes: [], chat: null }, deps);
  expect(request.details).toMatchObject({ status: expect.any(String), next_step: expect.any(String) });
});

test('the page of an incident is found by its number in any case, and leads on by it', async () => {
  const { world, get } = consoleWorld();
  const { id } = await world.deps.incidents.declare({
    service: 'checkout' as ServiceName,
    environment: 'production' as EnvironmentName,
    title: 'Payments fail',
    severity: 'critical',
    by: 'ada',
    trace: 'trace',
  });
  const { number } = (await world.deps.incidents.read(id)) ?? expect.unreachable();
  for (const name of [`INC-${number}`, `inc-${number}`, `${number}`, id]) {
    const page = await get(`/console/incidents/${name}`, { token: 'grace' });
    expect(page.status).toBe(200);
    const text = await page.text();
    expect(text).toContain(`<title>INC-${number} checkout production: Payments fail`);
    expect(text).toContain(`action="/console/incidents/INC-${number}/actions/acknowledge"`);
  }
  expect((await get('/console/incidents/INC-99', { token: 'grace' })).status).toBe(404);
});
