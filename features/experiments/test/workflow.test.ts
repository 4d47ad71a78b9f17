import { afterAll, beforeAll, describe, test } from 'vitest';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { GoldenHistories } from '../../../test/workflows/golden-histories.ts';
import type { Run } from '../../../test/workflows/history.ts';
import { experimentPaths, experimentWorld, playExperiment } from './stories.ts';

let stores: TableStores;
beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores?.close());

/** Replaces the ID, which is random. */
const withoutId = (runs: readonly Run[], id = ''): Run[] =>
  JSON.parse(JSON.stringify(runs).replaceAll(id, '0'.repeat(26))) as Run[];

const histories = new GoldenHistories('features/experiments');

describe('experiment', () => {
  test.for(Object.entries(experimentPaths).map(([name, path], index) => [name, path, index + 1] as const))(
    '%s',
    async ([name, path, number], { expect }) => {
      const world = experimentWorld(stores.table, number);
      const { record: found, runs: played, events, alerts } = await playExperiment(world, path);
      expect(events.map(({ kind }) => kind).join(' ')).toBe(path.events);
      expect(found).toMatchObject({ status: 'ended', closed: true, ...path.ends });
      expect(world.log).toEqual(path.log ?? world.log);
      if (path.expected !== undefined) expect(alerts).toHaveLength(path.expected);
      expect(world.counted).toEqual([`firebreak_experiments_total ${found?.conclusion?.outcome}`]);
      histories.compare(name, withoutId(played, found?.id));
    },
  );
});

test('the golden histories contain every transition', () => histories.checkTransitions());
