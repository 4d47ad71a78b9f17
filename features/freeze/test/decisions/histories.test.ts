import { test } from 'vitest';
import { runs } from '../../../../test/support/runs.ts';
import { checkHistories } from './histories.ts';

test('in three hundred histories, nothing passes a freeze unrecorded, and freezes open and end correctly', () => {
  checkHistories(runs(300));
});
