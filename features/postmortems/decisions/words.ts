import { intervalOf, type Point } from '../../../core/domain/correlation/samples.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { PostmortemState, ResponseTimes } from '../schemas/postmortem.ts';
import { clockText, minuteText, type Timestamp } from '../../../schemas/time/time.ts';

/** Formats a time as `14:03`, in UTC. */
export const clockTime = (at: Timestamp): string => at.slice(11, 16);

/** Formats a time span without its days. @example 'from 12:00 to 12:10', or within a minute 'at 12:00' */
export const clockSpan = (from: Timestamp, until: Timestamp): string =>
  from.slice(0, 16) === until.slice(0, 16) ? `at ${clockTime(from)}` : `from ${clockTime(from)} to ${clockTime(until)}`;

/** Formats a time span in UTC, with each day once, and one time if both are in the same minute. */
export function spanWords(from: Timestamp, to: Timestamp): string {
  const [day, lastDay] = [from.slice(0, 10), to.slice(0, 10)];
  if (day === lastDay && clockTime(from) === clockTime(to)) return `at ${minuteText(from)}`;
  return `from ${day} ${clockTime(from)} to ${day === lastDay ? '' : `${lastDay} `}${clockText(to)}`;
}

/** Names the beginning of the duration of an incident, which is not that of its problem. */
export const startWords = (
  { opened_by, opened_at }: Pick<IncidentRecord, 'opened_by' | 'opened_at'>,
  { alerted_at }: Pick<ResponseTimes, 'alerted_at'>,
): string => (opened_by !== undefined && alerted_at === opened_at ? 'the declaration' : 'the first alert');

/** Formats a duration: `17 minutes`. */
export function durationWords(seconds: number): string {
  if (seconds < 120) return counted(Math.round(seconds), 'second');
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return counted(minutes, 'minute');
  const rest = minutes % 60;
  return `${counted(Math.floor(minutes / 60), 'hour')}${rest === 0 ? '' : ` ${counted(rest, 'minute')}`}`;
}

/** Formats a number with its unit: `1 minute`, `2 minutes`. */
export const counted = (n: number, unit: string): string => `${n} ${unit}${n === 1 ? '' : 's'}`;

/** Formats a number with at most three significant digits below a thousand, and with separators above. */
export function numberWords(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) < 1000) return String(Number(value.toPrecision(3)));
  return String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** Formats a share, 0 to 1, in percent: `12.5 %`. */
export const percent = (share: number): string => `${numberWords(share * 100)} %`;

const BARS = '▁▂▃▄▅▆▇█';
const BARS_MAX = 40;

/** Draws the course of samples, oldest first: a bar is the greatest in its time, and a space is a time without any. */
export function sparkline(points: readonly Point[]): string {
  const [first, last] = [points[0]?.at ?? 0, points.at(-1)?.at ?? 0];
  // A bar is longer than the distance of two samples, so that each has one unless some are missing.
  const width = Math.max((last - first) / (BARS_MAX - 1), 1.5 * intervalOf(points));
  const values = Map.groupBy(points, ({ at }) => Math.floor((at - first) / width));
  const highest = points.reduce((greatest, { value }) => Math.max(greatest, value), 0);
  return Array.from({ length: Math.floor((last - first) / width) + 1 }, (_, n) => {
    const greatest = values.get(n)?.reduce((most, { value }) => Math.max(most, value), 0);
    if (greatest === undefined) return ' ';
    return BARS.charAt(highest === 0 ? 0 : Math.round((greatest / highest) * (BARS.length - 1)));
  }).join('');
}

/** States in words, the same in every place. `none`: nothing is stored yet. */
export const STATE_WORDS: Readonly<Record<PostmortemState | 'none', string>> = {
  none: 'not started',
  draft: 'draft',
  in_review: 'in review',
  published: 'published',
  skipped: 'not needed',
};
