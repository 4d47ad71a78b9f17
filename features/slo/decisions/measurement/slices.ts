import type { Slo } from '../../../../schemas/slo/slo.ts';
import { BUCKET_MS, BUCKET_SECONDS, type Bucket, bucketAt, emptyHistory, endOf, type History } from '../history.ts';
import { indexOf, setBucket } from '../history.ts';
import { type Observed, sumSince } from './observed.ts';
import { tidy } from '../../../../core/domain/monitoring/rounding.ts';

type Slices = Slo['budgeting'] & { kind: 'timeslices' };

/**
 * Converts counts into seconds: all buckets of a slice are good, or all are bad, by the share of good events in the
 * known part of the slice. A slice without events is good. Unknown buckets stay unknown. The running slice counts as if
 * it ended now.
 */
export function inSlices(observed: Observed, slices: Slices): Observed {
  const { history, now, recent } = observed;
  const bucketsPerSlice = slices.sliceSeconds / BUCKET_SECONDS;
  const runningSlice = Math.floor(indexOf(now - 1) / bucketsPerSlice);
  const seconds: History = emptyHistory((history.events.length - 1) * BUCKET_SECONDS, (endOf(history) - 1) * BUCKET_MS);
  for (let slice = Math.floor(history.oldest / bucketsPerSlice); slice * bucketsPerSlice < endOf(history); slice++) {
    const verdict = verdictOf(
      slice === runningSlice
        ? sumSince(observed, slice * bucketsPerSlice * BUCKET_MS)
        : sumOfSlice(history, slice * bucketsPerSlice, bucketsPerSlice),
      slices.sliceTarget,
    );
    for (let index = slice * bucketsPerSlice; index < (slice + 1) * bucketsPerSlice; index++) {
      if (bucketAt(history, index) !== null) setBucket(seconds, index, verdict);
    }
  }
  const recentVerdict =
    recent && verdictOf(sumSince(observed, runningSlice * bucketsPerSlice * BUCKET_MS), slices.sliceTarget);
  return { history: seconds, now, recent: recentVerdict };
}

function sumOfSlice(history: History, first: number, bucketsPerSlice: number): Bucket {
  const sum = { events: 0, errors: 0 };
  for (let index = first; index < first + bucketsPerSlice; index++) {
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
