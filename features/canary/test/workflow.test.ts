import { afterAll, beforeAll, describe, test } from 'vitest';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { GoldenHistories } from '../../../test/workflows/golden-histories.ts';
import { all } from '../../../test/workflows/play.ts';
import { begins, canaryPaths, dies, playCanary } from './stories.ts';

let stores: TableStores;
beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores?.close());

const histories = new GoldenHistories('features/canary');

describe('canary', () => {
  test.for(Object.entries(canaryPaths).map(([name, path], index) => [name, path, index + 1] as const))(
    '%s',
    async ([name, path, number], { expect }) => {
      const { log, canary, runs, events, counted } = await playCanary(stores.table, number, path);
      expect(log, events.join('\n')).toEqual(path.log);
      expect(canary).toMatchObject({ ended_at: expect.any(String), order: null, ...path.ends });
      expect(counted).toEqual([`firebreak_canaries_total ${canary?.status}`]);
      histories.compare(name, runs);
    },
  );
});

test('the golden histories contain every transition', () => histories.checkTransitions());

test('a canary whose run fails before it has recorded its start is continued by the next run', async ({ expect }) => {
  const { canary } = await playCanary(stores.table, 900, { timeline: { '0 s': all(begins, dies) } });
  expect(canary).toMatchObject({ status: 'promoted', run: 2 });
});
