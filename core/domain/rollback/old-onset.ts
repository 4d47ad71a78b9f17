import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { formatDuration } from '../correlation/words.ts';

/**
 * Greatest time in minutes from the onset to the first receipt of an alert at which automation acts by itself, where the
 * catalogue says nothing.
 */
const MAX_ONSET_AGE_MINUTES = 6 * 60;

/**
 * Returns why the onset is too old for an act without a person. Null: it is not. What began long before anyone heard of it
 * has waited already, or its start is wrong; and its deploy of that time has served since.
 *
 * @param maxMinutes `autoRollback.maxOnsetAgeMinutes`
 */
export function oldOnset(
  { onset, receivedAt }: { onset: Timestamp; receivedAt: Timestamp },
  maxMinutes = MAX_ONSET_AGE_MINUTES,
): string | null {
  const seconds = secondsBetween(onset, receivedAt);
  return seconds <= maxMinutes * 60
    ? null
    : `the problem began ${formatDuration(seconds)} before its first alert was received, more than ${formatDuration(maxMinutes * 60)}`;
}
