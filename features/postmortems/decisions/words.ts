import type { PostmortemState } from '../schemas/postmortem.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** Formats a time as `14:03`, in UTC. */
export const clockTime = (at: Timestamp): string => at.slice(11, 16);

/** Formats a duration: `17 minutes`. */
export function durationWords(seconds: number): string {
  if (seconds < 90) return counted(Math.round(seconds), 'second');
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

/** Draws values as a line of bars, from 0 to the highest. Each bar shows the highest value of its part. */
export function sparkline(values: readonly number[]): string {
  const finite = values.map((value) => (Number.isFinite(value) && value > 0 ? value : 0));
  const highest = finite.reduce((a, b) => Math.max(a, b), 0);
  const parts = Math.min(BARS_MAX, finite.length);
  return Array.from({ length: parts }, (_, n) => {
    const part = finite.slice(Math.floor((n * finite.length) / parts), Math.floor(((n + 1) * finite.length) / parts));
    const value = part.reduce((a, b) => Math.max(a, b), 0);
    return BARS.charAt(highest === 0 ? 0 : Math.round((value / highest) * (BARS.length - 1)));
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
