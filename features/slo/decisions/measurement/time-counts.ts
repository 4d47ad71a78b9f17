import type { Indicator } from '../../../../schemas/slo/slo.ts';
import { BUCKET_SECONDS, SAMPLE_SECONDS } from '../history.ts';
import type { Reading } from './reading.ts';
import { type Cells, momentsOf } from './series.ts';
import type { Series } from '../../../../core/domain/ports/metrics.ts';

type TimeIndicator = Exclude<Indicator, { kind: 'ratio' }>;

/** Rounding tolerance of a share. */
const SHARE_SLACK = 1e-6;

/**
 * Counts seconds: each sample represents the time since the previous one. NaN is a moment without traffic, which counts
 * as good. Of several series, the worst one counts at each moment.
 */
export function timeReadings(indicator: TimeIndicator, series: readonly Series[], cells: Cells): Reading[] {
  return momentsOf<Moment>(series, cells, SAMPLE_SECONDS, (before, value) => ({
    bad: worse(before?.bad ?? NaN, badPart(indicator, value)),
    impossible: indicator.kind === 'share' && isImpossibleShare(value) ? value : (before?.impossible ?? null),
  })).map(readingOf);
}

/** Counts at one moment. `bad`: bad part, 0 to 1; NaN: no traffic. `odd`: an impossible value. */
type Moment = { bad: number; impossible: number | null };

function readingOf(moments: readonly (Moment | undefined)[]): Reading {
  const seen = moments.filter((moment) => moment !== undefined);
  const impossible = seen.find((moment) => moment.impossible !== null)?.impossible ?? null;
  const events = seen.length * SAMPLE_SECONDS;
  if (impossible !== null) return { kind: 'unclear', why: `a share is ${impossible}, which is not between 0 and 1` };
  if (events < BUCKET_SECONDS / 2) return { kind: 'no_data' };
  const errors = seen.reduce((sum, { bad }) => sum + (Number.isNaN(bad) ? 0 : bad * SAMPLE_SECONDS), 0);
  return { kind: seen.every(({ bad }) => Number.isNaN(bad)) ? 'no_traffic' : 'ok', bucket: { events, errors } };
}

const isImpossibleShare = (value: number): boolean => value < -SHARE_SLACK || value > 1 + SHARE_SLACK;

/** Treats NaN, which is no traffic, as better than any value. */
const worse = (a: number, b: number): number => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b));

/** Returns the bad part of a moment, 0 to 1. NaN: no traffic. */
function badPart(indicator: TimeIndicator, value: number): number {
  if (Number.isNaN(value)) return NaN;
  if (indicator.kind === 'threshold') return isGood(value, indicator) ? 0 : 1;
  const share = Math.min(1, Math.max(0, value));
  return indicator.of === 'bad' ? share : 1 - share;
}

function isGood(value: number, { op, value: threshold }: TimeIndicator & { kind: 'threshold' }): boolean {
  switch (op) {
    case 'lt':
      return value < threshold;
    case 'lte':
      return value <= threshold;
    case 'gt':
      return value > threshold;
    case 'gte':
      return value >= threshold;
  }
}
