import * as z from 'zod';
import { ToilTask } from '../reports/team-digest.ts';
import { Receivers, WEEKLY, withReceiver } from './stakeholders.ts';

/** Minutes that a person needs for a task. An absent task counts, but saves no minutes. */
export const ToilMinutes = z.strictObject(
  Object.fromEntries(ToilTask.options.map((task) => [task, z.number().min(0).max(1440).optional()])) as Record<
    ToilTask,
    z.ZodOptional<z.ZodNumber>
  >,
);
export type ToilMinutes = z.infer<typeof ToilMinutes>;

const TeamReceivers = z.strictObject(Receivers).check(withReceiver);

/** Who gets the weekly digest of a team, and when. */
export const TeamDigests = z.strictObject({
  /** Receivers by team. */
  teams: z.record(z.string().min(1).max(256), TeamReceivers),
  ...WEEKLY,
});
export type TeamDigests = z.infer<typeof TeamDigests>;
