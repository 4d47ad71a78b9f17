import type { RouteConfig } from '../../schemas/rollback/reroute.ts';
import type { ImageAutomationConfig } from '../../schemas/rollback/image-automation.ts';
import type { TicketTarget } from '../../schemas/alerts/routes.ts';
import type { DeployerConfig, FlagsConfig } from '../../schemas/rollback/targets/index.ts';
import type { StandIns } from '../catalogue/vendors.ts';
import type { Canaries, CanaryRuns, TrafficRouterFor, Watches, WatchRuns } from './canary.ts';
import type { Attributions, CodeHistory, DeployHistory } from './delivery.ts';
import type {
  AuditLog,
  FreezeDecisions,
  FreezeState,
  Freezes,
  DeploymentProtection,
  IdentityTokens,
  Signer,
  WaitingDeployments,
} from './freeze.ts';
import type { Projections } from '../incidents/projections.ts';
import type { AlertNotices } from '../messages/alert-notices.ts';
import type {
  Annotations,
  Chat,
  Directory,
  ExternalPager,
  Silences,
  StatusPage,
  Tickets,
  EphemeralMessages,
} from '../messages/channels.ts';
import type { WebhookReceivers } from '../messages/webhook-receiver.ts';
import type { Spans } from '../delivery/span.ts';
import type { ChangeEvents } from '../pagerduty/change-event.ts';
import type { PagerIncidents } from '../pagerduty/page-reference.ts';
import type { OnCall } from '../people/on-call.ts';
import type { TrafficRoute } from '../rollback/reroute.ts';
import type { Deployer, Flags, ImageAutomation } from '../rollback/targets.ts';
import type { LoadedMonitoring, SloAlerts, SloCorrections, SloDays, SloLease, SloMetrics, SloStatuses } from './slo.ts';
import type { PublicIncidents } from './status.ts';
import type { SnapshotStore } from '../status/snapshot.ts';
import type { Deliveries, Subscribers, SubscriberWebhooks } from './status.ts';
import type { ApprovalLinks, Sessions, Tokens } from './access.ts';
import type { AlertStates, Quarantine, SignalQueue } from './alerts.ts';
import type { AutomationSwitch, DrillRuns, Drills } from './automation.ts';
import type { Changes, Pins, Rollouts, ImageCommits } from './changes.ts';
import type { ServiceEnvironment } from './common.ts';
import type { ConfigSource } from './config.ts';
import type { Decisions, Effects, FlagRuns } from './decisions.ts';
import type { EvidencePacks } from './evidence.ts';
import type { Extensions } from './extensions.ts';
import type { RollbackGates } from './rollback.ts';
import type { IncidentGroups, Incidents } from './incidents.ts';
import type { UserCache, Digests, ProcessedEvents, InboundQueue } from './messages.ts';
import type { JudgeMetrics, Metrics, VersionLabels } from './metrics.ts';
import type { Pager } from './paging.ts';
import type { HttpCalls, RunbookRuns } from './runbooks.ts';
import type { Backlog, Blobs, Clock, Counters, Engine, Idempotency, Log, QueueStats, Secrets } from './system.ts';

/** What every part needs: time, configuration, secrets, and access. */
export type SystemDeps = {
  clock: Clock;
  /** Factor by which Firebreak's own pauses are shortened; 1 except in trials on a single machine. */
  timeScale: number;
  log: Log;
  config: ConfigSource;
  secrets: Secrets;
  standIns: StandIns;
  blobs: Blobs;
  counters: Counters;
  idempotency: Idempotency;
  automation: AutomationSwitch;
  tokens: Tokens;
  sessions: Sessions;
  approvalLinks: ApprovalLinks;
  /** Address under which people reach this Firebreak, without a final slash. Undefined: not known. */
  publicUrl: string | undefined;
};

export type FeatureDeps = {
  /** Where features take part in what the core does. */
  extensions: Extensions;
  /** Stores and clients of features, by the name of the feature. */
  features: Readonly<Record<string, object>>;
};

/** Queues, and the engine that runs workflows. */
export type QueueDeps = {
  queue: SignalQueue;
  inbound: InboundQueue;
  queueStats: QueueStats;
  engine: Engine;
  drillRuns: DrillRuns;
  canaryRuns: CanaryRuns;
  watchRuns: WatchRuns;
  flagRuns: FlagRuns;
};

