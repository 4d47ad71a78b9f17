import { expect, test } from 'vitest';
import { differencesFrom, recordedRuns } from './replay.ts';

test.each(recordedRuns)('$name continues as recorded from every moment', async ({ run, handlerFor }) => {
  expect(await differencesFrom(run, 'each', handlerFor)).toEqual([]);
});
