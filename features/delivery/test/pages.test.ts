import { afterAll, beforeAll, expect, test } from 'vitest';
import { deliveryMain } from '../pages/delivery.ts';
import { loadDelivery } from '../pages/data.ts';
import type { PageRequest, ConsoleDeps } from '../../../entrances/console/pages/page.ts';
import { Config } from '../../../schemas/config/config.ts';
import { DoraFigure } from '../dora.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { consoleWorld, tokenRecord } from '../../../test/support/console-world.ts';
import { expectHarmless, hostile, textOf } from '../../../test/support/hostile.ts';
import { digestSections } from '../actions/digest-sections.ts';
import { withPorts } from '../ports.ts';
import { DoraWorld } from './dora-world.ts';

let world: DoraWorld;
let site: ReturnType<typeof consoleWorld>;

beforeAll(async () => {
  world = await DoraWorld.open();
  await world.recordTable();
  site = consoleWorld(() => world.ports);
});

afterAll(async () => world.stores.close());

const read = async (query = '', token = 'vera') =>
  textOf(await (await site.get(`/console/delivery?days=28${query}`, { token })).text());

test('shows the figures of the hand-worked table with their bands', async () => {
  const text = await read();
  for (const words of [
    'Deployment frequency 2.1 per day ● elite 59 deploys',
    'Change lead time 10 h ◐ high median of 69 commits; 90 % within 19 h',
    'Change fail rate 10.5 % ● elite 6 of 57 deploys failed',
    'Failed deployment recovery time 2 h ◐ high median of 5 recoveries; 1 without a recorded recovery',
    'Rework rate 8.2 % 5 of 61 deploys and rollbacks',
    'Time to restore 2 h ◐ high median of 8 incidents; 1 open',
  ])
    expect(text.replaceAll(' ', '')).toContain(words.replaceAll(' ', ''));
});

test('selects a service, a team, and a figure with its records', async () => {
  expect(await read('&service=payments')).toContain('3 of 19 deploys failed');
  expect(await read('&team=shop')).toContain('39 deploys');
  const failed = await read('&figure=change_failure_rate');
  expect(failed).toContain('search d15');
  expect(failed).toContain('failed: rolled back; recovered after 2 h');
  expect(failed).toMatch(/failed: INC-\d; no recovery recorded/);
  expect(await read('&figure=lead_time')).toContain('14 commits, 1 h to 14 h');
  expect(await read('&figure=incidents_without_deploy')).toContain('incident G');
});

test('shows a person only their services', async () => {
  const text = await read('', 'cora');
  expect(text).toContain('cart');
  expect(text).toContain('20 deploys');
  expect(text).not.toMatch(/payments|search d/);
});

test('lets responders correct the cause of an incident, and viewers not', async () => {
  const id = world.incidents.find(({ title }) => title === 'incident C')?.id ?? '';
  const correct = (token: string, more = {}) =>
    site.post(
      '/console/delivery/actions/attribute',
      { incident: id, deployment: 'none', reason: 'the database was down', ...more },
      { token },
    );
  expect(await read('&figure=time_to_restore', 'vera')).not.toContain('Record the cause');
  expect(await read('&figure=time_to_restore', 'grace')).toContain('Record the cause');
  expect((await correct('vera')).status).toBe(403);
  expect((await correct('grace', { reason: '\u200b' })).status).toBe(422);
  expect((await correct('grace')).status).toBe(303);
  expect(await read()).toContain('5 of 57 deploys failed');
  expect(await read('&figure=time_to_restore')).toContain('no deploy, says grace: the database was down');
  const back = await site.post('/console/delivery/actions/withdraw', { incident: id }, { token: 'grace' });
  expect(back.status).toBe(303);
  expect(await read()).toContain('6 of 57 deploys failed');
});

test('shows the code of the selected services, which is read only for a few of them and at most 90 days', async () => {
  const { config, stores } = world;
  world.config = Config.parse({
    ...config,
    services: { cart: { repository: 'acme/cart', environments: { production: {} } } },
  });
  const before = (hours: number) => plusSeconds(stores.clock.now(), -hours * 3600);
  const from = { forge: 'github' as const, repository: 'acme/cart' };
  await stores.code.push({
    ...from,
    branch: 'main',
    default_branch: 'main',
    before: null,
    after: 'b',
    received_at: before(2),
    commits: ['a', 'b'].map((sha) => ({ sha, committed_at: before(3), paths: null })),
    truncated: false,
  });
  await stores.code.pullRequest({
    ...from,
    number: 7,
    title: hostile('title'),
    url: null,
    author: 'ada',
    base: 'main',
    head: 'topic',
    labels: [],
    draft: false,
    opened_at: before(8),
    merged_at: before(2),
    closed_at: null,
    merge_commit: 'b',
    reverts: null,
    updated_at: before(2),
    review: { at: before(5), approves: true },
  });
  const text = (await read()).replaceAll(' ', '');
  for (const words of [
    'Commits 2 on the default branch',
    'Pull requests 1 merged; 1 opened, 0 closed without a merge',
    'First review 3 h median of 1 pull request; 90 % within 3 h',
    'Merge 6 h median of 1 pull request',
  ])
    expect(text).toContain(words.replaceAll(' ', ''));
  const year = textOf(await (await site.get('/console/delivery?days=365', { token: 'vera' })).text());
  expect(year).toContain('Select a service or a team, and at most 90 days');
  world.config = config;
});

