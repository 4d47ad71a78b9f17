import { expect, test } from 'vitest';
import { runs } from '../../../../test/support/runs.ts';
import { CheckReasonCode } from '../../schemas/freeze-check.ts';
import { checkHistories } from './histories.ts';

test('in three hundred histories, nothing passes a freeze unrecorded, and freezes open and end correctly', () => {
  checkHistories({ numRuns: runs(300) });
});

test('in generated histories, every reason occurs, and each kind of freeze ends', () => {
  // An incident that ends is in one of some thousand histories; with this seed, it is in an early one.
  const seen = checkHistories({ numRuns: 60, seed: 22 });
  const ends = ['budget', 'burn', 'calendar', 'incident', 'person'].map((cause) => `end of ${cause}`);
  // These codes are determined before the decision, and histories have no corrections.
  const notHere = ['invalid_token', 'name_corrected', 'unknown_environment', 'budget_corrected'] as const;
  const codes = CheckReasonCode.exclude(notHere).options;
  expect([...seen].toSorted()).toEqual([...codes, ...ends].toSorted());
});
