import type { Indicator } from '../../../../schemas/slo/slo.ts';
import type { Reading } from './reading.ts';
import { type Amount, amountsOf, type Cells, formOf } from './series.ts';
import { timeReadings } from './time-counts.ts';
import type { Series } from '../../../../core/domain/ports/metrics.ts';

/** Series returned for the queries of an indicator. `query`: those of a share or threshold indicator. */
export type IndicatorSeries = { numerator: readonly Series[]; total: readonly Series[] } | { query: readonly Series[] };

/**
 * Tolerated excess of good events over all events, as a share and as a number: Prometheus extrapolates each query
 * separately.
 */
const EXCESS_SHARE = 0.05;
const EXCESS_EVENTS = 2;

/** Maximum difference that rounding can cause. */
const ROUNDING = 1e-9;

/**
 * Counts the returned series, cell by cell. The samples must have been requested as `samplesFor` specifies.
 *
 * @param goodSeen whether there was ever a good event, so that a missing series of good events means zero
 */
export function readingsOf(indicator: Indicator, answers: IndicatorSeries, cells: Cells, goodSeen: boolean): Reading[] {
  if (indicator.kind !== 'ratio') return timeReadings(indicator, 'query' in answers ? answers.query : [], cells);
  const { numerator, total } = 'query' in answers ? { numerator: [], total: [] } : answers;
  const parts = amountsOf(formOf(indicator.numerator, indicator.counter), numerator, cells);
  const totals = amountsOf(formOf(indicator.total, indicator.counter), total, cells);
  let seen = goodSeen;
  return totals.map((all, cell) => {
    const part = parts[cell] ?? NONE;
    if (indicator.of === 'bad') return readingOf(all, part, 'bad', null);
    seen ||= part.kind === 'amount';
    return readingOf(all, part, 'good', seen ? null : NEVER_GOOD);
  });
}

/**
 * Counts the series of the recording rules of `slo generate`: rates per second over five minutes. These rules omit the
 * errors only if they could not be counted.
 */
export function recordedReadings(events: readonly Series[], errors: readonly Series[], cells: Cells): Reading[] {
  const bad = amountsOf('windowed', errors, cells);
  return amountsOf('windowed', events, cells).map((all, cell) => readingOf(all, bad[cell] ?? NONE, 'bad', UNRECORDED));
}

const NONE: Amount = { kind: 'none' };

const NEVER_GOOD =
  'there are events, but the query of good events has no series and never had any: ' +
  'either it matches nothing, or no event has succeeded yet';
const UNRECORDED = 'events are recorded, but errors are not: run firebreak slo generate again, and load its rules';

/**
 * @param absent the problem to report if the part has no series although there were events; null: no series means zero
 */
function readingOf(all: Amount, part: Amount, of: 'good' | 'bad', absent: string | null): Reading {
  const unclear = [all, part].find(({ kind }) => kind === 'unclear');
  if (unclear?.kind === 'unclear') return unclear;
  if (all.kind === 'none') return part.kind === 'none' ? { kind: 'no_data' } : { kind: 'unclear', why: NO_TOTAL };
  if (all.kind !== 'amount') return noTraffic(part, 0);
  if (!all.whole) return { kind: 'unclear', why: NEW_COUNTERS };
  if (all.value <= ROUNDING) return noTraffic(part, all.value);
  if (part.kind === 'not_a_number')
    return { kind: 'unclear', why: `the number of ${of} events is NaN, but the total is not` };
  if (part.kind !== 'amount') return absent === null ? counted(all.value, 0, of) : { kind: 'unclear', why: absent };
  // A series of bad events often begins with the first error, so its incomplete cell is still exact; a new series of
  // good events is incomplete.
  if (!part.whole && of === 'good') return { kind: 'unclear', why: NEW_COUNTERS };
  return isTooMany(part.value, all.value) ? tooMany(part.value, all.value, of) : counted(all.value, part.value, of);
}

const NO_TOTAL = 'the query of all events has no series, but the query of a part of them has: it matches too little';
const NEW_COUNTERS = 'its counters have just appeared: counting starts with the next five minutes';

const isTooMany = (part: number, all: number): boolean =>
  part > Math.max(all * (1 + EXCESS_SHARE), all + EXCESS_EVENTS);

const tooMany = (part: number, all: number, of: string): Reading => ({
  kind: 'unclear',
  why:
    `${Number(part.toPrecision(3))} ${of} events of ${Number(all.toPrecision(3))} in all: ` +
    'the queries do not match',
});

const noTraffic = (part: Amount, all: number): Reading =>
  part.kind === 'amount' && isTooMany(part.value, all)
    ? tooMany(part.value, all, 'counted')
    : { kind: 'no_traffic', bucket: { events: 0, errors: 0 } };

function counted(events: number, part: number, of: 'good' | 'bad'): Reading {
  const errors = Math.min(events, of === 'bad' ? part : Math.max(0, events - part));
  return { kind: 'ok', bucket: { events, errors: errors <= events * ROUNDING ? 0 : errors } };
}
