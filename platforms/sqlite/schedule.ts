import { setTimeout as sleep } from 'node:timers/promises';
import type { Job, Schedule } from '../schedule.ts';

/** The minimum interval in milliseconds at any time scale, because these runs are the only work of an idle product. */
const SHORTEST_INTERVAL_MS = 1000;

/**
 * The minimum pause after a run at a large time scale, as a multiple of the run's duration. On a busy machine, runs that
 * follow each other without a pause would take the processor from the work that made them slow.
 */
const PAUSE_PER_RUN = 4;

/** Milliseconds from the start to the first run. Short, because nothing ran while the process was stopped. */
const FIRST_RUN_AFTER_MS = 100;

export type Timer = {
  /** In milliseconds. Never goes back. */
  now(): number;
  /** Resolves after this time, or as soon as it is interrupted. */
  sleep(milliseconds: number, interrupted: AbortSignal): Promise<void>;
};

const PROCESS_TIMER: Timer = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }).catch(() => undefined),
};

export type TimerScheduleOptions = {
  /** Called for a run that failed. It is not repeated; the next run follows. */
  onFailure: (job: string, error: unknown) => void;
  /** Factor by which jobs run more often; at least 1, the default. */
  timeScale?: number;
  timer?: Timer;
};

/** Runs jobs in this process: "once in the whole system" holds because only one process may use the data. */
export class TimerSchedule implements Schedule {
  readonly #options: Required<TimerScheduleOptions>;

  constructor(options: TimerScheduleOptions) {
    this.#options = { timeScale: 1, timer: PROCESS_TIMER, ...options };
  }

  start(jobs: readonly Job[]): () => Promise<void> {
    const stopping = new AbortController();
    for (const job of jobs) void this.#repeat(job, stopping.signal);
    return async () => stopping.abort();
  }

  async #repeat(job: Job, stopping: AbortSignal): Promise<void> {
    const { timer, timeScale } = this.#options;
    const rateMs = job.everySeconds * 1000;
    const intervalMs = Math.max(SHORTEST_INTERVAL_MS, rateMs / timeScale);
    let waitMs = FIRST_RUN_AFTER_MS;
    for (;;) {
      await timer.sleep(waitMs, stopping);
      if (stopping.aborted) return;
      const startedAt = timer.now();
      await this.#run(job, stopping);
      const tookMs = timer.now() - startedAt;
      // Never longer than the job's own rate, which is what a deployment keeps.
      const pauseMs = Math.min(PAUSE_PER_RUN * tookMs, rateMs - tookMs);
      waitMs = Math.max(0, intervalMs - tookMs, pauseMs);
    }
  }

  async #run({ name, run }: Job, stopping: AbortSignal): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!stopping.aborted) this.#options.onFailure(name, error); // after a stop, what it uses may be closed
    }
  }
}
