import { afterAll, beforeAll, describe, test } from 'vitest';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { GoldenHistories } from '../../../test/workflows/golden-histories.ts';
import type { Run } from '../../../test/workflows/history.ts';
import { all } from '../../../test/workflows/play.ts';
import { experimentPaths, experimentWorld, playExperiment, records, runFails } from './stories.ts';

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

test('an experiment whose run fails before it has recorded its start is continued by the next run', async ({
  expect,
}) => {
  const world = experimentWorld(stores.table, 900);
  const { record } = await playExperiment(world, { timeline: { '0 s': all(records(), runFails) } });
  expect(record).toMatchObject({ status: 'ended', run_number: 2, ending: { code: 'completed' } });
});
