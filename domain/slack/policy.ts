import type { SlackFile } from '../../schemas/messages/presentation.ts';
import { localTime } from '../../schemas/time/time-zone.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** Settings of channels and messages, from `slack.yaml`. */
export type SlackPolicy = SlackFile;

/** Formats a time as its date in a time zone, such as `261122`. */
export function yymmdd(at: Timestamp, timeZone: string): string {
  const { year, month, day } = localTime(at, timeZone);
  return [year % 100, month, day].map((part) => String(part).padStart(2, '0')).join('');
}
