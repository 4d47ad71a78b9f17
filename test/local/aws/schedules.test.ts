import { setTimeout as sleep } from 'node:timers/promises';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSchedules, type Schedule } from '../../../local/aws/schedules.ts';
import { Bench, until } from './durable/bench.ts';

const SLOW_RUN_MS = 400;

describe('schedules', () => {
  let bench: Bench;
  let running: { stop(): Promise<void> } | undefined;
  let events: unknown[];
  /** The number of running calls of the slow function at the start of each. */
  let atOnce: number[];
  /** Milliseconds from the end of each run of the slow function to the start of the next one. */
  let pauses: number[];

  beforeEach(async () => {
    bench = new Bench();
    events = [];
    atOnce = [];
    pauses = [];
    let underWay = 0;
    let endedAt: number | undefined;
    await bench.start({
      sweep: { timeoutSeconds: 5, handler: async (event) => events.push(event) },
      slow: {
        timeoutSeconds: 5,
        handler: async () => {
          underWay += 1;
          atOnce.push(underWay);
          if (endedAt !== undefined) pauses.push(performance.now() - endedAt);
          await sleep(SLOW_RUN_MS);
          underWay -= 1;
          endedAt = performance.now();
        },
      },
      broken: {
        timeoutSeconds: 5,
        handler: async () => {
          throw new Error('the table is gone');
        },
      },
    });
    bench.resume();
  });
  afterEach(async () => {
    await running?.stop();
    await bench.remove();
  });

  const every = (everySeconds: number, more: Partial<Schedule> = {}): Schedule => ({
    name: 'sweep-every-minute',
    functionName: 'sweep',
    everySeconds,
    ...more,
  });

  test("the first run comes soon, with the scheduler's event", async () => {
    running = startSchedules({ schedules: [every(3_600)], lambda: bench.lambda });
    await until(async () => events[0]);
    expect(events).toEqual([
      expect.objectContaining({
        'detail-type': 'Scheduled Event',
        source: 'aws.scheduler',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
        resources: ['arn:aws:scheduler:us-east-1:000000000000:schedule/default/sweep-every-minute'],
      }),
    ]);
  });

  test('a configured input replaces that event', async () => {
    running = startSchedules({ schedules: [every(3_600, { input: { pending: true } })], lambda: bench.lambda });
    await until(async () => events[0]);
    expect(events).toEqual([{ pending: true }]);
  });

  test('runs repeat, at intervals of at least a second', async () => {
    const startedAt = Date.now();
    running = startSchedules({ schedules: [every(60)], lambda: bench.lambda, timeScale: 1_000_000 });
    await until(async () => (events.length >= 3 ? true : undefined));
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(2000);
  });

  test('a time scale turns minutes into milliseconds', async () => {
    running = startSchedules({ schedules: [every(60)], lambda: bench.lambda, timeScale: 200 });
    await until(async () => (events.length >= 2 ? true : undefined));
  });

  test('a run waits for the end of the previous one, and at a large time scale for a pause of several runs', async () => {
    running = startSchedules({
      schedules: [every(60, { functionName: 'slow' })],
      lambda: bench.lambda,
      timeScale: 1_000_000,
    });
    await until(async () => (atOnce.length >= 3 ? true : undefined));
    expect(atOnce.slice(0, 3)).toEqual([1, 1, 1]);
    for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(3 * SLOW_RUN_MS);
  });

  test('a failed run is logged and not repeated, and the next one follows', async () => {
    const logged: object[] = [];
    const schedules = [every(60, { functionName: 'broken' })];
    running = startSchedules({ schedules, lambda: bench.lambda, timeScale: 1_000, log: (entry) => logged.push(entry) });
    await until(async () => (logged.length >= 2 ? true : undefined));
    expect(logged[0]).toMatchObject({
      event: 'schedule-run-failed',
      schedule: 'sweep-every-minute',
      function: 'broken',
      error: expect.stringContaining('the table is gone') as string,
    });
  });

  test("a run that Lambda doesn't accept is logged, and the next one follows", async () => {
    const logged: object[] = [];
    let up = false;
    const lambda = new LambdaClient({
      endpoint: () => {
        const { hostname, port } = new URL(bench.url);
        return Promise.resolve({ protocol: 'http:', hostname, port: up ? Number(port) : 1, path: '/' });
      },
      region: 'us-east-1',
      credentials: bench.credentials,
      maxAttempts: 1,
    });
    running = startSchedules({ schedules: [every(60)], lambda, timeScale: 1_000, log: (entry) => logged.push(entry) });
    await until(async () => logged[0]);
    expect(logged[0]).toMatchObject({ event: 'schedule-not-run', schedule: 'sweep-every-minute', function: 'sweep' });
    up = true;
    await until(async () => events[0]);
    lambda.destroy();
  });

  test('a stop ends the runs', async () => {
    running = startSchedules({ schedules: [every(60)], lambda: bench.lambda, timeScale: 1_000 });
    await until(async () => events[0]);
    await running.stop();
    const seen = events.length;
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // longer than the interval
    expect(events.length - seen).toBeLessThanOrEqual(1); // one may have been accepted before the stop
  });
});
