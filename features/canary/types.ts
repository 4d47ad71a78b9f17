import type { Canary, CanaryCheck, CanaryCommand, CanaryEvent, CanaryId, CanaryRecord } from './canary.ts';
import type { HttpSample } from '../../schemas/judge/judgement.ts';
import type { TrafficConfig } from './traffic-config.ts';
import type { CanaryAlert, Gate, JudgedSamples } from './decisions/progress.ts';
import type { TrafficRouter } from './decisions/traffic.ts';
import type { Page, ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Started } from '../../core/domain/ports/system.ts';

/** Canaries, with what happened in each. */
export type Canaries = {
  /** Starts a canary. `running`: the service and environment have one; its ID. */
  begin(canary: CanaryRecord, event: CanaryEvent): Promise<{ ok: true } | { ok: false; running: CanaryId }>;
  /** Reads strongly consistently. */
  get(id: CanaryId): Promise<CanaryRecord | undefined>;
  list(query: Partial<ServiceEnvironment> & { limit: number; cursor?: string }): Promise<Page<Canary>>;
  /** Returns the canary in progress. Strongly consistent. */
  runningAt(serviceEnvironment: ServiceEnvironment): Promise<CanaryRecord | undefined>;
  /** Returns all canaries in progress. Strongly consistent. */
  running(): Promise<CanaryRecord[]>;
  /**
   * Stores the state together with what led to it; the end of a canary makes room for the next one. `false`: modified
   * since it was read.
   */
  put(
    canary: CanaryRecord,
    more?: { events?: readonly CanaryEvent[]; check?: CanaryCheck | null; release?: boolean },
  ): Promise<boolean>;
  /** Records the call right before the router is called, with the lock of its resource. `locked`: another process has it. */
  claim(canary: CanaryRecord): Promise<CanaryRecord | 'locked' | 'changed'>;
  /** Stores a person's request for the workflow. `false`: modified since it was read. */
  request(canary: CanaryRecord, command: CanaryCommand): Promise<boolean>;
  /** Returns the newest events, newest first. */
  events(id: CanaryId, limit: number): Promise<CanaryEvent[]>;
  checks(id: CanaryId, limit: number): Promise<CanaryCheck[]>;
};

/** Starts the run of a canary's workflow; idempotent. */
export type CanaryRuns = { start(id: CanaryId, run: number): Promise<Started> };

/** Undefined: the configuration is incomplete. */
export type TrafficRouterFor = (
  config: TrafficConfig,
  serviceEnvironment: ServiceEnvironment,
) => Promise<TrafficRouter | undefined>;

/** What a canary needs of the rest of the product. Everything is safe to repeat. */
export type CanaryActions = {
  /** @param samples measurements over HTTP of earlier checks, oldest first */
  judge(canary: CanaryRecord, samples: readonly HttpSample[]): Promise<JudgedSamples>;
  /** Checks freezes, the kill switch, and open incidents. */
  gate(canary: CanaryRecord): Promise<Gate>;
  isPaused(): Promise<boolean>;
  /** Records the canary's share of the traffic. */
  weightChanged(canary: CanaryRecord): Promise<void>;
  /** Sends an alert of the service, or its end. */
  alert(canary: CanaryRecord, alert: CanaryAlert | null): Promise<void>;
  /**
   * Records the outcome of the deployment, which alerts people if the version was degraded: then as soon as the traffic is
   * back, and again at the end.
   */
  ended(canary: CanaryRecord): Promise<void>;
};
