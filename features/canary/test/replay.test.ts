import { expect, test } from 'vitest';
import { differencesFrom, recordedRunsOf } from '../../../test/workflows/replay.ts';
import { canaryReplay } from './stories.ts';

test.each(recordedRunsOf('features/canary', canaryReplay))(
  '$name continues as recorded after each transition',
  async ({ run, handlerFor }) => {
    expect(await differencesFrom(run, 'first', handlerFor)).toEqual([]);
  },
);
