import type { IncidentId } from '../../../schemas/config/names.ts';
import type { PageNeed } from '../../../schemas/incidents/inbox.ts';
import type { With } from '../../../schemas/runbooks/parts/kinds.ts';
import type { StepEnds } from '../../../schemas/runbooks/parts/runs.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Json } from '../runbooks/variables.ts';
import type { Page } from './common.ts';

/** A runbook run of an incident. `done`: it has ended. `acted`: it changed production. */
export type BegunRunbook = { number: number; name: string; done: boolean; acted: boolean };

/** Runbook runs of incidents: each keeps the version with which it started. */
export type RunbookRuns = {
  /** Returns the runs of an incident, in order. Strongly consistent. */
  of(id: IncidentId): Promise<BegunRunbook[]>;
  get(id: IncidentId, number: number): Promise<SelectedRunbook | undefined>;
  /**
   * Stores the selection; the first one of a number is kept. Undefined: the incident already follows a runbook of this
   * name.
   */
  choose(
    id: IncidentId,
    number: number,
    followed: SelectedRunbook,
    because: string,
  ): Promise<SelectedRunbook | undefined>;
  /** Stores a value for later processes and runs, and returns the stored one: the first one is kept. */
  remember<T extends Json>(id: IncidentId, number: number, what: string, value: T): Promise<T>;
  /** Returns a stored value; undefined: none. */
  recall(id: IncidentId, number: number, what: string): Promise<Json | undefined>;
  /** Ends a run, with a message to the inbox; once. */
  conclude(id: IncidentId, number: number, end: RunbookEnd): Promise<void>;
  /**
   * Starts a run for a person, with a message to the inbox. A runbook has only one run at a time within an incident:
   * `running` is the number of the one in progress.
   *
   * @param key of the request, which starts only one run
   */
  start(id: IncidentId, followed: SelectedRunbook & { by: string }, key?: string): Promise<StartedRun>;
  /** Returns the number of the run that this request has started. Undefined: none. */
  startedBy(id: IncidentId, key: string): Promise<number | undefined>;
  /** Reads strongly consistently. */
  run(id: IncidentId, number: number): Promise<RunbookRun | undefined>;
  /** Returns runs newest first. Eventually consistent. */
  list(query: { limit: number; cursor?: string }): Promise<Page<{ incident: IncidentId; number: number }>>;
  /** Returns all stored values of a run, by name. */
  memories(id: IncidentId, number: number): Promise<Map<string, Json>>;
};

export type StartedRun =
  | { kind: 'started'; number: number }
  | { kind: 'running'; number: number }
  | { kind: 'too_many' }
  | { kind: 'closed' };

/** A runbook with the data of the alert for which it was selected. */
export type SelectedRunbook = {
  runbook: Runbook;
  labels: [string, string][];
  annotations: [string, string][];
  /** Person who started it. Absent: started by alerts. */
  by?: string | undefined;
  /** Inputs from that person. Absent: none. */
  inputs?: Record<string, string | number | boolean> | undefined;
  /** The failed run that it continues. */
  continues?: ContinuedRun | undefined;
};

export type ContinuedRun = {
  /** Number of the earlier run. */
  of: number;
  /** Results of the steps that are not repeated. */
  done: StepEnds;
  /** Idempotency keys of steps that the earlier run may have executed. */
  earlierKeys: Record<string, string>;
};

/** A stored run. `outcome`: null while it is in progress. */
export type RunbookRun = SelectedRunbook & {
  number: number;
  at: Timestamp;
  outcome: string | null;
  text: string | null;
};

/** Result of a run. `acted`: it changed production. */
export type RunbookEnd = { outcome: string; text: string; acted: boolean; page: PageNeed };

/** HTTP calls of runbooks. One attempt per call. */
export type HttpCalls = {
  /** @param key idempotency key of the action; sent as `Idempotency-Key` */
  call(request: With<'http'>, key: string): Promise<HttpAnswer>;
};

/** `answered`: with any status. `later`: no response; it may have been done. `refused`: no request was sent. */
export type HttpAnswer =
  | { kind: 'answered'; status: number; body: unknown; afterSeconds: number | null }
  | { kind: 'later'; detail: string }
  | { kind: 'refused'; detail: string };
