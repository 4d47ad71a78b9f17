import type { Connections } from '../../../schemas/config/connections.ts';
import type { Config, EnvironmentEntry } from '../../../schemas/config/config.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { ChangeId, Version } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import type { Mute } from '../alerts/routing.ts';
import type { Evidence } from '../correlation/evidence.ts';
import type { Span } from '../changes/span.ts';
import type { Action } from '../../../schemas/access/access.ts';
import type { ServiceEnvironment } from './common.ts';
import type { ConfigSource } from './config.ts';
import type { Log } from './system.ts';
import type { Text } from '../messages/chat-message.ts';
import type { VendorResponse } from './vendor-response.ts';
import type { Contradiction } from '../incidents/page-contradiction.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { ActionItemList, ActionItemOrigins } from './action-items.ts';
import type { BudgetState, ErrorBudgets } from './error-budgets.ts';

/** Stores and clients of features, by the name of the feature. */
export type PortsOfFeatures = Readonly<Record<string, object>>;

/**
 * The points at which features take part in what the core does. Each point lists the features that use it. There are at
 * most twelve; a new one needs a decision record (docs/adr/).
 */
export type Extensions = {
  /** Explain alerts that are expected, so that these don't act. */
  expectedAlerts: readonly Extension<ExpectedAlerts>[];
  /** Check the systems that the configuration names. */
  systems: readonly Extension<ConfiguredSystems>[];
  /** Keep the list of action items. */
  actionItems: readonly Extension<ActionItemList>[];
  /** Add items to that list. */
  actionItemOrigins: readonly Extension<ActionItemOrigins>[];
  /** Record events of forges that the core doesn't record. */
  forgeEvents: readonly Extension<ForgeEvents>[];
  /** Show what has ended as spans in a tracing system. */
  spans: readonly Extension<EndedSpans>[];
  /** Show incidents to the public. */
  publicPages: readonly Extension<PublicPages>[];
  /** Add sections to the digest of the last week. */
  digestSections: readonly Extension<DigestSections>[];
  /** Report what is spent of error budgets, for which deploys freeze. */
  errorBudgets: readonly Extension<ErrorBudgets>[];
  /** Drive deploys step by step, and take versions out of production that are worse. */
  drivenDeploys: readonly Extension<DrivenDeploys>[];
  /** Freeze deploys. */
  freezes: readonly Extension<DeployFreezes>[];
};

/** A feature's part at a point. Its code is loaded only if it is used. */
export type Extension<T> = {
  /** Whether the configuration uses the feature. */
  isConfigured(config: Config): boolean;
  load(): Promise<T>;
};

/** Without features. */
export const noExtensions: Extensions = {
  expectedAlerts: [],
  systems: [],
  actionItems: [],
  actionItemOrigins: [],
  forgeEvents: [],
  spans: [],
  publicPages: [],
  digestSections: [],
  errorBudgets: [],
  drivenDeploys: [],
  freezes: [],
};

/** Returns the parts of the features that the configuration uses. */
export const configured = async <T>(extensions: readonly Extension<T>[], config: Config): Promise<T[]> =>
  extensions.length === 0
    ? []
    : Promise.all(extensions.filter((one) => one.isConfigured(config)).map((one) => one.load()));

/**
 * Returns the parts of all features, also of those that the configuration no longer uses: what they have stored still
 * counts.
 */
export const loaded = <T>(extensions: readonly Extension<T>[]): Promise<T[]> =>
  Promise.all(extensions.map((one) => one.load()));

/**
 * Reads what the last evaluations of all features found. The time is that of the oldest one; null: one has none.
 *
 * @throws if one of them can't be read
 */
export async function readBudgets(
  sources: readonly ErrorBudgets[],
  serviceEnvironments: readonly ServiceEnvironment[],
): Promise<BudgetState> {
  const states = await Promise.all(sources.map((source) => source.read(serviceEnvironments)));
  const times = states.flatMap(({ evaluatedAt }) => evaluatedAt ?? []).toSorted();
  return {
    statuses: serviceEnvironments.map((_, index) => states.flatMap(({ statuses }) => statuses[index] ?? [])),
    evaluatedAt: times.length < states.length ? null : (times[0] ?? null),
  };
}

