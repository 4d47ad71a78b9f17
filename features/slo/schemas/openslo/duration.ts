import * as z from 'zod';

/** Minutes, hours, days, weeks, months, quarters, years. */
type Unit = 'm' | 'h' | 'd' | 'w' | 'M' | 'Q' | 'Y';

export type Shorthand = { count: number; unit: Unit };

/**
 * OpenSLO's duration-shorthand: `5m`, `12h`, `28d`, `4w`, `1M`, `1Q`, `1Y`.
 * @see https://github.com/OpenSLO/OpenSLO#duration-shorthand
 */
export const DurationShorthand = z
  .string()
  .regex(/^[1-9][0-9]{0,5}[mhdwMQY]$/, 'must be a number and one of m, h, d, w, M, Q, Y, such as 28d or 4w')
  .transform((text): Shorthand => ({ count: Number(text.slice(0, -1)), unit: text.slice(-1) as Unit }));

const DAY_SECONDS = 24 * 3600;

/** For rolling windows, a month has 30 days, a quarter 90, and a year 365. */
const SECONDS: Readonly<Record<Unit, number>> = {
  m: 60,
  h: 3600,
  d: DAY_SECONDS,
  w: 7 * DAY_SECONDS,
  M: 30 * DAY_SECONDS,
  Q: 90 * DAY_SECONDS,
  Y: 365 * DAY_SECONDS,
};

export const secondsOf = ({ count, unit }: Shorthand): number => count * SECONDS[unit];
