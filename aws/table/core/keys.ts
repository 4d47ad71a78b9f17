import type { CanaryId } from '../../../schemas/canary/canary.ts';
import type { ExperimentId } from '../../../schemas/experiments/experiment.ts';
import type { WatchId } from '../../../schemas/canary/watch.ts';
import type { DrillId } from '../../../schemas/automation/drill.ts';
import type { FreezeScope } from '../../../schemas/freeze/freeze.ts';
import type { ChangeId, IncidentId } from '../../../schemas/config/names.ts';
import type { PipelineRunId } from '../../../schemas/delivery/pipeline-run.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { DigestOf, WeeklyMessage } from '../../../domain/ports/messages.ts';
import type { PageEvent } from '../../../domain/ports/status.ts';
import type { Push } from '../../../schemas/delivery/code.ts';
import type { Subject, Target } from '../../../schemas/incidents/projection.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { sha256 } from '../../hash.ts';

/** Keys of the table; docs/reference/data-model.md describes who reads and writes what. */
export type Key = { pk: string; sk: string };

/** DynamoDB limits a partition key to 2048 bytes and a sort key to 1024 bytes. Keys here have up to three parts. */
const PART_MAX_CHARS = 320;

/**
 * Encodes a name, which can contain any character, because '#' separates the parts of a key. A Chinese character takes
 * nine bytes.
 */
const part = (name: string): string => short(encodeURIComponent(name));

/** Shortens a long name; it then ends in its hash. Encoded text never contains a percent sign before a tilde. */
const short = (encoded: string): string =>
  encoded.length <= PART_MAX_CHARS ? encoded : `${encoded.slice(0, PART_MAX_CHARS - 66)}%~${sha256(encoded)}`;

const serviceEnvironmentKey = ({ service, environment }: ServiceEnvironment): string =>
  `${part(service)}#${part(environment)}`;

/** A scope never has both a service and a team. */
const scopeOf = ({ service, team, environment }: FreezeScope): string =>
  [
    service === null ? (team === null ? '*' : `team:${part(team)}`) : `service:${part(service)}`,
    environment === null ? '*' : part(environment),
  ].join('#');

/**
 * DynamoDB allows 1,000 write units per second for one partition key, and an index that cannot keep up throttles the
 * table itself. Partitions that are written with each alert, message, or deployment are therefore split. Four shards
 * use the 4,000 units per second with which a new on-demand table starts. A change of this number requires a rewrite of
 * the table.
 */
const SHARDS = 4;

/** 256 is a multiple of `SHARDS`, so that all shards get the same share. */
const shardOf = (name: string): number => parseInt(sha256(name).slice(0, 2), 16) % SHARDS;

const shardsOf = (name: string): readonly string[] => Array.from({ length: SHARDS }, (_, shard) => `${name}#${shard}`);

/** Zero-padded, so that sequence numbers sort as text. */
const digits = (n: number): string => String(n).padStart(10, '0');

const isWeekly = (of: DigestOf): of is WeeklyMessage => of === 'shadow-report' || of.startsWith('team-digest:');

const reportOf = (of: WeeklyMessage): string =>
  of === 'shadow-report' ? 'shadow' : `team#${part(of.slice('team-digest:'.length))}`;

