import type { DrillId } from '../../../schemas/automation/drill.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { QueueName } from '../../../schemas/config/queues.ts';
import type { WatchId } from '../../../schemas/judge/watch.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Count, CounterPeriod } from '../incidents/metrics.ts';

export type Clock = { now(): Timestamp };

/** Structured log. `fields` never contain secrets or raw headers. */
export type Log = {
  /** Logs a step, for debugging. */
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** Returns a log that adds these fields to every line. */
  with(fields: Record<string, unknown>): Log;
};

/** Secrets, read at run time and cached for at most a minute, so that running processes pick up rotated ones. */
export type Secrets = {
  /** @throws if it is unknown whether the secret is set */
  get(name: string): Promise<string | undefined>;
};

export type Blobs = {
  put(key: string, body: string | Uint8Array, contentType: string): Promise<void>;
  /** Stores an object unless there is one of this key, atomically. Returns whether it was stored. */
  putNew(key: string, body: string | Uint8Array, contentType: string): Promise<boolean>;
  /** Returns an object; undefined: none. */
  get(key: string): Promise<Uint8Array | undefined>;
};

/** Tells that something was stored, by any part of Firebreak. */
export type Commits = {
  /** Calls the listener soon after commits, once for several. @returns what ends that */
  onCommit(listener: () => void): () => void;
};

/** `unknown`: there is none, or it is no longer stored. */
export type RunStatus = 'running' | 'succeeded' | 'failed' | 'unknown';

/** ID of the execution of a run, also of one that was started before, and has ended. Undefined: the platform does not say it. */
export type Started = string | undefined;

/** Engine that executes the workflows. */
export type Engine = {
  /** Starts a run; idempotent. */
  start(incident: IncidentId, run: number): Promise<Started>;
  /** Completes a callback. A callback that is closed or no longer exists is a success. */
  completeCallback(callback: string): Promise<void>;
  /** Returns the status of an execution. `failed`: also one that timed out, or was stopped externally. */
  status(execution: string): Promise<RunStatus>;
};

/** Starts workflows other than those of incidents; idempotent. */
export type Runs = {
  drill: { start(id: DrillId, run: number): Promise<Started> };
  watch: { start(id: WatchId, run: number): Promise<Started> };
  /** Turns a flag on again. @param number of the request in the incident */
  flag: { start(id: IncidentId, number: number): Promise<Started> };
};

/** Whether what Firebreak accepts can be stored now. */
export type WriteProbe = {
  /**
   * Returns `ok`, or the error of the last write, for the table and for the blobs. Writes only if no write of this process
   * has succeeded within 5 seconds.
   */
  states(): Promise<{ table: string; blobs: string }>;
  /** Returns the error if the last write has failed, or if damage was found recently. Writes nothing. Null: neither. */
  problem(): string | null;
  /** Remembers damage that another thread has found. */
  noteDamage(error: Error): void;
};

/** Counters shared by all instances. */
export type Counters = {
  /**
   * Increments counters. Never fails, and waits only briefly for the table, because a count is not worth a delay. Some
   * counts may be lost or duplicated if the table does not respond or a process dies.
   */
  add(counts: readonly Count[]): Promise<void>;
  /**
   * Returns all counts, with those that were added before; with a period, those of the last 60 to 70 minutes, or of the last
   * 24 to 25 hours, in the groups of which they are stored.
   */
  read(period?: CounterPeriod): Promise<Count[]>;
};

/** `oldest`: since when the oldest has been waiting; null: none. */
export type Waiting = { count: number; oldest: Timestamp | null };

/** Work in progress. */
export type Backlog = {
  /** Returns incidents with messages that their workflow has not read. */
  pending(): Promise<Waiting>;
  /** Returns effects without a result that started in the last 24 hours, by kind. */
  effects(): Promise<{ kind: string; waiting: Waiting }[]>;
};

/** State of the queues between the parts of Firebreak. */
export type QueueOperations = {
  /**
   * Returns the approximate number of messages in each queue. `dead`: failed too often. `oldestSeconds`: age of the oldest of
   * the others. Undefined: the platform reports them elsewhere.
   */
  read(): Promise<
    {
      queue: QueueName;
      visible: number;
      inFlight: number;
      delayed: number;
      dead?: number;
      oldestSeconds?: number;
    }[]
  >;
  /** Returns messages that failed too often, the oldest first, at most ten. */
  dead(queue: QueueName): Promise<{ id: string; body: string; group: string | undefined }[]>;
  /** Delivers them again. Returns their number. */
  redrive(queue: QueueName): Promise<number>;
};

/** The first request with an idempotency key. `nonce`: random, so that no ID outlives the record. */
export type FirstRequest = { at: Timestamp; nonce: string };

/** Responses to creating requests by the caller's idempotency key, retained for a day. */
export type Idempotency = {
  /**
   * `mine`: proceed and report the result; `first` is the same if the request runs again. `running`: another request with
   * this key is in progress.
   */
  begin(
    key: IdempotencyKey,
    bodyHash: string,
  ): Promise<
    | { kind: 'mine'; first: FirstRequest }
    | { kind: 'running' }
    | { kind: 'other_body' }
    | { kind: 'done'; status: number; body: string }
  >;
  /** `again`: a repeated request runs again, at once. `forget`: it is a new request, also with another body. */
  end(key: IdempotencyKey, answer: { status: number; body: string } | 'again' | 'forget'): Promise<void>;
};
export type IdempotencyKey = { principal: string; route: string; key: string };
