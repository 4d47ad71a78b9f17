import { expect, test } from 'vitest';
import { differencesFrom, recordedRunsOf } from '../../../test/workflows/replay.ts';
import { canaryReplay } from './stories.ts';

/** The most moments tried per history. */
const MOMENTS_MAX = 30;

test.each(recordedRunsOf('features/canary', canaryReplay))(
  '$name continues as recorded from moments in all its parts',
  async ({ run, handlerFor }) => {
    expect(await differencesFrom(run, MOMENTS_MAX, handlerFor)).toEqual([]);
  },
);
