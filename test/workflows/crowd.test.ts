import { describe, expect, test } from 'vitest';
import { secondsBetween, type Timestamp } from '../../schemas/time.ts';
import { leaveCrowd } from '../../workflows/steps/crowd.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import { crowdPaths } from './crowd-stories.ts';
import { type Moment, play, type Story } from './play.ts';

/** The incidents of a story by their service, as they are at its end. */
async function incidentsOf(name: string) {
  const path = crowdPaths[name];
  if (path === undefined) throw new Error(`there is no story ${name}`);
  const { world } = await play(path);
  const dossiers = [...world.store.dossiers.values()];
  return (service: string) => {
    const found = dossiers.filter(({ record }) => record.service === service);
    const [only] = found;
    if (only === undefined || found.length > 1) throw new Error(`${found.length} incidents of ${service}`);
    return { ...only, effects: [...only.effects.values()], told: only.timeline.map(({ kind }) => kind) };
  };
}

const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;

/** Minutes after noon, cut. */
const closedAfter = (at: Timestamp | null): number | null =>
  at === null ? null : Math.floor(secondsBetween(NOON, at) / 60);

describe('many at once', () => {
  test('are parts of one, the first ones too, which closes after the last of them', async () => {
    const of = await incidentsOf('many-at-once-and-their-parent-pages');
    const parent = of('several-services');
    const parts = ['cart', 'search', 'ledger', 'checkout'].map(of);
    expect(parts.map(({ record }) => record.parent_id)).toEqual(parts.map(() => parent.record.id));
    expect(parts.map(({ record }) => closedAfter(record.resolved_at))).toEqual([10, 14, 10, 12]);
    expect(closedAfter(parent.record.resolved_at)).toBe(14);
    expect(parent.record).toMatchObject({
      status: 'resolved',
      title: '3 incidents in 5 minutes: cart, ledger, search',
      signal_count: 4,
      firing: 0,
      mitigations: 0,
    });
    expect(parent.told.filter((kind) => kind === 'alerts.joined')).toHaveLength(4);
  });

  test('page once: those that come when there is a parent are not even about to', async () => {
    const of = await incidentsOf('many-at-once-and-their-parent-pages');
    const paged = ['cart', 'search', 'several-services', 'ledger', 'checkout'].map((service) =>
      of(service).effects.flatMap(({ kind, state }) => (kind === 'page' ? [state] : [])),
    );
    expect(paged).toEqual([['succeeded'], ['succeeded'], ['succeeded'], [], []]);
  });

  test('ask before one of them is rolled back', async () => {
    const of = await incidentsOf('one-of-many-asks-before-it-is-rolled-back');
    expect(of('checkout').decisions.get(1)?.view).toMatchObject({
      kind: 'approve',
      because: 'one_of_many',
      state: 'approved',
      answered_by: 'person:ada',
    });
    expect(of('several-services').decisions.size).toBe(0);
  });

  test('leave each other alone when one comes long after', async () => {
    const of = await incidentsOf('what-comes-long-after-the-others-is-on-its-own');
    expect(of('checkout').record.parent_id).toBeUndefined();
    expect(of('several-services').record.signal_count).toBe(3);
  });
});

test('a part that ends right before its parent listens is seen at once, though it has rung the bell of before', async () => {
  const path: Story = crowdPaths['many-at-once-and-their-parent-pages'] ?? { timeline: {} };
  let rounds = 0;
  const { world } = await play({
    given: [
      ...(path.given ?? []),
      beforeParentListens(async (before) => {
        rounds += 1;
        const last = [...before.store.dossiers.values()].find(({ record }) => record.service === 'search')?.record;
        if (last === undefined) throw new Error('the last part has not been opened');
        // As the run of that part does in its last steps, in another process at this very moment.
        await leaveCrowd(before.deps, last.id);
      }),
    ],
    // What its run does here a second time comes late enough to ring for nothing.
    timeline: Object.fromEntries(
      Object.entries(path.timeline).map(([at, moment]) => [at === '14 min' ? '40 min' : at, moment]),
    ),
  });
  const [parent] = [...world.store.dossiers.values()].filter(({ record }) => record.service === 'several-services');
  expect(rounds).toBe(1);
  expect(parent?.record).toMatchObject({ status: 'resolved', firing: 0 });
  expect(closedAfter(parent?.record.resolved_at ?? null)).toBe(12);
});

/** Does something once only one part of a parent is left, right before the parent hangs its next bell. */
const beforeParentListens =
  (act: (world: FakeWorld) => Promise<void>): Moment =>
  (world) => {
    const { incidents } = world.deps;
    let left = 1;
    const listen: typeof incidents.listen = async (id, after, bell) => {
      const { service, firing } = world.store.dossier(id).record;
      if (service === 'several-services' && firing === 1 && bell !== null && left > 0) {
        left -= 1;
        await act(world);
      }
      return incidents.listen(id, after, bell);
    };
    const wrapped = new Proxy(incidents, {
      get: (target, key): unknown => (key === 'listen' ? listen : Reflect.get(target, key)),
    });
    Object.assign(world.deps, { incidents: wrapped });
  };

test('what flaps closes after it has been quiet for one round', async () => {
  const path = crowdPaths['flaps-so-it-stays-open-until-it-has-been-quiet'];
  const { world } = await play(path ?? { timeline: {} });
  const records = [...world.store.dossiers.values()].map(({ record }) => record);
  expect(records.map(({ signal_count }) => signal_count)).toEqual([1, 1, 2]);
  const [first, second, third] = records.map(({ resolved_at }) => closedAfter(resolved_at));
  expect([first, second]).toEqual([1, 3]);
  expect(third).toBeGreaterThanOrEqual(17);
  expect(third).toBeLessThan(30);
});
