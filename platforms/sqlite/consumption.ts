import { withLaterOnes } from '../messages.ts';
import type { Batch, Consumer, FailedMessage, Message } from '../queues.ts';
import type { Backlog, Taken } from './backlog.ts';
import type { Clock } from './clock.ts';
import type { Database } from './database.ts';

export type ConsumptionOptions = {
  consumer: Consumer;
  /** Messages in a batch. */
  batchSize: number;
  /** Batches at the same time. */
  concurrency: number;
  /** Deliveries of a message that fails each time. */
  maxDeliveries: number;
  /** Milliseconds for a batch. Then it has failed, even if the consumer continues. */
  timeoutMs: number;
};

export type Consumption = {
  /** Delivers what was sent. */
  wake(): void;
  /** Starts no other batch, and waits for those that are being processed; those that take too long are delivered again. */
  stop(): Promise<void>;
};

type Source = {
  database: Pick<Database, 'sql' | 'write'>;
  clock: Clock;
  backlog: Backlog;
  /** Reads new messages into the backlog. */
  readNew: () => void;
  lastBefore: number;
  onError: (error: unknown) => void;
};

/** Seconds until a batch is delivered again whose consumer threw or did not answer. */
const RETRY_SECONDS = 30;

/** Milliseconds until new messages are read again after the file could not be read. */
const READ_AGAIN_MS = 1000;

/** Milliseconds for batches at a stop. Supervisors kill a process that takes long, with everything else that it does. */
const STOP_MS = 5000;

type Delivery = { number: number; message: Message };

/** Delivers the messages of a queue to a consumer: at once, or when they are due. */
export function startConsumption(source: Source, options: ConsumptionOptions): Consumption {
  const { clock, backlog, readNew, onError } = source;
  const batches = new Set<Promise<void>>();
  let processing = 0;
  let isStopped = false;
  let cancelTimer = (): void => undefined;

  function wake(): void {
    if (isStopped) return;
    cancelTimer();
    try {
      deliverDue();
    } catch (error) {
      onError(error);
      cancelTimer = clock.after(READ_AGAIN_MS, wake);
    }
  }

  function deliverDue(): void {
    readNew();
    const now = clock.now();
    while (processing < options.concurrency) {
      const taken = backlog.take(options.batchSize, now);
      if (taken.length === 0) break;
      const batch = deliver(taken);
      batches.add(batch);
      void batch.finally(() => batches.delete(batch));
    }
    // If all are busy, the next one that ends wakes.
    if (processing < options.concurrency && backlog.nextDue < Infinity)
      cancelTimer = clock.after(backlog.nextDue - now, wake);
  }

  async function deliver(taken: readonly Taken[]): Promise<void> {
    processing += 1;
    const results = await processBatch(source, options, taken);
    processing -= 1;
    wake();
    // Others of these groups wait for the commit: after a crash, no earlier message comes after a later one.
    const failed = await settle(source, results);
    for (const one of taken) backlog.release(one, failed, clock.now());
    wake();
  }

  wake();
  return {
    wake,
    stop: async () => {
      isStopped = true;
      cancelTimer();
      const late = Promise.withResolvers<void>();
      const cancel = clock.after(STOP_MS, late.resolve);
      await Promise.race([Promise.all(batches), late.promise]);
      cancel();
    },
  };
}

type Results = { delivered: Delivery[]; dead: number[]; failed: readonly FailedMessage[] };

/** Gives messages to the consumer, except those that failed too often. */
async function processBatch(source: Source, options: ConsumptionOptions, taken: readonly Taken[]): Promise<Results> {
  const { database, lastBefore, onError } = source;
  const numbers = taken.flatMap((one) => one.numbers);
  let all: Delivery[];
  try {
    all = readMessages(database, numbers);
  } catch (error) {
    onError(error);
    return {
      delivered: [],
      dead: [],
      failed: numbers.map((number) => ({ id: String(number), afterSeconds: RETRY_SECONDS })),
    };
  }
  const delivered = all.filter(({ message }) => message.deliveries <= options.maxDeliveries);
  const dead = all.filter((one) => !delivered.includes(one)).map(({ number }) => number);
  for (const number of dead)
    onError(new Error(`message ${number} failed ${options.maxDeliveries} times; it is kept, and no longer delivered`));
  if (delivered.length === 0) return { delivered, dead, failed: [] };
  const messages = delivered.map(({ message }) => message);
  try {
    const counted = database.write('queues.count', { numbers: delivered.map(({ number }) => number) });
    // A message that may have ended the process before must be counted before it can do that again.
    if (delivered.some(({ number, message }) => message.deliveries > 1 || number <= lastBefore)) await counted;
    else counted.catch(onError);
    const failed = await answerOf(options, messages, source.clock);
    return { delivered, dead, failed: withLaterOnes(messages, failed) };
  } catch (error) {
    onError(error);
    return { delivered, dead, failed: messages.map(({ id }) => ({ id, afterSeconds: RETRY_SECONDS })) };
  }
}

function readMessages({ sql }: Source['database'], numbers: readonly number[]): Delivery[] {
  const rows = sql.all(
    `SELECT number, message_group, deliveries, body FROM messages
     WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number`,
    JSON.stringify(numbers),
  );
  return rows.map((row) => ({
    number: Number(row['number']),
    message: {
      id: String(row['number']),
      body: String(row['body']),
      group: row['message_group'] === null ? undefined : String(row['message_group']),
      deliveries: Number(row['deliveries']) + 1,
    },
  }));
}

async function answerOf(
  { consumer, timeoutMs }: ConsumptionOptions,
  messages: readonly Message[],
  clock: Clock,
): ReturnType<Consumer> {
  const deadline = clock.now() + timeoutMs;
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(timeoutMs, () => reject(new Error(`the consumer did not answer within ${timeoutMs} ms`)));
  const batch: Batch = { messages, remainingMs: () => deadline - clock.now() };
  try {
    return await Promise.race([consumer(batch), timeout]);
  } finally {
    cancel();
  }
}

/** Stores the results. Returns when the messages that failed are due; all of them, if the results cannot be stored. */
async function settle(
  { database, clock, onError }: Source,
  { delivered, dead, failed }: Results,
): Promise<ReadonlyMap<number, { dueAt: number }>> {
  const now = clock.now();
  const again = failed.map(({ id, afterSeconds }) => ({ number: Number(id), dueAt: now + afterSeconds * 1000 }));
  const numbers = new Set([...delivered, ...again].map(({ number }) => number));
  const later = new Set(again.map(({ number }) => number));
  const processed = [...numbers.difference(later)];
  try {
    await database.write('queues.settle', { processed, failed: again, dead, now });
    return new Map(again.map((one) => [one.number, one]));
  } catch (error) {
    onError(error);
    const all = [...dead, ...numbers];
    return new Map(all.map((number) => [number, { dueAt: now + RETRY_SECONDS * 1000 }]));
  }
}
