import * as z from 'zod';
import { Matchers } from '../alerts/match.ts';
import { oneOf } from '../parsing/aliases.ts';
import { readSpan, SPAN_KEYS, type TimeSpan, wrong } from './time-span.ts';

export { secondsOf } from './time-span.ts';

type What = { name: string; matchers: Matchers; reason?: string; by?: string };

const WindowMap = z.strictObject({
  name: z.string().min(1).default('maintenance'),
  match: Matchers.optional(),
  matchers: Matchers.optional(),
  ...SPAN_KEYS,
  reason: z.string().optional(),
  by: z.string().optional(),
});

/** A window of `maintenance`, once or recurring. */
export const MaintenanceWindow = WindowMap.transform((window, context): MaintenanceWindow => {
  const { name, match, matchers, reason, by } = window;
  const matching = oneOf({ match, matchers }, context);
  if (matching === undefined) wrong(context, '"match" is missing; use "match: {}" for every alert');
  const span = readSpan(window, context);
  if (matching === undefined || span === undefined) return z.NEVER;
  const what: What = { name, matchers: matching };
  if (reason !== undefined) what.reason = reason;
  if (by !== undefined) what.by = by;
  return { ...what, ...span };
});
export type MaintenanceWindow = What & TimeSpan;
