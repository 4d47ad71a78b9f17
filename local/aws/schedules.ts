import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { REGION, scheduleArn } from './lambda/arns.ts';

/** A rate schedule: `functionName` is invoked every `everySeconds`. */
export type Schedule = {
  name: string;
  everySeconds: number;
  functionName: string;
  /** The function's event; absent for the scheduled event that EventBridge Scheduler sends. */
  input?: unknown;
};

/** The minimum interval in milliseconds at any time scale, because these runs are the only work of an idle product. */
const SHORTEST_INTERVAL_MS = 1_000;

/**
 * The minimum pause after a run at a large time scale, as a multiple of the run's duration. On a busy machine, runs that
 * follow each other without a pause would take the processor from the work that made them slow.
 */
const PAUSE_PER_RUN = 4;

/** Milliseconds from the start to the first run. Short, because nothing ran while the process was stopped. */
const FIRST_RUN_AFTER_MS = 100;

/**
 * Invokes functions at fixed rates through the Lambda API. A run waits for the end of the previous run of its schedule,
 * as with a reserved concurrency of one in a deployment. Otherwise, at a large time scale, runs that take longer than
 * their short interval would compete for the processor and become even slower. A run that is not accepted or fails is
 * logged and not repeated; the next run follows.
 *
 * @param options.timeScale factor by which schedules run faster; at least 1, the default
 * @returns `stop` resolves when the schedules have stopped; a running invocation continues to its end
 */
export function startSchedules(options: {
  schedules: readonly Schedule[];
  lambda: LambdaClient;
  timeScale?: number;
  log?: (entry: object) => void;
}): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { lambda, timeScale = 1, log } = options;
  const loops = options.schedules.map(async (schedule) => {
    const rateMs = schedule.everySeconds * 1000;
    const intervalMs = Math.max(SHORTEST_INTERVAL_MS, rateMs / timeScale);
    let waitMs = FIRST_RUN_AFTER_MS;
    while (await sleepUnlessInterrupted(waitMs, stopping.signal)) {
      const startedAt = Date.now();
      await run(schedule, lambda, stopping.signal, log);
      const tookMs = Date.now() - startedAt;
      // Never longer than the schedule's own rate, which is what a deployment keeps.
      const pauseMs = Math.min(PAUSE_PER_RUN * tookMs, rateMs - tookMs);
      waitMs = Math.max(0, intervalMs - tookMs, pauseMs);
    }
  });
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}

/** @returns false if it was interrupted */
const sleepUnlessInterrupted = (milliseconds: number, interrupted: AbortSignal): Promise<boolean> =>
  sleep(milliseconds, true, { signal: interrupted }).catch(() => false);

async function run(
  schedule: Schedule,
  lambda: LambdaClient,
  stopping: AbortSignal,
  log: ((entry: object) => void) | undefined,
): Promise<void> {
  const { name, functionName } = schedule;
  const Payload = JSON.stringify(schedule.input ?? scheduledEvent(name));
  try {
    const command = new InvokeCommand({ FunctionName: functionName, Payload });
    const { FunctionError, Payload: response = [] } = await lambda.send(command, { abortSignal: stopping });
    if (FunctionError === undefined) return;
    const error = Buffer.from(response).toString();
    log?.({ event: 'schedule-run-failed', schedule: name, function: functionName, error });
  } catch (error) {
    if (stopping.aborted) return;
    log?.({ event: 'schedule-not-run', schedule: name, function: functionName, error: String(error) });
  }
}

const scheduledEvent = (name: string): object => ({
  version: '0',
  id: randomUUID(),
  'detail-type': 'Scheduled Event',
  source: 'aws.scheduler',
  time: new Date().toISOString(),
  region: REGION,
  resources: [scheduleArn(name)],
  detail: '{}',
});
