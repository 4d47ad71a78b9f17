import { expect, test } from 'vitest';
import { differencesFrom, recordedRunsOf } from '../../../test/workflows/replay.ts';
import { experimentHandlerWith } from './stories.ts';

test.each(recordedRunsOf('features/experiments', experimentHandlerWith))(
  '$name continues as recorded after each transition',
  async ({ run, handlerFor }) => {
    expect(await differencesFrom(run, 'first', handlerFor)).toEqual([]);
  },
);
