import { describe, expect, test } from 'vitest';
import { detailsOf, type Run } from './history.ts';
import { step, story, told } from './stories/one-runbook.ts';
import { answered, set } from './stories/runbooks.ts';

const OPERATIONS_MAX = 3000;
const CHECKPOINT_MAX_BYTES = 256 * 1024;

const operationsOf = ({ events }: Run): number => new Set(events.map(({ Id }) => Id)).size;
const largest = ({ events }: Run): number =>
  Math.max(...events.map((event) => JSON.stringify(detailsOf(event)).length));

describe('fifty steps', () => {
  const until = (n: number) =>
    `  - { id: s${n}, uses: wait.until, with: { promql: 'up', min: 2 }, timeout: 40m, onFailure: continue }`;
  const note = (n: number) => `  - { id: s${n}, uses: note, with: { text: 'step ${n}' } }`;
  const head = step(Array.from({ length: 50 }, (_, n) => (n % 13 === 0 ? until(n) : note(n))).join('\n'));

  test('with long waits stay within the limits of one run of the workflow', async () => {
    const { runs, world } = await story(head, [set({ health: { kind: 'value', value: 1 } })], {}, '4 h');
    expect(runs).toHaveLength(1);
    for (const run of runs) {
      expect(operationsOf(run)).toBeLessThan(OPERATIONS_MAX);
      expect(largest(run)).toBeLessThan(CHECKPOINT_MAX_BYTES);
    }
    expect(told(world, /^runbook\.step_failed/)).toHaveLength(4);
    expect(told(world, /^runbook\.step_succeeded/)).toHaveLength(46);
    expect(told(world, /^runbook\.finished/)).toHaveLength(1);
  });

  test('with large responses stay within the size limit of a checkpoint', async () => {
    const call = (n: number) =>
      `  - { id: s${n}, uses: http, with: { method: GET, url: 'https://ops.test/\${{ incident.title }}' } }`;
    const last = `  - { id: note, uses: note, with: { text: "${'${{ incident.title }} '.repeat(120)}" } }`;
    const calls = step([...Array.from({ length: 48 }, (_, n) => call(n)), last].join('\n'));
    const { runs, world } = await story(calls, [set({ answers: [answered(200, { text: 'x'.repeat(3900) })] })]);
    expect(runs.map(largest).every((size) => size < CHECKPOINT_MAX_BYTES)).toBe(true);
    expect(told(world, /^runbook\.finished/)).toEqual([
      'runbook.finished: Runbook "Test" finished: 49 of 49 steps completed',
    ]);
  });
});
