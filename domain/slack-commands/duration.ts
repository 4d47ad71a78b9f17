/** How long something lasts, as people write it. What looks like a duration and is none is said, never passed over. */

const UNITS = {
  w: 7 * 86_400,
  d: 86_400,
  h: 3600,
  m: 60,
  s: 1,
} as const;

/** Whatever is meant to hold for longer holds until somebody ends it. */
const MAX_SECONDS = 366 * UNITS.d;

const UNIT = '(?:w(?:(?:ee)?ks?)?|d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?!\\p{L})';
const PART = `\\d+(?:[.,]\\d+)?\\s*${UNIT}`;
const ONE = `(?:half\\s+an?|an?|one)\\s+${UNIT}`;

/** `2h`, `2h 30m`, `1 hour and 30 minutes`, `for half an hour`, and `-5m`, which is understood and wrong. */
const WHOLE = new RegExp(
  `^(?:for\\s+)?([+-]?)(${ONE}|${PART}(?:(?:\\s*,\\s*|\\s+and\\s+|\\s*)${PART})*)[.,:;]?$`,
  'iu',
);

const EACH = new RegExp(`(\\d+(?:[.,]\\d+)?\\s*|\\b(?:half\\s+an?|an?|one)\\s+)(${UNIT})`, 'giu');

/** What somebody begins to write who means a time. */
const LOOKS_SO = /^(?:[+-]?\d|until$|till?$|today$|tonight$|tomorrow$)/i;

/** Of more words than these none is made. */
const WORDS_MAX = 8;

export type Duration = { seconds: number } | { wrong: string };

/** All of this text as a duration. */
export function durationIn(text: string): Duration {
  const [, sign, parts = ''] = WHOLE.exec(text.trim()) ?? [];
  if (sign === undefined) return { wrong: `"${text.trim().slice(0, 40)}" is no duration, as 2h, 30m or 1d` };
  if (sign === '-') return { wrong: `"${text.trim()}" would be over before it begins` };
  const seconds = [...parts.matchAll(EACH)].reduce((sum, [, count = '', unit = '']) => sum + lasting(count, unit), 0);
  if (seconds < 1) return { wrong: `"${text.trim()}" is no time at all` };
  if (seconds > MAX_SECONDS)
    return {
      wrong: `"${text.trim().slice(0, 40)}" is longer than a year; without a duration it holds until it is ended`,
    };
  return { seconds: Math.round(seconds) };
}

function lasting(count: string, unit: string): number {
  const number = /^half/i.test(count) ? 0.5 : /^\D/.test(count) ? 1 : Number(count.trim().replace(',', '.'));
  return number * UNITS[unit.charAt(0).toLowerCase() as keyof typeof UNITS];
}

/** A duration among words: how many of them it is. */
type Found = { words: number; duration: Duration };

/** The one that these words begin with. Undefined: they begin with something else. */
export function leadingDuration(words: readonly string[]): Found | undefined {
  for (let count = Math.min(WORDS_MAX, words.length); count > 0; count -= 1) {
    const text = words.slice(0, count).join(' ');
    if (WHOLE.test(text)) return { words: count, duration: durationIn(text) };
  }
  const [first] = words;
  if (first === undefined || !LOOKS_SO.test(first)) return undefined;
  return { words: 1, duration: durationIn(first) };
}

/** The one that these words end with. Undefined: they end with something else; a number alone may mean anything. */
export function trailingDuration(words: readonly string[]): Found | undefined {
  for (let count = Math.min(WORDS_MAX, words.length); count > 0; count -= 1) {
    const text = words.slice(-count).join(' ');
    if (WHOLE.test(text)) return { words: count, duration: durationIn(text) };
  }
  return undefined;
}
