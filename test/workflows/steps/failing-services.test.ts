import { describe, expect, test } from 'vitest';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import { Config } from '../../../schemas/config/config.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { acting, all, deploys, ends, fires, type Moment, play, samplesOf, theIncident } from '../play.ts';

const CHECKOUT = 'job:checkout:error_ratio';
const PAYMENTS = 'job:payments:error_ratio';

/** Checkout depends on payments, and both have a health query. */
const dependsOnPayments: Moment = (world) => {
  const place = (promql: string) => ({
    production: {
      deployer: { kind: 'http', url: 'http://cd.test/rollback' },
      autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' },
      health: { promql, max: 0.01 },
    },
  });
  world.config = Config.parse({
    version: 'test',
    services: {
      checkout: { dependsOn: ['payments'], environments: place(CHECKOUT) },
      payments: { environments: place(PAYMENTS) },
    },
    paging: {},
  });
};

const ofPayments = { name: 'PaymentsFail', labels: { service: 'payments', action: '' } };

/** Puts these queries above their limits, from the given minutes after the alert of checkout; the others stay below. */
const bad =
  (since: Record<string, number>): Moment =>
  ({ deps, clock }) => {
    const noon = clock.now();
    deps.metrics.range = async (promql, from, until) => {
      const began = plusSeconds(noon, 60 * (since[promql] ?? 1000));
      return samplesOf(from, until, (at) => (at < began ? 0.001 : 0.4));
    };
  };

/** Returns the decision about checkout; no alert of payments fires. */
async function judged(...given: Moment[]): Promise<DecisionView> {
  const { world } = await play({
    given: [dependsOnPayments, ...given],
    timeline: { '0 s': fires(), '5 min': ends() },
  });
  const [decision] = (await world.deps.incidents.view(theIncident(world)))?.decisions ?? [];
  if (decision === undefined) throw new Error('nothing was judged');
  return decision;
}

describe('a dependency that fails by its health query, without an alert', () => {
  test.each([-2.5, -14])('prevents a rollback of the service (failing since %f min)', async (minutes) => {
    const { kind, reasons } = await judged(bad({ [CHECKOUT]: -2, [PAYMENTS]: minutes }));
    expect(kind).toBe('none');
    expect(reasons.map(({ code }) => code)).toContain('dependency_failed_first');
  });

  test.each([
    ['the dependency is healthy', { [CHECKOUT]: -2 }],
    ['the dependency has been failing for a long time', { [CHECKOUT]: -2, [PAYMENTS]: -20 }],
  ])('does not prevent the rollback if %s', async (_, since) => {
    expect((await judged(bad(since))).kind).toBe('roll_back');
  });

  test.each([
    ['later', 60],
    ['earlier', 360],
  ])('has the onset of its health query rather than that of its %s alert', async (_, began) => {
    const { world } = await play({
      given: [dependsOnPayments, bad({ [CHECKOUT]: -2, [PAYMENTS]: -2.5 })],
      timeline: { '0 s': all(fires(), fires({ ...ofPayments, began })), '5 min': all(ends(), ends(ofPayments)) },
    });
    expect(world.calls.filter((call) => call.startsWith('cd'))).toEqual([]);
    const inputs = await world.deps.decisions.inputs(theIncident(world), 1);
    expect(inputs?.evidence.failing).toMatchObject([
      { service: 'payments', relation: 'dependency', since: '2026-11-20T11:57:30.000Z' },
    ]);
  });

  test.each([
    ['the start of the roll-out in which it began to fail', 4, '2026-11-20T11:56:00.000Z'],
    ['the end of the roll-out after which it began to fail', 8, '2026-11-20T11:55:00.000Z'],
  ])('has changed at %s', async (_, minutes, expected) => {
    const { world } = await play({
      given: [
        dependsOnPayments,
        deploys('p1', 300, { service: 'payments' }),
        deploys('p2', minutes, { service: 'payments' }),
        bad({ [CHECKOUT]: -2, [PAYMENTS]: -2.5 }),
      ],
      timeline: { '0 s': fires(), '5 min': ends() },
    });
    const inputs = await world.deps.decisions.inputs(theIncident(world), 1);
    expect(inputs?.evidence.failing).toMatchObject([{ service: 'payments', changed_at: expected }]);
  });

  test.each(['flag', 'config', 'infrastructure', 'migration', 'experiment'] as const)(
    'has changed at a change of kind %s',
    async (kind) => {
      const { world } = await play({
        given: [
          dependsOnPayments,
          deploys('p1', 300, { service: 'payments' }),
          deploys('p2', 8, { service: 'payments', kind }),
          bad({ [CHECKOUT]: -2, [PAYMENTS]: -2.5 }),
        ],
        timeline: { '0 s': fires(), '5 min': ends() },
      });
      const inputs = await world.deps.decisions.inputs(theIncident(world), 1);
      expect(inputs?.evidence.failing).toMatchObject([{ service: 'payments', changed_at: '2026-11-20T11:55:00.000Z' }]);
    },
  );

  test('has changed before it began to fail, also if the version before was deployed again since', async () => {
    const { world } = await play({
      given: [
        dependsOnPayments,
        deploys('p1', 300, { service: 'payments' }),
        deploys('p2', 20, { service: 'payments' }),
        deploys('p1', 6, { service: 'payments' }),
        bad({ [CHECKOUT]: -2, [PAYMENTS]: -12 }),
      ],
      timeline: { '0 s': fires(), '5 min': ends() },
    });
    const inputs = await world.deps.decisions.inputs(theIncident(world), 1);
    expect(inputs?.evidence.failing).toMatchObject([{ service: 'payments', changed_at: '2026-11-20T11:43:00.000Z' }]);
  });

  test('requires approval to roll back its own change, if that explains both', async () => {
    const { kind, reasons, from_version } = await judged(
      deploys('p1', 300, { service: 'payments' }),
      deploys('p2', 6, { service: 'payments' }),
      bad({ [CHECKOUT]: -2, [PAYMENTS]: -2.5 }),
    );
    expect({ kind, from_version }).toEqual({ kind: 'approve', from_version: 'p2' });
    expect(reasons.map(({ code }) => code)).toContain('another_service');
  });
});

