import { expect, test } from 'vitest';
import { onsetOf } from '../../domain/onset.ts';
import { before, NOON } from './arbitraries.ts';

const rule = { forSeconds: 300, intervalSeconds: 30 };

test('the first bad sample of the health query is the onset', () => {
  const evidence = { alertStartedAt: NOON, rule, firstBadAt: before(7) };
  expect(onsetOf(evidence)).toEqual({ at: before(7), from: 'health' });
});

test('without one it is the start of the alert less what the rule waits and one evaluation', () => {
  const evidence = { alertStartedAt: NOON, rule, firstBadAt: null };
  expect(onsetOf(evidence)).toEqual({ at: before(5.5), from: 'rule' });
});

test('where neither can be read it is the start of the alert', () => {
  expect(onsetOf({ alertStartedAt: NOON, rule: null, firstBadAt: null })).toEqual({ at: NOON, from: 'alert' });
});

test('a health query that turned bad only after the alert says nothing of its onset', () => {
  const evidence = { alertStartedAt: NOON, rule, firstBadAt: before(-1) };
  expect(onsetOf(evidence)).toEqual({ at: before(5.5), from: 'rule' });
});
