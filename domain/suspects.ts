import type { Change } from '../schemas/change.ts';
import type { Suspect } from '../schemas/incident.ts';
import { secondsBetween, type Timestamp } from '../schemas/time.ts';
import { byStart } from './versions.ts';

/** A change that had finished longer before the onset than this is not looked at. */
export const LOOK_BACK_SECONDS = 30 * 60;

/** Clocks differ. A change that seems to have started this little after the onset may still be the cause: ask. */
export const CLOCK_TOLERANCE_SECONDS = 90;

/** At least this sure, or no suspect counts as confident. */
export const MIN_CONFIDENCE = 0.5;

export type RankedSuspect = Suspect & { change: Change; timing: 'rolling_out' | 'finished_before' | 'clock_skew' };

/**
 * The changes of one service and environment that may have caused a problem with this onset, most probable first.
 * Our own rollback of the incident is none; what started after the onset (clocks apart) is none.
 */
export function suspectsOf(changes: readonly Change[], onset: Timestamp, incidentId: string): RankedSuspect[] {
  return changes
    .filter((change) => change.made_for !== incidentId && change.status !== 'cancelled')
    .flatMap((change) => rank(change, onset))
    .toSorted((a, b) => b.confidence - a.confidence || byStart(b.change, a.change));
}

function rank(change: Change, onset: Timestamp): RankedSuspect[] {
  const startedBefore = secondsBetween(change.started_at, onset);
  const finishedBefore = change.finished_at === null ? null : secondsBetween(change.finished_at, onset);
  const what = `${change.kind} of ${change.version}`;
  if (startedBefore < -CLOCK_TOLERANCE_SECONDS) return [];
  if (startedBefore < 0) {
    return [
      suspect(change, 'clock_skew', 0.6, [
        `${what} started ${spell(-startedBefore)} after the problem began; clocks may differ by that much`,
      ]),
    ];
  }
  if (finishedBefore === null || finishedBefore <= 0) {
    // Unfinished since hours is a forgotten record rather than a roll-out.
    if (startedBefore > 4 * LOOK_BACK_SECONDS) return [];
    return [
      suspect(change, 'rolling_out', 0.95, [
        `${what} was rolling out when the problem began, ${spell(startedBefore)} after its start`,
      ]),
    ];
  }
  if (finishedBefore > LOOK_BACK_SECONDS) return [];
  const confidence = round(0.95 - 0.35 * (finishedBefore / LOOK_BACK_SECONDS));
  return [
    suspect(change, 'finished_before', confidence, [
      `${what} finished ${spell(finishedBefore)} before the problem began`,
    ]),
  ];
}

const suspect = (
  change: Change,
  timing: RankedSuspect['timing'],
  confidence: number,
  reasons: string[],
): RankedSuspect => ({
  change_id: change.id,
  version: change.version,
  confidence,
  reasons,
  change,
  timing,
});

const round = (value: number): number => Math.round(value * 100) / 100;

const spell = (seconds: number): string =>
  seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
