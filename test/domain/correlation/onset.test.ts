import { expect, test } from 'vitest';
import { onsetOf } from '../../../domain/correlation/onset.ts';
import { before, NOON } from '../arbitraries.ts';

const rule = { forSeconds: 300, intervalSeconds: 30 };

test('the first bad sample of the health query is the onset', () => {
  const evidence = { alertStartedAt: NOON, rule, firstBadAt: before(7) };
  expect(onsetOf(evidence)).toEqual({ at: before(7), from: 'health' });
});

test("without one, it is the start of the alert minus the rule's `for` and one evaluation", () => {
  const evidence = { alertStartedAt: NOON, rule, firstBadAt: null };
  expect(onsetOf(evidence)).toEqual({ at: before(5.5), from: 'rule' });
});

test('if neither can be read, it is the start of the alert', () => {
  expect(onsetOf({ alertStartedAt: NOON, rule: null, firstBadAt: null })).toEqual({ at: NOON, from: 'alert' });
});

test('a health query that turned bad only after the alert does not determine the onset', () => {
  const evidence = { alertStartedAt: NOON, rule, firstBadAt: before(-1) };
  expect(onsetOf(evidence)).toEqual({ at: before(5.5), from: 'rule' });
});
