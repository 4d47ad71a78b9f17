import { describe, expect, test } from 'vitest';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { leaveGroup } from '../../workflows/steps/incident-group.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../schemas/config/names.ts';
import { settleParts } from '../../workflows/steps/settle-children.ts';
import { wake } from '../../workflows/wake.ts';
import { alarm, crowdPaths, parentIn, saysThatAllIsOver } from './stories/groups.ts';
import { all, ends, fires, type Moment, play, type Story } from './play.ts';

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

describe('a parent that a person has resolved', () => {
  test('takes its parts with it, and each of them tells by whom, and as a part of what', async () => {
    const { world } = await play(crowdPaths['the-parent-is-resolved-by-a-person-and-its-parts-with-it'] ?? NOTHING);
    const [parent] = recordsOf(world, 'several-services');
    for (const service of ['cart', 'search', 'ledger', 'checkout']) {
      const [part] = recordsOf(world, service);
      expect(part).toMatchObject({ parent_id: parent?.id, resolved_by: 'person:ada' });
      expect(closedAfter(part?.resolved_at ?? null)).toBe(5);
      expect(world.store.dossier(part?.id ?? MISSING).timeline).toContainEqual(
        expect.objectContaining({
          actor: 'person:ada',
          kind: 'resolve.asked',
          text: `Resolved together with the parent incident ${parent?.id}`,
        }),
      );
    }
    expect(parent).toMatchObject({ firing: 0, resolved_by: 'person:ada' });
    // What fires after that is an incident of its own.
    expect(recordsOf(world, 'ledger')).toMatchObject([{}, { pages: 1, resolved_by: null }]);
    expect(recordsOf(world, 'ledger')[1]).not.toHaveProperty('parent_id');
  });

  test('lets go what has fired or joined since, which goes on as any incident', async () => {
    const path = crowdPaths['a-part-fires-after-it-was-said-that-all-is-over-and-before-the-parent-closes'];
    const { world } = await play(path ?? NOTHING);
    for (const service of ['ledger', 'checkout']) {
      const [part] = recordsOf(world, service);
      expect(part).toMatchObject({ resolved_by: null });
      expect(part).not.toHaveProperty('parent_id');
      expect(closedAfter(part?.resolved_at ?? null)).toBe(9);
    }
    expect(recordsOf(world, 'cart')).toMatchObject([{ resolved_by: 'person:ada' }]);
  });
});

describe('what a person declares while many fail', () => {
  const given = crowdPaths['many-at-once-and-their-parent-pages']?.given ?? [];
  const declares: Moment = async (world) => {
    const place = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
    const said = { title: 'Charged twice', severity: 'critical', by: 'person:ada', trace: 'trace' } as const;
    await wake(world.deps, (await world.deps.incidents.declare({ ...place, ...said })).id);
  };
  const seesToTheParent: Moment = async (world) => {
    const { id, pages } = parentIn(world);
    const acknowledged = { by: 'person:bob', at: world.clock.now(), page: pages };
    await world.deps.incidents.amend(id, () => ({ care: { acknowledged } }));
  };
  const three = all(fires(alarm('cart')), fires(alarm('search')), fires(alarm('ledger')));

  test.each([
    ['rings anew where somebody has heard of the others', seesToTheParent, ['page.1', 'page.2']],
    ['does not where they ring still', () => undefined, ['page.1']],
  ])('is told to whoever sees to them, and %s', async (_, before, pages) => {
    const over = all(saysThatAllIsOver, (world) => wake(world.deps, parentIn(world).id));
    const moments = { '0 s': three, '60 s': before, '70 s': declares, '90 s': over };
    const { world } = await play({ given, timeline: moments });
    const { timeline } = world.store.dossiers.get(parentIn(world).id) ?? expect.unreachable();
    expect(timeline.filter(({ kind }) => kind === 'incident.declared')).toMatchObject([
      {
        actor: 'person:ada',
        text: expect.stringMatching(/^Declared for the child incident checkout production: Charged twice/),
      },
    ]);
    const triggers = world.calls.filter((call) => call.includes('trigger') && call.includes('several-services'));
    expect(triggers.map((call) => call.split(' ')[2])).toEqual(pages);
  });
});

