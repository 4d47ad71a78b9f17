import { describe, expect, test } from 'vitest';
import { navigationOf } from '../../../entrances/console/navigation.ts';
import { PAGES } from '../../../entrances/console/pages/index.ts';
import { ASSETS } from '../../../entrances/console/assets.ts';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import { runbook } from '../../core/domain/runbooks/support.ts';
import { consoleWorld } from '../../support/console-world.ts';
import { expectHarmless, HOSTILE } from '../../support/hostile.ts';

const textOf = async (response: Response | Promise<Response>): Promise<string> => (await response).text();

/** Returns the text and the address of the links of a navigation. */
const linksIn = (page: string, label: string): [text: string, href: string][] => {
  const [, markup = ''] = new RegExp(`<nav[^>]*aria-label="${label}"[^>]*>([^]*?)</nav>`).exec(page) ?? [];
  return [...markup.matchAll(/<a\s+href="([^"]+)"[^>]*>([^<]*)/g)].map(([, href = '', text = '']) => [
    text.trim(),
    href,
  ]);
};

describe('the navigation', () => {
  test('has a section for each kind of work, and lists the pages of the current one', async () => {
    const { get } = consoleWorld();
    const page = await textOf(get('/console/decisions', { token: 'ada' }));
    expect(linksIn(page, 'Console').map(([text]) => text)).toEqual([
      'Now',
      'Incidents',
      'Services',
      'Deploys',
      'Reliability',
      'Review',
      'Admin',
    ]);
    expect(linksIn(page, 'Review')).toEqual([
      ['Post-mortems', '/console/postmortems'],
      ['Action items', '/console/action-items'],
      ['Decisions', '/console/decisions'],
      ['Digest', '/console/digest'],
    ]);
    expect(page).toMatch(/href="\/console\/decisions"\s+aria-current="page"/);
    expect(page.match(/aria-current="page"/g)).toHaveLength(1);
  });

  test('opens the overview of a section', () => {
    const first = navigationOf({ may: () => true }).map(({ section, pages }) => [section, pages[0]?.label]);
    expect(Object.fromEntries(first)).toMatchObject({
      Deploys: 'Delivery',
      Incidents: 'Incidents',
      Services: 'Services',
    });
  });

  test('leads to every list', () => {
    const linked = navigationOf({ may: () => true }).flatMap(({ pages }) => pages.map(({ path }) => path));
    const lists = PAGES.filter(({ label }) => label !== null).map(({ path }) => path);
    expect(linked.toSorted()).toEqual(lists.toSorted());
    expect(lists).toEqual(
      expect.arrayContaining(['/console/canaries', '/console/experiments', '/console/postmortems']),
    );
  });

  test('leaves out what the viewer may not see, and counts what waits in the inbox for those who may', async () => {
    const { world, get } = consoleWorld(() => ({
      quarantine: Object.assign(Object.create(null), { count: async () => 3 }),
    }));
    expect(world.config).toBeDefined();
    const page = await textOf(get('/console/incidents', { token: 'ada' }));
    expect(page).toMatch(/>Admin <span class="count">3</);
    const limited = await textOf(get('/console/incidents', { token: 'cora' }));
    expect(limited).not.toContain('class="count">3');
  });
});