/** Incidents, what was decided and done about them, and the alerts before them. */
export type IncidentDeps = {
  incidents: Incidents;
  incidentGroups: IncidentGroups;
  decisions: Decisions;
  effects: Effects;
  runbooks: RunbookRuns;
  evidencePacks: EvidencePacks;
  drills: Drills;
  quarantine: Quarantine;
  alertNotices: AlertNotices;
  projections: Projections;
  publicIncidents: PublicIncidents;
  subscribers: Subscribers;
  deliveries: Deliveries;
  /** Where a static host finds the public status pages. */
  snapshots: SnapshotStore;
  subscriberWebhooks: SubscriberWebhooks;
};

/** Changes, and the systems that can undo them. */
export type ChangeDeps = {
  changes: Changes;
  rollouts: Rollouts;
  imageCommits: ImageCommits;
  code: CodeHistory;
  pins: Pins;
  deployHistory: DeployHistory;
  attributions: Attributions;
  /** Watches of deploys. */
  watches: Watches;
  backlog: Backlog;
  /** Undefined: the configuration is incomplete. */
  deployerFor: (config: DeployerConfig, serviceEnvironment: ServiceEnvironment) => Promise<Deployer | undefined>;
  /** Undefined: the configuration is incomplete. */
  flagsFor: (config: FlagsConfig, serviceEnvironment: ServiceEnvironment) => Promise<Flags | undefined>;
  /** Undefined: the configuration is incomplete. */
  imageAutomationFor: (
    config: ImageAutomationConfig,
    serviceEnvironment: ServiceEnvironment,
  ) => Promise<(ImageAutomation & { standIn: boolean }) | undefined>;
  http: HttpCalls;
  canaries: Canaries;
  /** Undefined: the configuration is incomplete. */
  trafficRouterFor: TrafficRouterFor;
  /** Undefined: the configuration is incomplete. */
  trafficRouteFor: (config: RouteConfig, serviceEnvironment: ServiceEnvironment) => Promise<TrafficRoute | undefined>;
};

/** Freezes, the freeze check, and the audit log. */
export type FreezeDeps = {
  freezes: Freezes;
  freezeState: FreezeState;
  freezeDecisions: FreezeDecisions;
  audit: AuditLog;
  signer: Signer;
  identityTokens: IdentityTokens;
  rollbackGates: RollbackGates;
  waitingDeployments: WaitingDeployments;
  deploymentProtection: DeploymentProtection;
};

/** Metrics, the state of alerts, and SLOs. */
export type MonitoringDeps = {
  metrics: Metrics;
  versionLabels: VersionLabels;
  judgeMetrics: JudgeMetrics;
  alerts: AlertStates;
  silences: Silences;
  loadedMonitoring: LoadedMonitoring;
  sloMetrics: SloMetrics;
  sloLease: SloLease;
  sloAlerts: SloAlerts;
  sloStatuses: SloStatuses;
  sloDays: SloDays;
  sloCorrections: SloCorrections;
};

/** Pages, and who is on call. */
export type PagingDeps = {
  pager: Pager;
  fallbackPager: Pager;
  /** Pager through which other systems page. */
  externalPager: ExternalPager;
  pagerIncidents: PagerIncidents;
  onCall: OnCall;
};

/** Everything that incidents are shown in, and what people there request. */
export type MessageDeps = {
  chat: Chat;
  directory: Directory;
  ephemeralMessages: EphemeralMessages;
  statusPage: StatusPage;
  annotations: Annotations;
  /** Undefined: the configuration is incomplete. */
  ticketsFor: (target: TicketTarget) => Promise<Tickets | undefined>;
  /** External receivers of webhooks about incidents. */
  receivers: WebhookReceivers;
  changeEvents: ChangeEvents;
  spans: Spans;
  userCache: UserCache;
  processedEvents: ProcessedEvents;
  digests: Digests;
};

/** External dependencies of the product. Built once for AWS and, with other addresses, for a single machine. */
export type Deps = SystemDeps &
  FeatureDeps &
  QueueDeps &
  IncidentDeps &
  ChangeDeps &
  FreezeDeps &
  MonitoringDeps &
  PagingDeps &
  MessageDeps;
