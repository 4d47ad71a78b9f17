import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mirrorMaintenance } from '../../projectors/statuspage/wake-maintenance.ts';
import type { StatusPage } from '../../types.ts';
import { statuspageProjector } from '../../projectors/statuspage/statuspage.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import { CHECKOUT } from './statuspage-world.ts';
import { anyTrouble, NO_TROUBLE } from '../../../../test/vendors/projectors/trouble.ts';
import { MemoryStatusPage } from './memory-status-page.ts';
import { configOf, START, type Trouble, World } from '../../../../test/vendors/projectors/world.ts';
import { runs } from '../../../../test/support/runs.ts';

const MINUTE = 60_000;
const at = (minutes: number): string => new Date(Date.parse(START) + minutes * MINUTE).toISOString();

const PLANNED = {
  id: 'upgrade',
  title: 'Upgrade of {components}',
  components: ['SEARCH', 'PAYMENTS'],
  announced: at(10),
  from: at(60),
  until: at(120),
  text: '{components} is read-only.',
};
type Planned = Partial<typeof PLANNED>;

const withMaintenance = (...all: Planned[]): Config =>
  configOf({ statusPage: { maintenance: all.map((one) => ({ ...PLANNED, ...one })) } });

type Change = [minute: number, config: Config];

/** Plays a configuration with its changes; the sweeper looks each minute. */
async function played(
  changes: readonly Change[],
  trouble: Trouble = NO_TROUBLE,
  also?: (world: World, page: MemoryStatusPage) => void,
) {
  const page = new MemoryStatusPage();
  const world = new World('statuspage', trouble, changes[0]?.[1] ?? configOf(), (seen) =>
    statuspageProjector({ ...seen, statusPage: seen.vendor<StatusPage>(page) }),
  );
  for (const [minute, config] of changes) world.expect(minute * MINUTE, () => void (world.config = config));
  for (let minute = 1; minute <= 300; minute += 1)
    world.expect(minute * MINUTE + 1, () =>
      mirrorMaintenance({
        clock: world.clock,
        projections: world.projections,
        config: { current: async () => world.config, problems: async () => [] },
      }),
    );
  also?.(world, page);
  const states: Record<number, string> = {};
  for (const minute of [30, 100, 290])
    world.expect(minute * MINUTE, () => void (states[minute] = `${page.states['search']} ${page.states['checkout']}`));
  await world.run(30);
  return { world, page, states, updates: page.maintenances.map(({ updates }) => updates) };
}

const SCHEDULED = 'scheduled: SEARCH and PAYMENTS is read-only.';
const STARTED = 'in_progress: The maintenance of SEARCH and PAYMENTS has started.';
const ENDED = 'completed: The maintenance of SEARCH and PAYMENTS is completed.';
const CANCELLED = 'completed: The maintenance of SEARCH and PAYMENTS is cancelled.';

test('a maintenance is announced, started, and ended at the hosted page, each once', async () => {
  const { page, updates, states, world } = await played([[0, withMaintenance({})]]);
  expect(updates).toEqual([[SCHEDULED, STARTED, ENDED]]);
  expect(page.maintenances).toMatchObject([
    { name: 'Upgrade of SEARCH and PAYMENTS', from: at(60), until: at(120), affects: ['search', 'payments'] },
  ]);
  expect(states).toEqual({
    30: 'operational operational',
    100: 'under_maintenance operational',
    290: 'operational operational',
  });
  const calls = world.calls.length;
  world.mark('maintenance:upgrade');
  await world.run();
  expect(world.calls).toHaveLength(calls);
});

test('a maintenance that is moved, reworded, or renamed changes; readers hear of times and words only', async () => {
  const { page, updates } = await played([
    [0, withMaintenance({})],
    [20, withMaintenance({ title: 'Move of {components}' })],
    [30, withMaintenance({ title: 'Move of {components}', from: at(90), until: at(150) })],
    [100, withMaintenance({ title: 'Move of {components}', from: at(90), until: at(160) })],
  ]);
  expect(updates).toEqual([[SCHEDULED, SCHEDULED, STARTED, ENDED]]);
  expect(page.maintenances).toMatchObject([{ name: 'Move of SEARCH and PAYMENTS', from: at(90), until: at(160) }]);
});

