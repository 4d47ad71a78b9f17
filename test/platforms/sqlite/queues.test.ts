import { expect, test, vi } from 'vitest';
import type { Message } from '../../../platforms/queues.ts';
import { Database } from '../../../platforms/sqlite/database.ts';
import { type ConsumptionOptions } from '../../../platforms/sqlite/consumption.ts';
import { SqliteQueues } from '../../../platforms/sqlite/queues.ts';
import { SimulatedClock, until } from '../../support/clock.ts';
import { MAX_DELIVERIES, queuesConformance, queuesSearch, TEST_QUEUES } from '../queues-conformance.ts';
import { openFile, openForThread, openInMemory } from './queues-on.ts';

const RETRY_MS = 30_000;

queuesSearch({ name: 'SQLite in memory', open: openInMemory, runs: 60, gaps: [] });

queuesConformance({
  name: 'SQLite in a file, consumed by another thread',
  open: openForThread,
  retryMs: RETRY_MS,
  runs: 6,
  gaps: [],
});

queuesConformance({ name: 'SQLite in a file', open: openFile, retryMs: RETRY_MS, runs: 3, gaps: [] });

const OPTIONS = { batchSize: 1, concurrency: 1, maxDeliveries: MAX_DELIVERIES, timeoutMs: 20_000 };

/** Queues with one message. `refuse`: a transaction that the file does not accept. */
async function withOne(refuse?: string) {
  const database = Database.inMemory();
  const clock = new SimulatedClock();
  const errors: string[] = [];
  const refused = new Set([refuse]);
  const write: Database['write'] = async (name, args) => {
    if (refused.delete(name)) throw new Error(`${name} is refused`);
    return database.write(name, args);
  };
  const start = () =>
    new SqliteQueues(
      { sql: database.sql, write },
      { queues: TEST_QUEUES, clock, onError: (error, queue) => errors.push(`${queue}: ${String(error)}`) },
    );
  const queues = start();
  await queues.send('plain', [{ body: 'one' }]);
  return { clock, database, errors, queues, start };
}

/** Consumes `plain`. `answers`: those of the consumer, in order; then it succeeds. */
function consume(queues: SqliteQueues, answers: (() => ReturnType<ConsumptionOptions['consumer']>)[] = []) {
  const delivered: (Pick<Message, 'deliveries'> & { remainingMs: number })[] = [];
  const { stop } = queues.consume('plain', {
    ...OPTIONS,
    consumer: async ({ messages, remainingMs }) => {
      delivered.push(...messages.map(({ deliveries }) => ({ deliveries, remainingMs: remainingMs() })));
      return (await answers.shift()?.()) ?? [];
    },
  });
  return { delivered, stop };
}

const never = () => new Promise<never>(() => undefined);
const failFor = (afterSeconds: number) => async () => [{ id: '1', afterSeconds }];

test('a batch without an answer fails at its timeout, and makes room for another one', async () => {
  const { clock, errors, queues } = await withOne();
  const { delivered } = consume(queues, [never]);
  await until(() => delivered.length === 1);
  await queues.send('plain', [{ body: 'two' }]);
  clock.advance(OPTIONS.timeoutMs - 1);
  expect(delivered).toHaveLength(1);
  clock.advance(1);
  await until(() => delivered.length === 2);
  expect(errors).toEqual(['plain: Error: the consumer did not answer within 20000 ms']);
  await until(async () => (await queues.counts('plain')).inFlight === 1);
  clock.advance(RETRY_MS);
  await until(() => delivered.length === 3);
  expect(delivered).toEqual([1, 1, 2].map((deliveries) => ({ deliveries, remainingMs: OPTIONS.timeoutMs })));
});

test('a stop waits for what is being processed, and starts nothing else', async () => {
  const { clock, queues } = await withOne();
  await queues.send('plain', [{ body: 'two' }, { body: 'three', delaySeconds: 1 }]);
  const { promise, resolve } = Promise.withResolvers<[]>();
  const { delivered, stop } = consume(queues, [() => promise]);
  await until(() => delivered.length === 1);
  let isStopped = false;
  const stopped = stop().then(() => (isStopped = true));
  clock.advance(1000);
  await queues.send('plain', [{ body: 'four' }]);
  expect(isStopped).toBe(false);
  resolve([]);
  await stopped;
  expect(await queues.counts('plain')).toEqual({ visible: 3, inFlight: 0, delayed: 0, dead: 0, oldestSeconds: 1 });
  expect(delivered).toHaveLength(1);
  const again = consume(queues);
  await until(() => again.delivered.length === 3);
});

