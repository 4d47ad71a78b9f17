import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { withPorts } from '../ports.ts';
import { addFeature } from '../../../test/support/feature-deps.ts';
import type { Moment } from '../../../test/workflows/play.ts';
import {
  alerts,
  asks,
  experimentWorld,
  type ExperimentWorld,
  isDown,
  isSwept,
  measures,
  playExperiment,
  records,
  runFails,
} from './stories.ts';

let stores: TableStores;
beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores?.close());

let number = 1000;
const nextWorld = (): ExperimentWorld => {
  number += 1;
  return experimentWorld(stores.table, number);
};

type Played = Awaited<ReturnType<typeof playExperiment>>;

/** Checks what holds for each experiment, whatever happened. */
function verify({ log }: ExperimentWorld, { record, events, observations, alerts: expected }: Played): void {
  expect(record).toMatchObject({ status: 'ended', closed: true, conclusion: expect.anything() });
  const kinds = events.map(({ kind }) => kind);
  // Nothing is done twice or skipped unnoticed.
  for (const once of ['created', 'steady', 'started', 'abort', 'stopping', 'stopped', 'settling', 'ended'] as const)
    expect(kinds.filter((kind) => kind === once).length).toBeLessThanOrEqual(1);
  expect(kinds[0]).toBe('created');
  expect(kinds.at(-1)).toBe('ended');
  if (kinds.includes('abort')) expect(kinds.indexOf('abort')).toBeLessThan(kinds.indexOf('stopped'));
  // A request that arrives at the moment of a measurement is followed by another one, and by an event.
  const moments = new Set<string>(events.map(({ at }) => at));
  const measured = observations.filter(({ at }) => !moments.has(at)).map(({ at, phase }) => `${phase} ${at}`);
  expect(new Set(measured).size).toBe(measured.length);
  // An alert is recorded on the experiment only while it can be expected.
  for (const { at } of expected) {
    expect(record?.started_at !== null && at >= (record?.started_at ?? '')).toBe(true);
    expect(at <= (record?.ended_at ?? '')).toBe(true);
  }
  const aborted = expected.some(({ abort }) => abort);
  if (aborted && record?.ending?.code === 'abort_alert')
    expect(log.some((line) => line.startsWith('stop:'))).toBe(true);
}

const EVENTS: Record<string, Moment> = {
  down: isDown(75),
  fails: runFails,
  swept: isSwept,
  broken: measures({ now: 0.05 }),
  worse: measures({ now: 0.5 }),
  unmeasured: measures({ now: null }),
  alert: alerts('HighErrorRatio'),
  abort: alerts('DataLoss'),
  stop: (world) => Promise.resolve(asks('stop')(world)).catch(() => undefined),
  finish: (world) => Promise.resolve(asks('finish')(world)).catch(() => undefined),
};

test('each experiment is concluded once, whatever happens and when', async () => {
  const event = fc.tuple(fc.constantFrom(...Object.keys(EVENTS)), fc.integer({ min: 1, max: 500 }));
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 8 }), fc.integer({ min: 0, max: 14 }), async (events, death) => {
      const known = nextWorld();
      if (death > 0) known.world.dieAfter(death);
      const timeline: Record<string, Moment> = { '0 s': records() };
      for (const [name, at] of events.toSorted(([, a], [, b]) => a - b)) {
        const moment = EVENTS[name];
        if (moment !== undefined && timeline[`${at} s`] === undefined) timeline[`${at} s`] = moment;
      }
      for (const minute of [10, 20, 120, 180]) timeline[`${minute} min`] = isSwept;
      verify(known, await playExperiment(known, { timeline }));
    }),
    { numRuns: 15 },
  );
});

/** The calls of an experiment that are interrupted, before and after their effect. */
const CALLS: readonly [port: string, method: string][] = [
  ['experiments', 'get'],
  ['experiments', 'put'],
  ['experiments', 'expect'],
  ['metricQueries', 'instant'],
  ['metricQueries', 'range'],
  ['chaosSystemFor', ''],
  ['changes', 'record'],
  ['changes', 'patch'],
];

const sweptSafely: Moment = (world) => Promise.resolve(isSwept(world)).catch(() => isSwept(world));

test('a process that dies at any call, before or after its effect, changes nothing', async () => {
  const course = async (boundary: number): Promise<{ line: string; calls: number }> => {
    const known = nextWorld();
    let [calls, isOver] = [0, false];
    const dies = (): void => {
      if (isOver) return;
      calls += 1;
      if (calls === boundary) throw new Error('the process has died');
    };
    const interrupted = (target: object, original: (...args: unknown[]) => unknown) => {
      return async (...args: unknown[]) => {
        dies();
        const result = await original.apply(target, args);
        dies();
        return result;
      };
    };
    const ports = withPorts(known.world.deps) as unknown as Record<string, any>;
    const own = { ...known.world.deps.features['experiments'] } as Record<string, unknown>;
    for (const name of new Set(CALLS.map(([port]) => port))) {
      const methods = CALLS.filter(([port]) => port === name).map(([, method]) => method);
      const port = ports[name];
      const wrapped =
        typeof port === 'function'
          ? interrupted(port, port)
          : new Proxy(port, {
              get: (target, key) =>
                methods.includes(String(key))
                  ? interrupted(target, Reflect.get(target, key))
                  : Reflect.get(target, key),
            });
      if (name in own) own[name] = wrapped;
      else Object.assign(known.world.deps, { [name]: wrapped });
    }
    addFeature(known.world.deps, 'experiments', own);
    const again =
      (moment: Moment): Moment =>
      async (world) => {
        // Queues deliver again, and clients retry.
        try {
          await moment(world);
        } catch {
          await moment(world);
        }
      };
    const played = await playExperiment(known, {
      timeline: {
        '0 s': again(records()),
        '70 s': again(alerts('DataLoss')),
        '3 min': sweptSafely,
        '6 min': sweptSafely,
      },
    });
    isOver = true;
    verify(known, played);
    const { record, events } = played;
    return { line: `${record?.ending?.code} ${record?.stop.state} ${events.map(({ kind }) => kind).join(' ')}`, calls };
  };
  const undisturbed = await course(0);
  expect(undisturbed.line).toBe('abort_alert confirmed created steady started abort stopping stopped ended');
  for (let boundary = 1; boundary <= undisturbed.calls; boundary += 1)
    expect(`${boundary}: ${(await course(boundary)).line}`).toBe(`${boundary}: ${undisturbed.line}`);
});