test.each([
  ['before it starts', 30, [SCHEDULED, CANCELLED]],
  ['while it is in progress', 100, [SCHEDULED, STARTED, CANCELLED]],
  ['after its end', 200, [SCHEDULED, STARTED, ENDED]],
  ['before it is announced', 5, undefined],
] as const)('a maintenance that is removed %s is cancelled', async (_when, minute, expected) => {
  const { updates, states } = await played([
    [0, withMaintenance({})],
    [minute, configOf()],
  ]);
  expect(updates).toEqual(expected === undefined ? [] : [expected]);
  expect(states[290]).toBe('operational operational');
});

test('a maintenance that is planned again after its end is a new one', async () => {
  const { page, updates } = await played([
    [0, withMaintenance({})],
    [30, configOf()],
    [40, withMaintenance({ from: at(200), until: at(230) })],
  ]);
  expect(updates).toEqual([
    [SCHEDULED, CANCELLED],
    [SCHEDULED, STARTED, ENDED],
  ]);
  expect(new Set(page.maintenances.map(({ key }) => key)).size).toBe(2);
});

test('components of internal pages and unknown ones are not mirrored', async () => {
  const statusPage = {
    pages: {
      main: { components: ['SEARCH', 'NOWHERE'] },
      staff: { audience: 'internal', components: ['PAYMENTS', 'CHECKOUT'] },
    },
    maintenance: [
      PLANNED,
      { ...PLANNED, id: 'secret', components: ['PAYMENTS'] },
      { ...PLANNED, id: 'nowhere', components: ['NOWHERE'] },
    ],
  };
  const { page, world } = await played([[0, configOf({ statusPage })]]);
  expect(page.maintenances).toMatchObject([{ name: 'Upgrade of SEARCH', affects: ['search'] }]);
  expect(world.calls.join()).not.toContain('PAYMENTS');
  expect(world.calls.filter((call) => call.startsWith('components ')).length).toBeLessThan(6);
});

test('an incident during a maintenance counts more, and its end returns the components to maintenance', async () => {
  const seen: string[] = [];
  const { states } = await played(
    [[0, withMaintenance({ components: ['PAYMENTS', 'CHECKOUT'] })]],
    NO_TROUBLE,
    (world) => {
      world.expect(70 * MINUTE, () => world.incidents.begin(CHECKOUT, {}));
      world.expect(70 * MINUTE, () =>
        world.tell(CHECKOUT, [{ fact: { kind: 'resolved' }, after: 10 * MINUTE, late: 0, marks: [0] }]),
      );
      world.expect(75 * MINUTE, () => void seen.push(world.calls.at(-1) ?? ''));
    },
  );
  expect(seen.join()).toContain('"checkout":"major_outage"');
  expect(states).toMatchObject({
    30: 'operational operational',
    100: 'operational under_maintenance',
    290: 'operational operational',
  });
});

test('a maintenance that people deleted at the hosted page is not created again', async () => {
  const { page, states, world } = await played([[0, withMaintenance({})]], NO_TROUBLE, (running, hosted) =>
    running.expect(30 * MINUTE, () => hosted.maintenances.splice(0)),
  );
  expect(page.maintenances).toEqual([]);
  expect(states[100]).toBe('under_maintenance operational');
  expect(world.calls.length).toBeLessThan(20);
});

test('for any faults and deaths of the process, each update is sent once', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyTrouble,
      fc.option(fc.integer({ min: 11, max: 110 }), { nil: undefined }),
      async (trouble, removed) => {
        const { updates, states } = await played(
          [[0, withMaintenance({})], ...(removed === undefined ? [] : [[removed, configOf()] as Change])],
          trouble,
        );
        expect(updates.length).toBeLessThanOrEqual(1);
        if (removed === undefined) expect(updates).toHaveLength(1);
        for (const one of updates) {
          expect(new Set(one).size).toBe(one.length);
          expect(one.at(-1)).toBe(removed === undefined ? ENDED : CANCELLED);
        }
        expect(states[290]).toBe('operational operational');
      },
    ),
    { numRuns: runs(30) },
  );
});
