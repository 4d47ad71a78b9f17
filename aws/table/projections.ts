import { randomUUID } from 'node:crypto';
import type { Clock, Log } from '../../domain/ports.ts';
import { type Due, type Lease, type Projections, targetsOf } from '../../domain/projections.ts';
import { Pace, Sent, Subject, type Target } from '../../schemas/projection.ts';
import { plusSeconds, secondsBetween, Timestamp } from '../../schemas/time.ts';
import { keys } from './keys.ts';
import { absent, type Item, type Table, type Write } from './table.ts';

/** Tells a projector that something is due, at the earliest after so many seconds. */
export type Waker = (target: Target, afterSeconds: number) => Promise<void>;

/** Somebody has been woken for the same subject so lately that they have not looked yet. */
const JUST_WOKEN_SECONDS = 10;

export class ProjectionTable implements Projections {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #wake: Waker;
  readonly #log: Log;

  constructor(table: Table, clock: Clock, wake: Waker, log: Log) {
    this.#table = table;
    this.#clock = clock;
    this.#wake = wake;
    this.#log = log;
  }

  async changed(...subjects: readonly Subject[]): Promise<void> {
    const marks = subjects.flatMap((subject) => targetsOf(subject).map((target) => ({ target, subject })));
    const woken = await Promise.all(marks.map(({ target, subject }) => this.#mark(target, subject)));
    const targets = new Set(marks.filter((_, n) => woken[n]).map(({ target }) => target));
    await Promise.all([...targets].map((target) => this.#tryToWake(target)));
  }

  /** True: its target is to be woken. */
  async #mark(target: Target, subject: Subject): Promise<boolean> {
    const at = this.#clock.now();
    try {
      const before = await this.#table.touch(keys.due(target, subject), {
        ...marked(at, 'woken_at'),
        ReturnValues: 'ALL_OLD',
      });
      const since = before?.['woken_at'];
      const waits = before?.['not_before'] !== undefined;
      return waits || typeof since !== 'string' || secondsBetween(Timestamp.parse(since), at) > JUST_WOKEN_SECONDS;
    } catch (error) {
      this.#log.warn('a change could not be marked for a projector; the sweeper will', {
        target,
        subject,
        error: String(error),
      });
      return false;
    }
  }

  async #tryToWake(target: Target): Promise<void> {
    try {
      await this.#wake(target, 0);
    } catch (error) {
      this.#log.warn('a projector could not be woken; the sweeper will', { target, error: String(error) });
    }
  }

  async due(target: Target): Promise<Due[]> {
    const all: Due[] = [];
    for await (const item of this.#table.each(keys.dues(target).pk)) all.push(dueOf(item));
    return all.toSorted((a, b) => (a.since < b.since ? -1 : 1));
  }

  async settle(target: Target, { subject, wanted }: Due, again: Timestamp | null): Promise<void> {
    const unchanged = { ConditionExpression: 'wanted = :wanted', ExpressionAttributeValues: { ':wanted': wanted } };
    // A failed condition means that it has changed since: it stays due as it is.
    await this.#table.transact([
      again === null
        ? this.#table.remove(keys.due(target, subject), unchanged)
        : this.#table.update(keys.due(target, subject), {
            UpdateExpression: 'SET not_before = :again',
            ConditionExpression: unchanged.ConditionExpression,
            ExpressionAttributeValues: { ...unchanged.ExpressionAttributeValues, ':again': again },
          }),
    ]);
  }

  async lease(target: Target, seconds: number): Promise<Lease | undefined> {
    const owner = randomUUID();
    const now = this.#clock.now();
    const result = await this.#table.transact([
      this.#table.update(keys.projector(target), {
        UpdateExpression: 'SET #owner = :owner, #until = :until',
        ConditionExpression: 'attribute_not_exists(#until) OR #until < :now',
        ExpressionAttributeNames: { '#owner': 'owner', '#until': 'until' },
        ExpressionAttributeValues: { ':owner': owner, ':until': plusSeconds(now, seconds), ':now': now },
      }),
    ]);
    if (!result.ok) return undefined;
    const item = await this.#table.get(keys.projector(target));
    const wakeAt = typeof item?.['wake_at'] === 'string' ? Timestamp.parse(item['wake_at']) : null;
    return { target, owner, pace: Pace.parse(item?.['pace'] ?? {}), wakeAt };
  }

  async renew({ target, owner }: Lease, seconds: number): Promise<boolean> {
    const { ok } = await this.#table.transact([
      this.#held(target, owner, 'SET #until = :until', { ':until': plusSeconds(this.#clock.now(), seconds) }),
    ]);
    return ok;
  }

  async release({ target, owner, pace, wakeAt }: Lease): Promise<void> {
    const values = { ':pace': pace, ':wake': wakeAt };
    await this.#table.transact([this.#held(target, owner, 'SET pace = :pace, wake_at = :wake REMOVE #until', values)]);
  }

  #held(target: Target, owner: string, update: string, values: Item): Write {
    return this.#table.update(keys.projector(target), {
      UpdateExpression: update,
      ConditionExpression: '#owner = :owner',
      ExpressionAttributeNames: { '#owner': 'owner', '#until': 'until' },
      ExpressionAttributeValues: { ':owner': owner, ...values },
    });
  }

  wake(target: Target, afterSeconds: number): Promise<void> {
    return this.#wake(target, afterSeconds);
  }

  async read(target: Target, subject: Subject): Promise<unknown> {
    return (await this.#table.get(keys.projection(target, subject)))?.['state'];
  }

  async write(target: Target, subject: Subject, state: object): Promise<void> {
    await this.#table.touch(keys.projection(target, subject), {
      UpdateExpression: 'SET #state = :state',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: { ':state': state },
    });
  }

  async sent(target: Target, subject: Subject, key: string): Promise<Sent | undefined> {
    const item = await this.#table.get(keys.sent(target, subject, key));
    return item && Sent.parse(item);
  }

  async intend(target: Target, subject: Subject, key: string, at: Timestamp, replaces?: Sent): Promise<boolean> {
    const { ok } = await this.#table.transact([
      this.#table.put(
        { ...keys.sent(target, subject, key), state: 'intended', at, channel: null, id: null },
        replaces === undefined
          ? absent
          : {
              ConditionExpression: '#state = :state AND #at = :at',
              ExpressionAttributeNames: { '#state': 'state', '#at': 'at' },
              ExpressionAttributeValues: { ':state': replaces.state, ':at': replaces.at },
            },
      ),
    ]);
    return ok;
  }

  async conclude(target: Target, subject: Subject, key: string, sent: Sent): Promise<void> {
    await this.#table.transact([this.#table.put({ ...keys.sent(target, subject, key), ...sent })]);
  }

  async nextNumber(row: string, above = 0): Promise<number> {
    if (above > 0) {
      await this.#table.transact([
        this.#table.update(keys.counter(row), {
          UpdateExpression: 'SET #number = :above',
          ConditionExpression: 'attribute_not_exists(#number) OR #number < :above',
          ExpressionAttributeNames: { '#number': 'number' },
          ExpressionAttributeValues: { ':above': above },
        }),
      ]);
    }
    const item = await this.#table.touch(keys.counter(row), {
      UpdateExpression: 'ADD #number :one',
      ExpressionAttributeNames: { '#number': 'number' },
      ExpressionAttributeValues: { ':one': 1 },
      ReturnValues: 'ALL_NEW',
    });
    return Number(item?.['number']);
  }
}

/** What changed is due now, whatever it waited for. */
const marked = (at: Timestamp, stamp: 'marked_at' | 'woken_at') => ({
  UpdateExpression: `ADD wanted :one SET since = if_not_exists(since, :at), ${stamp} = :at REMOVE not_before`,
  ExpressionAttributeValues: { ':one': 1, ':at': at },
});

/** The marks of a subject as part of a transaction. They wake nobody. */
export const markWrites = (table: Table, subject: Subject, at: Timestamp): Write[] =>
  targetsOf(subject).map((target) => table.update(keys.due(target, subject), marked(at, 'marked_at')));

const dueOf = (item: Item): Due => ({
  subject: Subject.parse(item['sk']),
  wanted: Number(item['wanted']),
  since: Timestamp.parse(item['since']),
  notBefore: typeof item['not_before'] === 'string' ? Timestamp.parse(item['not_before']) : null,
});