export const keys = {
  /** Version number of the table layout. */
  format: (): Key => ({ pk: 'FORMAT', sk: 'FORMAT' }),
  incident: (id: IncidentId): Key => ({ pk: `INC#${id}`, sk: 'META' }),
  inbox: (id: IncidentId, seq: number): Key => ({ pk: `INC#${id}`, sk: `IN#${digits(seq)}` }),
  inboxKey: (id: IncidentId, key: string): Key => ({ pk: `INC#${id}`, sk: `INKEY#${key}` }),
  signal: (id: IncidentId, at: Timestamp, hash: string): Key => ({ pk: `INC#${id}`, sk: `SIG#${at}#${hash}` }),
  /** Alerts of the incident whose state at their source was found. */
  seen: (id: IncidentId): Key => ({ pk: `INC#${id}`, sk: 'SEEN' }),
  timeline: (id: IncidentId, at: Timestamp, key: string): Key => ({ pk: `INC#${id}`, sk: `TL#${at}#${key}` }),
  /** An incident that is resolved, and whose post-mortem is not drafted yet. */
  postmortemDue: (id: IncidentId): Key => ({ pk: 'PMDUE', sk: id }),
  postmortemsDue: (): Pick<Key, 'pk'> => ({ pk: 'PMDUE' }),
  /** An action that has begun, and whose evidence is not stored yet. */
  evidenceDue: (id: IncidentId, name: string): Key => ({ pk: 'EVIDENCEDUE', sk: `${id}#${name}` }),
  allEvidenceDue: (): Pick<Key, 'pk'> => ({ pk: 'EVIDENCEDUE' }),
  evidence: (id: IncidentId, name: string): Key => ({ pk: `INC#${id}`, sk: `EVIDENCE#${name}` }),
  postmortem: (id: IncidentId): Key => ({ pk: `INC#${id}`, sk: 'POSTMORTEM' }),
  /** A saved text of a post-mortem. */
  postmortemText: (id: IncidentId, revision: number): Key => ({ pk: `INC#${id}`, sk: `PMTEXT#${digits(revision)}` }),
  /** Post-mortems in the states `draft` and `in_review`. */
  postmortemOpen: (id: IncidentId): Key => ({ pk: 'PMOPEN', sk: id }),
  postmortemsOpen: (): Pick<Key, 'pk'> => ({ pk: 'PMOPEN' }),
  /** An action item of a post-mortem, by its service. */
  actionItem: (service: string, id: string): Key => ({ pk: `ACTIONITEMS#${part(service)}`, sk: id }),
  actionItemsOf: (service: string): Pick<Key, 'pk'> => ({ pk: `ACTIONITEMS#${part(service)}` }),
  /** The issues of an incident's action items. */
  issueRecord: (id: IncidentId): Key => ({ pk: `INC#${id}`, sk: 'ISSUES' }),
  /** A person's request for the issue of an action item. */
  issueRequest: (id: IncidentId, item: string): Key => ({ pk: `INC#${id}`, sk: `ISSUEREQ#${item}` }),
  issueRequests: (id: IncidentId): Key => ({ pk: `INC#${id}`, sk: 'ISSUEREQ#' }),
  /** The incident of an issue. */
  issueIndex: (tracker: string, issue: string): Key => ({ pk: `ISSUE#${tracker}#${part(issue)}`, sk: 'ISSUE' }),
  /** When the action items of an incident are compared with their issues. */
  issueComparison: (id: IncidentId): Key => ({ pk: 'ISSUECOMPARE', sk: id }),
  issueComparisons: (): Pick<Key, 'pk'> => ({ pk: 'ISSUECOMPARE' }),
  digest: (of: DigestOf, stakeholder: string): Key => ({
    pk: isWeekly(of) ? `REPORT#${reportOf(of)}` : `INC#${of}`,
    sk: `DIGEST#${stakeholder}`,
  }),
  /** A channel to stakeholders that is paused. */
  digestPause: (channel: string): Key => ({ pk: 'DIGESTPAUSE', sk: channel }),
  digestPauses: (): Pick<Key, 'pk'> => ({ pk: 'DIGESTPAUSE' }),
  noted: (id: IncidentId, key: string): Key => ({ pk: `INC#${id}`, sk: `TLKEY#${key}` }),
  effect: (id: IncidentId, key: string): Key => ({ pk: `INC#${id}`, sk: `EFF#${key}` }),
  decision: (id: IncidentId, number: number): Key => ({ pk: `INC#${id}`, sk: `DEC#${digits(number)}` }),
  runbook: (id: IncidentId, number: number): Key => ({ pk: `INC#${id}`, sk: `RBK#${digits(number)}` }),
  runbookName: (id: IncidentId, name: string): Key => ({ pk: `INC#${id}`, sk: `RBKNAME#${name}` }),
  /** Lists the runs of runbooks. */
  runbookRun: (id: IncidentId, number: number): Key => ({ pk: `INC#${id}`, sk: `RBKRUN#${digits(number)}` }),
  /** A value that a runbook's step has stored. */
  runbookMemory: (id: IncidentId, number: number, what: string): Key => ({
    pk: `INC#${id}`,
    sk: `RBKMEM#${digits(number)}#${what}`,
  }),
  open: (scope: string): Key => ({ pk: `OPEN#${scope.split('#').map(short).join('#')}`, sk: 'OPEN' }),
  /** Services outside the catalogue that have an incident of their own. */
  unmatchedSlots: (): Key => ({ pk: 'UNMATCHED', sk: 'SLOTS' }),
  child: (parent: IncidentId, child: IncidentId): Key => ({ pk: `INC#${parent}`, sk: `CHILD#${child}` }),
  opening: (at: Timestamp, id: IncidentId): Key => ({ pk: 'OPENINGS', sk: `${at}#${id}` }),
  openings: (): Pick<Key, 'pk'> => ({ pk: 'OPENINGS' }),
  pending: (id: IncidentId): Key => ({ pk: `PENDING#${shardOf(id)}`, sk: id }),
  /** An effect without an outcome. */
  unfinished: (id: IncidentId, key: string): Key => ({ pk: `UNFINISHED#${shardOf(id)}`, sk: `${id}#${part(key)}` }),
  /** Counters of one group, spread over shards, because all functions write to them. */
  counts: (group: string, shard: number): Key => ({ pk: `COUNTS#${group}#${shard % SHARDS}`, sk: 'COUNTS' }),
  /** Incidents that are not resolved. Written twice in the life of an incident, so one partition is enough. */
  openIncident: (id: IncidentId): Key => ({ pk: 'OPENINC', sk: id }),
  openIncidents: (): Pick<Key, 'pk'> => ({ pk: 'OPENINC' }),
  /** All incidents of a service. */
  incidentOf: (service: string, id: IncidentId): Key => ({ pk: `INCOF#${part(service)}`, sk: id }),
  incidentsOf: (service: string): Pick<Key, 'pk'> => ({ pk: `INCOF#${part(service)}` }),
  /** The newest episode of an alert. */
  alert: (hash: string): Key => ({ pk: `EP#${hash}`, sk: 'EP' }),
  change: (serviceEnvironment: ServiceEnvironment, startedAt: Timestamp, id: ChangeId): Key => ({
    pk: `CHG#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: `${startedAt}#${id}`,
  }),
  changes: (serviceEnvironment: ServiceEnvironment): Pick<Key, 'pk'> => ({
    pk: `CHG#${serviceEnvironmentKey(serviceEnvironment)}`,
  }),
  /** All changes of a service in all environments. */
  changeOf: (service: string, startedAt: Timestamp, id: ChangeId): Key => ({
    pk: `CHGOF#${part(service)}`,
    sk: `${startedAt}#${id}`,
  }),
  changesOf: (service: string): Pick<Key, 'pk'> => ({ pk: `CHGOF#${part(service)}` }),
  changeById: (id: ChangeId): Key => ({ pk: `CHGID#${id}`, sk: 'CHG' }),
  /** What another system has reported of one rollout. */
  rollout: ({ source, key }: { source: string; key: string }): Key => ({
    pk: `ROLLOUT#${part(source)}#${part(key)}`,
    sk: 'ROLLOUT',
  }),
  /** Reports about an object of a sender whose states can come back. */
  objectHistory: ({ source, object }: { source: string; object: string }): Key => ({
    pk: `ROLLOUT#${part(source)}#${part(object)}`,
    sk: 'OBJECT',
  }),
  /** A rollout that no service was found for, by its last event. */
  unmappedRollout: ({ source, key }: { source: string; key: string }, receivedAt: Timestamp): Key => ({
    pk: 'ROLLOUTSUNMAPPED',
    sk: `${receivedAt}#${part(source)}#${part(key)}`,
  }),
  unmappedRollouts: (): Pick<Key, 'pk'> => ({ pk: 'ROLLOUTSUNMAPPED' }),
  /** A rollout of a commit that no push has brought yet. */
  awaitedCommit: (
    { source, key }: { source: string; key: string },
    { repository, commit }: { repository: string; commit: string },
  ): Key => ({
    pk: `ROLLOUTSAWAITING#${part(repository)}`,
    sk: `${part(commit)}#${part(source)}#${part(key)}`,
  }),
  awaitedCommits: (repository: string): Pick<Key, 'pk'> => ({ pk: `ROLLOUTSAWAITING#${part(repository)}` }),
  /** A push to a repository, by the time when it arrived. */
  push: (repository: string, at: Timestamp, id: string): Key => ({
    pk: `PUSHES#${part(repository)}`,
    sk: `${at}#${part(id)}`,
  }),
  pushes: (repository: string): Pick<Key, 'pk'> => ({ pk: `PUSHES#${part(repository)}` }),
  /** Marks that a push is stored, so that a repeated webhook does not store it again. */
  pushOnce: ({ repository, branch, before, after }: Push): Key => ({
    pk: `PUSH#${part(repository)}`,
    sk: `${part(branch)}#${before ?? ''}#${after}`,
  }),
  pullRequest: (repository: string, openedAt: Timestamp, number: number): Key => ({
    pk: `PULLREQUESTS#${part(repository)}`,
    sk: `${openedAt}#${digits(number)}`,
  }),
  pullRequests: (repository: string): Pick<Key, 'pk'> => ({ pk: `PULLREQUESTS#${part(repository)}` }),
  merged: (repository: string, mergedAt: Timestamp, number: number): Key => ({
    pk: `MERGED#${part(repository)}`,
    sk: `${mergedAt}#${digits(number)}`,
  }),
  mergedOf: (repository: string): Pick<Key, 'pk'> => ({ pk: `MERGED#${part(repository)}` }),
  release: (repository: string, publishedAt: Timestamp, tag: string): Key => ({
    pk: `RELEASES#${part(repository)}`,
    sk: `${publishedAt}#${part(tag)}`,
  }),
  releases: (repository: string): Pick<Key, 'pk'> => ({ pk: `RELEASES#${part(repository)}` }),
  live: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'LIVE',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  /** A person's statement of the cause of an incident. */
  attribution: (id: IncidentId): Key => ({ pk: 'ATTRIBUTIONS', sk: id }),
  attributions: (): Pick<Key, 'pk'> => ({ pk: 'ATTRIBUTIONS' }),
  /** The deploys of a day of a service and environment. */
  rollup: (serviceEnvironment: ServiceEnvironment, day: string): Key => ({
    pk: `DEPLOYDAY#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: day,
  }),
  /** A change that the rollup of its day does not include yet. */
  rollupMark: (serviceEnvironment: ServiceEnvironment, startedAt: Timestamp, id: ChangeId): Key => ({
    pk: 'DEPLOYMARKS',
    sk: `${startedAt.slice(0, 10)}#${serviceEnvironmentKey(serviceEnvironment)}#${id}`,
  }),
  rollupMarks: (): Pick<Key, 'pk'> => ({ pk: 'DEPLOYMARKS' }),
  /** The services and environments that have rollups. */
  rollupScope: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'DEPLOYSCOPES',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  rollupScopes: (): Pick<Key, 'pk'> => ({ pk: 'DEPLOYSCOPES' }),
  /** How far changes that were recorded before rollups existed are marked. */
  rollupState: (): Key => ({ pk: 'DEPLOYBACKFILL', sk: 'DEPLOYBACKFILL' }),
  lock: (resource: string): Key => ({ pk: `LOCK#${part(resource)}`, sk: 'LOCK' }),
  /** Automatic actions of all services in the last hour. */
  pace: (): Key => ({ pk: 'PACE', sk: 'PACE' }),
  /** Automatic actions of a service: its error budget. */
  automaticAction: (service: string, at: Timestamp, key: string): Key => ({
    pk: `AUTOACTION#${part(service)}`,
    sk: `${at}#${key}`,
  }),
  automaticActions: (service: string): Pick<Key, 'pk'> => ({ pk: `AUTOACTION#${part(service)}` }),
  demotion: (service: string): Key => ({ pk: 'DEMOTED', sk: part(service) }),
  demotions: (): Pick<Key, 'pk'> => ({ pk: 'DEMOTED' }),
  promotion: (service: string): Key => ({ pk: 'PROMOTED', sk: part(service) }),
  pin: (serviceEnvironment: ServiceEnvironment, at: Timestamp, id: string): Key => ({
    pk: `PIN#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: `${at}#${id}`,
  }),
  pins: (serviceEnvironment: ServiceEnvironment): Pick<Key, 'pk'> => ({
    pk: `PIN#${serviceEnvironmentKey(serviceEnvironment)}`,
  }),
  /** The active pins of a service and environment, in one item. */
  pinned: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: `PINNED#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: 'PINNED',
  }),
  /** A service and environment that has had a pin. */
  pinnedEnvironment: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'PINNEDENVS',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  pinnedEnvironments: (): Pick<Key, 'pk'> => ({ pk: 'PINNEDENVS' }),
  rollbackGate: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: `GATE#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: 'GATE',
  }),
  pinById: (id: string): Key => ({ pk: `PINID#${part(id)}`, sk: 'PIN' }),
  rolling: (id: ChangeId): Key => ({ pk: 'ROLLING', sk: id }),
  rollings: (): Pick<Key, 'pk'> => ({ pk: 'ROLLING' }),
  failure: (id: ChangeId): Key => ({ pk: 'FAILED', sk: id }),
  failures: (): Pick<Key, 'pk'> => ({ pk: 'FAILED' }),
  act: (serviceEnvironment: ServiceEnvironment, at: Timestamp, key: string): Key => ({
    pk: `ACT#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: `${at}#${key}`,
  }),
  acts: (serviceEnvironment: ServiceEnvironment): Pick<Key, 'pk'> => ({
    pk: `ACT#${serviceEnvironmentKey(serviceEnvironment)}`,
  }),
  drill: (id: DrillId): Key => ({ pk: `DRILL#${id}`, sk: 'DRILL' }),
  /** Drills that are not finished. */
  drilling: (id: DrillId): Key => ({ pk: 'DRILLING', sk: id }),
  drillings: (): Pick<Key, 'pk'> => ({ pk: 'DRILLING' }),
  watch: (id: WatchId): Key => ({ pk: `WATCH#${id}`, sk: 'WATCH' }),
  /** Watches that are not finished, or whose alerts fire. */
  watching: (id: WatchId): Key => ({ pk: 'WATCHING', sk: id }),
  watchings: (): Pick<Key, 'pk'> => ({ pk: 'WATCHING' }),
  /** When the rollback path of a service and environment was last proved. */
  proved: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'PROVED',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  proveds: (): Pick<Key, 'pk'> => ({ pk: 'PROVED' }),
  canary: (id: CanaryId): Key => ({ pk: `CANARY#${id}`, sk: 'CANARY' }),
  canaryEvent: (id: CanaryId, n: number): Key => ({ pk: `CANARY#${id}`, sk: `EVENT#${digits(n)}` }),
  canaryCheck: (id: CanaryId, n: number): Key => ({ pk: `CANARY#${id}`, sk: `CHECK#${digits(n)}` }),
  /** The canary in progress of a service and environment. */
  canaryAt: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: `CANARYAT#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: 'CANARYAT',
  }),
  /** Canaries in progress. */
  canaryRunning: (id: CanaryId): Key => ({ pk: 'CANARYRUNNING', sk: id }),
  canariesRunning: (): Pick<Key, 'pk'> => ({ pk: 'CANARYRUNNING' }),
  experiment: (id: ExperimentId): Key => ({ pk: `EXPERIMENT#${id}`, sk: 'EXPERIMENT' }),
  experimentEvent: (id: ExperimentId, n: number): Key => ({ pk: `EXPERIMENT#${id}`, sk: `EVENT#${digits(n)}` }),
  experimentObservation: (id: ExperimentId, n: number): Key => ({
    pk: `EXPERIMENT#${id}`,
    sk: `OBSERVATION#${digits(n)}`,
  }),
  experimentAlert: (id: ExperimentId, hash: string): Key => ({ pk: `EXPERIMENT#${id}`, sk: `ALERT#${hash}` }),
  /** The experiment of a service and environment that is not over. */
  experimentAt: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: `EXPERIMENTAT#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: 'EXPERIMENTAT',
  }),
  /** Experiments that are not closed. */
  experimentRunning: (id: ExperimentId): Key => ({ pk: 'EXPERIMENTRUNNING', sk: id }),
  experimentsRunning: (): Pick<Key, 'pk'> => ({ pk: 'EXPERIMENTRUNNING' }),
  /** An object of a chaos system that was seen. */
  seenChaos: (key: string): Key => ({ pk: 'CHAOSSEEN', sk: key }),
  allSeenChaos: (): Pick<Key, 'pk'> => ({ pk: 'CHAOSSEEN' }),
  /** Events of an objective on one day (UTC), in buckets of five minutes. */
  sloDay: (id: string, day: string): Key => ({ pk: `SLODAY#${part(id)}`, sk: day }),
  /** Result of the last evaluation of a service's objectives in an environment. */
  sloStatus: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: 'SLOSTATUS',
    sk: serviceEnvironmentKey(serviceEnvironment),
  }),
  sloStatuses: (): Pick<Key, 'pk'> => ({ pk: 'SLOSTATUS' }),
  /** When objectives were last evaluated. */
  sloEvaluation: (): Key => ({ pk: 'SLOEVALUATION', sk: 'SLOEVALUATION' }),
  /** The evaluator that currently holds the lease. */
  sloLease: (): Key => ({ pk: 'SLOLEASE', sk: 'SLOLEASE' }),
  /** A correction of an objective, also when it is withdrawn. */
  sloCorrection: (slo: string, id: string): Key => ({ pk: `SLOCORRECTION#${part(slo)}`, sk: part(id) }),
  /** Corrections in effect, of all objectives. */
  activeCorrection: (slo: string, id: string): Key => ({ pk: 'SLOCORRECTIONS', sk: `${part(slo)}#${part(id)}` }),
  activeCorrections: (): Pick<Key, 'pk'> => ({ pk: 'SLOCORRECTIONS' }),
  /** Last state received for a burn alert of an objective. */
  sloAlert: (id: string, fingerprint: string): Key => ({ pk: 'SLOALERTS', sk: `${part(id)}#${part(fingerprint)}` }),
  sloAlerts: (): Pick<Key, 'pk'> => ({ pk: 'SLOALERTS' }),
  freeze: (id: string): Key => ({ pk: `FREEZE#${part(id)}`, sk: 'FREEZE' }),
  /** A deployment that an override has allowed. */
  freezeUse: (id: string, override: string, deployment: string): Key => ({
    pk: `FREEZE#${part(id)}`,
    sk: `USE#${part(override)}#${part(deployment)}`,
  }),
  /** The unfinished freezes of one scope, for checks. */
  freezeScope: (scope: FreezeScope): Key => ({ pk: `FREEZES#${scopeOf(scope)}`, sk: 'FREEZES' }),
  /** Freezes that are scheduled, in force, or not settled. */
  freezing: (id: string): Key => ({ pk: 'FREEZING', sk: part(id) }),
  freezings: (): Pick<Key, 'pk'> => ({ pk: 'FREEZING' }),
  /** The cause of a freeze, so that it opens only one. */
  freezeCause: (cause: string): Key => ({ pk: `FREEZECAUSE#${part(cause)}`, sk: 'FREEZECAUSE' }),
  freezeDecision: (id: string): Key => ({ pk: `FREEZEDEC#${part(id)}`, sk: 'FREEZEDEC' }),
  /** A deployment in another system that waits for Firebreak's approval. */
  waitingDeployment: (id: string): Key => ({ pk: 'WAITING', sk: part(id) }),
  waitingDeployments: (): Pick<Key, 'pk'> => ({ pk: 'WAITING' }),
  /** Entries of the audit log, by the minute in which they were written. */
  logEntry: (minute: string, at: Timestamp, id: string): Key => ({ pk: `LOG#${minute}`, sk: `${at}#${part(id)}` }),
  logMinute: (minute: string): Pick<Key, 'pk'> => ({ pk: `LOG#${minute}` }),
  /** An entry that was written together with its action and is not in the log yet. */
  logWaiting: (at: Timestamp, id: string): Key => ({ pk: `LOGWAITING#${shardOf(id)}`, sk: `${at}#${part(id)}` }),
  /** Marks that an entry exists, in any minute. */
  logEntryById: (id: string): Key => ({ pk: `LOGID#${part(id)}`, sk: 'LOGID' }),
  /** Counts the entries of a minute until it is closed; several items, so that writers rarely conflict. */
  logMinuteCounter: (minute: string, shard: number): Key => ({ pk: `LOGGATE#${minute}#${shard}`, sk: 'LOGGATE' }),
  /** A minute that may have unsealed entries. */
  logOpen: (minute: string): Key => ({ pk: 'LOGOPEN', sk: minute }),
  logOpens: (): Pick<Key, 'pk'> => ({ pk: 'LOGOPEN' }),
  /** How far a minute is sealed, and by which seals. */
  logSealed: (minute: string): Key => ({ pk: 'LOGSEALED', sk: minute }),
  logSealeds: (): Pick<Key, 'pk'> => ({ pk: 'LOGSEALED' }),
  seal: (number: number): Key => ({ pk: 'SEALS', sk: digits(number) }),
  seals: (): Pick<Key, 'pk'> => ({ pk: 'SEALS' }),
  /** The hash at each entry of a seal, to find the entry that was altered. */
  sealLinks: (number: number): Key => ({ pk: `SEALLINKS#${digits(number)}`, sk: 'SEALLINKS' }),
  /** The configuration version that the log recorded last. */
  loggedConfig: (): Key => ({ pk: 'LOGCONFIG', sk: 'LOGCONFIG' }),
  quarantine: (id: string): Key => ({ pk: 'QUARANTINE', sk: id }),
  /**
   * Count of a day's quarantined inputs, in total or for one sender. In the same partition, because the writer's
   * permissions cover only that one.
   */
  quarantineDay: (day: string, sender?: string): Key => ({
    pk: 'QUARANTINE',
    sk: sender === undefined ? `day#${day}` : `sender#${day}#${sender}`,
  }),
  /** The page that a PagerDuty incident belongs to. */
  pagerIncident: (external: string): Key => ({ pk: `PAGERINC#${part(external)}`, sk: 'PAGERINC' }),
  automation: (): Key => ({ pk: 'AUTOMATION', sk: 'AUTOMATION' }),
  token: (hash: string): Key => ({ pk: `TOKEN#${hash}`, sk: 'TOKEN' }),
  tokenById: (id: string): Key => ({ pk: 'TOKENS', sk: id }),
  /** A token whose record Firebreak did not write, by its hash. */
  refusedToken: (hash: string): Key => ({ pk: 'TOKENSREFUSED', sk: hash }),
  refusedTokens: (): Pick<Key, 'pk'> => ({ pk: 'TOKENSREFUSED' }),
  tokenName: (name: string): Key => ({ pk: 'TOKENNAMES', sk: name }),
  /** A session of the console, by the hash of its ID; listed by the name of its person. */
  session: (hash: string): Key => ({ pk: `SESSION#${hash}`, sk: 'SESSION' }),
  sessionOf: (name: string, hash: string): Key => ({ pk: `SESSIONS#${part(name)}`, sk: hash }),
  sessionsOf: (name: string): Pick<Key, 'pk'> => ({ pk: `SESSIONS#${part(name)}` }),
  /** A link with which one person can sign in once. */
  loginLink: (hash: string): Key => ({ pk: `LOGINLINK#${hash}`, sk: 'LOGINLINK' }),
  /** Updates that targets still have to show. */
  due: (subject: Subject): Key => ({ pk: 'DUE', sk: subject }),
  dues: (): Pick<Key, 'pk'> => ({ pk: 'DUE' }),
  projector: (target: Target): Key => ({ pk: `PROJECTOR#${target}`, sk: 'PROJECTOR' }),
  projection: (target: Target, subject: Subject): Key => ({ pk: `PRJ#${subject}`, sk: target }),
  sent: (target: Target, subject: Subject, key: string): Key => ({
    pk: `PRJ#${subject}`,
    sk: `${target}#${part(key)}`,
  }),
  /** An incident as the public sees it: by its public ID, by the month of its start, and while it is not resolved. */
  publicIncident: (id: string): Key => ({ pk: `PUBLIC#${part(id)}`, sk: 'PUBLIC' }),
  publicMonth: (startedAt: Timestamp, id: string): Key => ({
    pk: `PUBLICMONTH#${startedAt.slice(0, 7)}`,
    sk: `${startedAt}#${id}`,
  }),
  publicMonths: (month: string): Pick<Key, 'pk'> => ({ pk: `PUBLICMONTH#${month}` }),
  publicOpen: (id: string): Key => ({ pk: 'PUBLICOPEN', sk: id }),
  publicOpens: (): Pick<Key, 'pk'> => ({ pk: 'PUBLICOPEN' }),
  /** A subscription to a status page. */
  subscriber: (page: string, id: string): Key => ({ pk: `SUBSCRIBERS#${part(page)}`, sk: id }),
  subscribers: (page: string): Pick<Key, 'pk'> => ({ pk: `SUBSCRIBERS#${part(page)}` }),
  /** That a subscription was removed. */
  formerSubscriber: (page: string, id: string): Key => ({ pk: `FORMERSUBSCRIBERS#${part(page)}`, sk: id }),
  /** The updates of an incident or a maintenance that a subscriber has been sent. */
  delivery: ({ page, kind, id }: PageEvent, subscriber: string): Key => ({
    pk: `DELIVERIES#${part(page)}#${kind}#${part(id)}`,
    sk: subscriber,
  }),
  /** Requests to subscribe of one client in one hour. */
  subscriptionRequests: (who: string, hour: string): Key => ({
    pk: `SUBREQUESTS#${sha256(who).slice(0, 32)}#${hour}`,
    sk: 'SUBREQUESTS',
  }),
  /** A run of a pipeline, and its stages. */
  pipelineRun: (id: PipelineRunId): Key => ({ pk: `PIPERUN#${id}`, sk: 'RUN' }),
  pipelineStage: (id: PipelineRunId, stage: string): Key => ({ pk: `PIPERUN#${id}`, sk: `STAGE#${part(stage)}` }),
  /** The runs of a service, with what statistics need of them, and their finished stages. */
  pipelineRunOf: (service: string, at: Timestamp, id: PipelineRunId): Key => ({
    pk: `PIPEOF#${part(service)}`,
    sk: `${at}#${id}`,
  }),
  pipelineRunsOf: (service: string): Pick<Key, 'pk'> => ({ pk: `PIPEOF#${part(service)}` }),
  pipelineStageOf: (service: string, at: Timestamp, id: PipelineRunId, stage: string): Key => ({
    pk: `PIPESTAGEOF#${part(service)}`,
    sk: `${at}#${id}#${part(stage)}`,
  }),
  pipelineStagesOf: (service: string): Pick<Key, 'pk'> => ({ pk: `PIPESTAGEOF#${part(service)}` }),
  /** A pipeline that had a run without a service. */
  unmappedPipeline: (repository: string, pipeline: string): Key => ({
    pk: 'PIPEUNMAPPED',
    sk: `${part(repository)}#${part(pipeline)}`,
  }),
  unmappedPipelines: (): Pick<Key, 'pk'> => ({ pk: 'PIPEUNMAPPED' }),
  /** Sums of the figures of a service and branch. */
  pipelineFigures: (service: string, branch: string): Key => ({
    pk: 'PIPEFIGURES',
    sk: `${part(service)}#${part(branch)}`,
  }),
  pipelineFiguresOf: (): Pick<Key, 'pk'> => ({ pk: 'PIPEFIGURES' }),
  /** Test results of a commit and suite: which tests are known to be flaky, and one item for each upload. */
  testSuite: (service: string, commit: string, suite: string): Key => ({
    pk: `PIPETESTS#${part(service)}#${part(commit)}`,
    sk: `SUITE#${part(suite)}`,
  }),
  testUpload: (service: string, commit: string, suite: string, upload: string): Key => ({
    pk: `PIPETESTS#${part(service)}#${part(commit)}`,
    sk: `UPLOAD#${part(suite)}#${upload}`,
  }),
  /** Flaky tests of a service that an upload showed. */
  flakyTests: (service: string, at: Timestamp, upload: string): Key => ({
    pk: `PIPEFLAKY#${part(service)}`,
    sk: `${at}#${upload}`,
  }),
  flakyTestsOf: (service: string): Pick<Key, 'pk'> => ({ pk: `PIPEFLAKY#${part(service)}` }),
  alertNotice: (id: string): Key => ({ pk: `NOTICE#${id}`, sk: 'HEAD' }),
  alertOfNotice: (id: string, hash: string): Key => ({ pk: `NOTICE#${id}`, sk: `EP#${hash}` }),
  /** The incident of a channel, by the channel's id in the chat. */
  channel: (chatId: string): Key => ({ pk: `CHANNEL#${part(chatId)}`, sk: 'CHANNEL' }),
  /** The outcome of an action that a person took in another system. */
  processedEvent: (key: string): Key => ({ pk: `PROCESSED#${sha256(key)}`, sk: 'PROCESSED' }),
  /** A user or group of the chat. */
  cachedUser: (kind: 'user' | 'group', id: string): Key => ({ pk: `CHAT#${part(id)}`, sk: kind }),
  counter: (row: string): Key => ({ pk: `COUNTER#${part(row)}`, sk: 'COUNTER' }),
  idempotency: (principal: string, route: string, key: string): Key => ({
    pk: `IDEM#${part(principal)}#${part(route)}#${part(key)}`,
    sk: 'IDEM',
  }),
};