test('a restart does not shorten the delay of a failed message, and one without a delay does not depend on the clock', async () => {
  const { clock, queues, start } = await withOne();
  const first = consume(queues, [failFor(60)]);
  await until(async () => first.delivered.length === 1 && (await queues.counts('plain')).visible === 0);
  await first.stop();
  await queues.send('plain', [{ body: 'two' }]);
  clock.advance(-3000);
  const { delivered } = consume(start());
  await until(() => delivered.length === 1);
  expect(delivered.map(({ deliveries }) => deliveries)).toEqual([1]);
  clock.advance(62_999);
  expect(delivered).toHaveLength(1);
  clock.advance(1);
  await until(() => delivered.length === 2);
  expect(delivered.map(({ deliveries }) => deliveries)).toEqual([1, 2]);
});

test('a message is delivered though its delivery cannot be counted', async () => {
  const { errors, queues } = await withOne('queues.count');
  const { delivered } = consume(queues);
  await until(async () => (await queues.counts('plain')).inFlight === 0);
  expect(delivered).toHaveLength(1);
  expect(errors).toEqual(['plain: Error: queues.count is refused']);
});

test('a message is delivered again whose result cannot be stored', async () => {
  const { clock, errors, queues } = await withOne('queues.settle');
  const { delivered } = consume(queues);
  await until(() => errors.length === 1);
  clock.advance(RETRY_MS - 1);
  await until(async () => (await queues.counts('plain')).inFlight === 1);
  clock.advance(1);
  await until(() => delivered.length === 2);
  expect(errors).toEqual(['plain: Error: queues.settle is refused']);
});

test('messages are delivered later if the file cannot be read for a while', async () => {
  const database = Database.inMemory();
  const clock = new SimulatedClock();
  const errors: string[] = [];
  let unreadable = '';
  const all = database.sql.all.bind(database.sql);
  vi.spyOn(database.sql, 'all').mockImplementation((query, ...values) => {
    if (unreadable !== '' && query.includes(unreadable)) throw new Error('unreadable');
    return all(query, ...values);
  });
  const queues = new SqliteQueues(database, {
    queues: TEST_QUEUES,
    clock,
    onError: (error) => errors.push(String(error)),
  });
  const { delivered } = consume(queues);
  unreadable = 'body'; // when it is read to be delivered
  await queues.send('plain', [{ body: 'one' }]);
  await until(() => errors.length === 1);
  unreadable = 'number >'; // when new ones are read
  await queues.send('plain', [{ body: 'two' }]);
  expect(delivered).toHaveLength(0);
  unreadable = '';
  clock.advance(1000);
  await until(() => delivered.length === 1);
  clock.advance(RETRY_MS);
  await until(() => delivered.length === 2);
  expect(new Set(errors)).toEqual(new Set(['Error: unreadable']));
});

test('a stop does not wait long for a batch, which is delivered again', async () => {
  const { clock, queues, start } = await withOne();
  const { delivered, stop } = consume(queues, [never]);
  await until(() => delivered.length === 1);
  const stopped = stop();
  clock.advance(5000);
  await stopped;
  const next = consume(start());
  await until(() => next.delivered.length === 1);
});

test('a dead message is reported, and deleted after a time', async () => {
  const { clock, errors, queues } = await withOne();
  consume(
    queues,
    Array.from({ length: MAX_DELIVERIES }, () => failFor(0)),
  );
  await until(async () => (await queues.counts('plain')).dead === 1);
  expect(errors).toEqual([
    `plain: Error: message 1 failed ${MAX_DELIVERIES} times; it is kept, and no longer delivered`,
  ]);
  expect(await queues.deleteDead(clock.now())).toBe(0);
  expect(await queues.deleteDead(clock.now() + 1)).toBe(1);
  expect(await queues.counts('plain')).toEqual({ visible: 0, inFlight: 0, delayed: 0, dead: 0, oldestSeconds: 0 });
});

test('messages of a queue that no longer exists disturb nobody', async () => {
  const database = Database.inMemory();
  const options = { clock: new SimulatedClock(), onError: () => undefined };
  const before = new SqliteQueues(database, { ...options, queues: { gone: { ordered: false } } });
  await before.send('gone', [{ body: 'gone' }]);
  const queues = new SqliteQueues(database, { ...options, queues: TEST_QUEUES });
  await queues.send('plain', [{ body: 'one' }]);
  const { delivered } = consume(queues);
  await until(() => delivered.length === 1);
});

test('after a restart with the clock set back, a message that failed is delivered after its own pause', async () => {
  const { clock, database, queues, start } = await withOne();
  const first = consume(queues, [failFor(60)]);
  await until(async () => first.delivered.length === 1 && (await queues.counts('plain')).visible === 0);
  await first.stop();
  clock.advance(-7_200_000);
  await database.write('executions.recover', { now: clock.now() });
  const { delivered } = consume(start());
  clock.advance(59_999);
  expect(delivered).toHaveLength(0);
  clock.advance(1001);
  await until(() => delivered.length === 1);
});