describe('a caller with an open incident of an earlier problem', () => {
  /** Cart depends on checkout. It failed for a minute, eight minutes before the alert of checkout, and fails again after that. */
  const earlier = (newestMinute: number): Moment => {
    const CART = 'job:cart:error_ratio';
    return (world) => {
      const health = (promql: string) => ({ production: { health: { promql, max: 0.01 } } });
      world.config = Config.parse({
        version: 'test',
        services: {
          checkout: { environments: health(CHECKOUT) },
          cart: { dependsOn: ['checkout'], environments: health(CART) },
        },
        paging: {},
      });
      const noon = plusSeconds(world.clock.now(), 4 * 60);
      const minute = (minutes: number) => plusSeconds(noon, 60 * minutes);
      world.deps.metrics.range = async (promql, from, until) =>
        samplesOf(from, promql === CART && until > minute(newestMinute) ? minute(newestMinute) : until, (at) =>
          at >= minute(-2) || (promql === CART && at >= minute(-8) && at < minute(-7)) ? 0.4 : 0.001,
        );
    };
  };
  const ofCart = { name: 'CartFails', labels: { service: 'cart', action: '' } };

  test.each<[string, number, object]>([
    ['fails since its samples show it', 10, { failing: [{ service: 'cart', since: '2026-11-20T12:02:00.000Z' }] }],
    ['is not measured yet, if its newest sample is older than the problem', -3, { failing: [], unmeasured: ['cart'] }],
  ])('%s', async (_, newestMinute, expected) => {
    const { world } = await play({
      given: [earlier(newestMinute)],
      timeline: { '0 s': fires(ofCart), '240 s': fires(), '12 min': all(ends(), ends(ofCart)) },
    });
    const id = [...world.store.dossiers.values()].find(({ record }) => record.service === 'checkout')?.record.id;
    const inputs = id && (await world.deps.decisions.inputs(id, 1));
    expect(inputs && inputs.evidence).toMatchObject(expected);
  });
});

