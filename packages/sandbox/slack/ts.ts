/**
 * Formats a message's `ts`, which is its ID in the channel and its time: seconds since the Unix epoch with six
 * decimals. It is stored in whole microseconds, which sort as numbers and are exact.
 */
export const tsText = (micros: number): string =>
  `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, '0')}`;

/** Parses the ID of a message; `undefined` if it is invalid. */
export const tsOf = (text: string): number | undefined => (/^\d{10}\.\d{6}$/.test(text) ? microsOf(text) : undefined);

/** Parses a bound of a time range, which can have fewer decimals; `undefined` if it is invalid. */
export function microsOf(text: string): number | undefined {
  const [, seconds, decimals = ''] = /^(\d{1,10})(?:\.(\d{0,6}))?$/.exec(text) ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1_000_000 + Number(decimals.padEnd(6, '0'));
}
