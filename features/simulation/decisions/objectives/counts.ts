import type { CountedDay } from '../../objective.ts';
import type { Slo } from '../../../../schemas/slo/slo.ts';
import { millisOf, type Timestamp } from '../../../../schemas/time/time.ts';
import type { Span } from '../../../slo/decisions/budget/period.ts';
import { withoutSpans } from '../../../slo/decisions/corrections.ts';
import {
  BUCKET_MS,
  bucketAt,
  emptyHistory,
  type History,
  indexOf,
  setBucket,
  type Sum,
} from '../../../slo/decisions/history.ts';
import type { Observed } from '../../../slo/decisions/measurement/observed.ts';
import { RunningSums } from '../../../slo/decisions/measurement/running-sums.ts';
import { inSlices, verdictOf } from '../../../slo/decisions/measurement/slices.ts';

/** Builds the history of recorded days up to a moment. */
export function historyOf(days: readonly CountedDay[], { from, until }: Span): History {
  const history = emptyHistory((until - from) / 1000, until);
  for (const { day, events, errors } of days) {
    const first = indexOf(millisOf(`${day}T00:00:00.000Z` as Timestamp));
    for (const [slot, count] of events.entries())
      if (count !== null && first + slot < indexOf(until))
        setBucket(history, first + slot, { events: count, errors: errors[slot] ?? 0 });
  }
  return history;
}

/** Counts of an objective as they were known at each five minutes, in the unit of its budgeting method. */
export class CountsOverTime {
  readonly #history: History;
  readonly #sums: RunningSums;
  readonly #slices: {
    ms: number;
    target: number;
    counted: RunningSums;
    isCorrected: (index: number) => boolean;
  } | null;

  /** @param excluded periods that do not count */
  constructor(slo: Slo, history: History, excluded: readonly Span[]) {
    const counted = withoutSpans(history, excluded);
    if (slo.budgeting.kind === 'occurrences') {
      this.#history = counted;
      this.#slices = null;
    } else {
      const end = (history.oldest + history.events.length - 1) * BUCKET_MS;
      const slices = inSlices({ history: counted, now: end, recent: null }, slo.budgeting);
      this.#history = withoutSpans(slices.history, excluded);
      this.#slices = {
        ms: slo.budgeting.sliceSeconds * 1000,
        target: slo.budgeting.sliceTarget,
        counted: new RunningSums(counted),
        isCorrected: (index) => bucketAt(this.#history, index)?.events === 0,
      };
    }
    this.#sums = new RunningSums(this.#history);
  }

  /** @param now milliseconds, at the boundary of a bucket */
  at(now: number): Observed {
    return { history: this.#history, now, recent: null, sumFrom: (from) => this.#sumOf(from, now) };
  }

  /** Returns whether the bucket before a moment is known. */
  isKnownBefore = (now: number): boolean => bucketAt(this.#history, indexOf(now) - 1) !== null;

  #sumOf(from: number, now: number): Sum {
    const slices = this.#slices;
    const running = slices === null ? now : Math.floor((now - 1) / slices.ms) * slices.ms;
    if (slices === null || running + slices.ms === now) return this.#sums.between(from, now);
    // The running slice counts as if it ended now: what happens later in it is not known yet.
    const verdict = verdictOf(slices.counted.between(running, now), slices.target);
    const sum = from < running ? this.#sums.between(from, running) : { events: 0, errors: 0, ms: 0, knownMs: 0 };
    for (let at = Math.max(from, running); at < now; at += BUCKET_MS) {
      sum.ms += BUCKET_MS;
      if (bucketAt(this.#history, indexOf(at)) === null) continue;
      sum.knownMs += BUCKET_MS;
      if (slices.isCorrected(indexOf(at))) continue;
      sum.events += verdict.events;
      sum.errors += verdict.errors;
    }
    return sum;
  }
}
