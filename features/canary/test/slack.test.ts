import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CanaryTable } from '../store.ts';
import type { CanaryRecord } from '../canary.ts';
import { type EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { withPorts } from '../ports.ts';
import { canaryRecord, unsigned } from './canary-record.ts';
import { parseCommand } from '../../../entrances/slack/commands/parse.ts';
import { ADA, BOB, buttonsIn, ChatWorld, typed } from '../../../test/entrances/slack/commands/chat-world.ts';

let stores: TableStores;
let chat: ChatWorld;
let canaries: CanaryTable;
let services = 0;
let number = 0;
let service: ServiceName;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores?.close());

/** Each test has a service of its own, whose canaries only `ada` may change. */
beforeEach(() => {
  chat = new ChatWorld();
  service = ServiceName.parse(`shop-${(services += 1)}`);
  canaries = new CanaryTable(stores.table, chat.world.clock, { add: async () => undefined, read: async () => [] });
  const own: CanaryTable['running'] = async () => (await canaries.running()).filter((one) => one.service === service);
  Object.assign(chat.deps, {
    features: { ...unsigned(chat.deps), canary: { canaries: { ...bound(), running: own } } },
  });
  chat.configure(
    {
      people: { ada: { slack: ADA }, bob: { slack: BOB, roles: ['reader'] } },
      roles: { reader: { actions: ['canaries:read'] } },
    },
    {
      services: {
        [service]: { environments: { production: {}, staging: {} } },
        other: { environments: { development: {} } },
      },
    },
  );
});

/** Methods of the table with private fields, which a derived object does not have. */
const bound = () => ({
  get: canaries.get.bind(canaries),
  list: canaries.list.bind(canaries),
  request: canaries.request.bind(canaries),
});

async function begin(environment = 'production', more: Partial<CanaryRecord> = {}): Promise<CanaryRecord> {
  const at = chat.world.clock.now();
  const place = { service, environment: environment as EnvironmentName };
  const record = canaryRecord((number += 1), at, { ...place, ...more });
  await canaries.begin(record, { at, kind: 'started', by: 'ada', weight: 0, text: 'Started' });
  return record;
}

const says = (text: string, user = ADA) => chat.says(user, '/firebreak', text);
const read = async ({ id }: CanaryRecord) => {
  const found = await canaries.get(id);
  if (found === undefined) throw new Error(`no canary ${id}`);
  return found;
};

