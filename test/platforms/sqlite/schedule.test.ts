import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Timer, TimerSchedule, type TimerScheduleOptions } from '../../../platforms/sqlite/schedule.ts';

/** A clock that moves only in `pass`. */
class SimulatedTimer implements Timer {
  #now = 0;
  readonly #waiting = new Set<{ until: number; resolve: () => void }>();

  now(): number {
    return this.#now;
  }

  sleep(milliseconds: number, interrupted?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const one = { until: this.#now + milliseconds, resolve };
      this.#waiting.add(one);
      interrupted?.addEventListener('abort', () => this.#end(one));
    });
  }

  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      await turn(); // what is ready may sleep again
      const [next] = [...this.#waiting].filter(({ until }) => until <= end).toSorted((a, b) => a.until - b.until);
      if (next === undefined) break;
      this.#now = next.until;
      this.#end(next);
    }
    this.#now = end;
  }

  #end(one: { until: number; resolve: () => void }): void {
    this.#waiting.delete(one);
    one.resolve();
  }
}

/** Schedules a job that takes some time, beside others. @returns when its runs began, in milliseconds after the start */
function scheduled(
  everySeconds: number,
  options: Partial<TimerScheduleOptions> & { takesMs?: number; others?: readonly (() => Promise<unknown>)[] } = {},
) {
  const { takesMs = 0, others = [], ...more } = options;
  const timer = new SimulatedTimer();
  const began: number[] = [];
  const failures: [job: string, error: unknown][] = [];
  const run = async () => {
    began.push(timer.now());
    await timer.sleep(takesMs);
  };
  const jobs = [...others, run].map((work, n) => ({ name: `job ${n}`, everySeconds, run: work }));
  const schedule = new TimerSchedule({ timer, onFailure: (...failure) => failures.push(failure), ...more });
  return { timer, began, failures, stop: schedule.start(jobs) };
}

test('the first run comes soon, and the others at their interval', async () => {
  const { timer, began } = scheduled(60);
  await timer.pass(99);
  expect(began).toEqual([]);
  await timer.pass(180_000);
  expect(began).toEqual([100, 60_100, 120_100]);
});

test('the time of a run is part of the interval', async () => {
  const { timer, began } = scheduled(60, { takesMs: 40_000 });
  await timer.pass(180_000);
  expect(began).toEqual([100, 60_100, 120_100]);
});

test('a run begins after the end of the previous one', async () => {
  const { timer, began } = scheduled(60, { takesMs: 150_000 });
  await timer.pass(400_000);
  expect(began).toEqual([100, 150_100, 300_100]);
});

test.each([
  ['runs more often', 10, 0, [100, 6100, 12_100]],
  ['runs at most every second', 1_000_000, 0, [100, 1100, 2100]],
  ['pauses four times as long as a run', 1_000_000, 400, [100, 2100, 4100]],
  ['never runs more rarely than without it', 1_000_000, 50_000, [100, 60_100, 120_100]],
  ['does not pause after a run that takes longer than the interval', 1_000_000, 70_000, [100, 70_100, 140_100]],
])('with a time scale, a job %s', async (_, timeScale, takesMs, expected) => {
  const { timer, began } = scheduled(60, { timeScale, takesMs });
  await timer.pass((expected.at(-1) ?? 0) + 1);
  expect(began).toEqual(expected);
});

test('a failed run is reported and not repeated, and the next one follows', async () => {
  const gone = new Error('the table is gone');
  const others = [
    () => Promise.reject(gone),
    () => {
      throw gone;
    },
  ];
  const { timer, began, failures } = scheduled(60, { others });
  await timer.pass(60_000);
  expect(failures).toEqual([
    ['job 0', gone],
    ['job 1', gone],
  ]);
  await timer.pass(60_000);
  expect(failures).toHaveLength(4);
  expect(began).toEqual([100, 60_100]);
});

test('a job that hangs blocks neither others nor the stop', async () => {
  let runs = 0;
  const hang = () => {
    runs += 1;
    return new Promise(() => undefined);
  };
  const { timer, began, stop } = scheduled(60, { others: [hang] });
  await timer.pass(130_000);
  expect(began).toEqual([100, 60_100, 120_100]);
  expect(runs).toBe(1);
  await stop();
});

test('no run begins after a stop, and a run in progress continues to its end', async () => {
  const ended: string[] = [];
  const { timer, began, failures, stop } = scheduled(60, {
    others: [
      async () => {
        await timer.sleep(30_000);
        ended.push('slow');
        throw new Error('the database is closed');
      },
    ],
  });
  await timer.pass(10_000);
  await stop();
  await timer.pass(300_000);
  expect(began).toEqual([100]);
  expect(ended).toEqual(['slow']);
  expect(failures).toEqual([]);
});

test('a stop before the first run, and in the moment when a run is due, prevents it', async () => {
  const early = scheduled(60);
  await early.stop();
  await early.timer.pass(60_000);
  expect(early.began).toEqual([]);

  let runs = 0;
  const due = Promise.withResolvers<void>();
  const timer = { now: () => 0, sleep: () => due.promise };
  const job = { name: 'sweep', everySeconds: 60, run: async () => (runs += 1) };
  const stop = new TimerSchedule({ timer, onFailure: () => undefined }).start([job]);
  due.resolve();
  await stop();
  await turn();
  expect(runs).toBe(0);
});

test('in a process, runs follow on a real clock, and a stop interrupts the wait', async () => {
  const runs = Promise.withResolvers<void>();
  let count = 0;
  const job = { name: 'sweep', everySeconds: 3600, run: async () => ((count += 1), runs.resolve()) };
  const stop = new TimerSchedule({ onFailure: () => undefined }).start([job]);
  await runs.promise;
  await stop();
  expect(count).toBe(1);
});