describe('a dependency with an alert, without a health query', () => {
  /** Returns the onset of the failure of payments, as known when checkout is judged. */
  async function since(began: number): Promise<string | undefined> {
    const { world } = await play({
      given: [dependsOnPayments, bad({ [CHECKOUT]: -2 })],
      timeline: {
        '0 s': all(fires({ ...ofPayments, began }), fires()),
        '5 min': all(ends(), ends(ofPayments)),
      },
    });
    const own = [...world.store.dossiers.values()].find(({ record }) => record.service === 'checkout');
    const inputs = own && (await world.deps.decisions.inputs(own.record.id, 1));
    return inputs?.evidence.failing.find(({ service }) => service === 'payments')?.since;
  }

  test.each([
    ['fails since the alert began', 150, '2026-11-20T11:57:30.000Z'],
    ['fails since the alert began, even some minutes earlier', 800, '2026-11-20T11:46:40.000Z'],
    ['fails since the alert arrived, if it has been firing for a long time', 3600, '2026-11-20T12:00:00.000Z'],
    ['fails since the alert arrived, if its start is in the future', -60, '2026-11-20T12:00:00.000Z'],
  ])('%s', async (_, began, expected) => {
    expect(await since(began)).toBe(expected);
  });

  test.each([
    [12, ['payments']],
    [18, []],
  ])('counts for a quarter of an hour (%i min)', async (minutes, expected) => {
    const { world } = await play({
      given: [dependsOnPayments, bad({ [CHECKOUT]: minutes - 1 })],
      timeline: { '0 s': fires(ofPayments), [`${minutes} min`]: fires(), '22 min': all(ends(), ends(ofPayments)) },
    });
    const own = [...world.store.dossiers.values()].find(({ record }) => record.service === 'checkout');
    const inputs = own && (await world.deps.decisions.inputs(own.record.id, 1));
    expect(inputs?.evidence.failing.map(({ service }) => service)).toEqual(expected);
  });
});

describe('a dependency whose second problem is over, while its rollback is still being verified', () => {
  const withoutQuery: Moment = (world) => {
    const deployer = { kind: 'http', url: 'http://cd.test/rollback' };
    const autoRollback = { mode: 'act', evidence: 'time', unknownMigration: 'act' };
    const services = { payments: { environments: { production: { deployer, autoRollback } } } };
    const parsed = Config.parse({ version: 'test', services, paging: {} });
    world.config = { ...world.config, services: { ...world.config.services, ...parsed.services } };
  };

  test('does not count as failing', async () => {
    const slow = { ...ofPayments, name: 'PaymentsSlow' };
    const { world } = await play({
      given: [
        dependsOnPayments,
        withoutQuery,
        deploys('p1', 300, { service: 'payments' }),
        deploys('p2', 5, { service: 'payments' }),
        bad({ [CHECKOUT]: 9.2 }),
      ],
      timeline: {
        '0 s': fires({ ...ofPayments, labels: { service: 'payments' } }),
        '3 min': ends(ofPayments),
        '8 min': fires(slow),
        '9 min': ends(slow),
        '10 min': fires(),
        '20 min': ends(),
      },
    });
    const [first, own] = world.store.dossiers.values();
    expect(first?.record).toMatchObject({ service: 'payments', recovered_at: '2026-11-20T12:09:00.000Z' });
    expect(own?.record.service).toBe('checkout');
    const inputs = own && (await world.deps.decisions.inputs(own.record.id, 1));
    expect(inputs?.evidence.failing).toEqual([]);
  });
});

describe('unrelated services that fail at the same time', () => {
  const strangers = ['cart', 'search', 'ledger'];
  const of = (service: string) => ({ name: `${service} fails`, labels: { service, action: '' } });

  const beside =
    (routes: object): Moment =>
    (world) => {
      const services = Object.fromEntries(strangers.map((name) => [name, null]));
      const checkout = acting();
      const { services: known, routes: grouped } = Config.parse({ version: 'test', services, paging: {}, routes });
      world.config = { ...checkout, services: { ...checkout.services, ...known }, routes: grouped };
    };

  async function besideThem(routes: object): Promise<DecisionView> {
    const { world } = await play({
      given: [beside(routes)],
      timeline: {
        '0 s': all(...strangers.map((name) => fires(of(name))), fires()),
        '5 min': all(...strangers.map((name) => ends(of(name))), ends()),
      },
    });
    const own = [...world.store.dossiers.values()].find(({ record }) => record.service === 'checkout');
    const view = own?.decisions.get(1)?.view;
    if (view === undefined) throw new Error('nothing was judged');
    return view;
  }

  test('do not prevent a rollback if policy ignores them', async () => {
    expect((await besideThem({ failTogether: 'ignore' })).kind).toBe('roll_back');
  });

  test.each([
    ['are never grouped', { manyAtOnce: 'off' }],
    ['are grouped from six on', {}],
    ['are not grouped by shared dependency', { manyAtOnce: { incidents: 5, sharedDependency: 'off' } }],
  ])('prevent a rollback, also where incidents %s: grouping affects only paging', async (_, routes) => {
    const { kind, reasons } = await besideThem(routes);
    expect(kind).toBe('none');
    expect(reasons).toContainEqual({
      code: 'several_fail',
      text: 'cart, ledger and search failed at the same time, and no change of a shared service is known',
    });
  });
});

