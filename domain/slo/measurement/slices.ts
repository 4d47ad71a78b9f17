import type { Slo } from '../../../schemas/slo/slo.ts';
import { BUCKET_MS, BUCKET_SECONDS, type Bucket, bucketAt, emptyHistory, endOf, type History } from '../history.ts';
import { indexOf, setBucket } from '../history.ts';
import { type Observed, sumSince } from './observed.ts';
import { tidy } from './rounding.ts';

type Slices = Slo['budgeting'] & { kind: 'timeslices' };

/**
 * Converts counts into seconds: all buckets of a slice are good, or all are bad, by the share of good events in the
 * known part of the slice. A slice without events is good. Unknown buckets stay unknown. The running slice counts as if
 * it ended now.
 */
export function inSlices(observed: Observed, slices: Slices): Observed {
  const { history, now, recent } = observed;
  const each = slices.sliceSeconds / BUCKET_SECONDS;
  const running = Math.floor(indexOf(now - 1) / each);
  const seconds: History = emptyHistory((history.events.length - 1) * BUCKET_SECONDS, (endOf(history) - 1) * BUCKET_MS);
  for (let slice = Math.floor(history.oldest / each); slice * each < endOf(history); slice++) {
    const verdict = verdictOf(
      slice === running ? sumSince(observed, slice * each * BUCKET_MS) : sumOfSlice(history, slice * each, each),
      slices.sliceTarget,
    );
    for (let index = slice * each; index < (slice + 1) * each; index++) {
      if (bucketAt(history, index) !== null) setBucket(seconds, index, verdict);
    }
  }
  const last = recent && verdictOf(sumSince(observed, running * each * BUCKET_MS), slices.sliceTarget);
  return { history: seconds, now, recent: last };
}

function sumOfSlice(history: History, first: number, each: number): Bucket {
  const sum = { events: 0, errors: 0 };
  for (let index = first; index < first + each; index++) {
    const bucket = bucketAt(history, index);
    sum.events += bucket?.events ?? 0;
    sum.errors += bucket?.errors ?? 0;
  }
  return sum;
}

/** Returns the verdict for each bucket of a slice with these counts. */
export function verdictOf({ events, errors }: Bucket, target: number): Bucket {
  const bad = events > 0 && tidy(1 - errors / events) < target;
  return { events: BUCKET_SECONDS, errors: bad ? BUCKET_SECONDS : 0 };
}