/** The partitions of `keys.logWaiting`. */
export const logWaitingShards = shardsOf('LOGWAITING');

/** The partitions of `keys.pending`. */
export const pendingShards = shardsOf('PENDING');

/** The partitions of `keys.unfinished`. */
export const unfinishedShards = shardsOf('UNFINISHED');

/** Returns all keys of `keys.counts` for a group. */
export const countsOf = (group: string): Key[] =>
  Array.from({ length: SHARDS }, (_, shard) => keys.counts(group, shard));

/** Lists across partitions, newest first, by the index `list` (eventually consistent). */
export const lists = {
  pins: 'PINS',
  drills: 'DRILLS',
  canaries: 'CANARIES',
  watches: 'WATCHES',
  experiments: 'EXPERIMENTS',
  freezes: 'FREEZELIST',
  actionItems: 'ACTIONITEMLIST',
};

/** Lists with many writes, each spread over `shards`. */
export const shardedLists = {
  incidents: shardedList('INCIDENTS'),
  changes: shardedList('CHANGES'),
  recorded: shardedList('RECORDED'),
  muted: shardedList('MUTED'),
  runbookRuns: shardedList('RUNBOOKRUNS'),
  pipelineRuns: shardedList('PIPERUNS'),
};

export type ShardedList = ReturnType<typeof shardedList>;

function shardedList(name: string) {
  return {
    name,
    shards: shardsOf(name),
    /**
     * Returns the attributes that put an item into the list.
     *
     * @param id determines the shard, so it must never change
     * @param key sorts the list; must be unique within it
     */
    attributes: (id: string, key: string) => ({ list: `${name}#${shardOf(id)}`, list_key: key }),
  };
}
