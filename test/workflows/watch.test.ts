import { afterAll, beforeAll, describe, test } from 'vitest';
import type { WatchRecord } from '../../schemas/judge/watch.ts';
import { openTable, type TableStores } from '../core/stores/stores.ts';
import { deploy, playWatch, runFails, watchPaths } from './stories/watches.ts';
import { GoldenHistories } from './golden-histories.ts';
import { all } from './play.ts';

let stores: TableStores;
beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores?.close());

const SIGNS = { healthy: '+', degraded: '-', inconclusive: '?', missed: 'x' } as const;
const lineOf = (watch: WatchRecord | undefined): string =>
  (watch?.checks ?? []).map(({ number, verdict }) => `${number}${SIGNS[verdict]}`).join(' ');

const histories = new GoldenHistories('deploy-watch');

describe('watch of a deploy', () => {
  test.for(Object.entries(watchPaths).map(([name, path], index) => [name, path, index + 1] as const))(
    '%s',
    async ([name, path, number], { expect }) => {
      const { watch, runs, sent } = await playWatch(stores.table, number, path);
      expect(lineOf(watch)).toBe(path.checks);
      expect({ outcome: watch?.outcome, reason: watch?.reason?.replace(`v${number}.2`, 'NEXT') }).toEqual(path.ends);
      const alerts = sent.map(
        ({ status, labels }) => `${status === 'resolved' ? '-' : ''}${new Map(labels).get('alertname')}`,
      );
      expect(alerts).toEqual(path.alerts ?? []);
      for (const { title, annotations } of sent.filter(
        ({ labels }) => new Map(labels).get('alertname') === 'DeployDegraded',
      ))
        expect({ title, description: new Map(annotations).get('description') }).toEqual({
          title: `${watch?.version} is degraded since its deploy`,
          description: watch?.reason,
        });
      if (path.startup !== undefined) expect(watch?.startup).toMatchObject(path.startup);
      histories.compare(name, runs);
    },
  );
});

test('the golden histories contain every transition', () => histories.checkTransitions());

test('a watch whose run fails before it has recorded its start is continued by the next run', async ({ expect }) => {
  const { watch } = await playWatch(stores.table, 900, { timeline: { '0 s': all(deploy('first'), runFails) } });
  expect(watch).toMatchObject({ outcome: 'healthy', run: 2 });
});
