/**
 * A message's `ts` is its id in the channel and its time: seconds since the Unix epoch with six decimals. It is kept in
 * whole microseconds, which sort as numbers and are exact.
 */
export const tsText = (micros: number): string =>
  `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, '0')}`;

/** The id of a message; `undefined` when the text is none. */
export const tsOf = (text: string): number | undefined => (/^\d{10}\.\d{6}$/.test(text) ? momentOf(text) : undefined);

/** A bound of a time range, whose decimals may be fewer; `undefined` when the text is none. */
export function momentOf(text: string): number | undefined {
  const [, seconds, decimals = ''] = /^(\d{1,10})(?:\.(\d{0,6}))?$/.exec(text) ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1_000_000 + Number(decimals.padEnd(6, '0'));
}
