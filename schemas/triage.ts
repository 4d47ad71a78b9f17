import * as z from 'zod';

/** Minutes; `off`: nobody is reminded of that. */
const Minutes = (fallback: number) =>
  z
    .union([
      z
        .number()
        .min(1)
        .max(24 * 60),
      z.literal('off'),
    ])
    .default(fallback);

/** What people are reminded of while an incident goes on, in `config/response.yaml`. */
export const Triage = z.strictObject({
  /** From which severity on. */
  from: z.enum(['critical', 'warning']).default('critical'),
  /** Until somebody has said that they see to it, and that it is as severe as it says. */
  acknowledgeMinutes: Minutes(5),
  /** Until somebody commands. */
  commanderMinutes: Minutes(10),
  /** From one update to the next. */
  updateMinutes: Minutes(30),
  /** How often in a row for the same thing. */
  times: z.number().int().min(1).max(20).default(3),
});
export type Triage = z.infer<typeof Triage>;
