import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CanaryTable } from '../../../aws/table/canary/canaries.ts';
import type { CanaryRecord } from '../../../schemas/canary/canary.ts';
import { type EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { openTable, type TableStores } from '../../aws/table/stores.ts';
import { canaryRecord } from '../../support/canary-record.ts';
import { ADA, BOB, ChatWorld, typed } from './chat-world.ts';

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
    canaries: Object.assign(Object.create(canaries) as CanaryTable, {
      ...bound(),
      running: own,
    }),
  });
  chat.configure(
    {
      people: { ada: { slack: ADA }, bob: { slack: BOB, roles: ['reader'] } },
      roles: { reader: { actions: ['canaries:read'] } },
    },
    { services: { [service]: { environments: { production: {}, staging: {} } } } },
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
    expect(await says(`canary hold ${service} env=prod`)).toBe(
      `${service} has no environment "prod"; it has production, staging. Did you mean "production"? Nothing was done.`,
    );
  });

  test('that have ended or were found worse are refused', async () => {
    expect(await says(`canary abort ${service}`)).toBe(`No canary of ${service} is in progress. Nothing was done.`);
    await begin('production', { degraded: true, status: 'held' });
    expect(await says(`canary promote ${service}`)).toContain('The version v2 was found worse than v1');
  });

  test('are promoted once by a command that is delivered twice', async () => {
    const canary = await begin();
    let lost = true;
    const request = chat.deps.canaries.request;
    chat.deps.canaries.request = async (...args) => {
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
