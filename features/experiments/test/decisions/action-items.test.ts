import { describe, expect, test } from 'vitest';
import { actionItemsOfExperiment } from '../../decisions/action-items.ts';
import { ActionItem } from '../../../../schemas/action-items/action-item.ts';
import type { Conclusion } from '../../experiment.ts';
import { timestamp } from '../../../../schemas/time/time.ts';

const policy = {
  team: 'payments',
  dueDays: { critical: 14, warning: 30, info: 90 },
  now: timestamp(Date.parse('2026-11-22T12:00:00Z')),
};
const failed = (because: 'outside_limits' | 'aborted', ...reasons: string[]): Conclusion => ({
  outcome: 'failed',
  because,
  reasons,
  checks: [],
  recovered: true,
});
const itemsOf = (conclusion: Conclusion | null, severities: ('critical' | 'warning' | 'info')[] = [], more = {}) =>
  actionItemsOfExperiment(
    { name: 'kill a pod', conclusion },
    severities.map((severity) => ({ severity })),
    { ...policy, ...more },
  );

describe('the action items of an experiment', () => {
  test('are one for each reason of a failed hypothesis, and its repetition, for the team', () => {
    const of = { done: false, owner: 'payments', due: '2026-12-22', priority: 'P2' };
    expect(itemsOf(failed('outside_limits', 'errors was 0.3', 'p95 was 2'))).toEqual([
      { ...of, title: 'Make the hypothesis of "kill a pod" hold: errors was 0.3' },
      { ...of, title: 'Make the hypothesis of "kill a pod" hold: p95 was 2' },
      { ...of, title: 'Repeat the experiment "kill a pod"' },
    ]);
  });

  test.each([
    ['an abort', failed('aborted', 'DataLoss'), []],
    ['a critical alert', failed('outside_limits', 'errors'), ['warning', 'critical']],
  ] as const)('are due as for a critical incident after %s', (_, conclusion, severities) => {
    expect(itemsOf(conclusion, [...severities])[0]).toMatchObject({ due: '2026-12-06', priority: 'P1' });
  });

  test('do not exist if the hypothesis held or nothing was shown', () => {
    expect(itemsOf({ outcome: 'held', reasons: [], checks: [], recovered: true })).toEqual([]);
    expect(itemsOf({ outcome: 'inconclusive', because: 'not_steady', reasons: ['x'], checks: [] })).toEqual([]);
    expect(itemsOf(null)).toEqual([]);
  });

  test('are valid with any text and any team', () => {
    const [first] = itemsOf(failed('aborted', `two\nlines\u2028and ${'long '.repeat(200)}`), [], { team: 'a, (b)' });
    expect(first?.owner).toBeNull();
    expect(ActionItem.safeParse(first).success).toBe(true);
    expect(first?.title).toMatch(/: two lines and long /);
  });
});
