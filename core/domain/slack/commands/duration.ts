/**
 * Parsing of durations in natural language. Input that resembles a duration but is invalid is an error, never ignored.
 */

const UNITS = {
  w: 7 * 86_400,
  d: 86_400,
  h: 3600,
  m: 60,
  s: 1,
} as const;

/** Maximum duration. Anything longer should be open-ended. */
const MAX_SECONDS = 366 * UNITS.d;

/** Number words; longer ones first. */
const WORDS: readonly (readonly [string, number])[] = [
  ['half\\s+an?', 0.5],
  ['(?:a\\s+)?couple(?:\\s+of)?', 2],
  ['fourteen', 14],
  ['forty[\\s-]five', 45],
  ['forty', 40],
  ['four', 4],
  ['one', 1],
  ['two', 2],
  ['three', 3],
  ['five', 5],
  ['six', 6],
  ['seven', 7],
  ['eight', 8],
  ['nine', 9],
  ['ten', 10],
  ['eleven', 11],
  ['twelve', 12],
  ['fifteen', 15],
  ['twenty[\\s-]four', 24],
  ['twenty', 20],
  ['thirty', 30],
  ['fifty', 50],
  ['sixty', 60],
  ['ninety', 90],
  ['an?', 1],
];

const UNIT = '(?:w(?:(?:ee)?ks?)?|d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?!\\p{L})';
const COUNT = `(?:(?<!\\d)\\d+(?:[.,]\\d+)?\\s*|\\b(?:${WORDS.map(([word]) => word).join('|')})\\s+)`;
const HALF_MORE = '(?:\\s+and\\s+a\\s+half\\b)?';
const PART = `${COUNT}${UNIT}${HALF_MORE}`;

/**
 * Matches `2h`, `2h 30m`, `1 hour and 30 minutes`, `for half an hour`, and `two hours`, as well as `-5m`, which is then
 * rejected.
 */
const WHOLE = new RegExp(`^(?:for\\s+)?([+-]?)(${PART}(?:(?:\\s*,\\s*|\\s+and\\s+|\\s*)${PART})*)[.,:;]?$`, 'iu');

const EACH_PART = new RegExp(`(${COUNT})(${UNIT})(${HALF_MORE})`, 'giu');

/** Matches vague durations, which are rejected. */
const VAGUE = new RegExp(
  `^(?:for\\s+)?(?:a\\s+few|few|several|some|many|a\\s+number\\s+of|the(?:\\s+(?:whole|rest\\s+of\\s+the))?|all|\\p{L}+teen|\\p{L}+ty)\\s+${UNIT}$`,
  'iu',
);

/** Matches words that suggest a time. */
const LOOKS_LIKE_DURATION = /^(?:[+-]?\d|until$|till?$|today$|tonight$|tomorrow$)/i;

/** Maximum number of words in a duration. */
const WORDS_MAX = 8;

export type Duration = { seconds: number } | { problem: string };

/** Parses an entire text as a duration. */
export function parseDuration(text: string): Duration {
  const [, sign, parts = ''] = WHOLE.exec(text.trim()) ?? [];
  if (sign === undefined) return { problem: `"${text.trim().slice(0, 40)}" is not a duration, such as 2h, 30m, or 1d` };
  if (sign === '-') return { problem: `"${text.trim()}" is a negative duration` };
  const seconds = [...parts.matchAll(EACH_PART)].reduce((sum, [, count = '', unit = '', half = '']) => {
    return sum + (countIn(count) + (half === '' ? 0 : 0.5)) * unitSeconds(unit);
  }, 0);
  if (seconds < 1) return { problem: `"${text.trim()}" is shorter than a second` };
  if (seconds > MAX_SECONDS)
    return {
      problem: `"${text.trim().slice(0, 40)}" is longer than a year, which is the limit; a freeze without a duration stays until it is lifted`,
    };
  return { seconds: Math.round(seconds) };
}

const unitSeconds = (unit: string): number => UNITS[unit.charAt(0).toLowerCase() as keyof typeof UNITS];

function countIn(count: string): number {
  const number = WORDS.find(([word]) => new RegExp(`^${word}$`, 'i').test(count.trim()));
  return number === undefined ? Number(count.trim().replace(',', '.')) : number[1];
}

/** A duration within a list of words, with the number of words that it spans. */
type FoundDuration = { words: number; duration: Duration };

/** Parses a duration at the start of the words. Undefined: they start with something else. */
export function leadingDuration(words: readonly string[]): FoundDuration | undefined {
  for (let count = Math.min(WORDS_MAX, words.length); count > 0; count -= 1) {
    const text = words.slice(0, count).join(' ');
    if (WHOLE.test(text)) return { words: count, duration: parseDuration(text) };
  }
  for (let count = Math.min(WORDS_MAX, words.length); count > 0; count -= 1) {
    const text = words.slice(0, count).join(' ');
    if (VAGUE.test(text)) return { words: count, duration: parseDuration(text) };
  }
  const [first] = words;
  if (first === undefined || !LOOKS_LIKE_DURATION.test(first)) return undefined;
  return { words: 1, duration: parseDuration(first) };
}

/** Parses a duration at the end of the words. Undefined: they end with something else; a bare number is ambiguous. */
export function trailingDuration(words: readonly string[]): FoundDuration | undefined {
  for (let count = Math.min(WORDS_MAX, words.length); count > 0; count -= 1) {
    const text = words.slice(-count).join(' ');
    if (WHOLE.test(text) || VAGUE.test(text)) return { words: count, duration: parseDuration(text) };
  }
  return undefined;
}

/** Finds a duration among other words, where it is ambiguous. Undefined: there is none. */
export function innerDuration(words: readonly string[]): string | undefined {
  for (let at = 1; at < words.length; at += 1) {
    const found = leadingDuration(words.slice(at));
    if (found !== undefined && 'seconds' in found.duration) return words.slice(at, at + found.words).join(' ');
  }
  return undefined;
}
