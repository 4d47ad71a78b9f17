import { expect, test } from 'vitest';
import type { Step } from '../../../../test/vendors/projectors/history.ts';
import { type Fault, WELL } from '../../../../test/vendors/projectors/faults.ts';
import { CHECKOUT, expectFixedPoint, expectShown, played, type Scenario, SEARCH } from './statuspage-world.ts';
import { NO_TROUBLE, points } from '../../../../test/vendors/projectors/trouble.ts';
import type { MemoryStatusPage } from './memory-status-page.ts';
import { configOf } from '../../../../test/vendors/projectors/world.ts';

/* What has gone wrong once, each by the least that it takes. */

const SECOND = 1000;

const step = (fact: Step['fact'], after: number): Step => ({ fact, after, late: 0, marks: [0] });
const resolved = (after: number): Step => step({ kind: 'resolved' }, after);
const severity = (to: 'critical' | 'warning', after: number): Step => step({ kind: 'severity', to }, after);

/** Default delay of search in seconds, so that both incidents are independent. */
const scenario = (more: Partial<Scenario>): Scenario => ({
  checkout: [],
  search: [resolved(1)],
  searchAfter: 4000 * SECOND,
  trouble: NO_TROUBLE,
  ...more,
});
const faults = (...all: readonly Fault[]): Partial<Scenario> => ({ trouble: { ...NO_TROUBLE, faults: all } });
const unclear = (at: number): Fault => ({ kind: 'unclear', at });

/** Steps of checkout. */
const mailed = ({ incidents }: MemoryStatusPage): string[] =>
  incidents.filter(({ key }) => key === CHECKOUT).flatMap(({ updates }) => updates.map(({ status }) => status));

test('an incident whose severity was lowered keeps its components, which are operational again at its end', async () => {
  const shown = await played(scenario({ checkout: [severity('warning', 20 * SECOND), resolved(20 * SECOND)] }));
  expect(mailed(shown.page)).toEqual(['investigating', 'resolved']);
  expectShown(shown);
});

test('a creation whose answer was lost sends no second email, nor does its status', async () => {
  const shown = await played(scenario({ checkout: [resolved(300 * SECOND)], ...faults(WELL, unclear(40 * SECOND)) }));
  expectShown(shown);
});

test('an update whose answer was lost sends no second email', async () => {
  const checkout = [step({ kind: 'rollback ended', well: true }, 20 * SECOND), resolved(200 * SECOND)];
  const shown = await played(scenario({ checkout, ...faults(WELL, WELL, unclear(30 * SECOND)) }));
  expect(mailed(shown.page)).toEqual(['investigating', 'monitoring', 'resolved']);
  expectShown(shown);
});

test('a component that is set late does not overwrite a newer status', async () => {
  // The components by name, the creation, and an improved component.
  const checkout = [severity('warning', 20 * SECOND), severity('critical', 15 * SECOND)];
  const shown = await played(scenario({ checkout, ...faults(WELL, WELL, unclear(50 * SECOND)) }));
  expect(shown.world.calls[2]).toMatch(/^setComponent /);
  expectShown(shown);
});

test('an incident knows the status that another one has set for a shared component', async () => {
  const search = [severity('warning', 1), severity('critical', 30 * SECOND)];
  expectShown(await played(scenario({ checkout: [resolved(34_333)], search, searchAfter: 19_032 })));
});

test('two incidents that end at the same time leave all components operational', async () => {
  expectShown(
    await played(scenario({ checkout: [resolved(60_500)], search: [resolved(40_000)], searchAfter: 20_000 })),
  );
});

test('an incident that starts while another ends determines the status of shared components', async () => {
  expectShown(await played(scenario({ checkout: [resolved(60_500)], search: [], searchAfter: 60_000 })));
});

test('an incident that ends before it was published leaves all components operational', async () => {
  for (const at of [null, 40 * SECOND]) {
    const shown = await played(
      scenario({
        search: [resolved(1000)],
        searchAfter: 180 * SECOND,
        ...faults(WELL, WELL, WELL, { kind: 'dies', at }),
      }),
    );
    expectShown(shown);
    await expectFixedPoint(shown);
  }
});

test('a creation that did not arrive is retried, despite the low rate limit', async () => {
  const later: Fault = { kind: 'later', seconds: 1 };
  const looks = Array.from({ length: 12 }, () => later);
  // Delayed lookups use up the allowance for the creation.
  const shown = await played(scenario({ checkout: [], ...faults(WELL, { kind: 'unclear', at: null }, ...looks) }));
  expect(mailed(shown.page)).toEqual(['investigating']);
});

test('approval is requested once', async () => {
  const config = configOf({
    services: { checkout: { statusPage: { components: ['CHECKOUT'], publish: 'approve' } } },
  });
  const { world, page } = await played(scenario({ checkout: [severity('critical', 5 * SECOND)] }), config);
  const requested = world.incidents
    .of(CHECKOUT)
    .timeline.filter(({ entry }) => entry.kind === 'statuspage.approval_requested');
  expect(requested).toHaveLength(1);
  expect(page.incidents).toEqual([]);
});

test('an unknown component is looked up once', async () => {
  const config = configOf({
    services: { checkout: { statusPage: { components: ['CHECKOUT', 'NOWHERE'], publish: 'auto' } } },
  });
  const checkout = [severity('critical', 40 * SECOND), resolved(40 * SECOND)];
  const { world } = await played(scenario({ checkout }), config);
  expect(world.calls.filter((call) => call.startsWith('components '))).toHaveLength(1);
});

test('a process that dies or hangs at any point causes neither gaps nor duplicates', async () => {
  for (const [n, at] of points(110).entries()) {
    const interruption = n % 2 === 0 ? { kind: 'dies' as const } : { kind: 'hangs' as const, seconds: 30 };
    const interruptions = new Map([[at, interruption]]);
    const shown = await played(
      scenario({
        checkout: [resolved(20 * SECOND)],
        search: [resolved(1)],
        searchAfter: 15_301,
        trouble: { ...NO_TROUBLE, interruptions },
      }),
    );
    expectShown(shown);
    await expectFixedPoint(shown);
  }
});

test('an incident that people deleted on the page does not keep its components degraded', async () => {
  const shown = await played(
    scenario({ checkout: [resolved(60 * SECOND)], searchAfter: 90_000 * SECOND }),
    configOf(),
    ({ page, world }) => world.expect(30 * SECOND, () => page.incidents.splice(0)),
  );
  expect(shown.page.states).toMatchObject({ checkout: 'operational', payments: 'operational' });
  expect(shown.world.incidents.dossiers.has(SEARCH)).toBe(true);
});
