import type { AttributionCorrection, DeployRecord } from '../deploy-record.ts';
import type { Band, DeliveryConfig } from '../config.ts';
import type { DoraDeploy, DoraFigures, DoraIncident, FailureCause } from '../dora.ts';
import { CLOCK_SKEW_MAX_SECONDS, plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { attributedIncident, type ObservedIncident } from './attribution.ts';
import { bandLimits, failRateBand, frequencyBand, leadTimeBand, recoveryBand } from './bands.ts';
import { endsUnshown } from '../../../core/domain/incidents/closing.ts';
import { activeClearings } from '../../../core/domain/changes/cleared-suspects.ts';
import { isSameVersion } from '../../../core/domain/changes/version-identity.ts';
import { median, nearestRank } from '../../../core/domain/reports/quantiles.ts';
import { type ReworkByCommit, reworkOf } from './rework.ts';

/** The reported period, and the time of the report. */
export type DoraWindow = { from: Timestamp; until: Timestamp; now: Timestamp };

export type DeliveryRecords = {
  /** Deploys, rollbacks, and changes of the infrastructure that started in the window, in any order; a repeated ID counts once. */
  deploys: readonly DeployRecord[];
  /** Incidents of all services since the start of the window: one can be caused by another service's deploy. */
  incidents: readonly ObservedIncident[];
  corrections: readonly AttributionCorrection[];
  /** Reverts and hotfixes, by the SHA of their merge. */
  rework: ReworkByCommit;
};

/** Returns whether the records of a service and environment count. */
export type InScope = (serviceEnvironment: Pick<DeployRecord, 'service' | 'environment'>) => boolean;

export type DoraReport = {
  figures: DoraFigures;
  /** Deploys and rollbacks. */
  deploys: DoraDeploy[];
  /** Changes of the infrastructure. */
  infrastructure: DoraDeploy[];
  incidents: DoraIncident[];
};

const DAY_SECONDS = 24 * 3600;

/** A figure of fewer records has no band, and is not drawn over time: one more would change it. */
export const ENOUGH_RECORDS = 3;

/** Computes the figures of a window, with the records behind them, newest first. */
export function doraReport(
  { deploys: all, incidents: observed, corrections, rework }: DeliveryRecords,
  { from, until, now }: DoraWindow,
  inScope: InScope,
  config: DeliveryConfig,
): DoraReport {
  const known = [...new Map(all.map((record) => [record.id, record])).values()].toSorted(byStart);
  const records = [...Map.groupBy(known, serviceEnvironmentKey).values()].flatMap(withRedeploys).toSorted(byStart);
  const attributed = attributedIncidents(observed, records, corrections, config);
  const inWindow = records.filter(
    (record) => inScope(record) && record.started_at >= from && record.started_at <= until,
  );
  const pendingFrom = plusSeconds(now, -60 * config.attributionMinutes);
  const [applied = [], versions = []] = [true, false].map((isInfrastructure) =>
    inWindow.filter(({ kind }) => (kind === 'infrastructure') === isInfrastructure),
  );
  const failuresOf = Map.groupBy(
    attributed.flatMap(({ id, number, closed_as, problems }) =>
      problems.map(({ deployment_id, ended_at }) => ({
        deployment_id,
        incident_id: id,
        incident_number: number,
        ended_at,
        // Nothing shows when, or whether, this incident ended.
        isEndKnown: ended_at !== null || closed_as === null,
      })),
    ),
    ({ deployment_id: deploy }) => deploy,
  );
  const excluded = new Map<string, ReadonlySet<string>>(
    observed.map(({ id, cleared }) => [id, new Set(activeClearings(cleared).map(({ change_id: change }) => change))]),
  );
  const isInnocent: IsInnocent = ({ id, rolled_back_by: by }) => by !== null && excluded.get(by)?.has(id) === true;
  const deploys = [...Map.groupBy(versions, serviceEnvironmentKey).values()].flatMap((sameService) =>
    doraDeploys(sameService, { failuresOf, isInnocent }, rework, pendingFrom),
  );
  const infrastructure = applied.map(doraApply);
  const incidents = attributed.filter(
    (record) => inScope(record) && record.opened_at >= from && record.opened_at <= until,
  );
  return {
    figures: figuresOf(deploys, incidents, secondsBetween(from, until) / DAY_SECONDS, config, infrastructure),
    deploys: deploys.toSorted(
      (a, b) =>
        newestFirst(a.started_at, b.started_at) || newestFirst(a.finished_at, b.finished_at) || newestFirst(a.id, b.id),
    ),
    infrastructure: infrastructure.toReversed(),
    incidents: incidents.toSorted((a, b) => newestFirst(a.opened_at, b.opened_at) || newestFirst(a.id, b.id)),
  };
}

const newestFirst = (a: string, b: string): number => (a === b ? 0 : a < b ? 1 : -1);

const serviceEnvironmentKey = ({ service, environment }: DeployRecord): string =>
  JSON.stringify([service, environment]);

const byStart = (a: DeployRecord, b: DeployRecord): number =>
  newestFirst(b.started_at, a.started_at) || newestFirst(b.at, a.at) || newestFirst(b.id, a.id);

function attributedIncidents(
  observed: readonly ObservedIncident[],
  records: readonly DeployRecord[],
  corrections: readonly AttributionCorrection[],
  { confirmedConfidence }: DeliveryConfig,
): DoraIncident[] {
  const corrected = new Map(corrections.map((record) => [record.incident_id, record]));
  const rolledBack = Map.groupBy(
    records.filter(({ rolled_back_by: incident }) => incident !== null),
    ({ rolled_back_by: incident }) => incident,
  );
  return observed.map((record) =>
    attributedIncident(record, rolledBack.get(record.id) ?? [], corrected.get(record.id), confirmedConfidence),
  );
}

/** A problem of an incident that a deploy has caused. `isEndKnown`: false if nothing has shown that the service recovered. */
type Failure = Pick<DoraIncident['problems'][number], 'deployment_id' | 'ended_at'> & {
  incident_id: DoraIncident['id'];
  incident_number: DoraIncident['number'];
  isEndKnown: boolean;
};

/** Returns whether a deploy was excluded as the cause in the incident for which it was rolled back. */
type IsInnocent = (record: DeployRecord) => boolean;

/** @param records those of one service and environment, oldest first @param failuresOf by the ID of the deploy that caused them */
function doraDeploys(
  records: readonly DeployRecord[],
  { failuresOf, isInnocent }: { failuresOf: ReadonlyMap<string | null, readonly Failure[]>; isInnocent: IsInnocent },
  rework: ReworkByCommit,
  pendingFrom: Timestamp,
): DoraDeploy[] {
  const removedBy = rollbacksInForce(records);
  const leadTimesOfDeploys = leadTimes(records);
  const reworked = reworkOf(records, rework);
  return records.map((record): DoraDeploy => {
    const { id, kind, status, at } = record;
    const caused = failuresOf.get(id) ?? [];
    const rollback = isInnocent(record) ? undefined : removedBy.get(id);
    const failures: FailureCause[] =
      kind === 'rollback'
        ? []
        : [
            ...[...new Map(caused.map((one) => [one.incident_id, one])).values()].map(
              ({ incident_id, incident_number }): FailureCause => ({ kind: 'incident', incident_id, incident_number }),
            ),
            ...(status === 'failed' ? [{ kind: 'rollout' } as const] : []),
            ...(rollback === undefined ? [] : [{ kind: 'rollback', deployment_id: rollback.id } as const]),
          ];
    return {
      ...recordedFields(record),
      lead_times_s: leadTimesOfDeploys.get(id) ?? [],
      // A failure is known at once, and a rollback causes none.
      pending: kind !== 'rollback' && at > pendingFrom && failures.length === 0,
      failures,
      recovery_s: failures.length === 0 ? null : recoveryOf(record, records, caused, rollback),
      ...(reworked.get(id) ?? { rework: null, rework_pull_request: null }),
    };
  });
}

/** A change of the infrastructure fails by itself: no incident is attributed to it, and no rollback undoes it. */
const doraApply = (record: DeployRecord): DoraDeploy => ({
  ...recordedFields(record),
  lead_times_s: [],
  pending: false,
  failures: record.status === 'failed' ? [{ kind: 'rollout' }] : [],
  recovery_s: null,
  rework: null,
  rework_pull_request: null,
});

/** Returns what a record itself says. */
const recordedFields = ({ id, service, environment, version, kind, status, started_at, at }: DeployRecord) => ({
  id,
  service,
  environment,
  version,
  kind,
  status,
  started_at,
  finished_at: at,
});

/** Time in seconds within which a version that was replaced by an earlier one is deployed again, so that it was not rolled back. */
const AGAIN_SECONDS = DAY_SECONDS;

/**
 * Returns the records with those deploys as rollbacks that put a version live again which ran before the running one, as people and CD
 * systems roll back that know no rollback. It is none if the replaced version is deployed again within a day: a region that is a version
 * behind, or a new try. Versions are compared as they are recorded, because a report reads too many of them to compare their names
 * and commits as `replacedByOlder` does for each report that it recognizes.
 *
 * @param records those of one service and environment, oldest first
 */
function withRedeploys(records: readonly DeployRecord[]): DeployRecord[] {
  /** Versions that ran before the running one, oldest first. */
  let before: string[] = [];
  let running: string | undefined;
  return records.map((record, index) => {
    const { kind, status, version, previous_version: previous } = record;
    if (status !== 'succeeded' || kind === 'infrastructure') return record;
    const replaced = running ?? previous ?? undefined;
    running = version;
    if (replaced === undefined || replaced === version) return record;
    const place = before.indexOf(version);
    const isBack = place >= 0;
    before = isBack ? before.slice(0, place) : [...before.filter((one) => one !== replaced), replaced];
    const isAgain = (): boolean =>
      records
        .slice(index + 1)
        .some(
          (next) => next.version === replaced && secondsBetween(record.started_at, next.started_at) < AGAIN_SECONDS,
        );
    if (kind !== 'deploy' || !isBack || isAgain()) return record;
    return { ...record, kind: 'rollback' as const, previous_version: replaced };
  });
}

/**
 * Returns, by the ID of a deploy, the rollback that removed it. A rollback removes the version that ran before it; one
 * that was itself rolled back, so that the removed version runs again, removes nothing.
 *
 * @param records oldest first
 */
function rollbacksInForce(records: readonly DeployRecord[]): Map<string, DeployRecord> {
  const removed = new Map<string, DeployRecord>();
  /** The deploy that brought each version last. */
  const broughtBy = new Map<string, DeployRecord>();
  let running: string | undefined;
  for (const record of records) {
    if (record.status !== 'succeeded') continue;
    if (record.kind === 'rollback') {
      const { previous_version: previous } = record;
      // The sender can write the running version otherwise: without its commit, or in another spelling.
      const isRunning =
        running !== undefined && (previous === null || isSameVersion({ version: previous }, { version: running }));
      const removedVersion = isRunning ? running : (previous ?? undefined);
      const deploy =
        removedVersion === undefined || removedVersion === record.version ? undefined : broughtBy.get(removedVersion);
      const restored = broughtBy.get(record.version);
      const isRollbackOfRollback = restored !== undefined && removed.delete(restored.id);
      if (deploy !== undefined && !isRollbackOfRollback) removed.set(deploy.id, record);
    } else broughtBy.set(record.version, record);
    running = record.version;
  }
  return removed;
}

/**
 * Returns the seconds from each commit to production, by the ID of the deploy that brought it there first. A commit that
 * is deployed again is not counted again; a failed deploy brings none, and the time of a commit that is later is wrong.
 *
 * @param records oldest first
 */
function leadTimes(records: readonly DeployRecord[]): Map<string, number[]> {
  const arrived = new Set<string>();
  const leadTimesOfDeploys = new Map<string, number[]>();
  const succeeded = records.filter(({ kind, status }) => kind !== 'rollback' && status === 'succeeded');
  for (const { id, at, commits } of succeeded.toSorted((a, b) => newestFirst(b.at, a.at) || byStart(a, b)))
    for (const [sha, committedAt] of commits) {
      if (arrived.has(sha)) continue;
      arrived.add(sha);
      const seconds = secondsBetween(committedAt, at);
      if (seconds < -CLOCK_SKEW_MAX_SECONDS) continue; // commits and deploys have different clocks
      leadTimesOfDeploys.set(id, [...(leadTimesOfDeploys.get(id) ?? []), Math.max(0, seconds)]);
    }
  return leadTimesOfDeploys;
}

/**
 * Returns the seconds from the end of a failed deploy to its recovery. With problems of incidents, that is the end of the last one;
 * otherwise the rollback that removed it, or after a failed rollout the next version that went live. Some pipelines report the end only
 * after the recovery: then it counts from the start of the deploy. Null: not yet.
 */
function recoveryOf(
  { id, at, started_at: started, status }: DeployRecord,
  records: readonly DeployRecord[],
  caused: readonly Failure[],
  rollback: DeployRecord | undefined,
): number | null {
  const ends = caused.filter(({ isEndKnown }) => isEndKnown).map(({ ended_at: end }) => end);
  if (ends.includes(null)) return null;
  const last = ends
    .filter((end) => end !== null)
    .toSorted()
    .at(-1);
  const next =
    rollback ??
    (status === 'failed'
      ? records.find((record) => record.status === 'succeeded' && record.id !== id && record.at >= at)
      : undefined);
  const recovered = last ?? next?.at;
  return recovered === undefined ? null : Math.max(0, secondsBetween(at < recovered ? at : started, recovered));
}

/**
 * Computes the figures of some records.
 *
 * @param days length of their window
 * @param infrastructure changes of the infrastructure, which count in no other figure
 */
export function figuresOf(
  all: readonly DoraDeploy[],
  incidents: readonly DoraIncident[],
  days: number,
  config: DeliveryConfig,
  infrastructure: readonly DoraDeploy[] = [],
): DoraFigures {
  const limits = bandLimits(config);
  const deploys = all.filter(({ kind }) => kind !== 'rollback');
  const delivered = deploys.filter(({ status }) => status === 'succeeded');
  const leadTimesOfDeploys = delivered.flatMap(({ lead_times_s: seconds }) => seconds);
  const rated = deploys.filter(({ pending }) => !pending);
  const failed = rated.filter(({ failures }) => failures.length > 0);
  const changes = all.filter(({ pending }) => !pending);
  const rework = changes.filter((record) => record.rework !== null);
  const recoveries = failed.map(({ recovery_s: seconds }) => seconds).filter((seconds) => seconds !== null);
  const restores = incidents.map(({ restore_s: seconds }) => seconds).filter((seconds) => seconds !== null);
  const unverified = incidents.filter(endsUnshown).length;
  const perDay = delivered.length / days;
  const [lead, restore, recovery] = [median(leadTimesOfDeploys), median(restores), median(recoveries)];
  const applied = infrastructure.filter(({ status }) => status === 'succeeded');
  const failRate = share(failed.length, rated.length);
  return {
    deployment_frequency: {
      value: perDay,
      unit: 'per_day',
      band: bandOf(delivered.length, frequencyBand(perDay, limits)),
      deploys: delivered.length,
    },
    lead_time: {
      median_s: lead,
      p90_s: nearestRank(leadTimesOfDeploys, 0.9),
      band: bandOf(leadTimesOfDeploys.length, leadTimeBand(lead, limits)),
      commits: leadTimesOfDeploys.length,
    },
    change_failure_rate: {
      value: failRate,
      band: bandOf(rated.length, failRateBand(failRate, limits)),
      failed: failed.length,
      deploys: rated.length,
    },
    time_to_restore: {
      median_s: restore,
      band: bandOf(restores.length, recoveryBand(restore, limits)),
      incidents: restores.length,
      open: incidents.length - restores.length - unverified,
      unverified,
    },
    rework_rate: { value: share(rework.length, changes.length), rework: rework.length, deploys: changes.length },
    failed_deployment_recovery: {
      median_s: recovery,
      band: bandOf(recoveries.length, recoveryBand(recovery, limits)),
      recovered: recoveries.length,
      open: failed.length - recoveries.length,
    },
    pending: deploys.length - rated.length,
    incidents_without_deploy: incidents.filter(({ deployment_id: deploy }) => deploy === null).length,
    infrastructure_changes: {
      value: share(applied.length, infrastructure.length),
      succeeded: applied.length,
      failed: infrastructure.length - applied.length,
    },
  };
}

/** Returns the band of a figure. Null: it has too few records for one. */
const bandOf = (records: number, band: Band | null): Band | null => (records < ENOUGH_RECORDS ? null : band);

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
