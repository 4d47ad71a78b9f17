import { randomUUID } from 'node:crypto';
import type { Clock, Log } from '../../domain/ports/system.ts';
import { type Due, type Lease, type Projections, targetsOf } from '../../domain/incidents/projections.ts';
import {
  RateLimitState,
  SentMessage,
  Subject,
  type ProjectionTargetName,
  PROJECTION_TARGET_NAMES,
} from '../../../schemas/incidents/projection.ts';
import { CLOCKS_APART_SECONDS, wasSetBack } from '../../domain/time/set-back.ts';
import { millisOf, plusSeconds, secondsBetween, Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import {
  above,
  absent,
  allOf,
  anyOf,
  below,
  equals,
  exists,
  type Item,
  missing,
  put,
  remove,
  type Update,
  update,
  type Write,
} from '../../../platforms/store.ts';

/** Wakes a projector, at the earliest after this many seconds. */
export type ProjectorQueue = (target: ProjectionTargetName, afterSeconds: number) => Promise<void>;

/** A projector that was woken for the same subject within this time has not checked yet. */
const JUST_WOKEN_SECONDS = 10;

/** Attempts to write a mark. A lost mark may never be found: the sweeper only checks open incidents. */
const MARK_TRIES = 3;

/**
 * A short delay collects changes that belong together, and lets pages and rollbacks go first. SQS delays by whole
 * seconds.
 */
const SOON_SECONDS = 1;

const ALWAYS = async (): Promise<boolean> => true;

export class ProjectionTable implements Projections {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #wake: ProjectorQueue;
  readonly #log: Log;
  readonly #isOn: (target: ProjectionTargetName) => Promise<boolean>;

  /** @param isOn whether a target is worth waking; the sweeper handles targets that are off */
  constructor(
    table: Table,
    clock: Clock,
    wake: ProjectorQueue,
    log: Log,
    isOn: (target: ProjectionTargetName) => Promise<boolean> = ALWAYS,
  ) {
    this.#table = table;
    this.#clock = clock;
    this.#wake = wake;
    this.#log = log;
    this.#isOn = isOn;
  }

  async changed(...subjects: readonly Subject[]): Promise<void> {
    const woken = await Promise.all(subjects.map((subject) => this.#mark(subject)));
    await Promise.all([...new Set(woken.flat())].map((target) => this.#tryToWake(target)));
  }

  /** Returns the targets to wake. */
  async #mark(subject: Subject): Promise<ProjectionTargetName[]> {
    const at = this.#clock.now();
    const by = randomUUID();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const mark = markUpdate(subject, at, 'woken_at', by);
        const before = await this.#table.update(keys.due(subject), mark, { returns: 'before' });
        return targetsOf(subject).filter((target) => mustBeWoken(target, before, at, by));
      } catch (error) {
        if (attempt < MARK_TRIES) continue;
        this.#log.warn('cannot mark a change for projectors; the next change shows it', {
          subject,
          error: String(error),
        });
        return [];
      }
    }
  }

  async #tryToWake(target: ProjectionTargetName): Promise<void> {
    try {
      if (await this.#isOn(target)) await this.#wake(target, SOON_SECONDS);
    } catch (error) {
      this.#log.warn('cannot wake a projector; the sweeper will wake it', { target, error: String(error) });
    }
  }

  async due(target: ProjectionTargetName): Promise<Due[]> {
    return dueOn(target, await this.#dues(), this.#clock.now());
  }

  async dueAnywhere(): Promise<ReadonlyMap<ProjectionTargetName, readonly Due[]>> {
    const items = await this.#dues();
    const now = this.#clock.now();
    return new Map(PROJECTION_TARGET_NAMES.map((target) => [target, dueOn(target, items, now)]));
  }

  #dues(): Promise<Item[]> {
    return collect(this.#table.each(keys.dues().pk), (item) => item);
  }

  async settle(
    target: ProjectionTargetName,
    { subject, marks: marksRead }: Due,
    again: Timestamp | null,
  ): Promise<void> {
    const key = keys.due(subject);
    // A failed condition means a newer change: the subject stays due.
    const { ok } = await this.#table.transact([
      again === null
        ? update(key, { remove: [since(target), notBefore(target), setAt(target)] }, equals('marks', marksRead))
        : update(
            key,
            { set: { [notBefore(target)]: again, [setAt(target)]: this.#clock.now() } },
            allOf(equals('marks', marksRead), exists(since(target))),
          ),
    ]);
    if (ok && again === null) await this.#drop(subject, marksRead);
  }

  /** Deletes the mark when every target has shown the subject. */
  async #drop(subject: Subject, marksRead: number): Promise<void> {
    const targets = targetsOf(subject);
    const item = await this.#table.get(keys.due(subject));
    if (targets.some((target) => item?.[since(target)] !== undefined)) return;
    await this.#table.transact([
      remove(keys.due(subject), allOf(equals('marks', marksRead), ...targets.map((target) => missing(since(target))))),
    ]);
  }

  async lease(target: ProjectionTargetName, seconds: number): Promise<Lease | undefined> {
    const owner = randomUUID();
    const now = this.#clock.now();
    const result = await this.#table.transact([
      update(
        keys.projector(target),
        { set: { owner, until: plusSeconds(now, seconds) } },
        // A lease that is longer than a lease is from before the clock was set back.
        anyOf(missing('until'), below('until', now), above('until', plusSeconds(now, seconds + CLOCKS_APART_SECONDS))),
      ),
    ]);
    if (!result.ok) return undefined;
    const item = await this.#table.get(keys.projector(target));
    const wakeAt = typeof item?.['wake_at'] === 'string' ? Timestamp.parse(item['wake_at']) : null;
    return { target, owner, pace: RateLimitState.parse(item?.['pace'] ?? {}), wakeAt };
  }

  async renew({ target, owner }: Lease, seconds: number): Promise<boolean> {
    const { ok } = await this.#table.transact([
      update(
        keys.projector(target),
        { set: { until: plusSeconds(this.#clock.now(), seconds) } },
        equals('owner', owner),
      ),
    ]);
    return ok;
  }

  async release({ target, owner, pace, wakeAt }: Lease): Promise<void> {
    await this.#table.transact([
      update(keys.projector(target), { set: { pace, wake_at: wakeAt }, remove: ['until'] }, equals('owner', owner)),
    ]);
  }

  isOn(target: ProjectionTargetName): Promise<boolean> {
    return this.#isOn(target);
  }

  wake(target: ProjectionTargetName, afterSeconds: number): Promise<void> {
    return this.#wake(target, afterSeconds);
  }

  async read(target: ProjectionTargetName, subject: Subject): Promise<unknown> {
    return (await this.#table.get(keys.projection(target, subject)))?.['state'];
  }

  async write(target: ProjectionTargetName, subject: Subject, state: object): Promise<void> {
    await this.#table.update(keys.projection(target, subject), { set: { state } });
  }

  async sent(target: ProjectionTargetName, subject: Subject, key: string): Promise<SentMessage | undefined> {
    const item = await this.#table.get(keys.sent(target, subject, key));
    return item && SentMessage.parse(item);
  }

  async intend(
    target: ProjectionTargetName,
    subject: Subject,
    key: string,
    at: Timestamp,
    replaces?: SentMessage,
  ): Promise<boolean> {
    const { ok } = await this.#table.transact([
      put(
        { ...keys.sent(target, subject, key), state: 'intended', at, channel: null, id: null },
        replaces === undefined ? absent : allOf(equals('state', replaces.state), equals('at', replaces.at)),
      ),
    ]);
    return ok;
  }

  async conclude(target: ProjectionTargetName, subject: Subject, key: string, sent: SentMessage): Promise<void> {
    await this.#table.transact([put({ ...keys.sent(target, subject, key), ...sent })]);
  }

  async nextNumber(row: string, min = 0): Promise<number> {
    if (min > 0) {
      await this.#table.transact([
        update(keys.counter(row), { set: { number: min } }, anyOf(missing('number'), below('number', min))),
      ]);
    }
    const item = await this.#table.update(keys.counter(row), { add: { number: 1 } });
    return Number(item?.['number']);
  }
}

