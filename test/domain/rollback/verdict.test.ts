import { describe, expect, test } from 'vitest';
import { afterVerdict } from '../../../domain/rollback/verdict.ts';

describe('after a verdict', () => {
  const first = { number: 1 };

  test.each([
    ['what has not helped is open again', 'mitigated', 'failed', { verification: 'failed', status: 'open' }],
    ['what has helped stays mitigated', 'mitigated', 'passed', { verification: 'passed' }],
    ['what nobody can tell stays mitigated', 'mitigated', 'inconclusive', { verification: 'inconclusive' }],
    ['later proof is proof', 'open', 'passed', { verification: 'passed', status: 'mitigated' }],
    ['a later look that shows nothing changes nothing', 'open', 'inconclusive', { verification: 'inconclusive' }],
    ['what is still not well stays open', 'open', 'failed', { verification: 'failed' }],
    ['what is under way leaves it as it ends', 'mitigating', 'failed', { verification: 'failed' }],
    ['what is under way is not over by that', 'mitigating', 'passed', { verification: 'passed' }],
  ] as const)('%s', (_, status, outcome, expected) => {
    expect(afterVerdict({ status, verifying: first }, first, outcome)).toEqual(expected);
    expect(afterVerdict({ status }, first, outcome)).toEqual(expected); // of a record without a subject
  });

  test.each([
    [{ number: 2 }, { number: 1 }],
    [{ number: 1 }, { number: 0, runbook: 1 }],
    [{ number: 0, runbook: 1 }, { number: 1 }],
    [
      { number: 0, runbook: 2 },
      { number: 0, runbook: 1 },
    ],
  ])('a verdict about an earlier mitigation has no effect: %j, %j', (verifying, about) => {
    expect(afterVerdict({ status: 'mitigated', verifying }, about, 'failed')).toEqual({});
  });
});
