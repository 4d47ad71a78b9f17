import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { REGION, scheduleArn } from './lambda/arns.ts';

/** A rate schedule: `functionName` is invoked every `everySeconds`. */
export type Schedule = {
  name: string;
  everySeconds: number;
  functionName: string;
  /** The event of the function; absent: the scheduled event that EventBridge Scheduler sends. */
  input?: unknown;
};

/** However large the time scale, no schedule runs more often than this. Milliseconds. */
const SHORTEST_INTERVAL_MS = 1000;

/** From the start to the first run: what the schedules look after has had no care while nothing ran. Milliseconds. */
const FIRST_RUN_AFTER_MS = 100;

/**
 * Invokes functions at fixed rates, as events, through the Lambda API. A run that is not accepted is logged and
 * dropped; the next one comes. While a run has not been accepted the next one waits, so that runs never pile up here.
 *
 * @param options.timeScale how many times faster than life schedules come; at least 1, the default
 * @returns `stop` resolves when no request is under way any more
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
    const intervalMs = Math.max(SHORTEST_INTERVAL_MS, (schedule.everySeconds * 1000) / timeScale);
    let waitMs = FIRST_RUN_AFTER_MS;
    while (await passes(waitMs, stopping.signal)) {
      const startedAt = Date.now();
      await run(schedule, lambda, log);
      waitMs = Math.max(0, intervalMs - (Date.now() - startedAt));
    }
  });
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}

/** @returns false when it was interrupted */
const passes = (milliseconds: number, interrupted: AbortSignal): Promise<boolean> =>
  sleep(milliseconds, true, { signal: interrupted }).catch(() => false);

async function run(
  schedule: Schedule,
  lambda: LambdaClient,
  log: ((entry: object) => void) | undefined,
): Promise<void> {
  const { name, functionName } = schedule;
  const Payload = JSON.stringify(schedule.input ?? scheduledEvent(name));
  try {
    await lambda.send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload }));
  } catch (error) {
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
