import { test } from 'vitest';
import { checkHistories } from './histories.ts';

test('in ten thousand histories, nothing passes a freeze unrecorded, and freezes open and end correctly', () => {
  checkHistories({ numRuns: 10_000 });
});
