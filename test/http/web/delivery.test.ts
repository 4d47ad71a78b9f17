import { afterAll, beforeAll, expect, test } from 'vitest';
import { deliveryMain } from '../../../http/web/pages/delivery/delivery.ts';
import { loadDelivery } from '../../../http/web/pages/delivery/data.ts';
import type { PageRequest, ConsoleDeps } from '../../../http/web/pages/page.ts';
import { Config } from '../../../schemas/config/config.ts';
import { DoraFigure } from '../../../schemas/delivery/dora.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { consoleWorld } from '../../support/console-world.ts';
import { expectHarmless, hostile, textOf } from '../../support/hostile.ts';
import { DoraWorld } from '../routes/dora-world.ts';

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
    'Lead time 10 h ● high median of 69 commits; 90 % within 19 h',
    'Change fail rate 10.5 % ● elite 6 of 57 deploys failed',
    'Failed deployment recovery 2 h ● high median of 5 recoveries; 1 not recovered yet',
    'Rework rate 8.2 % 5 of 61 deploys and rollbacks',
    'Time to restore 2 h ● high median of 8 incidents; 1 open',
  ])
    expect(text.replaceAll(' ', '')).toContain(words.replaceAll(' ', ''));
});

test('selects a service, a team, and a figure with its records', async () => {
  expect(await read('&service=payments')).toContain('3 of 19 deploys failed');
  expect(await read('&team=shop')).toContain('39 deploys');
  const failed = await read('&figure=change_failure_rate');
  expect(failed).toContain('search d15');
  expect(failed).toContain('failed: rolled back; recovered after 2 h');
  expect(failed).toContain('failed: incident; not recovered yet');
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
  expect((await correct('grace', { reason: ' ' })).status).toBe(422);
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

test('says what to do without a deploy', async () => {
  expect(await read('&environment=nowhere')).toContain('No deploy of this selection is recorded');
});

test('hostile texts are shown as text', async () => {
  for (const figure of DoraFigure.options) {
    const viewer = { may: () => true, csrfToken: 'key' };
    const asked = { viewer, param: {}, query: new URLSearchParams({ figure, days: '28' }) } as unknown as PageRequest;
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