export type ExpectedAlerts = {
  /** Reads what explains alerts now. @throws if it can't be read: then all alerts are real */
  read(): Promise<Explanations>;
};

/** What explains alerts at the time of a read. */
export type Explanations = {
  /** Whether it can explain an alert. */
  explainsAny: boolean;
  /** Returns the mute of an alert. Null: the alert is real. */
  muteOf(signal: Signal, now: Timestamp): Mute | null;
  /** Returns the name of what explains all of these alerts. Null: nothing does. */
  nameFor(signals: readonly Signal[], now: Timestamp): string | null;
  /** Records alerts that it explains, before they are admitted. Idempotent. */
  record(signals: readonly Signal[], now: Timestamp): Promise<void>;
};

/** Reads what explains alerts now, of all features that are configured. Null: something can't be read. */
export async function readExplanations({
  config,
  extensions,
  log,
}: {
  config: ConfigSource;
  extensions: Pick<Extensions, 'expectedAlerts'>;
  log: Log;
}): Promise<Explanations[] | null> {
  if (extensions.expectedAlerts.length === 0) return [];
  try {
    const sources = await configured(extensions.expectedAlerts, await config.current());
    return await Promise.all(sources.map((source) => source.read()));
  } catch (error) {
    log.error('what explains alerts could not be read, so all alerts are treated as real', { error: String(error) });
    return null;
  }
}

export type DrivenDeploys = {
  /** Returns the changes that it drives now. It alerts people itself when one makes no progress. */
  inProgress(): Promise<ChangeId[]>;
  /**
   * Returns the version that it took out of production because it was worse, if all of these alerts report it. Null: they
   * do not, or it can't be read.
   */
  aborted(firing: readonly Signal[]): Promise<Evidence['aborted_canary'] | null>;
};

/** A deploy of which another system asks whether it may go on. Null: not known. */
export type AskedDeploy = ServiceEnvironment & { version: Version | null; deployment_id: string | null };

/** Who asks, and how the answer counts. */
export type DeployCaller = {
  /** For the record. */
  by: string;
  /** @throws Refusal 403 if the caller may not access the service and environment */
  allow: (serviceEnvironment: ServiceEnvironment) => void;
  /** Whether the deploy uses up a required override. */
  consume: boolean;
  /** Whether recorded deploys decide if it is a rollback. Otherwise, it is none. */
  canBeRollback: boolean;
};

export type DeployVerdict = {
  allowed: boolean;
  verdict: 'allow' | 'warn' | 'freeze';
  reasons: { code: string; text: string }[];
  clears_when: string | null;
};

export type DeployFreezes = {
  /** Decides whether a deploy may go on, and records the decision. @throws Refusal 403, 503 */
  check(deploy: AskedDeploy, caller: DeployCaller): Promise<DeployVerdict>;
  /** Returns the freezes in force. `isFailure`: because of failures, not because people wanted no deploys. */
  inForce(serviceEnvironment: ServiceEnvironment): Promise<{ reason: string; isFailure: boolean }[]>;
  /**
   * Records that GitHub waits with a deployment, and answers it if time allows. `gate` is the ID of the waiting deployment.
   *
   * @throws Refusal 422
   */
  answerGithub(payload: unknown, delivery: { id: string | undefined; log: Log }): Promise<ProtectionAnswer>;
};

/** `over`: GitHub no longer waits. `answered_before`: the webhook repeats a deployment that has its answer. */
export type ProtectionAnswer = {
  gate: string;
  state: 'approved' | 'rejected' | 'waiting' | 'over' | 'answered_before';
};

const NOT_FROZEN: DeployVerdict = { allowed: true, verdict: 'allow', reasons: [], clears_when: null };

/** Decides whether a deploy may go on. @throws Refusal 403, 503 */
export async function checkDeploy(
  { extensions }: { extensions: Pick<Extensions, 'freezes'> },
  deploy: AskedDeploy,
  caller: DeployCaller,
): Promise<DeployVerdict> {
  const [freezes] = await loaded(extensions.freezes);
  return (await freezes?.check(deploy, caller)) ?? NOT_FROZEN;
}