/** Attribute since when a target has something to show; absent: everything is shown. */
const since = (target: ProjectionTargetName): string => `${target}_since`;
const setAt = (target: ProjectionTargetName): string => `${target}_set_at`;
const notBefore = (target: ProjectionTargetName): string => `${target}_not_before`;

/**
 * Marks a change as due now at every target that shows the subject, even if the target was waiting. One item, so one
 * write.
 */
function markUpdate(subject: Subject, at: Timestamp, stamp: 'marked_at' | 'woken_at', by = ''): Update {
  const targets = targetsOf(subject);
  return {
    add: { marks: 1 },
    set: { [stamp]: at, marked_by: by },
    setIfMissing: Object.fromEntries(targets.map((target) => [since(target), at])),
    remove: targets.flatMap((target) => [notBefore(target), setAt(target)]),
  };
}

/**
 * Returns whether this target must be woken: it was not woken, or long ago. If `by` itself has marked it before, that
 * was its own attempt whose response was lost, after which no target was woken.
 */
function mustBeWoken(target: ProjectionTargetName, before: Item | undefined, at: Timestamp, by: string): boolean {
  const woken = before?.['woken_at'];
  if (before?.['marked_by'] === by) return true;
  if (before?.[since(target)] === undefined || before[notBefore(target)] !== undefined) return true;
  if (typeof woken !== 'string') return true;
  const wokenAt = Timestamp.parse(woken);
  return secondsBetween(wokenAt, at) > JUST_WOKEN_SECONDS || wasSetBack(millisOf(wokenAt), millisOf(at));
}

/** Returns the mark of a subject as part of a transaction. Does not wake projectors. */
export const projectionMarkWrite = (subject: Subject, at: Timestamp): Write =>
  update(keys.due(subject), markUpdate(subject, at, 'marked_at'));

/** Oldest mark first. */
const dueOn = (target: ProjectionTargetName, items: readonly Item[], now: Timestamp): Due[] =>
  items
    .filter((item) => item[since(target)] !== undefined)
    .map((item) => dueOf(item, target, now))
    .toSorted((a, b) => (a.since < b.since ? -1 : 1));

const dueOf = (item: Item, target: ProjectionTargetName, now: Timestamp): Due => {
  const { [notBefore(target)]: again, [setAt(target)]: set } = item;
  const isOver = typeof set === 'string' && wasSetBack(millisOf(Timestamp.parse(set)), millisOf(now));
  return {
    subject: Subject.parse(item['sk']),
    marks: Number(item['marks']),
    since: Timestamp.parse(item[since(target)]),
    notBefore: typeof again === 'string' && !isOver ? Timestamp.parse(again) : null,
  };
};
