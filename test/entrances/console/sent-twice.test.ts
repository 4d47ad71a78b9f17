import { describe, expect, onTestFinished, test } from 'vitest';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import { runId } from '../../../schemas/runbooks/parts/runs.ts';
import { openTable } from '../../core/stores/stores.ts';
import { runbook } from '../../core/domain/runbooks/support.ts';
import { consoleWorld } from '../../support/console-world.ts';

const CONFIG: Config = {
  ...Config.parse({ ...emptyConfig, services: { checkout: { environments: { production: {} } } } }),
  runbooks: {
    version: 'test',
    runbooks: [runbook('title: Drain\nsteps: [{ id: tell, uses: note, with: { text: Draining } }]', 'drain.md')],
  },
};

/** The console over real tables, in which grace is signed in. */
async function world() {
  const stores = await openTable();
  onTestFinished(() => stores.close());
  const { clock, audit, incidents, idempotency } = stores;
  const { features } = stores;
  const console = consoleWorld(() => ({ clock, audit, features, idempotency }));
  console.world.config = CONFIG;
  const login = await console.post('/login', { token: 'grace' });
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  /** Loads a page, and returns a function that sends one of its forms, with the key that the page has. */
  const load = async (path: string) => {
    const page = await (await console.get(path, { cookie })).text();
    const form_key = /name="form_key" value="([0-9a-f]+)"/.exec(page)?.[1] ?? '';
    const [where = ''] = path.split('?');
    return (action: string, fields: Record<string, string>) =>
      console.post(`${where}/actions/${action}`, { form_key, ...fields }, { cookie });
  };
  return { ...console, cookie, load, incidents };
}

type Sending = () => Promise<Response> | Response;

/** Sends a form as a double click does, and again, as after a lost response. */
const threeTimes = async (sending: Sending): Promise<number[]> =>
  [...(await Promise.all([sending(), sending()])), await sending()].map(({ status }) => status);

describe('a form that is sent again from the same page', () => {
  test('adds one note', async () => {
    const { load, world: fake } = await world();
    const { incidents } = fake.deps;
    const place = { service: 'checkout', environment: 'production' } as Parameters<typeof incidents.declare>[0];
    const declared = { ...place, title: 'Payments fail', severity: 'warning', by: 'ada', trace: 't' } as const;
    const { id } = await incidents.declare(declared);
    const notes = async () => (await incidents.timeline(id, { limit: 50 })).items.filter(({ kind }) => kind === 'note');
    const send = await load(`/console/incidents/${id}`);
    expect(await threeTimes(() => send('note', { text: 'Looked' }))).toEqual([303, 303, 303]);
    expect(await notes()).toHaveLength(1);
    expect((await send('note', { text: 'Looked again' })).status).toBe(303);
    expect((await (await load(`/console/incidents/${id}`))('note', { text: 'Looked' })).status).toBe(303);
    expect(await notes()).toHaveLength(3);
  });

  test('starts a runbook once, and after a refusal again', async () => {
    const { load, world: fake } = await world();
    const path = '/console/runbooks/drain?service=checkout&environment=production';
    const fields = {
      service: 'checkout',
      environment: 'production',
      version: CONFIG.runbooks?.runbooks[0]?.version ?? '',
    };
    const runs = async () => (await fake.deps.runbooks.list({ limit: 10 })).items;
    const send = await load(path);
    expect((await send('start', { ...fields, version: 'older' })).status).toBe(409);
    expect(await threeTimes(() => send('start', fields))).toEqual([200, 200, 200]);
    const [run, ...others] = await runs();
    if (run === undefined) throw new Error('there is no run');
    expect(others).toEqual([]);
    const end = { outcome: 'finished', text: 'Done', acted: false, page: 'no' } as const;
    await fake.deps.runbooks.conclude(run.incident, run.number, end);
    const late = await (await send('start', fields)).text();
    expect(late).toContain(`/console/runbooks/runs/${runId(run.incident, run.number)}">Show the run`);
    expect(await runs()).toHaveLength(1);
    expect((await (await load(path))('start', fields)).status).toBe(200);
    expect(await runs()).toHaveLength(2);
  });
});

test('an open page keeps its key when its content changes, and a link cannot set one', async () => {
  const { get, cookie } = await world();
  const shown = await (await get('/console/freezes', { cookie })).text();
  const [, version, key = ''] = /data-version="(\w+)" data-page-key="(\w+)"/.exec(shown) ?? [];
  expect(shown).toMatch(new RegExp(`name="form_key" value="\\w{64}${key}"`));
  const address = `/console/freezes?page_key=${key}&since=`;
  const events = async (since = '') =>
    (await get(address + since, { cookie, headers: { accept: 'text/event-stream' } })).text();
  expect(await events(version)).not.toContain('event: page');
  expect(await events('other')).toContain(key);
  expect(await (await get(address, { cookie })).text()).not.toContain(`${key}"`);
});
