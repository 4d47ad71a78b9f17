/** Parses a whole number from 1, such as a page number in a query. Undefined: it is absent or invalid. */
export function positiveInteger(text: string | undefined): number | undefined {
  const number = Number(text);
  return Number.isInteger(number) && number >= 1 ? number : undefined;
}
