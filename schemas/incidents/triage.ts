import * as z from 'zod';

/** In minutes; `off`: no reminder. */
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

/** Reminders during an incident, in `config/response.yaml`. */
export const Triage = z.strictObject({
  /** Lowest severity. */
  from: z.enum(['critical', 'warning']).default('critical'),
  /** Until a person has acknowledged the incident and confirmed its severity. */
  acknowledgeMinutes: Minutes(5),
  /** Until there is an incident commander. */
  commanderMinutes: Minutes(10),
  /** Between updates. */
  updateMinutes: Minutes(30),
  /** Maximum number of reminders in a row of the same kind. Default: 3, or 1 for a small team. */
  times: z.number().int().min(1).max(20).optional(),
});
export type Triage = z.infer<typeof Triage>;
