import { refuseInvalid } from '../messages.ts';
import type { DeadMessage, MessageCounts, NewMessage, Queues } from '../queues.ts';
import { Backlog } from './backlog.ts';
import type { Clock } from './clock.ts';
import { type Consumption, type ConsumptionOptions, startConsumption } from './consumption.ts';
import type { Database } from './database.ts';
import { DatabaseDamaged } from './errors.ts';

export type SqliteQueuesOptions = {
  /** All queues by name. `ordered`: each message has a group, as on AWS in a FIFO queue; otherwise none has one. */
  queues: Readonly<Record<string, { ordered: boolean }>>;
  clock: Clock;
  /** Called with what a consumer threw, and if a delivery or its result could not be written. */
  onError: (error: unknown, queue: string) => void;
};

type Queue = { ordered: boolean; backlog: Backlog; consumption?: Consumption };

/** A message that was delivered is being processed, or waits for its next delivery. */
const COUNTS = `
  WITH states AS (
    SELECT
      CASE
        WHEN dead_at IS NOT NULL THEN 'dead'
        WHEN deliveries > 0 THEN 'inFlight'
        WHEN due_at <= ? THEN 'visible'
        ELSE 'delayed'
      END AS state,
      sent_at
    FROM messages WHERE queue = ?
  )
  SELECT ${['visible', 'inFlight', 'delayed', 'dead'].map((state) => `count(*) FILTER (WHERE state = '${state}') AS ${state}`).join(', ')},
    min(sent_at) FILTER (WHERE state <> 'dead') AS oldest
  FROM states`;

/** How many dead messages are listed. */
const DEAD_LISTED = 10;

/**
 * Queues in tables of an SQLite file. The thread that consumes them also keeps the order of messages in memory, which is
 * why only one thread may; others may send.
 */
export class SqliteQueues implements Queues {
  readonly #database: Pick<Database, 'sql' | 'write'>;
  readonly #clock: Clock;
  readonly #onError: SqliteQueuesOptions['onError'];
  readonly #queues: ReadonlyMap<string, Queue>;
  /** The last message from before this start: some up to it may have been delivered without being counted. */
  readonly #lastBefore: number;
  /** The last message whose place in the order is known. */
  #lastRead = 0;

  constructor(database: Pick<Database, 'sql' | 'write'>, { queues, clock, onError }: SqliteQueuesOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#onError = onError;
    this.#queues = new Map(
      Object.entries(queues).map(([name, { ordered }]) => [name, { ordered, backlog: new Backlog() }]),
    );
    this.#lastBefore = lastIn(database);
  }

  async send(queue: string, messages: readonly NewMessage[]): Promise<void> {
    const target = this.#queue(queue);
    const { ordered } = target;
    refuseInvalid(messages);
    if (messages.some(({ group }) => (group !== undefined) !== ordered))
      throw new RangeError(`messages of ${queue} have ${ordered ? 'a' : 'no'} group`);
    if (messages.length === 0) return;
    const now = this.#clock.now();
    await this.#database.write('queues.send', {
      queue,
      messages: messages.map(({ body, group, id, delaySeconds }) => ({
        body,
        group,
        id,
        dueAt: delaySeconds === undefined ? 0 : now + delaySeconds * 1000,
      })),
      now,
    });
    target.consumption?.wake();
  }

  async counts(queue: string): Promise<MessageCounts> {
    this.#queue(queue);
    const now = this.#clock.now();
    const row = this.#database.sql.get(COUNTS, now, queue);
    const count = (name: string) => Number(row?.[name]);
    return {
      visible: count('visible'),
      inFlight: count('inFlight'),
      delayed: count('delayed'),
      dead: count('dead'),
      oldestSeconds: Math.max(0, (now - Number(row?.['oldest'] ?? now)) / 1000),
    };
  }

  async dead(queue: string): Promise<DeadMessage[]> {
    this.#queue(queue);
    const rows = this.#database.sql.all(
      'SELECT number, message_group, body FROM messages WHERE queue = ? AND dead_at IS NOT NULL ORDER BY number LIMIT ?',
      queue,
      DEAD_LISTED,
    );
    return rows.map(({ number, message_group: group, body }) => ({
      id: String(number),
      body: String(body),
      group: group === null ? undefined : String(group),
    }));
  }

  async redrive(queue: string): Promise<number> {
    const { consumption } = this.#queue(queue);
    const count = await this.#database.write('queues.redrive', { queue, now: this.#clock.now() });
    consumption?.wake();
    return count;
  }

  /** Delivers what another thread has sent, if this thread consumes the queue. */
  deliver(name: string): void {
    this.#queue(name).consumption?.wake();
  }

  /** Starts to deliver the messages of a queue. A queue has one consumer at a time. */
  consume(name: string, options: ConsumptionOptions): Pick<Consumption, 'stop'> {
    const queue = this.#queue(name);
    queue.consumption = startConsumption(
      {
        database: this.#database,
        clock: this.#clock,
        backlog: queue.backlog,
        readNew: () => this.#read(),
        lastBefore: this.#lastBefore,
        onError: (error) => this.#onError(error, name),
      },
      options,
    );
    return queue.consumption;
  }

  /**
   * Deletes messages that are dead since before a time.
   *
   * @param before milliseconds since the Unix epoch
   * @returns their number
   */
  deleteDead(before: number): Promise<number> {
    return this.#database.write('queues.expire', { before });
  }

  #queue(name: string): Queue {
    const queue = this.#queues.get(name);
    if (queue === undefined) throw new Error(`unknown queue ${name}`);
    return queue;
  }

  /** Puts messages that were sent since the last call in order. */
  #read(): void {
    const now = this.#clock.now();
    const rows = this.#database.sql.all(
      `SELECT number, queue, message_group, due_at, deliveries FROM messages
       WHERE number > ? AND dead_at IS NULL ORDER BY number`,
      this.#lastRead,
    );
    for (const row of rows) {
      const group = row['message_group'];
      const message = {
        number: Number(row['number']),
        group: group === null ? undefined : String(group),
        dueAt: Number(row['due_at']),
        deliveries: Number(row['deliveries']),
      };
      this.#queues.get(String(row['queue']))?.backlog.add(message, now);
      this.#lastRead = message.number;
    }
  }
}

/** Returns the number of the newest message. In a damaged file, each one can be it: what needs the page fails by itself. */
function lastIn({ sql }: Pick<Database, 'sql'>): number {
  try {
    return Number(sql.get('SELECT max(number) AS last FROM messages')?.['last'] ?? 0);
  } catch (error) {
    if (error instanceof DatabaseDamaged) return Infinity;
    throw error;
  }
}
