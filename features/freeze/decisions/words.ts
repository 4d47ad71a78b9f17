import { type Freeze, FreezeCause, type FreezeScope } from '../schemas/freeze.ts';
import type { CheckReason, CheckReasonCode, Verdict } from '../schemas/freeze-check.ts';
import { truncated } from '../../../schemas/parsing/text.ts';
import { minuteText, plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

/** Formats the end of a freeze as `minuteText` does, rounded up: it is not over before this minute begins. */
export const utcMinuteOfEnd = (until: Timestamp): string => minuteText(plusSeconds(until, 59.999));

/** Formats a share as `297.6 %`, truncated rather than rounded: nothing shows as 100 % before it is. */
export const percent = (share: number): string => `${Math.floor(share * 1000 + 1e-9) / 10} %`;

/** Describes the scope of a freeze: `checkout in production`, `services of payments`, `all services`. */
export function scopeInWords({ service, team, environment }: { [K in keyof FreezeScope]: string | null }): string {
  const owner = service ?? (team === null ? null : `services of ${team}`);
  return `${owner ?? 'all services'}${environment === null ? '' : ` in ${environment}`}`;
}

/** Says until when a freeze applies: `until 2026-11-20 17:05 UTC`, `until a person lifts it`. */
export const untilText = ({ until, ends_when }: Pick<Freeze, 'until' | 'ends_when'>): string =>
  `until ${until === null ? ends_when : utcMinuteOfEnd(until)}`;

/** Says what ends a freeze without a known end: `ends when less than 95 % of the budget is spent`. */
export const endsWhenText = ({ ends_when }: Pick<Freeze, 'ends_when'>): string => `ends when ${ends_when}`;

/** Formats a reference to a freeze: `freeze frz_…, for checkout in production, since 2026-11-20 17:05 UTC`. */
export const freezeReference = (freeze: Pick<Freeze, 'id' | 'starts_at'> & FreezeScope): string =>
  `freeze ${freeze.id}, for ${scopeInWords(freeze)}, since ${minuteText(freeze.starts_at)}`;

export const CAUSE_WORDS: Readonly<Record<FreezeCause, string>> = {
  budget: 'error budget',
  burn: 'burn rate',
  calendar: 'calendar',
  incident: 'incident',
  pin: 'pinned version',
  person: 'by hand',
};

/** The code of a reason that is a freeze with this cause. */
export const CAUSE_CODES: Readonly<Record<FreezeCause, CheckReasonCode>> = {
  budget: 'budget_spent',
  burn: 'burn_rate',
  calendar: 'calendar',
  incident: 'incident',
  pin: 'pinned_version',
  person: 'person',
};

const REASON_WORDS: ReadonlyMap<string, string> = new Map(
  FreezeCause.options.map((cause) => [CAUSE_CODES[cause], CAUSE_WORDS[cause]]),
);

/** Returns what kind of reason it is, in words. For a freeze, these are the words for its cause. */
export const reasonWords = (code: CheckReasonCode): string => REASON_WORDS.get(code) ?? code.replaceAll('_', ' ');

/** Longest text of a reason, in characters. */
const TEXT_MAX_CHARS = 140;

/**
 * Returns the reason with one sentence of at most 140 characters as its text. People write the reasons of freezes: a text
 * that is longer, or has several sentences, is cut, and in full the first of `more`.
 */
export function brief({ code, text, more = [] }: CheckReason): CheckReason {
  const shown = firstSentence(text);
  const rest = shown === text ? more : [text, ...more];
  return { code, text: shown, ...(rest.length > 0 && { more: rest }) };
}

/** Abbreviations and initials after which a sentence goes on, also with a capital letter: `St. Martin`, `e.g. Ada`, `J. Miller`. */
const ABBREVIATION = new RegExp(
  `(?<![^\\s(])(?:(?![ap]\\.m)\\p{L}\\.\\p{L}|\\p{L}|${[
    'approx|ca|cf|Co|Corp|dept|Dr|excl|fig|Inc|incl|Jr|Ltd|max|min|Mr|Mrs|Ms|no|Prof|resp|Sr|St|vs',
    'Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec',
  ].join('|')})\\.$`,
  'iu',
);

/**
 * The space after a sentence. A period before a lower-case letter ends none (Unicode Standard Annex 29, SB8), nor does a
 * question mark in a link. Looks back only from a space, so that a text of quotation marks takes linear time.
 */
const SENTENCE_END = / (?<=[?!。！？][\p{Pe}\p{Pf}"']* )| (?<=\.[\p{Pe}\p{Pf}"']* )(?![^\p{L}.?!]*\p{Ll})/gu;

function firstSentence(text: string): string {
  const spaced = text.trim().replaceAll(/\s+/g, ' ');
  const end = spaced.matchAll(SENTENCE_END).find(({ index }) => !ABBREVIATION.test(spaced.slice(0, index)));
  return truncated(spaced.slice(0, end?.index), TEXT_MAX_CHARS);
}

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