test('draws deploys with rollbacks and incidents, and the figures of weeks with enough records', async () => {
  const page = await (await site.get('/console/delivery?days=7', { token: 'vera' })).text();
  const plots = new Map(
    [...page.matchAll(/id="([\w-]+)-plot" data-plot="([^"]*)"/g)].map(([, id = '', data = '']) => [
      id,
      JSON.parse(data.replaceAll('&quot;', '"').replaceAll('&amp;', '&')),
    ]),
  );
  expect([...plots.keys()]).toEqual([
    'deploys-by-day',
    'trend-deploys',
    'trend-lead',
    'trend-fail-rate',
    'trend-recovery',
  ]);
  const { lines, lanes, seconds, days } = plots.get('deploys-by-day');
  expect([seconds, days]).toEqual([28 * 24 * 3600, 1]);
  expect(lines[0][2].reduce((sum: number, deploys: number) => sum + deploys)).toBe(59);
  expect(lanes.map(([name, times]: [string, number[]]) => [name, times.length])).toEqual([
    ['incidents', 9],
    ['rollbacks', 4],
  ]);
  expect(plots.get('trend-deploys').lines[0][2]).toHaveLength(12);
  // One of 18 deploys, two of 21, and three of 18 failed. The other weeks have no deploy.
  expect(plots.get('trend-fail-rate').lines[0][2]).toEqual(
    [3 / 18, 2 / 21, 1 / 18].map((rate) => expect.closeTo(rate, 4)),
  );
  const text = textOf(page);
  expect(text).toContain('Trends of 12 weeks');
  expect(text).toMatch(/too few \(\d\)/);
});

test('says what to do without a deploy', async () => {
  expect(await read('&environment=nowhere')).toContain('No deploy of this selection is recorded');
});

test('of many services, lists those with the most deploys', async () => {
  for (let n = 0; n < 51; n += 1)
    await world.deploy({
      service: `small-${n}`,
      version: 'v1',
      status: 'succeeded',
      started_at: plusSeconds(world.stores.clock.now(), -7200),
    });
  const text = await read();
  expect(text).toContain('The 25 of 54 services with the most deploys.');
  const [, listed = ''] = /By service(.*?)services with the most deploys/.exec(text) ?? [];
  for (const service of ['cart', 'payments', 'search']) expect(listed).toContain(service);
});

test('shows the first 15 rows of a long table, and the others on demand', async () => {
  const page = await (await site.get('/console/delivery?days=28', { token: 'vera' })).text();
  const rowsOf = (table: string): number =>
    page
      .split(`<table role="table" aria-label="${table}">`)[1]
      ?.split('</table>')[0]
      ?.match(/<tr role="row">/g)?.length ?? 0;
  const HEAD = 1;
  expect(rowsOf('Figures by service')).toBe(HEAD + 15);
  expect(page).toMatch(/<details[^>]* id="more-services">\s*<summary>10 more<\/summary>/);
  expect(rowsOf('Figures by service, more')).toBe(HEAD + 10);
});

test('hostile texts are shown as text', async () => {
  for (const figure of DoraFigure.options) {
    const viewer = { may: () => true, csrfToken: 'key', sender: 'ada', grants: [tokenRecord('ada', ['*'])] };
    const asked = {
      viewer,
      param: {},
      query: new URLSearchParams({ figure, days: '28' }),
      besideDelivery: async () => ({ links: [], panels: [] }),
    } as unknown as PageRequest;
    const data = await loadDelivery(world.ports as unknown as ConsoleDeps, asked);
    const { kind, items } = data.records;
    const evil = items.map((one) =>
      kind === 'deploys'
        ? { ...one, service: hostile('service'), version: hostile('version'), environment: hostile('environment') }
        : { ...one, service: hostile('service'), title: hostile('title'), environment: hostile('environment') },
    );
    const selection = { ...data.selection, team: hostile<string>('team'), service: hostile<string>('service') };
    const teams = [hostile<string>('team')];
    const markup = await deliveryMain({
      ...data,
      selection,
      teams,
      records: { kind, items: evil } as unknown as typeof data.records,
    });
    expectHarmless(String(markup), 1);
  }
});

test('adds its figures to the digest of a team', async () => {
  const sections = digestSections(withPorts(world.ports));
  const [shop] = await sections.ofLastWeek({ team: 'shop', isAllowed: () => true });
  expect(shop).toMatchObject({ id: 'delivery', summary: expect.stringMatching(/^\d+ deploys\. Week before: \d+\.$/) });
  expect(await sections.ofLastWeek({ isAllowed: () => false })).toMatchObject([{ summary: 'No deploy in two weeks.' }]);
});
