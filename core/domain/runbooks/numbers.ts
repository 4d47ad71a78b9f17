/**
 * Returns the number that a person wrote in decimal, such as `-1.5` or `2e3`. Undefined: it is none. Other notations,
 * such as `0x10`, are more often a name or a version than a number.
 */
export function numberIn(text: string): number | undefined {
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}
