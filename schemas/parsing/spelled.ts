import * as z from 'zod';

/** Reads a known word in any letter case, also in the plural, and the words of others. What is unknown stays, and is refused. */
export const spelled = <T extends z.ZodEnum>(known: T, words: Readonly<Record<string, z.infer<T>>> = {}) =>
  z.preprocess((written) => {
    if (typeof written !== 'string') return written;
    const key = written
      .trim()
      .toLowerCase()
      .replaceAll(/[\s_-]/g, '');
    const name = [key, key.replace(/s$/, ''), key.replace(/es$/, '')].find(
      (one) => known.options.includes(one) || Object.hasOwn(words, one),
    );
    return name === undefined ? written : (words[name] ?? name);
  }, known);
