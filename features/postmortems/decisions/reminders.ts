import type { PostmortemsFile } from '../schemas/policy.ts';
import type { PostmortemRecord } from '../schemas/postmortem.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import type { StoredActionItem } from '../../../core/domain/ports/action-items.ts';
import { durationWords } from './words.ts';

const DAY_SECONDS = 86_400;

/**
 * Returns whether people are to be reminded of a post-mortem that is not published.
 *
 * @param timeScale how many times faster than real time the clock runs
 */
export function isReminderDue(
  { state, updated_at, reminded }: Pick<PostmortemRecord, 'state' | 'updated_at' | 'reminded'>,
  { afterDays, times }: PostmortemsFile['reminders'],
  now: Timestamp,
  timeScale: number,
): boolean {
  if (state !== 'draft' && state !== 'in_review') return false;
  if ((reminded?.times ?? 0) >= times) return false;
  return plusSeconds(reminded?.at ?? updated_at, (afterDays * DAY_SECONDS) / timeScale) <= now;
}

/** Returns the text of a reminder. @param now time of the reminder */
export function reminderText(
  { state, updated_at }: Pick<PostmortemRecord, 'state' | 'updated_at'>,
  now: Timestamp,
): string {
  const seconds = secondsBetween(updated_at, now);
  const days = Math.floor(seconds / DAY_SECONDS);
  const since = days >= 1 ? `${days} day${days === 1 ? '' : 's'}` : durationWords(seconds);
  return state === 'draft'
    ? `The post-mortem is still a draft, unchanged for ${since}: complete it and ask for a review`
    : `The post-mortem has been waiting for its review for ${since}: publish it, or say what is missing`;
}

/**
 * Returns the text that reminds responders of an open action item when its alert fires again.
 *
 * @param count action items of the same alert that are open, including this one
 * @param incident name of the incident of its post-mortem
 */
export function openItemText(
  { title, owner, due }: Pick<StoredActionItem, 'title' | 'owner' | 'due'>,
  count: number,
  incident: string,
): string {
  const details = [...(owner === null ? [] : [owner]), ...(due === null ? [] : [`due ${due}`])].join(', ');
  const more = count === 1 ? '' : `, and ${count - 1} more`;
  return `Again, and its action item is still open: "${title}"${details === '' ? '' : ` (${details})`}${more}, of ${incident}`;
}
