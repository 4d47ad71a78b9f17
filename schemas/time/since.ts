import * as z from 'zod';

export const DAY_SECONDS = 86_400;

const UNITS = { h: 3600, d: DAY_SECONDS, w: 7 * DAY_SECONDS } as const;

/** Parses how far to look back, such as 12h, 30d, or 4w, into seconds: at most 90 days, for which records are kept. */
export const Since = z
  .string()
  .regex(/^[1-9]\d{0,4}[hdw]$/, 'Give hours, days, or weeks, such as 12h, 30d, or 4w')
  .transform((text) => Number(text.slice(0, -1)) * UNITS[text.slice(-1) as keyof typeof UNITS])
  .refine((seconds) => seconds <= 90 * DAY_SECONDS, 'At most 90 days');
