import { afterAll, beforeAll, describe, test } from 'vitest';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { GoldenHistories } from '../../../test/workflows/golden-histories.ts';
import { canaryPaths, playCanary } from './stories.ts';

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
