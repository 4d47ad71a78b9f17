import { expect, test } from 'vitest';
import { differencesFrom, recordedRuns } from './replay.ts';

/** The most moments tried per history: in most histories, every one. */
const MOMENTS_MAX = 90;

test.each(recordedRuns)('$name continues as recorded from every moment', async ({ run, handlerFor }) => {
  expect(await differencesFrom(run, MOMENTS_MAX, handlerFor)).toEqual([]);
});
