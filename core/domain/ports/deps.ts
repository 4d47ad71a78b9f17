import type { StandIns } from '../catalogue/vendors.ts';
import type { Chat } from './chat.ts';
import type { ExternalPager } from './external-pager.ts';
import type { Tickets } from './tickets.ts';
import type { OnCall } from '../people/on-call.ts';
import type { TicketTarget } from '../../../schemas/alerts/routes.ts';
import type { ApprovalLinks } from './access.ts';
import type { AlertStates, SignalQueue } from './alerts.ts';
import type { AutomationSwitch, Drills } from './automation.ts';
import type { Changes, Pins } from './changes.ts';
import type { ConfigSource } from './config.ts';
import type { Decisions, Effects } from './decisions.ts';
import type { Extensions } from './extensions.ts';
import type { IncidentGroups, Incidents } from './incidents.ts';
import type { Watches } from './judge.ts';
import type { Looks } from './looks.ts';
import type { InboundQueue } from './messages.ts';
import type { JudgeMetrics, MetricQueries, Metrics } from './metrics.ts';
import type { Pager } from './paging.ts';
import type { Targets } from './rollback.ts';
import type { HttpCalls, RunbookRuns } from './runbooks.ts';
import type { Clock, Engine, Log, Runs, WriteProbe } from './system.ts';

/**
 * The ports that workflows and the use cases around them share. Each function names those that it needs. A port that only
 * an entrance, the jobs, a feature, or one group of use cases needs is declared there, in the type of its dependencies.
 */
export type Deps = {
  clock: Clock;
  /** Factor by which Firebreak's own pauses are shortened; 1 except in trials on a single machine. */
  timeScale: number;
  log: Log;
  config: ConfigSource;
  writeProbe: WriteProbe;
  standIns: StandIns;
  automation: AutomationSwitch;
  approvalLinks: ApprovalLinks;
  /** Address under which people reach this Firebreak, without a final slash. Undefined: not known. */
  publicUrl: string | undefined;
  /** Where features take part in what the core does. */
  extensions: Extensions;

  queue: SignalQueue;
  inbound: InboundQueue;
  engine: Engine;
  runs: Runs;

  incidents: Incidents;
  incidentGroups: IncidentGroups;
  decisions: Decisions;
  effects: Effects;
  looks: Looks;
  runbooks: RunbookRuns;
  drills: Drills;
  /** Watches of deploys. */
  watches: Watches;
  changes: Changes;
  pins: Pins;

  targets: Targets;
  http: HttpCalls;
  metrics: Metrics;
  judgeMetrics: JudgeMetrics;
  metricQueries: MetricQueries;
  alerts: AlertStates;

  pager: Pager;
  fallbackPager: Pager;
  /** Pager through which other systems page. */
  externalPager: ExternalPager;
  onCall: OnCall;
  chat: Chat;
  /** Undefined: the configuration is incomplete. */
  ticketsFor: (target: TicketTarget) => Promise<Tickets | undefined>;
};
