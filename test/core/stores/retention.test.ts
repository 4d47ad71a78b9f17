import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alertKeyOf } from '../../../core/domain/alerts/admission.ts';
import { RETENTION_DAYS } from '../../../core/stores/retention.ts';
import { sha256 } from '../../../core/stores/hash.ts';
import { keys } from '../../../core/stores/keys.ts';
import { PagingFile } from '../../../schemas/config/config.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { arrivals, signal } from '../../support/signals.ts';
import { openTable, type TableStores } from './stores.ts';

const DAY = 24 * 3600;

let stores: TableStores;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(async () => {
  await stores.close();
});

const hear = (...signals: Signal[]) =>
  stores.incidents.admit(arrivals(signals), { at: stores.clock.now(), trace: 'trace' });

/** Lets days pass, and deletes expired items. */
async function pass(days: number): Promise<void> {
  stores.clock.set(stores.clock.millis + days * DAY * 1000);
  stores.deleteExpired();
}

async function rowsOf(id: IncidentId, prefix: string): Promise<Record<string, unknown>[]> {
  const rows = [];
  for await (const row of stores.table.each(keys.incident(id).pk, { prefix })) rows.push(row);
  return rows;
}

const firing = (service: string): Signal => signal({ service: service as ServiceName, fingerprint: service });
const ended = (one: Signal): Signal => ({ ...one, status: 'resolved', endsAt: stores.clock.now() });

const episodes = (one: Signal) => stores.table.get(keys.alert(sha256(alertKeyOf(one))));

const open = async (one: Signal): Promise<IncidentId> => {
  const [id] = (await hear(one)).opened;
  if (id === undefined) throw new Error('it opened no incident');
  return id;
};

describe('an alert', () => {
  test('that fires is known while notifications arrive, and its end counts', async () => {
    const one = firing('noisy');
    const id = await open(one);
    for (let days = 0; days < 2 * RETENTION_DAYS.episode; days += 30) {
      await pass(30);
      expect(await hear(one)).toMatchObject({ wake: [id], opened: [], counts: { known: 1 } });
    }
    expect(await stores.incidents.read(id)).toMatchObject({ firing: 1, signal_count: 1 });
    await hear(ended(one));
    expect(await stores.incidents.read(id)).toMatchObject({ firing: 0, status: 'open' });
  });

  test('is renewed at most once an hour, because notifications are frequent', async () => {
    const one = firing('often');
    await open(one);
    const expires = async () => (await episodes(one))?.['expires_at'];
    const first = await expires();
    expect(first).toBe(Math.ceil(stores.clock.millis / 1000) + RETENTION_DAYS.episode * DAY);
    stores.clock.set(stores.clock.millis + 1800 * 1000);
    await hear(one);
    expect(await expires()).toBe(first);
    stores.clock.set(stores.clock.millis + 1900 * 1000);
    await hear(one);
    expect(await expires()).toBe(Math.ceil(stores.clock.millis / 1000) + RETENTION_DAYS.episode * DAY);
  });

  test('stored by an older version without a time to live gets one at the next notification', async () => {
    const one = firing('older');
    await open(one);
    const row = await episodes(one);
    await stores.table.update({ pk: String(row?.['pk']), sk: 'EP' }, { remove: ['expires_at', 'notified_at'] });
    await hear(one);
    expect(await episodes(one)).toMatchObject({ ...row, expires_at: expect.any(Number) });
  });

  test('that has ended is known for three months, and begins anew after it was deleted', async () => {
    const one = firing('once');
    const id = await open(one);
    await hear(ended(one));
    await stores.incidents.resolve(id, (await stores.incidents.read(id))?.seq ?? 0, 'person:ada', 'over');
    await pass(RETENTION_DAYS.episode - 1);
    expect(await hear(ended(one))).toMatchObject({ opened: [], counts: { known: 1 } });
    await pass(2);
    expect(await episodes(one)).toBeUndefined();
    expect((await hear({ ...one, startsAt: stores.clock.now(), episode: 'another' })).opened).toHaveLength(1);
  });

  test('is known for longer than a quiet incident stays open', () => {
    const weeks = PagingFile.safeParse({ autoResolveHours: 24 * RETENTION_DAYS.episode });
    expect(weeks.success).toBe(false);
    expect(PagingFile.parse({ autoResolveHours: 24 * 14 }).autoResolveHours).toBeLessThan(24 * RETENTION_DAYS.episode);
  });
});

test('the inbox of a long incident loses only messages that were read', async () => {
  const id = await open(firing('long'));
  await stores.incidents.post(id, { kind: 'page', by: 'ada', note: '' }, {}, 'once');
  const { messages: mail } = await stores.incidents.readInbox(id, 0, 'bell');
  expect(mail).toHaveLength(1);
  expect((await rowsOf(id, 'IN')).map(({ expires_at }) => expires_at)).toEqual(
    [1, 2].map(() => Math.ceil(stores.clock.millis / 1000) + RETENTION_DAYS.inbox * DAY),
  );
  await pass(RETENTION_DAYS.inbox + 1);
  await stores.incidents.post(id, { kind: 'resolve', by: 'ada', note: '' });
  expect(await rowsOf(id, 'IN#')).toHaveLength(1);
  expect(await stores.incidents.read(id)).toMatchObject({ seq: 2, consumed_seq: 1, status: 'open' });
  const begun = await stores.incidents.begin(id);
  const later = await stores.incidents.readInbox(id, begun?.incident.consumed_seq ?? 0, null);
  expect(later.messages.map(({ message }) => message.kind)).toEqual(['resolve']);
});

test('a rollback is counted for an hour, and deleted after a week', async () => {
  const id = await open(firing('acts'));
  const serviceEnvironment = { service: 'acts' as ServiceName, environment: signal().environment };
  const intent = { key: `${id}.roll-back.1`, kind: 'roll-back', target: 'cd', class: 'keyed', detail: '' } as const;
  const act = { serviceEnvironment: serviceEnvironment, resource: 'acts', isProposed: true, automatic: true };
  expect(await stores.effects.intendAction(id, intent, act)).toMatchObject({ ok: true });
  const since = stores.clock.now();
  expect(await stores.effects.rollbacksSince(serviceEnvironment, since)).toBe(1);
  await pass(RETENTION_DAYS.act + 1);
  expect(await stores.effects.rollbacksSince(serviceEnvironment, since)).toBe(0);
});
