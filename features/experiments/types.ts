import type { ChaosReading } from './decisions/progress.ts';
import type { ChaosConfig } from './config.ts';
import type {
  ChaosRun,
  Experiment,
  ExperimentEvent,
  ExperimentId,
  ExperimentRecord,
  ExpectedAlert,
  Observation,
  SeenChaos,
} from './experiment.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { Attempt, Page, ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Started } from '../../core/domain/ports/system.ts';

/** Chaos experiments, with what was observed in each. */
export type Experiments = {
  /** Stores a new experiment. `running`: one that is not over covers a part of the scope; its ID. */
  begin(
    experiment: ExperimentRecord,
    event: ExperimentEvent,
  ): Promise<{ ok: true } | { ok: false; running: ExperimentId }>;
  /** Reads strongly consistently. */
  get(id: ExperimentId): Promise<ExperimentRecord | undefined>;
  list(query: Partial<ServiceEnvironment> & { limit: number; cursor?: string }): Promise<Page<Experiment>>;
  /** Returns the experiments that are not closed. Strongly consistent. */
  unfinished(): Promise<ExperimentRecord[]>;
  /** Stores the state together with what led to it. `false`: modified since it was read. */
  put(
    experiment: ExperimentRecord,
    more?: { events?: readonly ExperimentEvent[]; observations?: readonly Observation[] },
  ): Promise<boolean>;
  /** Records an expected alert; a repeat has no effect. */
  expect(id: ExperimentId, alert: ExpectedAlert): Promise<void>;
  /** Returns events, oldest first. */
  events(id: ExperimentId): Promise<ExperimentEvent[]>;
  /** Returns observations, oldest first. */
  observations(id: ExperimentId): Promise<Observation[]>;
  expected(id: ExperimentId): Promise<ExpectedAlert[]>;
  /** Returns the objects of chaos systems that were seen, in any order. */
  seen(): Promise<SeenChaos[]>;
  /** Stores an object that was seen, in place of what was stored. */
  see(object: SeenChaos): Promise<void>;
};

/** Starts runs of the workflow of experiments; idempotent. */
export type ExperimentRuns = { start(id: ExperimentId, workflowRun: number): Promise<Started> };

/** Pods that a run affects: those with all labels, or the pods of a workload. Null: not known. */
export type ChaosTarget = {
  namespace: string;
  labels: Readonly<Record<string, string>> | null;
  workload: { kind: string; name: string } | null;
};

/** An object that makes a chaos system disturb something. */
export type ChaosObject = {
  uid: string;
  name: string;
  run: Extract<ChaosRun, { kind: 'litmus' | 'chaos-mesh' }>;
  /** For people, such as `PodChaos chaos/lose-a-pod`. */
  object: string;
  /** `idle`: it does nothing now, but may do so later. */
  state: 'idle' | 'running' | 'over';
  /** When this run began. Null: not reported. */
  startedAt: Timestamp | null;
  /** Its action is done once and has no end. */
  isOneShot: boolean;
  annotations: Readonly<Record<string, string>>;
  targets: readonly ChaosTarget[];
};

export type ClusterChaos = Extract<ChaosConfig, { kind: 'litmus' | 'chaos-mesh' }>;

/** Lists the objects of a chaos system in its namespace. Undefined: its address is not known. */
export type ChaosObjectsOf = (
  config: ClusterChaos,
) => Promise<{ kind: 'listed'; objects: ChaosObject[] } | { kind: 'unread'; detail: string } | undefined>;

/** A run of a chaos system. */
export type ChaosSystem = {
  /** For people. */
  target: string;
  read(): Promise<ChaosReading>;
  /** Stops the run. Looks first where it can, so a repeat changes nothing. `taken`: it is over. */
  stop(key: string, reason: string): Promise<Attempt>;
};

/** Undefined: the configuration is incomplete, or is of another kind than the run. */
export type ChaosSystemFor = (config: ChaosConfig, chaosRun: ChaosRun) => Promise<ChaosSystem | undefined>;
