import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchIdOf } from '../../core/domain/judge/watch.ts';
import { openTable, type TableStores } from '../core/stores/stores.ts';
import { deploys, liveThrough, type Moment } from './play.ts';
import {
  answers,
  deploy,
  isDown,
  isStartedAgain,
  isSwept,
  place,
  runFails,
  type WatchWorld,
  watchWorld,
} from './stories/watches.ts';

let stores: TableStores;
beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores?.close());

let number = 1000;

/** Checks what holds for each watch, whatever happened. */
async function verify({ world, watches, sent }: WatchWorld): Promise<void> {
  for (const change of await world.deps.changes.recent(place, 50)) {
    const watch = await watches.get(watchIdOf(change.id));
    if (watch === undefined) continue;
    const { checks, checks_planned: planned, outcome } = watch;
    // Each check is recorded once and in order, and none is skipped unnoticed.
    expect(checks.map((check) => check.number)).toEqual(checks.map((_, index) => index + 1));
    expect(outcome).not.toBeNull();
    if (outcome === 'healthy' || outcome === 'inconclusive') {
      expect(checks).toHaveLength(planned);
      expect(checks.at(-1)?.verdict).toBe(outcome);
    }
    if (outcome === 'degraded') expect(checks.at(-1)?.verdict).toBe('degraded');
    for (const { at, due_at, verdict } of checks) {
      expect(at === null).toBe(verdict === 'missed');
      if (at !== null) expect(at >= due_at).toBe(true);
    }
    // A degraded version is handed over once: repeated alerts are of the same episode.
    const episodes = sent
      .filter(({ status, fingerprint }) => status === 'firing' && fingerprint === `${watch.id}-degraded`)
      .map(({ episode }) => episode);
    expect(new Set(episodes).size).toBe(outcome === 'degraded' ? 1 : 0);
  }
}

const EVENTS: Record<string, Moment> = {
  deploy: deploy('next'),
  down: isDown(75),
  fails: runFails,
  startedAgain: isStartedAgain,
  swept: isSwept,
  broken: answers(1),
  fixed: answers(0),
};

test('each check is recorded once, whatever happens and when', async () => {
  const event = fc.tuple(fc.constantFrom(...Object.keys(EVENTS)), fc.integer({ min: 1, max: 200 }));
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 8 }), fc.integer({ min: 0, max: 14 }), async (events, death) => {
      number += 1;
      const known = watchWorld(stores.table, number);
      await deploys(`v${number}.0`, 240)(known.world);
      if (death > 0) known.world.dieAfter(death);
      const timeline: Record<string, Moment> = { '0 s': deploy('first') };
      for (const [name, at] of events.toSorted(([, a], [, b]) => a - b)) {
        const moment = EVENTS[name];
        if (moment !== undefined && timeline[`${at} s`] === undefined) timeline[`${at} s`] = moment;
      }
      // What a failed run has left is continued by the sweeper.
      for (const minute of [10, 20, 120, 180]) timeline[`${minute} min`] = isSwept;
      await liveThrough(known.world, known.virtual, timeline);
      await verify(known);
    }),
    { numRuns: 15 },
  );
});

/** A sweep that dies is repeated a minute later. */
const sweptSafely: Moment = (world) => Promise.resolve(isSwept(world)).catch(() => isSwept(world));

/** The calls of a watch that are interrupted, before and after their effect. */
const CALLS = ['watches.get', 'watches.put', 'queue.sendAll', 'judgeMetrics.measure', 'changes.recent'] as const;

test('a process that dies at any call, before or after its effect, changes nothing', async () => {
  const course = async (boundary: number): Promise<{ line: string; calls: number }> => {
    number += 1;
    const known = watchWorld(stores.table, number, [1]);
    await deploys(`v${number}.0`, 240)(known.world);
    let [calls, isOver] = [0, false];
    const dies = (): void => {
      if (isOver) return;
      calls += 1;
      if (calls === boundary) throw new Error('the process has died');
    };
    for (const call of CALLS) {
      const [name = '', method = ''] = call.split('.');
      const port = (known.world.deps as unknown as Record<string, Record<string, (...args: unknown[]) => unknown>>)[
        name
      ];
      Object.assign(known.world.deps, {
        [name]: new Proxy(port ?? {}, {
          get(target, key) {
            const original = Reflect.get(target, key) as (...args: unknown[]) => unknown;
            if (key !== method) return original;
            return async (...args: unknown[]) => {
              dies();
              const result = await original.apply(target, args);
              dies();
              return result;
            };
          },
        }),
      });
    }
    await liveThrough(known.world, known.virtual, {
      '0 s': (world) => Promise.resolve(deploy('first')(world)).catch(() => undefined),
      '20 s': sweptSafely,
      '10 min': sweptSafely,
    });
    isOver = true;
    await verify(known);
    const change = (await known.world.deps.changes.recent(place, 50)).find(
      ({ version }) => version === known.versions.first,
    );
    const watch = change && (await known.watches.get(watchIdOf(change.id)));
    return { line: `${watch?.outcome} ${(watch?.checks ?? []).map((check) => check.verdict).join(' ')}`, calls };
  };
  const undisturbed = await course(0);
  expect(undisturbed.line).toBe('degraded inconclusive inconclusive degraded');
  for (let boundary = 1; boundary <= undisturbed.calls; boundary += 1)
    expect((await course(boundary)).line).toMatch(/^degraded /);
});
