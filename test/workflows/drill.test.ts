import { afterAll, beforeAll, describe, test } from 'vitest';
import { openTable, type TableStores } from '../core/stores/stores.ts';
import { begins, dies, drillPaths, playDrill } from './stories/drills.ts';
import { pinRolledBack } from '../../core/actions/changes/pin-rolled-back.ts';
import { NewChange } from '../../schemas/changes/change.ts';
import { GoldenHistories } from './golden-histories.ts';
import { all, configured, deploys, type Moment, type Story } from './play.ts';

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

test('a report of the rollback to a commit of a branch is part of the drill, also without the commit', async ({
  expect,
}) => {
  const [A, B] = ['1'.repeat(40), '2'.repeat(40)];
  const { given = [], timeline } = drillPaths['proves-a-rollback'] ?? { timeline: {} };
  const reports: Moment = async ({ deps, clock }) => {
    const checkout = { service: 'checkout', environment: 'production', version: '6.4', kind: 'rollback' };
    const { change } = await deps.changes.record(NewChange.parse({ ...checkout, started_at: clock.now() }), {
      reported_by: 'github',
    });
    await pinRolledBack(deps, change);
  };
  const { world, drill } = await playDrill(stores.table, 900, {
    given: [
      configured({ drills: true, deployer: { kind: 'http', commits: true } }),
      deploys('6.4', 95, { commit: B }),
      deploys('6.4', 60, { commit: A }),
      deploys('v3', 25),
      ...given,
    ],
    timeline: { ...timeline, '30 s': reports },
  });
  expect(drill).toMatchObject({ outcome: 'proved', from_version: 'v3', to_version: '6.4 (1111111)', to_name: '6.4' });
  expect(await world.deps.pins.of({ service: 'checkout', environment: 'production' } as never)).toEqual([]);
});

test.for<[string, Moment[]]>([
  ['the earlier version', [deploys('v3', 20)]],
  ['the running version', []],
])('no drill restores %s by a name that means a later commit', async ([, later], { expect }) => {
  const [A, B] = ['1'.repeat(40), '2'.repeat(40)];
  const branch = [
    configured({ drills: true, deployer: { kind: 'http', commits: true } }),
    deploys('6.4', 95, { commit: A }),
    deploys('6.4', 60, { commit: B }),
    deploys('6.4', 55, { commit: A, kind: 'rollback' }),
  ];
  const story = { ...drillPaths['proves-a-rollback'], given: [...branch, ...later] } as Story;
  await expect(playDrill(stores.table, 901, story)).rejects.toThrow(
    'the deploying system knows 6.4 (1111111) as 6.4, which now means the commit 2222222',
  );
});

test('the golden histories contain every transition', () => histories.checkTransitions());

test('a drill whose run fails before it has recorded its start is continued by the next run', async ({ expect }) => {
  const { drill } = await playDrill(stores.table, 910, { timeline: { '0 s': all(begins, dies) } });
  expect(drill).toMatchObject({ outcome: 'proved', run: 2 });
});
