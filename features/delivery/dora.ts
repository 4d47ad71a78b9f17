import { ClosedAs } from '../../schemas/incidents/incident.ts';
import * as z from 'zod';
import { ChangeId, EnvironmentName, IncidentId, ServiceName } from '../../schemas/config/names.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import { Band } from './config.ts';
import { DeployRecord } from './deploy-record.ts';

const band = Band.nullable();
const seconds = z.number().nullable();

/** Why a deploy counts as failed. */
export const FailureCause = z.discriminatedUnion('kind', [
  /** An incident is attributed to it: by the engine or by a person. */
  z.object({
    kind: z.literal('incident'),
    incident_id: IncidentId,
    /** Null: stored before numbers existed. */
    incident_number: z.number().nullable().default(null),
  }),
  /** Its rollout failed. */
  z.object({ kind: z.literal('rollout') }),
  /** A rollback removed it from production. */
  z.object({ kind: z.literal('rollback'), deployment_id: ChangeId }),
]);
export type FailureCause = z.infer<typeof FailureCause>;

/** A deploy with everything that the figures derive from it. */
export const DoraDeploy = DeployRecord.pick({
  id: true,
  service: true,
  environment: true,
  version: true,
  kind: true,
  status: true,
  started_at: true,
}).extend({
  finished_at: Timestamp,
  /** Seconds from each commit to production; empty if no commit time was reported. */
  lead_times_s: z.array(z.number()),
  /** Its attribution window is still open, so it is in no rate. */
  pending: z.boolean(),
  /** Empty: not failed. Always empty for a rollback. */
  failures: z.array(FailureCause),
  /**
   * Seconds from its end to the recovery. Null: not failed, or no recovery is recorded, because its incident is open or closed
   * as not verified.
   */
  recovery_s: seconds,
  /** `revert`: it brought a merged pull request that reverts another. */
  rework: z.enum(['rollback', 'hotfix', 'revert']).nullable(),
  /** The pull request that makes it rework. Null: its own kind does. */
  rework_pull_request: z.object({ repository: z.string(), number: z.number() }).nullable(),
});
export type DoraDeploy = z.infer<typeof DoraDeploy>;

/** A problem of an incident with the deploy to which it is attributed. */
const Attribution = z.object({
  /** Null: no deploy. */
  deployment_id: ChangeId.nullable(),
  /**
   * `rolled_back`: the incident's rollback removed the deploy, and that was not found wrong. `confidence`: the engine's
   * suspect is certain enough. `person`: a correction. `none`: no suspect is confirmed.
   */
  attributed_by: z.enum(['rolled_back', 'confidence', 'person', 'none']),
});

/** An incident with the deploys to which it is attributed. */
export const DoraIncident = z.object({
  id: IncidentId,
  /** Null: stored before numbers existed. */
  number: z.number().nullable().default(null),
  service: ServiceName,
  environment: EnvironmentName,
  title: z.string(),
  opened_at: Timestamp,
  resolved_at: Timestamp.nullable(),
  /** How it was closed. Null: it is open. */
  closed_as: ClosedAs.nullable().default(null),
  /** Seconds in which its problems lasted. Null: it is open, or nothing has shown that the service recovered. */
  restore_s: seconds,
  /** That of its first problem with a deploy. */
  ...Attribution.shape,
  /** Its problems, oldest first: one, unless another began after the mitigation of the one before. */
  problems: z.array(Attribution.extend({ opened_at: Timestamp, ended_at: Timestamp.nullable() })).default([]),
  /** The correction of a person. */
  correction: z.object({ by: z.string(), at: Timestamp, reason: z.string() }).nullable(),
});
export type DoraIncident = z.infer<typeof DoraIncident>;

/** The figures of a window. `null`: no record in the window has this figure. */
export const DoraFigures = z.object({
  deployment_frequency: z.object({ value: z.number(), unit: z.literal('per_day'), band, deploys: z.number() }),
  lead_time: z.object({ median_s: seconds, p90_s: seconds, band, commits: z.number() }),
  /** `value` from 0 to 1; `failed` of `deploys`, without those that are pending. */
  change_failure_rate: z.object({ value: z.number().nullable(), band, failed: z.number(), deploys: z.number() }),
  /** Of resolved incidents, whatever caused them. */
  time_to_restore: z.object({
    median_s: seconds,
    band,
    incidents: z.number(),
    open: z.number(),
    unverified: z.number(),
  }),
  rework_rate: z.object({ value: z.number().nullable(), rework: z.number(), deploys: z.number() }),
  failed_deployment_recovery: z.object({ median_s: seconds, band, recovered: z.number(), open: z.number() }),
  /** Deploys whose attribution window is still open. */
  pending: z.number(),
  /** Incidents without a confirmed deploy. */
  incidents_without_deploy: z.number(),
  /** Applies of Terraform and others. `value`: the share that succeeded. */
  infrastructure_changes: z.object({ value: z.number().nullable(), succeeded: z.number(), failed: z.number() }),
});
export type DoraFigures = z.infer<typeof DoraFigures>;

/** The figures whose records can be listed. */
export const DoraFigure = z.enum([
  'deployment_frequency',
  'lead_time',
  'change_failure_rate',
  'time_to_restore',
  'rework_rate',
  'failed_deployment_recovery',
  'pending',
  'incidents_without_deploy',
  'infrastructure_changes',
]);
export type DoraFigure = z.infer<typeof DoraFigure>;

/** Names of the figures for people, as DORA has them. */
export const FIGURE_NAMES: Readonly<Record<DoraFigure, string>> = {
  deployment_frequency: 'Deployment frequency',
  lead_time: 'Change lead time',
  change_failure_rate: 'Change fail rate',
  failed_deployment_recovery: 'Failed deployment recovery time',
  rework_rate: 'Rework rate',
  time_to_restore: 'Time to restore',
  pending: 'Pending deploys',
  incidents_without_deploy: 'Incidents without a deploy',
  infrastructure_changes: 'Infrastructure changes',
};

/** What each figure measures, for people. */
export const FIGURE_DEFINITIONS: Readonly<Record<DoraFigure, string>> = {
  deployment_frequency: 'Deploys to production that succeeded, by day of the window',
  lead_time: 'From each commit to the end of the deploy that brought it to production first',
  change_failure_rate:
    'Share of deploys that failed: an incident is attributed to them, their rollout failed, or they were rolled back',
  failed_deployment_recovery: 'From the end of a failed deploy to the recovery of the service',
  rework_rate: 'Share of deploys and rollbacks that were a rollback, a hotfix, or a revert',
  time_to_restore:
    'From the first alert of an incident to the recovery, without the time between two problems. Groups, services outside the catalogue, and alerts that ended by themselves at once do not count',
  pending: 'Deploys so young that an incident may still be attributed to them; they count in no rate',
  incidents_without_deploy: 'Incidents for which no deploy is confirmed as the cause',
  infrastructure_changes: 'Share of applies of the infrastructure that succeeded',
};