describe('services that only their health queries show', () => {
  const CART = 'job:cart:error_ratio';

  /** Cart is unrelated to checkout, and web calls checkout. */
  const among: Moment = (world) => {
    const { services, ...rest } = world.config;
    const others = Config.parse({
      version: 'test',
      services: {
        cart: { environments: { production: { health: { promql: CART, max: 0.01 } } } },
        web: { dependsOn: ['checkout'], environments: { production: {} } },
      },
      paging: {},
    });
    world.config = { ...rest, services: { ...services, ...others.services } };
  };

  async function evidence(...given: Moment[]) {
    const { world } = await play({
      given: [dependsOnPayments, among, ...given],
      timeline: { '0 s': fires(), '5 min': ends() },
    });
    const inputs = await world.deps.decisions.inputs(theIncident(world), 1);
    if (inputs === undefined) throw new Error('nothing was judged');
    return { ...inputs.evidence, reasons: (await world.deps.decisions.get(theIncident(world), 1))?.reasons ?? [] };
  }

  test.each([
    [-2.5, ['cart']],
    [-20, []],
  ])('count if they departed at the same time (%f min)', async (minutes, expected) => {
    const { failing } = await evidence(bad({ [CHECKOUT]: -2, [CART]: minutes }));
    expect(failing.map(({ service }) => service)).toEqual(expected);
    for (const { relation, measured } of failing) {
      expect(relation).toBe('unrelated');
      expect(measured && measured.earliest <= measured.latest).toBe(true);
    }
  });

  test('require a person if one of them cannot be read', async () => {
    const { reasons, failing_unreadable } = await evidence(bad({ [CHECKOUT]: -2 }), ({ deps }) => {
      const { range } = deps.metrics;
      deps.metrics.range = async (promql, ...more) => (promql === CART ? null : range(promql, ...more));
    });
    expect(failing_unreadable).toBe(true);
    expect(reasons.map(({ code }) => code)).toContain('neighbours_unreadable');
  });

  test('are candidates with their own change, if nobody declared a relation', async () => {
    const deployed = deploys('c7', 5, { service: 'cart' });
    const { changes } = await evidence(bad({ [CHECKOUT]: -2, [CART]: -2.5 }), deployed);
    expect(changes.find(({ change }) => change.version === 'c7')).toMatchObject({ relation: 'undeclared' });
    const alone = await evidence(bad({ [CHECKOUT]: -2 }), deployed);
    expect(alone.changes.map(({ change }) => change.version)).not.toContain('c7');
  });

  test('the changes of callers are read', async () => {
    const { changes } = await evidence(bad({ [CHECKOUT]: -2 }), deploys('w7', 5, { service: 'web' }));
    expect(changes.find(({ change }) => change.version === 'w7')).toMatchObject({ relation: 'caller', distance: 1 });
  });
});

describe('samples that end after a deploy', () => {
  /** Ends the samples of these queries six minutes before the alert. */
  const end =
    (...queries: string[]): Moment =>
    ({ deps, clock }) => {
      const last = plusSeconds(clock.now(), -360);
      deps.metrics.range = async (promql, from, until) =>
        samplesOf(from, queries.includes(promql) ? last : until, () => 0.001);
    };

  test('are asked about if the service alone has none any more: it may crash', async () => {
    expect((await judged(end(CHECKOUT))).kind).toBe('approve');
  });

  test('are a gap of monitoring if those of another service ended in the same scrape', async () => {
    const { kind, reasons } = await judged(end(CHECKOUT, PAYMENTS));
    expect(kind).toBe('none');
    expect(JSON.stringify(reasons)).toContain('the samples of payments ended at the same time');
  });
});
