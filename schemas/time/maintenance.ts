import * as z from 'zod';
import { Matchers } from '../alerts/match.ts';
import { valueOfAliases } from '../parsing/aliases.ts';
import { readSpan, SPAN_KEYS, type TimeSpan, addProblem } from './time-span.ts';

export { secondsOf } from './time-span.ts';

type WindowDetails = { name: string; matchers: Matchers; reason?: string; by?: string };

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
  const matching = valueOfAliases({ match, matchers }, context);
  if (matching === undefined) addProblem(context, '"match" is missing; use "match: {}" for every alert');
  const span = readSpan(window, context);
  if (matching === undefined || span === undefined) return z.NEVER;
  const details: WindowDetails = { name, matchers: matching };
  if (reason !== undefined) details.reason = reason;
  if (by !== undefined) details.by = by;
  return { ...details, ...span };
});
export type MaintenanceWindow = WindowDetails & TimeSpan;
