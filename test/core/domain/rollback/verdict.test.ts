import { describe, expect, test } from 'vitest';
import { afterVerdict, awaitsVerdict } from '../../../../core/domain/rollback/verdict.ts';
import type { ChangeId } from '../../../../schemas/config/names.ts';

const REDEPLOY = `chg_${'1'.repeat(26)}` as ChangeId;

describe('after a verdict', () => {
  const first = { number: 1 };

  test.each([
    [
      'a failed verification reopens a mitigated incident',
      'mitigated',
      'failed',
      { verification: 'failed', status: 'open' },
    ],
    ['a passed verification keeps it mitigated', 'mitigated', 'passed', { verification: 'passed' }],
    ['an inconclusive verification keeps it mitigated', 'mitigated', 'inconclusive', { verification: 'inconclusive' }],
    [
      'a later verification that passes mitigates an open incident',
      'open',
      'passed',
      { verification: 'passed', status: 'mitigated' },
    ],
    [
      'a later inconclusive verification does not change the status',
      'open',
      'inconclusive',
      { verification: 'inconclusive' },
    ],
    ['a later verification that fails keeps it open', 'open', 'failed', { verification: 'failed' }],
    [
      'a failed verification does not change the status during a mitigation',
      'mitigating',
      'failed',
      { verification: 'failed' },
    ],
    [
      'a passed verification does not change the status during a mitigation',
      'mitigating',
      'passed',
      { verification: 'passed' },
    ],
  ] as const)('%s', (_, status, outcome, expected) => {
    const verification = 'pending';
    expect(afterVerdict({ status, verification, verifying: first }, first, outcome)).toEqual(expected);
    expect(afterVerdict({ status, verification }, first, outcome)).toEqual(expected); // of a record without a subject
  });

  test.each([
    [{ number: 2 }, { number: 1 }],
    [{ number: 1 }, { number: 0, runbook: 1 }],
    [{ number: 1 }, { number: 1, change: REDEPLOY }],
    [{ number: 1, change: REDEPLOY }, { number: 1 }],
    [{ number: 0, runbook: 1 }, { number: 1 }],
    [
      { number: 0, runbook: 2 },
      { number: 0, runbook: 1 },
    ],
  ])('a verdict about an earlier mitigation has no effect: %j, %j', (verifying, about) => {
    expect(afterVerdict({ status: 'mitigated', verification: 'pending', verifying }, about, 'failed')).toEqual({});
  });

  test('a verdict of a run before the incident was reopened has no effect', () => {
    const reopened = { status: 'open', verification: 'not_needed', verifying: first } as const;
    expect(afterVerdict(reopened, first, 'inconclusive')).toEqual({});
    expect(afterVerdict(reopened, first, 'passed')).toEqual({});
  });
});

test.each([
  ['of the newest mitigation', 'pending', { number: 0, runbook: 1 }, true],
  ['of a record without a subject', 'pending', undefined, true],
  ['not of one before it', 'pending', { number: 2 }, false],
  ['not of one before it, which was a runbook as well', 'pending', { number: 0, runbook: 2 }, false],
  ['not once there is one', 'passed', { number: 0, runbook: 1 }, false],
] as const)('a verdict is due: %s', (_, verification, verifying, expected) => {
  expect(awaitsVerdict({ verification, ...(verifying && { verifying }) }, { number: 0, runbook: 1 })).toBe(expected);
});
