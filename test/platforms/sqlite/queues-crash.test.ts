import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Consumer } from '../../../platforms/queues.ts';
import type { Clock } from '../../../platforms/sqlite/clock.ts';
import { Database } from '../../../platforms/sqlite/database.ts';
import { SqliteQueues } from '../../../platforms/sqlite/queues.ts';
import { SimulatedClock } from '../../support/clock.ts';

type Writes = Pick<Database, 'sql' | 'write'>;

const MAX_DELIVERIES = 3;
const QUEUES = { ordered: { ordered: true } };
const NEVER = new Promise<never>(() => undefined);

/** A process that ends at one of its writes. `before`: it is not committed; `after`: it is, and nobody is told. */
function dyingAt(database: Database, at: number, when: 'before' | 'after'): Writes & { isDead(): boolean } {
  let writes = 0;
  let isDead = false;
  const write: Database['write'] = async (name, args) => {
    const isLast = writes === at;
    writes += 1;
    if (isLast && when === 'before') isDead = true;
    if (isDead) return NEVER;
    const result = database.write(name, args);
    if (isLast) isDead = true;
    await result;
    return isDead ? NEVER : result;
  };
  return { sql: database.sql, write, isDead: () => isDead };
}

/** What a sender repeats until it is accepted. */
const SENDS = [['a1', 'a2', 'b1'], ['a3'], ['b2', 'c1', 'a4']].map((bodies) =>
  bodies.map((body) => ({ body, id: body, group: body.slice(0, 1) })),
);

/** `a2` fails once, and `b1` each time. */
const fails = (body: string, handled: readonly string[]): boolean =>
  body === 'b1' || (body === 'a2' && !handled.includes('a2'));

class Story {
  readonly clock = new SimulatedClock();
  /** What was handled, by process. */
  readonly lives: string[][] = [];
  #accepted = 0;

  /** Runs until all is done, or the process is dead and nothing moves anymore. */
  async run(database: Writes & { isDead(): boolean }, batchSize: number): Promise<void> {
    const life: string[] = [];
    this.lives.push(life);
    const clock: Clock = {
      now: this.clock.now,
      after: (milliseconds, run) => this.clock.after(milliseconds, () => this.lives.at(-1) === life && run()),
    };
    const queues = new SqliteQueues(database, { queues: QUEUES, clock, onError: () => undefined });
    const consumer: Consumer = async ({ messages }) => {
      const failed = new Map<string | undefined, string>();
      for (const { body, group, id } of messages) {
        if (failed.has(group)) continue;
        if (fails(body, this.lives.flat())) failed.set(group, id);
        life.push(body);
      }
      return [...failed.values()].map((id) => ({ id, afterSeconds: 1 }));
    };
    const { stop } = queues.consume('ordered', {
      consumer,
      batchSize,
      concurrency: 2,
      maxDeliveries: MAX_DELIVERIES,
      timeoutMs: 3_600_000,
    });
    const sending = this.#send(queues);
    for (let isIdle = false; !isIdle && !database.isDead();) {
      await turns();
      this.clock.advance(200);
      const { visible, inFlight } = await queues.counts('ordered');
      isIdle = this.#accepted === SENDS.length && visible + inFlight === 0;
    }
    await turns(); // those that do not know yet that they are dead
    if (!database.isDead()) await Promise.all([sending, stop()]);
  }

  async #send(queues: SqliteQueues): Promise<void> {
    while (this.#accepted < SENDS.length) {
      await queues.send('ordered', SENDS[this.#accepted] ?? []);
      this.#accepted += 1;
    }
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
}

const ofGroup = (bodies: readonly string[], group: string) => bodies.filter((body) => body.startsWith(group));

test.each([
  { place: 'memory', batchSize: 1 },
  { place: 'memory', batchSize: 3 },
  { place: 'a file', batchSize: 3 },
])(
  'a crash at any commit loses nothing and keeps the order: in $place, with batches of $batchSize',
  async ({ place, batchSize }) => {
    let crashes = 0;
    for (const when of ['before', 'after'] as const) {
      // In a file, what is committed together depends on the disk, and so does the number of writes.
      for (let at = 0, isOver = false; !isOver; at += place === 'memory' ? 1 : 5) {
        const folder = await mkdtemp(join(tmpdir(), 'firebreak-crash-'));
        const file = join(folder, 'firebreak.sqlite');
        const first = place === 'memory' ? Database.inMemory() : await Database.open(file);
        const story = new Story();
        const dying = dyingAt(first, at, when);
        await story.run(dying, batchSize);
        isOver = !dying.isDead();
        let second = first;
        if (!isOver) {
          crashes += 1;
          if (place === 'a file') {
            await first.close();
            second = await Database.open(file);
          }
          await story.run({ sql: second.sql, write: second.write.bind(second), isDead: () => false }, batchSize);
        }
        const { lives } = story;
        const handled = lives.flat();
        const ofGroups = ['a', 'b', 'c'].flatMap((group) =>
          (batchSize === 1 ? [handled] : lives).map((bodies) => ofGroup(bodies, group)),
        );
        expect({
          crash: { when, at, lives },
          handled: new Set(handled),
          ofGroups,
          // A crash repeats the batches that were being processed, and a count that was lost is made up for.
          isTooOften: handled.length > 7 + MAX_DELIVERIES + 2 * batchSize,
          left: second.sql.all('SELECT body, deliveries FROM messages'),
        }).toEqual({
          crash: { when, at, lives },
          handled: new Set(SENDS.flat().map(({ body }) => body)),
          ofGroups: ofGroups.map((bodies) => bodies.toSorted()),
          isTooOften: false,
          left: [{ body: 'b1', deliveries: MAX_DELIVERIES }],
        });
        await second.close();
        await rm(folder, { recursive: true });
      }
    }
    expect(crashes).toBeGreaterThan(place === 'memory' ? 20 : 1);
  },
);

test('a message that ends the process at once is dead after its last delivery, and the next one is delivered', async () => {
  const database = Database.inMemory();
  const clock = new SimulatedClock();
  const handled: string[] = [];
  for (let life = 0; life < 3 * MAX_DELIVERIES && !handled.includes('next'); life += 1) {
    let isDead = false;
    // What was sent to the thread that writes, and not awaited, is lost.
    const write: Database['write'] = async (name, args) => {
      await setImmediate();
      return isDead ? NEVER : database.write(name, args);
    };
    const options = { queues: QUEUES, clock, onError: () => undefined };
    const queues = new SqliteQueues({ sql: database.sql, write }, options);
    const consumer: Consumer = async ({ messages }) => {
      handled.push(...messages.map(({ body }) => body));
      isDead = handled.at(-1) === 'poison';
      return isDead ? NEVER : [];
    };
    if (life === 0)
      await queues.send('ordered', [
        { body: 'poison', group: 'a', id: '1' },
        { body: 'next', group: 'a', id: '2' },
      ]);
    queues.consume('ordered', {
      consumer,
      batchSize: 1,
      concurrency: 1,
      maxDeliveries: MAX_DELIVERIES,
      timeoutMs: 3_600_000,
    });
    await turns();
  }
  // One more than counted: the first count was lost.
  expect(handled).toEqual([...Array.from({ length: MAX_DELIVERIES + 1 }, () => 'poison'), 'next']);
  expect(database.sql.all('SELECT body FROM messages')).toEqual([{ body: 'poison' }]);
});
