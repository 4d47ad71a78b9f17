import { describe, expect, test } from 'vitest';
import { type Moment, play } from './play.ts';
import { told } from './stories/one-runbook.ts';
import { dies, runbookPaths } from './stories/runbooks.ts';

/** The number of crashes tried per story; limited, so that the test takes seconds. */
const DEATHS = 7;

describe('a process that dies', () => {
  /** Removes repeated calls: they use the same key or set the same value, so they have one effect. */
  const once = (calls: readonly string[]): string[] => calls.filter((call, n) => !calls.slice(0, n).includes(call));

  test.each([
    'runbook-runs-to-its-end',
    'runbook-undoes-its-steps-after-a-failure',
    'runbook-http-call-is-retried-with-its-key',
    'parallel-runbook-steps',
    'runbook-waits-for-its-rollback',
  ])('during "%s" does not change the outcome', async (name) => {
    const { given = [], timeline, calls } = runbookPaths[name] ?? expect.unreachable();
    const untouched = await play({ given, timeline });
    const checkpoints = untouched.runs.flatMap(({ events }) => events).length / 2;
    for (let nth = 0; nth < DEATHS; nth += 1) {
      const death = 1 + Math.floor((nth * checkpoints) / DEATHS);
      const { world } = await play({ given: [...given, (w) => w.dieAfter(death)], timeline });
      expect(once(world.calls).toSorted(), `dead at checkpoint ${death}`).toEqual(once(calls).toSorted());
      expect(told(world, /./).toSorted(), `dead at checkpoint ${death}`).toEqual(told(untouched.world, /./).toSorted());
    }
  });

  test('together with its run does not change the outcome', async () => {
    const {
      given = [],
      timeline,
      calls,
    } = runbookPaths['runbook-undoes-its-steps-after-a-failure'] ?? expect.unreachable();
    for (const after of ['1 s', '10 min', '44 min', '46 min', '49 min', '52 min', '58 min']) {
      const { world, runs } = await play({ given, timeline: sorted({ ...timeline, [after]: dies }) });
      expect(runs).toHaveLength(2);
      expect(world.calls, `dead after ${after}`).toEqual(calls);
      expect(told(world).filter((line) => line.startsWith('runbook.'))).toHaveLength(2);
    }
  });
});

const sorted = (timeline: Record<string, Moment>): Record<string, Moment> => {
  const minutes = (after: string) => Number(after.split(' ')[0]) * (after.endsWith('s') ? 1 / 60 : 1);
  return Object.fromEntries(Object.entries(timeline).toSorted(([a], [b]) => minutes(a) - minutes(b)));
};