describe('a part whose parent is over without having taken it along', () => {
  /** As versions before this one have left them: the parent's run does nothing about it. */
  const closesTheParentAlone: Moment = async (world) => {
    const { id, seq } = parentIn(world);
    await world.deps.incidents.resolve(id, seq, 'firebreak:quiet', 'Closed');
  };
  const given = crowdPaths['many-at-once-and-their-parent-pages']?.given ?? [];
  const two = all(fires(alarm('cart')), fires(alarm('search')));
  const third: Moment = async (world) => {
    const place = { service: 'ledger' as ServiceName, environment: 'production' as EnvironmentName };
    const said = { title: 'slow', severity: 'warning', by: 'person:ada', trace: 'trace' } as const;
    await wake(world.deps, (await world.deps.incidents.declare({ ...place, ...said })).id);
  };
  const triggers = ({ calls }: FakeWorld): string[] => calls.filter((call) => call.includes('trigger'));

  test('pages by itself for what has fired', async () => {
    const { world } = await play({
      given,
      timeline: {
        '0 s': two,
        '20 s': third,
        '60 s': closesTheParentAlone,
        '70 s': fires(alarm('ledger', 'ledger loses money')),
      },
    });
    expect(triggers(world).at(-1)).toBe('pager trigger page.1 critical for ledger');
  });

  test('is settled when somebody looks: what is critical and was never paged is paged', async () => {
    const { world } = await play({
      given,
      timeline: {
        '0 s': two,
        '20 s': fires(alarm('ledger')),
        '60 s': closesTheParentAlone,
        '70 s': (before) => settleParts(before.deps, parentIn(before).id),
        '80 s': (before) => settleParts(before.deps, parentIn(before).id),
      },
    });
    // The first two have rung before they were parts.
    expect(triggers(world)).toEqual([
      'pager trigger page.1 critical for cart',
      'pager trigger page.1 critical for search',
      'pager trigger page.1 critical for several-services',
      'pager trigger page.1 critical for ledger',
    ]);
    for (const service of ['cart', 'search', 'ledger'])
      expect(recordsOf(world, service)[0]).not.toHaveProperty('parent_id');
  });

  test('pages also as a warning, where its page was left to the parent', async () => {
    const { world } = await play({
      given,
      timeline: {
        '0 s': two,
        // It asks for a rollback, and nothing can be rolled back: somebody has to look.
        '20 s': fires({ ...alarm('ledger'), labels: { service: 'ledger', severity: 'warning' } }),
        '60 s': closesTheParentAlone,
        '70 s': (before) => settleParts(before.deps, parentIn(before).id),
      },
    });
    expect(triggers(world)).toHaveLength(4);
    expect(triggers(world).at(-1)).toBe('pager trigger page.2 warning for ledger');
  });

  test('wakes nobody where it is a warning', async () => {
    const { world } = await play({
      given,
      timeline: {
        '0 s': two,
        '20 s': third,
        '60 s': closesTheParentAlone,
        '70 s': (before) => settleParts(before.deps, parentIn(before).id),
      },
    });
    expect(recordsOf(world, 'ledger')[0]).not.toHaveProperty('parent_id');
    expect(triggers(world)).toHaveLength(3);
  });
});

test('one part that cannot be settled keeps no other from it, and is tried again', async () => {
  const path = crowdPaths['the-parent-is-resolved-by-a-person-and-its-parts-with-it'] ?? NOTHING;
  let failures = 3;
  const { world } = await play({
    ...path,
    given: [
      ...(path.given ?? []),
      (before) => {
        const { signals } = before.deps.incidents;
        before.deps.incidents.signals = async (id, query) => {
          if (before.store.dossier(id).record.service === 'cart' && (failures -= 1) >= 0) throw new Error('away');
          return signals.call(before.deps.incidents, id, query);
        };
      },
    ],
  });
  expect(failures).toBeLessThan(0);
  for (const service of ['cart', 'search'])
    expect(recordsOf(world, service)).toMatchObject([{ resolved_by: 'person:ada' }]);
});

test('a parent whose parts are open is not quiet, however long nothing joins it', async () => {
  const { world } = await play({
    given: [
      ...(crowdPaths['many-at-once-and-their-parent-pages']?.given ?? []),
      (before) => {
        before.config = { ...before.config, paging: { ...before.config.paging, quietHours: 1 } };
      },
    ],
    timeline: {
      '0 s': all(fires(alarm('cart')), fires(alarm('search')), fires(alarm('ledger'))),
      // The one that is heard of goes on; the others are quiet, and close after an hour.
      ...Object.fromEntries([30, 60, 90, 120].map((minute) => [`${minute} min`, fires(alarm('cart'))])),
      '130 min': ends(alarm('cart')),
    },
  });
  const closed = ['search', 'ledger', 'cart', 'several-services'].map((service) =>
    closedAfter(recordsOf(world, service)[0]?.resolved_at ?? null),
  );
  expect(closed).toEqual([60, 60, 130, 130]);
});

const NOTHING: Story = { timeline: {} };
const MISSING = '' as IncidentId;

const recordsOf = (world: FakeWorld, service: string): IncidentRecord[] =>
  [...world.store.dossiers.values()].map(({ record }) => record).filter((record) => record.service === service);

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
        await leaveGroup(before.deps, last.id);
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
