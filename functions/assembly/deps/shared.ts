import { isTargetUsed } from '../../../features/names.ts';
import { publicUrl, type StandIns, standInsAt } from '../../../core/domain/catalogue/vendors.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Clock, Log, Secrets } from '../../../core/domain/ports/system.ts';
import { type GithubAccess, githubAccess } from '../../../vendors/github/access.ts';
import type { Platform } from '../../../platforms/platform.ts';
import type { Queues } from '../../../platforms/queues.ts';
import {
  PROJECTION_TARGETS,
  type ProjectionTarget,
  type ProjectionTargetName,
} from '../../../schemas/incidents/projection.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import type { Compute } from '../../../core/actions/reports/computed-reports.ts';
import { countedCalls } from '../counted-calls.ts';
import { publishedConfig } from '../../../core/stores/config/config-source.ts';
import { approvalLinks } from '../approval-links.ts';
import { AuditLogTable } from '../../../core/stores/audit/audit-log.ts';
import { citing } from '../../../core/stores/audit/cited-decisions.ts';
import { connectedName } from '../secret-groups.ts';
import { AutomationTable } from '../../../core/stores/access/automation.ts';
import { SessionTable } from '../../../core/stores/access/sessions.ts';
import { TokenTable } from '../../../core/stores/access/tokens.ts';
import { CounterTable } from '../../../core/stores/counters.ts';
import { IdempotencyTable } from '../../../core/stores/idempotency.ts';
import { Table } from '../../../core/stores/table.ts';
import { observed, StorageOutcomes } from '../../../core/stores/storage-outcomes.ts';
import { IntakeTable } from '../../../core/stores/alerts/intake.ts';
import { StorageWriteProbe } from '../../../core/stores/write-probe.ts';
import { RollbackGateTable } from '../../../core/stores/rollback/rollback-gates.ts';
import { IncidentLog } from '../../../core/stores/incidents/incident-log.ts';
import { ProjectionTable } from '../../../core/stores/incidents/projections.ts';
import { projectorQueue } from '../../../core/stores/queues/queues.ts';

/** Settings of the product that no platform needs. */
export type ProductSettings = {
  /** Begins the names of executions. */
  stage: string;
  /** Factor by which Firebreak's own pauses are shortened. */
  timeScale: number;
  /** Addresses of stand-ins of vendors. */
  standIns: readonly string[];
  /** Address under which people reach this Firebreak. */
  publicUrl: string | undefined;
  /** Whether no other process answers requests at the same time. */
  isOnlyInstance?: boolean;
  /** Whether the process runs on after an answer. A function does not. */
  runsOn?: boolean;
};

/** What the product is put together from. */
export type Parts = {
  platform: Platform;
  settings: ProductSettings;
  clock: Clock;
  log: Log;
  /** Computes reports in another thread. Absent: in this one. */
  compute?: Compute;
};

/** What several groups of dependencies are built from. */
export type Shared = {
  system: ReturnType<typeof systemDeps>;
  audit: AuditLogTable;
  platform: Platform;
  settings: ProductSettings;
  table: Table;
  queues: Queues;
  rollbackGates: RollbackGateTable;
  projections: ProjectionTable;
  /** Logs events of incidents. */
  events: IncidentLog;
  /** Wakes the projectors of subjects. */
  changed: ProjectionTable['changed'];
  github: GithubAccess;
  /** Counts the calls to a vendor under its name. */
  counted: <T extends object>(vendor: string, port: T) => T;
};

export function sharedDeps(parts: Parts): Shared {
  const { settings } = parts;
  const outcomes = new StorageOutcomes(parts.clock);
  const platform: Platform = { ...parts.platform, ...observed(parts.platform, outcomes) };
  const table = new Table(citing(platform.store, parts.log));
  const { queues } = platform;
  const audit = new AuditLogTable(table, platform.blobs, parts.clock, parts.log, platform.secrets);
  const system = systemDeps({ ...parts, platform }, table, audit, outcomes);
  const { clock, config, counters, log, secrets } = system;
  const events = new IncidentLog(table, log);
  const projections = new ProjectionTable(table, clock, projectorQueue(queues), log, isOn({ config, secrets }));
  return {
    system,
    audit,
    platform,
    settings,
    table,
    queues,
    rollbackGates: new RollbackGateTable(table),
    projections,
    events,
    changed: (...subjects) => projections.changed(...subjects),
    github: githubAccess({ secrets, clock }),
    counted: (vendor, port) => countedCalls(vendor, port, { counters, log, titleOf: (id) => events.titleOf(id) }),
  };
}

function systemDeps(
  { platform: { blobs, secrets, commits }, settings, clock, log }: Parts,
  table: Table,
  audit: AuditLogTable,
  outcomes: StorageOutcomes,
) {
  return {
    clock,
    timeScale: settings.timeScale,
    log,
    config: publishedConfig(blobs, log, () => millisOf(clock.now())),
    secrets,
    standIns: standInsAt(settings.standIns),
    blobs,
    counters: new CounterTable(table, log, clock, settings),
    intake: new IntakeTable(table, clock, log),
    writeProbe: new StorageWriteProbe(table, blobs, clock, outcomes),
    idempotency: new IdempotencyTable(table, clock, settings),
    automation: new AutomationTable(table, clock),
    tokens: new TokenTable(table, clock, secrets),
    sessions: new SessionTable(table, clock, secrets),
    approvalLinks: approvalLinks(secrets),
    audit,
    commits,
    publicUrl: settings.publicUrl?.replace(/(?<!\/)\/+$/, ''),
  };
}

/** Returns whether a target is connected and has anything to show. Works without the target's own credentials. */
const isOn =
  ({ config, secrets }: Pick<Deps, 'config'> & { secrets: Secrets }) =>
  async (target: ProjectionTargetName): Promise<boolean> => {
    const { credentials, feature, isUsed }: ProjectionTarget = PROJECTION_TARGETS[target];
    if (isUsed !== undefined && !isUsed(await config.current())) return false;
    if (feature !== undefined && !isTargetUsed(target, await config.current())) return false;
    return credentials.length === 0 || Boolean(await secrets.get(connectedName(target)));
  };

/** Returns a vendor's address: its setting, or its public address. */
export const addressOf =
  ({ secrets }: { secrets: Secrets }, url: string) =>
  async (): Promise<string> =>
    (await secrets.get(url)) || publicUrl(url);

/**
 * Tells whether a vendor is a stand-in. Without stand-ins the address is not read, so that a page never waits for it.
 */
export const standInAt = (standIns: StandIns, address: () => Promise<string>): { standIn?: () => Promise<boolean> } =>
  standIns.none ? {} : { standIn: async () => standIns.at(await address()) };
