import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SloDayTable } from '../../stores/slo-days.ts';
import { SloStatusTable } from '../../stores/slo-statuses.ts';
import { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import { SloId } from '../../../../schemas/slo/slo.ts';
import { timestamp, type Timestamp } from '../../../../schemas/time/time.ts';
import { status } from '../../../freeze/test/freezes-support.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';

let stores: TableStores;
let statuses: SloStatusTable;
let days: SloDayTable;

beforeAll(async () => {
  stores = await openTable();
  statuses = new SloStatusTable(stores.table);
  days = new SloDayTable(stores.table);
});
afterAll(() => stores.close());

const serviceEnvironment = (service: string) => ({
  service: ServiceName.parse(service),
  environment: EnvironmentName.parse('production'),
});

describe('the result of the last evaluation', () => {
  test('is stored by service and environment, unchanged, until the next one', async () => {
    const found = [status('a', 'checkout'), status('b', 'checkout', { state: 'no_data' })];
    await statuses.put(serviceEnvironment('checkout'), found);
    await statuses.put(serviceEnvironment('cart'), [status('c', 'cart')]);
    expect(await statuses.of(serviceEnvironment('checkout'))).toEqual(found);
    expect(await statuses.get(SloId.parse('b'))).toEqual(found[1]);
    expect((await statuses.all()).map(({ id }) => id).toSorted()).toEqual(['a', 'b', 'c']);
    await statuses.put(serviceEnvironment('checkout'), [status('b', 'checkout')]);
    expect(await statuses.get(SloId.parse('a'))).toBeUndefined();
    await statuses.put(serviceEnvironment('checkout'), []);
    await statuses.put(serviceEnvironment('checkout'), []);
    expect(await statuses.of(serviceEnvironment('checkout'))).toEqual([]);
    expect((await statuses.all()).map(({ id }) => id)).toEqual(['c']);
  });

  test('has a time that never goes back', async () => {
    expect(await statuses.evaluatedAt()).toBeNull();
    await statuses.setEvaluatedAt('2026-11-20T12:01:00.000Z' as Timestamp);
    await statuses.setEvaluatedAt('2026-11-20T12:00:00.000Z' as Timestamp);
    expect(await statuses.evaluatedAt()).toBe('2026-11-20T12:01:00.000Z');
  });
});

describe('the days of an objective', () => {
  const dayOf = (n: number): string => timestamp(Date.UTC(2026, 9, 1 + n)).slice(0, 10);

  /** A difference of bytes would fill screens. */
  const inText = (all: Map<string, Uint8Array>) =>
    [...all].map(([day, bytes]) => `${day} ${Buffer.from(bytes).toString('base64').slice(0, 40)} ${bytes.length}`);

  test('are stored unchanged, and found by a range of days', async () => {
    const id = SloId.parse('availability');
    const month = new Map(Array.from({ length: 40 }, (_, n) => [dayOf(n), new Uint8Array(randomBytes(288 * 16))]));
    await Promise.all([...month].map(([day, bytes]) => days.save(id, day, bytes)));
    await days.save(SloId.parse('latency'), dayOf(5), new Uint8Array([1]));
    expect(inText(await days.load(id, dayOf(0), dayOf(99)))).toEqual(inText(month));
    const some = await days.load(id, dayOf(5), dayOf(7));
    expect(inText(some)).toEqual(inText(month).slice(5, 8));
    await days.save(id, dayOf(5), new Uint8Array([1, 2]));
    expect((await days.load(id, dayOf(5), dayOf(5))).get(dayOf(5))).toEqual(new Uint8Array([1, 2]));
    expect(await days.load(SloId.parse('unknown'), dayOf(0), dayOf(99))).toEqual(new Map());
  });

  test('are limited in size', async () => {
    const large = new Uint8Array(randomBytes(400_000));
    await expect(days.save(SloId.parse('a'), dayOf(0), large)).rejects.toThrow(/2026-10-01 of objective a has/);
    await days.save(SloId.parse('a'), dayOf(0), new Uint8Array(400_000)); // random bytes cannot be compressed
    expect((await days.load(SloId.parse('a'), dayOf(0), dayOf(0))).get(dayOf(0))).toHaveLength(400_000);
  });
});
