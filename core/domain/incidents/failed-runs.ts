import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

/**
 * The maximum number of failed runs in a row that the next run replaces at once. A workflow that fails repeatedly is a bug that
 * another run does not fix. A run that hands over as planned has not failed.
 */
export const FAILED_RUNS_MAX = 20;

/** Seconds between further runs: the bug may have been fixed, or a system that it depends on may work again. */
const RETRY_SECONDS = 3600;

type FailedRuns = Pick<IncidentRecord, 'failed_runs' | 'failed_at'>;

/** Returns whether so many runs have failed in a row that a person has to handle the incident. */
export const isGivenUp = ({ failed_runs: failed = 0 }: FailedRuns): boolean => failed >= FAILED_RUNS_MAX;

/** Returns whether the next run of a failed workflow may start. @param timeScale factor by which the pause is shortened */
export const mayRunAgain = (incident: FailedRuns, now: Timestamp, timeScale: number): boolean =>
  !isGivenUp(incident) ||
  incident.failed_at === undefined ||
  plusSeconds(incident.failed_at, RETRY_SECONDS / timeScale) <= now;

/** Returns the incidents whose workflow was given up and has failed again, or not succeeded for long, since then. */
export const failingWorkflows = <Incident extends FailedRuns>(
  open: readonly Incident[],
  now: Timestamp,
  timeScale: number,
): Incident[] =>
  open.filter(
    (incident) =>
      isGivenUp(incident) &&
      incident.failed_at !== undefined &&
      plusSeconds(incident.failed_at, (2 * RETRY_SECONDS) / timeScale) > now,
  );
