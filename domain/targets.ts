import type { Effect } from '../schemas/incident.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../schemas/names.ts';

/** What a call at a target is for. `key` is the same for every try at the same act. */
export type ActRequest = {
  service: ServiceName;
  environment: EnvironmentName;
  incident: IncidentId;
  /** Words for people, as the CD system shows them; at most 500 characters. */
  reason: string;
  key: string;
};

export type RollbackRequest = ActRequest & {
  from: Version;
  to: Version;
  /** Where they were recorded: a target that knows revisions rather than versions takes either for a match. */
  fromCommit: string | null;
  toCommit: string | null;
};

/**
 * How one attempt went. `in_progress` is accepted, not done: `handle` is what `status` asks with; null: the same call
 * again is the look; `waitsFor`: what a person has to do before it goes on, with its address. `superseded`: something else runs than what was to be taken back. `busy`: the target is at
 * something else. `refused`: it will not, however often it is asked. `later`: no usable answer; it may have been done.
 */
export type ActAnswer =
  | { kind: 'succeeded'; id: string | null }
  | { kind: 'in_progress'; id: string | null; handle: string | null; waitsFor?: string }
  | { kind: 'failed'; detail: string }
  | { kind: 'superseded'; current: string }
  | { kind: 'busy'; detail: string }
  | { kind: 'refused'; detail: string }
  | { kind: 'later'; detail: string; afterSeconds: number | null };

/** Whether what was brought about is still so. */
export type Held =
  | { kind: 'holds' }
  /** Somebody or something has changed it since: a sync, an autoscaler, a person. */
  | { kind: 'drifted'; detail: string }
  | { kind: 'unknown'; detail: string };

/**
 * What puts a service's versions live and takes them back. Every method is one attempt of at most 15 seconds, and never
 * throws for what the other side does: the waiting and the trying again is the workflow's.
 */
export type Deployer = {
  /** For people: what it is, and where. */
  readonly target: string;
  /** What it changes. Two deployers with the same one are never used at the same time. */
  readonly resource: string;
  /** What the target does with the same act twice; the guarantee of the effect. */
  readonly effectClass: Effect['class'];
  /** It is a stand-in of the sandbox, which changes no real system. */
  readonly standIn?: boolean;
  /**
   * Brings `to` back where `from` runs. It looks first: what is done already, or under way under this key, is not done
   * again; where neither `from` nor what this key has brought about runs, it is `superseded`.
   */
  rollBack(request: RollbackRequest): Promise<ActAnswer>;
  /** How an accepted rollback is getting on. */
  status(handle: string, request: RollbackRequest): Promise<ActAnswer>;
  /** Absent: the target can't be asked. */
  held?(request: RollbackRequest): Promise<Held>;
  /** Absent: it can't be scaled. */
  scaling?: Scaling;
  /** Replaces all instances one after the other, by the same version. Absent: it can't. */
  restart?(request: ActRequest): Promise<ActAnswer>;
  restartStatus?(handle: string, request: ActRequest): Promise<ActAnswer>;
};

export type Scaling = {
  /** How many instances are wanted now. */
  count(): Promise<{ kind: 'count'; count: number } | Extract<ActAnswer, { detail: string }>>;
  /** From `from`, compared before the act, to `to`; both are counts of instances. */
  set(request: ActRequest & { from: number; to: number }): Promise<ActAnswer>;
};

export type FlagRequest = ActRequest & { flag: string; on: boolean };

/** A flag service: sets a state, so that a repeat is harmless. */
export type Flags = {
  readonly target: string;
  /** Of a flag: what is changed. */
  resource(flag: string): string;
  readonly effectClass: Effect['class'];
  /** It is a stand-in of the sandbox, which changes no real system. */
  readonly standIn?: boolean;
  /** @param request.on whether it is to be on afterwards */
  set(request: FlagRequest): Promise<ActAnswer>;
  read(
    flag: string,
  ): Promise<
    | { kind: 'state'; on: boolean }
    | { kind: 'refused'; detail: string }
    | { kind: 'later'; detail: string; afterSeconds: number | null }
  >;
};