describe('finding', () => {
  const world = async () => {
    const console = consoleWorld();
    console.world.config = {
      ...Config.parse({ ...emptyConfig, services: { checkout: { team: 'payments' }, cart: {} } }),
      runbooks: {
        version: 'test',
        runbooks: [
          runbook('title: Drain the queue\nsteps: [{ id: tell, uses: note, with: { text: Go } }]', 'drain.md'),
        ],
      },
    };
    const where = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
    const { id } = await console.world.deps.incidents.declare({
      ...where,
      title: 'Payments fail',
      severity: 'critical',
      by: 'ada',
      trace: 'trace',
    });
    await console.world.deps.changes.record(NewChange.parse({ ...where, version: 'v42' }));
    const found = async (text: string, token = 'ada') => {
      const page = await textOf(console.get(`/console/find?text=${encodeURIComponent(text)}`, { token }));
      return [...page.matchAll(/<a href="([^"]+)"\s*><span class="kind">(\w+)<\/span>/g)].map(
        ([, href, kind]) => `${kind} ${href}`,
      );
    };
    return { ...console, id, found };
  };

  test('finds incidents, services, versions, runbooks, pages, and actions', async () => {
    const { found } = await world();
    expect(await found('inc-1')).toEqual(['incident /console/incidents/INC-1']);
    expect(await found('checkout')).toEqual([
      'incident /console/incidents/INC-1',
      'service /console/services/checkout',
    ]);
    for (const text of ['v42', 'checkout v42', 'V42 production'])
      expect(await found(text)).toEqual(['version /console/services/checkout']);
    expect(await found('cart v42')).toEqual([]);
    expect(await found('drain')).toEqual(['runbook /console/runbooks/drain']);
    expect(await found('declare')).toEqual(['action /console/declare']);
    expect(await found('post-mortems')).toEqual(['page /console/postmortems']);
    expect(await found('nothing like that')).toEqual([]);
  });

  test('finds an incident by its number before others, however old it is', async () => {
    const { world: of, found, get } = await world();
    const declare = async () => {
      const { id } = await of.deps.incidents.declare({
        service: 'cart' as ServiceName,
        environment: 'production' as EnvironmentName,
        title: 'as in INC-1',
        severity: 'critical',
        by: 'ada',
        trace: 'trace',
      });
      await of.deps.incidents.resolve(id, 0, 'ada', 'over');
    };
    for (let n = 0; n < 12; n += 1) await declare();
    expect((await found('inc-1'))[0]).toBe('incident /console/incidents/INC-1');
    expect(new Set(await found('inc-1')).size).toBe(6);
    const list = await textOf(get('/console/incidents?state=all&text=INC-1', { token: 'ada' }));
    expect(/id="incidents"[^]*?<a href="([^"]+INC[^"]+)"/.exec(list)?.[1]).toBe('/console/incidents/INC-1');
    expect(await found('inc-1', 'cora')).not.toContain('incident /console/incidents/INC-1');
  });

  test('finds what can be done in open incidents, as links to the forms', async () => {
    const { world: of, id, found, get } = await world();
    const ofIncident = (form: string) => `action /console/incidents/INC-1#${form}`;
    expect(await found('ack')).toEqual([ofIncident('do-acknowledge')]);
    expect(await found('resolve')).toEqual([ofIncident('do-resolve')]);
    for (const text of ['rollback inc-1', 'roll back checkout'])
      expect(await found(text)).toEqual([ofIncident('rollback-to')]);
    expect(await found('pause')).toEqual(['action /console/automation#pause-reason', ofIncident('do-pause')]);
    expect(await found('kill switch')).toEqual(['action /console/automation#pause-reason']);
    for (const [text, form] of [
      ['update', 'update-text'],
      ['assign', 'assign-role'],
      ['severity', 'severity'],
      ['note inc-1', 'note-text'],
      ['abort', 'do-abort'],
    ] as const)
      expect([text, await found(text)]).toEqual([text, [ofIncident(form)]]);
    const page = await textOf(get('/console/incidents/INC-1', { token: 'ada' }));
    expect(page).toContain('id="update-text"');
    expect(await found('resolve', 'vera')).toEqual([]);
    await of.deps.incidents.resolve(id, 0, 'ada', 'over');
    expect(await found('resolve')).toEqual([]);
  });

  test('without words, shows what is open, and where to go', async () => {
    const { found } = await world();
    const all = await found('');
    expect(all[0]).toBe('incident /console/incidents/INC-1');
    expect(all).toContain('page /console/canaries');
  });

  test('shows only what the viewer may see', async () => {
    const { found } = await world();
    expect(await found('checkout', 'cora')).toEqual([]);
    expect(await found('declare', 'vera')).toEqual([]);
  });

  test('shows hostile texts as text', async () => {
    const {
      world: { deps },
      get,
    } = await world();
    await deps.incidents.declare({
      service: HOSTILE as ServiceName,
      environment: 'production' as EnvironmentName,
      title: HOSTILE,
      severity: 'critical',
      by: 'ada',
      trace: 'trace',
    });
    const page = await textOf(get(`/console/find?text=${encodeURIComponent('onerror')}`, { token: 'ada' }));
    expectHarmless(/<main[^]*<\/main>/.exec(page)?.[0] ?? '', 1);
  });
});

test('pages load one script and one style, and the icon says that a question waits', async () => {
  const { get } = consoleWorld();
  const page = await textOf(get('/console', { token: 'ada' }));
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page.match(/rel="stylesheet"/g)).toHaveLength(1);
  expect(page).toContain(`href="${ASSETS.icon.path}"`);
  expect(page).not.toContain(ASSETS.iconAsks.path);
});

test.each([
  ['/console/incident/INC-3', '/console/incidents/INC-3'],
  ['/console/servces', '/console/services'],
  ['/console/incidents/INC-999', '/console/incidents'],
  ['/console/incidents/INC-1/nothing', '/console/incidents'],
  ['/console/qqqqqqqq', '/console'],
])('the page about the unknown address %s links the nearest one', async (path, nearest) => {
  const { get } = consoleWorld();
  const answer = await get(path, { token: 'ada' });
  expect(answer.status).toBe(404);
  expect(await textOf(answer)).toContain(`<p><a href="${nearest}">`);
});
