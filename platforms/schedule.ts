/** A job that runs at an interval. It must be idempotent: a run can be interrupted, and is not repeated. */
export type Job = { name: string; everySeconds: number; run: () => Promise<unknown> };

/** Runs jobs, each at its interval and once in the whole system. A run begins after the end of the job's previous run. */
export interface Schedule {
  /** @returns what stops it: no run begins after that. It does not wait for a run that is in progress */
  start(jobs: readonly Job[]): () => Promise<void>;
}
