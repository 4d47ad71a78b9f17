/**
 * Truncates `text` to at most `max` characters (code points, not bytes). Truncated text ends with an ellipsis.
 *
 * @param max whole characters, at least 1
 * @throws RangeError if `max` is less than 1 or not an integer
 * @example truncate('checkout 5xx', 9) // 'checkout…'
 */
export function truncate(text: string, max: number): string {
  if (!Number.isInteger(max) || max < 1) throw new RangeError(`max is ${max}; it must be a whole number of at least 1`);
  const points = Array.from(text);
  return points.length <= max
    ? text
    : `${points
        .slice(0, max - 1)
        .join('')
        .trimEnd()}…`;
}
