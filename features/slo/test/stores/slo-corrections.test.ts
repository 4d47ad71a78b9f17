import { afterAll, beforeAll, expect, test } from 'vitest';
import { logWaitingShards } from '../../../../core/stores/keys.ts';
import { SloCorrectionTable } from '../../stores/slo-corrections.ts';
import type { SloId } from '../../../../schemas/slo/slo.ts';
import { SloCorrection } from '../../schemas/slo-correction.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';

let stores: TableStores;
let corrections: SloCorrectionTable;

beforeAll(async () => {
  stores = await openTable();
  corrections = new SloCorrectionTable(stores.table, stores.clock);
});
afterAll(() => stores.close());

const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);

const correction = (slo: string, id: string, more: object = {}): SloCorrection =>
  SloCorrection.parse({
    id,
    slo,
    service: 'checkout',
    environment: 'production',
    category: 'load_test',
    reason: 'Rehearsal',
    starts_at: '2026-11-20T10:00:00.000Z',
    ends_at: '2026-11-20T11:00:00.000Z',
    rrule: null,
    time_zone: null,
    created_at: stores.clock.now(),
    created_by: 'ada',
    withdrawn_at: null,
    withdrawn_by: null,
    ...more,
  });

/** Returns the entries that wait for the audit log. */
async function entries(): Promise<Record<'kind' | 'actor' | 'subject' | 'text', string>[]> {
  const found = [];
  for (const pk of logWaitingShards)
    for await (const item of stores.table.each(pk)) found.push(JSON.parse(String(item['entry'])));
  return found;
}

test('corrections are in effect until they are withdrawn, and stay on record', async () => {
  const [checkout, more] = ['checkout', 'checkout#1'] as [SloId, SloId];
  const first = correction(checkout, 'cor_1');
  const other = correction(more, 'cor_9', { rrule: 'FREQ=DAILY', time_zone: 'UTC' });
  await corrections.record(first);
  await corrections.record(other);
  later(60);
  const second = correction(checkout, 'cor_0', { reason: 'New disks' });
  await corrections.record(second);
  expect(await corrections.record({ ...first, reason: 'Other' })).toEqual(first);

  expect(await corrections.activeOf(checkout)).toEqual([second, first]);
  expect(await corrections.activeOf(more)).toEqual([other]);
  expect(await corrections.active()).toEqual(
    new Map([
      [checkout, [second, first]],
      [more, [other]],
    ]),
  );

  later(60);
  const at = stores.clock.now();
  const withdrawn = { ...first, withdrawn_at: at, withdrawn_by: 'olaf', withdraw_reason: 'Wrong day' };
  expect(await corrections.withdraw(checkout, 'cor_1', { by: 'olaf', reason: 'Wrong day' })).toEqual(withdrawn);
  later(60);
  expect(await corrections.withdraw(checkout, 'cor_1', { by: 'nora', reason: null })).toEqual(withdrawn);
  expect(await corrections.withdraw(checkout, 'cor_2', { by: 'nora', reason: null })).toBeUndefined();
  expect(await corrections.activeOf(checkout)).toEqual([second]);
  expect(await corrections.activeOf(more)).toEqual([other]);

  const page = await corrections.list(checkout, { limit: 1 });
  expect(page.items).toEqual([second]);
  const rest = await corrections.list(checkout, { limit: 1, cursor: page.next_cursor ?? '' });
  expect(rest).toEqual({ items: [withdrawn], next_cursor: null });

  const log = (await entries()).map(({ kind, actor, subject, text }) => `${kind} by ${actor}, ${subject}: ${text}`);
  const period = 'load_test, 2026-11-20T10:00:00.000Z to 2026-11-20T11:00:00.000Z';
  expect(log.toSorted()).toEqual([
    `slo_correction.recorded by ada, checkout#1: Recorded the correction cor_9 (${period}, FREQ=DAILY): Rehearsal`,
    `slo_correction.recorded by ada, checkout: Recorded the correction cor_0 (${period}): New disks`,
    `slo_correction.recorded by ada, checkout: Recorded the correction cor_1 (${period}): Rehearsal`,
    `slo_correction.withdrawn by olaf, checkout: Withdrew the correction cor_1 (${period}): Rehearsal; reason: Wrong day`,
  ]);
});

test('of several concurrent withdrawals, one counts', async () => {
  const id = 'raced' as SloId;
  await corrections.record(correction(id, 'cor_1'));
  const by = await Promise.all(
    ['a', 'b', 'c'].map((who) => corrections.withdraw(id, 'cor_1', { by: who, reason: null })),
  );
  expect(new Set(by.map((one) => one?.withdrawn_by)).size).toBe(1);
  const log = (await entries()).filter(({ subject, kind }) => subject === id && kind === 'slo_correction.withdrawn');
  expect(log.map(({ actor }) => actor)).toEqual([by[0]?.withdrawn_by]);
});

test('an ended correction keeps its past in effect, ends once, and can still be withdrawn', async () => {
  const id = 'ended' as SloId;
  const nora = { by: 'nora', reason: null };
  await corrections.record(correction(id, 'cor_1', { rrule: 'FREQ=DAILY', time_zone: 'UTC' }));
  const ended = await corrections.end(id, 'cor_1', { by: 'olaf', reason: 'No more rehearsals' });
  expect(ended).toMatchObject({ ended_at: stores.clock.now(), ended_by: 'olaf', end_reason: 'No more rehearsals' });
  later(60);
  expect(await corrections.end(id, 'cor_1', nora)).toEqual(ended);
  expect([await corrections.activeOf(id), (await corrections.list(id, { limit: 5 })).items]).toEqual([
    [ended],
    [ended],
  ]);
  expect(await corrections.withdraw(id, 'cor_1', nora)).toMatchObject({ ended_by: 'olaf', withdrawn_by: 'nora' });
  expect(await corrections.end(id, 'cor_1', nora)).toMatchObject({ ended_by: 'olaf' });
  expect(await corrections.end(id, 'cor_2', nora)).toBeUndefined();
  expect(await corrections.activeOf(id)).toEqual([]);
  const log = (await entries()).filter(({ subject }) => subject === id).map(({ kind, actor }) => `${kind} ${actor}`);
  expect(log.toSorted()).toEqual([
    'slo_correction.ended olaf',
    'slo_correction.recorded ada',
    'slo_correction.withdrawn nora',
  ]);
});

test('corrections that an earlier version stored are read', async () => {
  const { withdraw_reason, ended_at, ended_by, end_reason, ...before } = correction('old', 'cor_1');
  expect(SloCorrection.parse(before)).toEqual({ ...before, withdraw_reason, ended_at, ended_by, end_reason });
  await corrections.record(before as SloCorrection);
  const ended = await corrections.end('old' as SloId, 'cor_1', { by: 'olaf', reason: null });
  expect(ended?.ended_by).toBe('olaf');
});
