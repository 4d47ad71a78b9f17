import type { Indicator } from '../../schemas/slo.ts';
import type { Series } from './ports.ts';
import type { Reading } from './reading.ts';
import { type Amount, amountsOf, type Cells, formOf } from './series.ts';
import { timeReadings } from './time-counts.ts';

/** Series that the queries of an indicator were answered with; of shares and thresholds, those of `query`. */
export type Answers = { numerator: readonly Series[]; total: readonly Series[] } | { query: readonly Series[] };

/** Good events may be more than all, as each is extrapolated by itself: by so much of all, or so many. */
const EXCESS_SHARE = 0.05;
const EXCESS_EVENTS = 2;

/** Differences below are those of rounding. */
const NOTHING = 1e-9;

/**
 * Counts what was answered, cell by cell. Ask for the samples that `samplesFor` says.
 *
 * @param goodSeen whether there ever was a good event, so that their absence means that there are none
 */
export function readingsOf(indicator: Indicator, answers: Answers, cells: Cells, goodSeen: boolean): Reading[] {
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
 * The same from the recording rules of `slo generate`: rates per second over five minutes. They record no errors only
 * where they could not be counted.
 */
export function recordedReadings(events: readonly Series[], errors: readonly Series[], cells: Cells): Reading[] {
  const bad = amountsOf('windowed', errors, cells);
  return amountsOf('windowed', events, cells).map((all, cell) => readingOf(all, bad[cell] ?? NONE, 'bad', UNRECORDED));
}

const NONE: Amount = { kind: 'none' };

const NEVER_GOOD =
  'there are events, but the query of good ones has no series and never had any: ' +
  'it finds nothing, or nothing has succeeded yet';
const UNRECORDED =
  'events are recorded, but their errors are not: run firebreak slo generate again, and load its rules';

/** @param absent what is unclear where the part has no series although there were events; null: there was none of it */
function readingOf(all: Amount, part: Amount, of: 'good' | 'bad', absent: string | null): Reading {
  const unclear = [all, part].find(({ kind }) => kind === 'unclear');
  if (unclear?.kind === 'unclear') return unclear;
  if (all.kind === 'none') return part.kind === 'none' ? { kind: 'no_data' } : { kind: 'unclear', why: NO_TOTAL };
  if (all.kind !== 'amount') return quiet(part, 0);
  if (!all.whole) return { kind: 'unclear', why: BEGUN };
  if (all.value <= NOTHING) return quiet(part, all.value);
  if (part.kind === 'not_a_number')
    return { kind: 'unclear', why: `the number of ${of} events is NaN, that of all is not` };
  if (part.kind !== 'amount') return absent === null ? counted(all.value, 0, of) : { kind: 'unclear', why: absent };
  // The first errors of all make a series of their own; what there is of it is what there is of them.
  if (!part.whole && of === 'good') return { kind: 'unclear', why: BEGUN };
  return isTooMany(part.value, all.value) ? tooMany(part.value, all.value, of) : counted(all.value, part.value, of);
}

const NO_TOTAL = 'the query of all events has no series, that of a part of them has: it finds too little';
const BEGUN = 'its counters have just appeared: they are counted from the next five minutes on';

const isTooMany = (part: number, all: number): boolean =>
  part > Math.max(all * (1 + EXCESS_SHARE), all + EXCESS_EVENTS);

const tooMany = (part: number, all: number, of: string): Reading => ({
  kind: 'unclear',
  why:
    `${Number(part.toPrecision(3))} ${of} events of ${Number(all.toPrecision(3))} in all: ` +
    'the queries do not fit each other',
});

const quiet = (part: Amount, all: number): Reading =>
  part.kind === 'amount' && isTooMany(part.value, all)
    ? tooMany(part.value, all, 'counted')
    : { kind: 'no_traffic', bucket: { events: 0, errors: 0 } };

function counted(events: number, part: number, of: 'good' | 'bad'): Reading {
  const errors = Math.min(events, of === 'bad' ? part : Math.max(0, events - part));
  return { kind: 'ok', bucket: { events, errors: errors <= events * NOTHING ? 0 : errors } };
}
