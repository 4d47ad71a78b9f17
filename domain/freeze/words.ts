import type { Freeze, FreezeScope } from '../../schemas/freeze/freeze.ts';
import type { CheckReasonCode, Verdict } from '../../schemas/freeze/freeze-check.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** Formats a time as `2026-11-20 17:05 UTC`, truncated to minutes. */
export const utcMinute = (at: Timestamp): string => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;

/** Formats a share as `297.6 %`, truncated rather than rounded: nothing shows as 100 % before it is. */
export const percent = (share: number): string => `${Math.floor(share * 1000 + 1e-9) / 10} %`;

/** Formats a duration as `45 s`, `23 min`, `5 h`, or `3 d`, truncated to whole units. */
export function ageText(seconds: number): string {
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 2 * 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** Describes the scope of a freeze: `checkout in production`, `services of payments`, `everything`. */
export function scopeInWords({ service, team, environment }: FreezeScope): string {
  const owner = service ?? (team === null ? null : `services of ${team}`);
  if (owner === null) return environment === null ? 'everything' : `everything in ${environment}`;
  return environment === null ? owner : `${owner} in ${environment}`;
}

/** Formats a reference to a freeze: `(freeze frz_…, for checkout in production, since 2026-11-20 17:05 UTC)`. */
export const freezeReference = (freeze: Pick<Freeze, 'id' | 'starts_at'> & FreezeScope): string =>
  `(freeze ${freeze.id}, for ${scopeInWords(freeze)}, since ${utcMinute(freeze.starts_at)})`;

/** Codes of reasons that don't refuse the change: a check gives them without a freeze, too. */
const REMARKS: ReadonlySet<CheckReasonCode> = new Set([
  'name_corrected',
  'budget_low',
  'budget_partly_known',
  'budget_corrected',
]);

/** Returns why a change is refused, and when that ends, in one sentence. */
export function refusalText({ reasons, clears_when }: Pick<Verdict, 'reasons' | 'clears_when'>): string {
  const refusals = reasons.filter(({ code }) => !REMARKS.has(code));
  const why = (refusals.length === 0 ? reasons : refusals).map(({ text }) => text).join('; ');
  return clears_when === null || why.includes(clears_when) ? why : `${why}; it ends ${clears_when}`;
}
