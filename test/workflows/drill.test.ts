import { afterAll, beforeAll, describe, test } from 'vitest';
import { openTable, type TableStores } from '../core/stores/stores.ts';
import { drillPaths, playDrill } from './stories/drills.ts';
import { GoldenHistories } from './golden-histories.ts';

let stores: TableStores;
beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores?.close());

const histories = new GoldenHistories('drill');

describe('drill', () => {
  test.for(Object.entries(drillPaths).map(([name, path], index) => [name, path, index + 1] as const))(
    '%s',
    async ([name, path, number], { expect }) => {
      const { world, drill, runs } = await playDrill(stores.table, number, path);
      expect(world.calls.map((call) => call.replace(`${drill?.id}.`, ''))).toEqual(path.calls);
      expect(drill).toMatchObject({ phase: 'ended', ...path.ends });
      histories.compare(name, runs);
    },
  );
});

test('the golden histories contain every transition', () => histories.checkTransitions());
