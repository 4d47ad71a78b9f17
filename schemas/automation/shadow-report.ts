import * as z from 'zod';
import { EnvironmentName, IncidentId, Mode, ServiceName, Version } from '../config/names.ts';
import { Timestamp } from '../time/time.ts';

/** Whether automation would have done what people did. */
export const ShadowVerdict = z.enum(['right', 'wrong', 'undecided']);
export type ShadowVerdict = z.infer<typeof ShadowVerdict>;

/** What automation would have done. `nothing`: only a suggestion, or nothing to do. */
export const ShadowAct = z.enum(['roll_back', 'ask', 'nothing']);
export type ShadowAct = z.infer<typeof ShadowAct>;

/** One incident, as automation would have handled it. */
export const ShadowCase = z.object({
  incident: IncidentId,
  /** Null: the incident was stored before numbers existed. */
  number: z.number().nullable(),
  at: Timestamp,
  would: ShadowAct,
  from_version: Version.nullable(),
  to_version: Version.nullable(),
  verdict: ShadowVerdict,
  because: z.string(),
});
export type ShadowCase = z.infer<typeof ShadowCase>;

const Tally = z.object({ count: z.number(), right: z.number(), wrong: z.number(), undecided: z.number() });
export type ShadowTally = z.infer<typeof Tally>;

export const ShadowRow = z.object({
  service: ServiceName,
  environment: EnvironmentName,
  /** The mode in force now. Null: the service and environment are no longer in the catalogue. */
  mode: Mode.nullable(),
  rollbacks: Tally,
  questions: Tally,
  nothing: Tally,
  /** How to leave shadow mode. Null: it is not in shadow mode. */
  promotion: z.object({ to: Mode, ready: z.boolean(), because: z.string(), steps: z.array(z.string()) }).nullable(),
  /** The newest cases, newest first. */
  cases: z.array(ShadowCase),
});
export type ShadowRow = z.infer<typeof ShadowRow>;

export const ShadowReport = z.object({
  /** Covers incidents opened from this time on. Later than requested if there were too many to read. */
  since: Timestamp,
  until: Timestamp,
  /** False: there were more incidents in the requested time than one report reads. */
  complete: z.boolean(),
  incidents: z.number(),
  items: z.array(ShadowRow),
});
export type ShadowReport = z.infer<typeof ShadowReport>;
