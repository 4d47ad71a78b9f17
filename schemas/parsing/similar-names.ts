/** Maximum share of wrong letters for a suggestion. */
const WRONG_SHARE = 1 / 3;

/** Returns the word that was probably meant; null if none is similar. */
export function nearest(name: string, words: Iterable<string>): string | null {
  let best: { word: string; distance: number } | null = null;
  for (const word of words) {
    const distanceMax = Math.max(1, Math.floor(Math.max(word.length, name.length) * WRONG_SHARE));
    if (Math.abs(word.length - name.length) > distanceMax) continue; // the distance is at least that
    const distance = editDistance(name.toLowerCase(), word.toLowerCase());
    if (distance > distanceMax) continue;
    if (best === null || distance < best.distance) best = { word, distance };
  }
  return best?.word ?? null;
}

/** Formats the end of a message: `; did you mean "service"?`. Empty: there is no suggestion. */
export const suggestionText = (word: string | null | undefined): string =>
  word == null ? '' : `; did you mean ${JSON.stringify(word)}?`;

/** Returns `did you mean "service"?`, or null. */
export function didYouMean(name: string, words: Iterable<string>): string | null {
  const word = nearest(name, words);
  return word === null ? null : `did you mean "${word}"?`;
}

/** Maximum number of comparisons for the suggestions of a file: both its unknown names and the words can be thousands. */
const COMPARED_MAX = 50_000;

/** Returns `didYouMean` for the unknown names of a file. The first ones have suggestions. */
export function suggester(words: Iterable<string>): (name: string) => string | null {
  const known = [...new Set(words)];
  const suggestions = new Map<string, string | null>();
  return (name) => {
    if (!suggestions.has(name) && suggestions.size * known.length < COMPARED_MAX)
      suggestions.set(name, didYouMean(name, known));
    return suggestions.get(name) ?? null;
  };
}

/**
 * Returns the number of insertions, deletions, substitutions, and transpositions of adjacent letters that turn one word
 * into the other.
 */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const now = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      now[column] = Math.min(
        (last[column] ?? 0) + 1,
        (now[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped && row > 1 && column > 1 ? (beforeLast[column - 2] ?? 0) + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = now;
  }
  return last[to.length] ?? 0;
}
