import * as z from 'zod';
import { FreezeCause } from '../freeze/schemas/freeze.ts';
import { Indicator, SloId } from '../../schemas/slo/slo.ts';
import { SloCorrection } from '../slo/schemas/slo-correction.ts';
import { Timestamp } from '../../schemas/time/time.ts';

/** A freeze by an objective, as it happened. `lifted`: a person ended it. */
export const RecordedFreeze = z.object({
  cause: FreezeCause.extract(['budget', 'burn']),
  starts_at: Timestamp,
  ended_at: Timestamp.nullable(),
  lifted: z.boolean(),
});
export type RecordedFreeze = z.infer<typeof RecordedFreeze>;

/** What the evaluations of an objective were based on, besides its counts: without people and texts. */
export const RecordedObjective = z.object({
  id: SloId,
  /** What the counts count. */
  indicator: Indicator,
  /** Periods that do not count, including withdrawn ones. */
  corrections: z.array(
    SloCorrection.pick({
      id: true,
      category: true,
      starts_at: true,
      ends_at: true,
      rrule: true,
      time_zone: true,
      created_at: true,
      withdrawn_at: true,
      ended_at: true,
    }),
  ),
  /** Oldest first. */
  freezes: z.array(RecordedFreeze),
});
export type RecordedObjective = z.infer<typeof RecordedObjective>;

const Counts = z.array(z.number().nullable()).length(288);

/** Counts of a UTC day in the 288 five-minute buckets of the day. Null: unknown. */
export const CountedDay = z.object({ day: z.iso.date(), events: Counts, errors: Counts });
export type CountedDay = z.infer<typeof CountedDay>;
