import type { Config, EnvironmentEntry } from '../../schemas/config/config.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { Subject } from '../../schemas/incidents/projection.ts';
import type { Mute } from '../alerts/routing.ts';
import type { Span } from '../delivery/span.ts';
import type { ConfigSource } from './config.ts';
import type { Log } from './system.ts';
import type { VendorResponse } from '../messages/channels.ts';
import type { ActionItemList, ActionItemOrigins } from './action-items.ts';

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
};

/** Returns the parts of the features that the configuration uses. */
export const configured = async <T>(extensions: readonly Extension<T>[], config: Config): Promise<T[]> =>
  extensions.length === 0
    ? []
    : Promise.all(extensions.filter((one) => one.isConfigured(config)).map((one) => one.load()));

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

export type ConfiguredSystems = {
  /** Returns why the systems of an environment can't be called, without calling them. */
  problems?(environment: EnvironmentEntry): Promise<string[]>;
  /** Check a connection with a request that has no visible effect, by the name of the connection. */
  checks?: Readonly<Record<string, () => Promise<VendorResponse<null>>>>;
};

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