describe('canaries in Slack', () => {
  test('are listed', async () => {
    expect(await says('canaries')).toBe('No canary is in progress.');
    expect(await says(`canaries ${service}`)).toBe(`No canary of ${service} is recorded.`);
    await begin();
    const row = `${service} production v2 progressing at 5 % beside v1: 5 % of the traffic`;
    expect(await says('canaries')).toMatch(new RegExp(`^Canaries in progress:\n▶️ .* UTC ${row}$`));
    expect(await says(`canaries ${service}`, BOB)).toMatch(new RegExp(`newest first:\n▶️ .* ${row}$`));
    expect(await says(`canaries ${service}x`)).toContain(`Did you mean "${service}"?`);
  });

  test.each([
    ['promote', 'gets its next share of the traffic'],
    ['hold', 'keeps its share of the traffic'],
    ['abort', 'is aborted'],
  ] as const)('get the request to %s, from those who may', async (kind, said) => {
    const canary = await begin();
    expect(await says(`canary ${kind} ${service} p95 is odd`, BOB)).toMatch(/permission/);
    expect((await read(canary)).command).toBeNull();
    expect(await says(`canary ${kind} ${service} p95 is odd`)).toMatch(
      new RegExp(`^${service} in production: v2 ${said}.* \\(p95 is odd\\)\\. Canary ${canary.id}\\.$`),
    );
    expect((await read(canary)).command).toMatchObject({ kind, reason: 'p95 is odd', full: false, by: 'ada' });
  });

  test('are named by their environment if the service has several', async () => {
    const [first, second] = [await begin(), await begin('staging')];
    expect(await says(`canary abort ${service}`)).toMatch(/has canaries in (production, staging|staging, production)/);
    expect(await says(`canary abort ${service} staging`)).toContain(`Canary ${second.id}`);
    expect([(await read(first)).command, (await read(second)).command?.kind]).toEqual([null, 'abort']);
    await says(`canary hold ${service} production`);
    expect((await read(first)).command).toMatchObject({ kind: 'hold', reason: null });
    expect(await says(`canary hold ${service} env=produ`)).toBe(
      `${service} has no environment "produ"; it has production, staging. Did you mean "production"? Nothing was done.`,
    );
  });

  test('are not changed for an environment that only other services have', async () => {
    const canary = await begin();
    expect(await says(`canary promote ${service} development`)).toMatch(
      new RegExp(`^${service} has no environment "development"; it has production, staging\\..* Nothing was done\\.$`),
    );
    expect((await read(canary)).command).toBeNull();
    expect(await says(`canary hold ${service} reason="development sees errors"`)).toContain(canary.id);
  });

  test('that have ended or were found worse are refused', async () => {
    expect(await says(`canary abort ${service}`)).toBe(`No canary of ${service} is in progress. Nothing was done.`);
    await begin('production', { degraded: true, status: 'held' });
    expect(await says(`canary promote ${service}`)).toContain('The version v2 was found worse than v1');
  });

  test('are not promoted while the kill switch is on', async () => {
    const canary = await begin('production', { sequence: 1 });
    await chat.deps.automation.write({ paused: true }, 'ada');
    expect(await says(`canary promote ${service}`)).toContain('the kill switch is on. Resume automation');
    expect(await chat.presses(ADA, { verb: 'promote_canary', canary: canary.id, sequence: 1 })).toContain(
      'the kill switch is on. Resume automation',
    );
    expect((await read(canary)).command).toBeNull();
    await chat.deps.automation.write({ paused: false }, 'ada');
    expect(await says(`canary promote ${service}`)).toContain('gets its next share of the traffic now');
  });

  const listed = async (user = ADA) => {
    await says('canaries', user);
    return buttonsIn(chat.sent.at(-1)?.message ?? { summary: '', parts: [] });
  };

  test('have buttons for those who may change them', async () => {
    const canary = await begin('production', { sequence: 1 });
    const of = { canary: canary.id, sequence: 1 };
    expect(await listed(BOB)).toEqual([]);
    expect(await listed()).toEqual([
      { verb: 'promote_canary', ...of },
      { verb: 'hold_canary', ...of },
      { verb: 'abort_canary', ...of },
    ]);
    const bad = await begin('staging', { degraded: true, status: 'held' });
    expect((await listed()).filter((button) => 'canary' in button && button.canary === bad.id)).toMatchObject([
      { verb: 'hold_canary' },
      { verb: 'abort_canary' },
    ]);
    expect(await chat.presses(BOB, { verb: 'abort_canary', ...of })).toMatch(/permission/);
    expect((await read(canary)).command).toBeNull();
    expect(await chat.presses(ADA, { verb: 'hold_canary', ...of })).toContain('keeps its share of the traffic');
    expect((await read(canary)).command).toMatchObject({ kind: 'hold', by: 'ada' });
  });

  test('are promoted by a button only from the share that it was shown with', async () => {
    const canary = await begin('production', { sequence: 1 });
    const [promote] = await listed();
    if (promote === undefined) throw new Error('no button');
    expect(await chat.presses(ADA, promote)).toContain('gets its next share');
    // Pressed again before the workflow has given the share: it is the same request.
    await canaries.put({ ...(await read(canary)), command: null, skip: true });
    expect(await chat.presses(ADA, promote)).toContain('gets its next share');
    expect((await read(canary)).command).toBeNull();
    await canaries.put({ ...(await read(canary)), skip: false, sequence: 2, weight: 25 });
    expect(await chat.presses(ADA, promote)).toBe(
      'The canary has gone on since: v2 has 25 % of the traffic, and is progressing. Nothing was done.',
    );
    expect((await read(canary)).command).toBeNull();
    await chat.presses(ADA, { ...promote, verb: 'abort_canary' } as typeof promote);
    expect((await read(canary)).command).toMatchObject({ kind: 'abort' });
  });

  test('are promoted once by a command that is delivered twice', async () => {
    const canary = await begin();
    let lost = true;
    const ports = withPorts(chat.deps).canaries;
    const { request } = ports;
    ports.request = async (...args) => {
      const ok = await request(...args);
      if (!lost) return ok;
      lost = false;
      throw new Error('the process dies');
    };
    const message = chat.heard(typed(ADA, '/firebreak', `canary promote ${service}`));
    expect(await chat.deliver(message)).toBe(false);
    // The workflow takes the request, and orders the next share.
    const taken = await read(canary);
    expect(taken.command?.kind).toBe('promote');
    await canaries.put({ ...taken, command: null, sequence: taken.sequence + 1, weight: 25 });
    await begin('staging');
    expect(await chat.deliver(message)).toBe(true);
    expect(chat.answer()).toContain(`Canary ${canary.id}`);
    expect((await read(canary)).command).toBeNull();
  });
});

test.each([
  ['canaries checkout', { act: 'canaries', service: 'checkout' }],
  [
    'canary promote checkout looks good',
    {
      act: 'canary',
      kind: 'promote',
      service: 'checkout',
      environment: null,
      reason: null,
      rest: { first: 'looks', all: 'looks good', others: 'good' },
    },
  ],
  [
    'canary HOLD checkout production until 3 pm',
    {
      act: 'canary',
      kind: 'hold',
      service: 'checkout',
      environment: null,
      reason: null,
      rest: { first: 'production', all: 'production until 3 pm', others: 'until 3 pm' },
    },
  ],
  [
    'canary abort checkout env=production reason="too slow"',
    { act: 'canary', kind: 'abort', service: 'checkout', environment: 'production', reason: 'too slow', rest: null },
  ],
])('/firebreak %s is understood', (text, request) => {
  expect(parseCommand('/firebreak', text)).toMatchObject({ kind: 'request', request });
});

test.each([
  ['canary promot checkout', '/firebreak canary promote checkout'],
  ['canary abort', '/firebreak canary abort SERVICE'],
])('/firebreak %s is answered with a valid command: %s', (text, nearest) => {
  expect(parseCommand('/firebreak', text)).toMatchObject({ kind: 'usage', nearest });
  expect(parseCommand('/firebreak', nearest.slice('/firebreak '.length)).kind).toBe('request');
});