export type ConfiguredSystems = {
  /** Returns why the systems of an environment can't be called, without calling them. */
  problems?(environment: EnvironmentEntry, serviceEnvironment: ServiceEnvironment): Promise<string[]>;
  /** Check a connection with a request that has no visible effect, by the name of the connection. */
  checks?: Readonly<Record<string, () => Promise<VendorResponse<unknown>>>>;
  /** Return the state of Firebreak's own keys and records, by the name of the connection. */
  keys?: Readonly<Record<string, () => Promise<KeyState>>>;
  /** Returns what is measured of these systems, and how they differ from the files generated for them. */
  measured?(): Promise<Pick<Connections, 'objectives' | 'generated'>>;
};

/** `off`: not set, and nothing needs it. `wrong`: it can't be used. */
export type KeyState = { state: 'set' | 'off' | 'wrong'; detail: string };

/** A webhook of GitHub or GitLab after its sender was authenticated. */
export type ForgeEvent = { type: string; payload: unknown; trace: string };

/** What became of the event. */
export type ForgeAnswer = {
  ignored?: string;
  changes?: string[];
  pipeline_run?: string;
  recorded?: string;
  unmapped?: string;
};

export type ForgeEvents = {
  /** Records an event. Undefined: the feature has no use for its type. @throws Refusal 422 */
  receive(forge: 'github' | 'gitlab', event: ForgeEvent): Promise<ForgeAnswer | undefined>;
};

export type EndedSpans = {
  /**
   * Returns the span of a subject, and how long after its end its last reports can arrive. Undefined: it has not ended, or
   * the feature has no such subjects.
   */
  of(subject: Subject): Promise<{ span: Span; settlesSeconds: number } | undefined>;
};

export type PublicPages = {
  /** Returns why the pages never show an incident like this, and which setting decides it. Null: they can show it. */
  whyNotShown(incident: ShownFields, config: Config): string | null;
  /** Returns whether a person must approve that the pages show an incident. */
  waitsForApproval(incident: ShownFields & Pick<IncidentRecord, 'published_by'>, config: Config): boolean;
  /** Returns for each service and environment, which fail without an incident, what the pages show as operational. */
  contradictions(failing: readonly ServiceEnvironment[]): Promise<(Contradiction | null)[]>;
};

type ShownFields = Pick<IncidentRecord, 'service' | 'environment' | 'severity'>;

/** Returns why the public never sees an incident like this. Null: it can see it. */
export async function whyNotPublic(
  { config, extensions }: { config: ConfigSource; extensions: Pick<Extensions, 'publicPages'> },
  incident: ShownFields,
): Promise<string | null> {
  // Also if the configuration does not use them, because they say what to configure.
  const [pages] = await Promise.all(extensions.publicPages.map((one) => one.load()));
  return pages === undefined ? 'there is no status page' : pages.whyNotShown(incident, await config.current());
}

/** Returns whether a person must approve that the public sees an incident. */
export async function waitsForPublication(
  { config, extensions }: { config: ConfigSource; extensions: Pick<Extensions, 'publicPages'> },
  incident: ShownFields & Pick<IncidentRecord, 'published_by'>,
): Promise<boolean> {
  const current = await config.current();
  const pages = await configured(extensions.publicPages, current);
  return pages.some((one) => one.waitsForApproval(incident, current));
}
/** What a digest covers. */
export type DigestScope = {
  /** Absent: all services. */
  team?: string;
  /** Returns whether the reader may do this with a service and environment. */
  isAllowed: (action: Action, of: Partial<ServiceEnvironment>) => boolean;
};

/** A part of a digest. Links are paths of the console. */
export type DigestSection = {
  id: string;
  title: string;
  /** One or two sentences. If there is nothing to report, they say so, and there are no rows. */
  summary: string;
  columns: readonly [string, ...string[]];
  rows: readonly (readonly Text[])[];
  /** The page with all records. */
  path: string;
};

export type DigestSections = {
  /** Computes the sections about the seven days up to now. */
  ofLastWeek(scope: DigestScope): Promise<DigestSection[]>;
};
