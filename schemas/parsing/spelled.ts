import * as z from 'zod';

/** Returns a word as it is compared: Jenkins has `SUCCESS`, and people write `pull-request`. */
export const wordKey = (word: string): string =>
  word
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_-]/g, '');

/** Reads a known word in any letter case, also in the plural, and the words of others. What is unknown stays, and is refused. */
export function spelled<T extends z.ZodEnum>(known: T, words: Readonly<Record<string, z.infer<T>>> = {}) {
  const byKey = new Map([
    ...known.options.map((word) => [wordKey(String(word)), word] as const),
    ...Object.entries(words).map(([word, meant]) => [wordKey(word), meant] as const),
  ]);
  return z.preprocess((written) => {
    if (typeof written !== 'string') return written;
    const key = wordKey(written);
    const name = [key, key.replace(/s$/, ''), key.replace(/es$/, '')].find((one) => byKey.has(one));
    return name === undefined ? written : byKey.get(name);
  }, known);
}
