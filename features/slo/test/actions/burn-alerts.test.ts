import { describe, expect, test } from 'vitest';
import type { Product } from '../../../../functions/assembly/product.ts';
import { route } from '../../../../core/jobs/queues/route.ts';
import type { ServiceName } from '../../../../schemas/config/names.ts';
import type { Signal, SignalMessage } from '../../../../schemas/alerts/signal.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { FakeWorld } from '../../../../test/support/fake-deps.ts';
import { signal } from '../../../../test/support/signals.ts';
import { errorBudgets } from '../../error-budgets.ts';
import { availability, extensionsWith, HOUR, MINUTE, NOON, SloWorld } from '../evaluation/world.ts';
import { batchOf } from '../../../../test/support/batches.ts';

/** A page alert of the rules of `slo generate`, as it is queued. */
const page = (more: Partial<Signal> = {}): Signal =>
  signal({
    title: 'checkout-availability: the error budget of checkout burns fast',
    requestsRollback: false,
    labels: [
      ['alertname', 'SLOFastBurn'],
      ['slo', 'checkout-availability'],
    ],
    ...more,
  });

/** The dependencies of the router with the world's table. */
async function arrive(world: SloWorld, ...signals: Signal[]): Promise<void> {
  const { alertNotices, projections, decisions, clock } = world.stores;
  const deps: Product = {
    ...new FakeWorld().deps,
    ...world.deps,
    extensions: extensionsWith(errorBudgets(world.deps)),
    alertNotices,
    projections,
    decisions,
    clock,
    silences: { active: async () => null, inhibitsSlowBurns: async () => null },
    engine: { start: async () => undefined, completeCallback: async () => undefined, status: async () => 'running' },
  };
  const message: SignalMessage = { receipt: 'r', receivedAt: clock.now(), trace: 't', signals };
  expect(await route(deps, batchOf([undefined, JSON.stringify(message)]))).toEqual([]);
}

const world = async (): Promise<SloWorld> => {
  const opened = await SloWorld.open(availability());
  opened.at(NOON + 5000);
  return opened;
};

describe('a burn-rate alert', () => {
  test("opens a freeze at once that names the alert's source", async () => {
    const one = await world();
    await arrive(one, page());
    const [freeze] = await one.freezes();
    expect(freeze).toMatchObject({
      cause: 'burn',
      slo: 'checkout-availability',
      service: 'checkout',
      environment: 'production',
      starts_at: '2026-11-20T12:00:05.000Z',
      not_before: '2026-11-20T12:15:05.000Z',
      opened_by: 'alertmanager',
      reason: expect.stringContaining(
        'according to the alert "checkout-availability: the error budget of checkout burns fast"',
      ),
    });
    expect(one.logged('info').map(({ message }) => message)).toContain('deploys are frozen');
  });

  test('shares its freeze with the evaluation, which ends it', async () => {
    const one = await world();
    one.requests(10, { from: NOON - 2 * MINUTE, until: NOON + 4 * MINUTE });
    await arrive(one, page());
    const evaluator = one.evaluator();
    await one.evaluateUntil(NOON + 20 * MINUTE, 5 * MINUTE, evaluator);
    expect((await one.freezes()).filter(({ cause }) => cause === 'burn')).toHaveLength(1);
    await one.evaluateUntil(NOON + 2 * HOUR, 15 * MINUTE, evaluator);
    const burn = (await one.freezes()).filter(({ cause }) => cause === 'burn');
    expect(burn).toMatchObject([{ opened_by: 'alertmanager', ended_by: 'evaluation', settled_at: expect.any(String) }]);
    // The sender repeats it once before it gets the end: this is not a new freeze.
    await arrive(one, page());
    expect((await one.freezes()).filter(({ cause }) => cause === 'burn')).toHaveLength(1);
    expect(await one.frozenBy()).toEqual([]);
    // A later alert is a new freeze.
    await arrive(one, page({ startsAt: plusSeconds(page().startsAt, 7200) }));
    expect(await one.frozenBy()).toEqual(['burn']);
  });

  test('that still fires after its freeze was lifted ends by data after the minimum duration', async () => {
    const one = await world();
    one.requests(10);
    const evaluator = one.evaluator();
    await arrive(one, page());
    const [freeze] = await one.freezes();
    const lifted = { at: one.stores.clock.now(), by: 'person:bo', reason: 'a test', settled: false };
    await one.deps.freezes.end(freeze?.id ?? '', lifted);
    const settledAt = async (minute: number) => {
      await one.evaluateUntil(NOON + minute * MINUTE, MINUTE, evaluator);
      return (await one.freezes())[0]?.settled_at;
    };
    expect(await settledAt(15)).toBeNull();
    expect(await settledAt(16)).toBe('2026-11-20T12:16:00.000Z');
    expect(await one.frozenBy()).toEqual([]);
  });

  test('without Prometheus freezes until it is resolved, at least for the minimum duration', async () => {
    const one = await world();
    one.prometheusUrl = undefined;
    const evaluator = one.evaluator();
    await arrive(one, page());
    await one.evaluateUntil(NOON + 30 * MINUTE, 10 * MINUTE, evaluator);
    expect(await one.frozenBy()).toEqual(['burn']);
    await arrive(one, page({ status: 'resolved', endsAt: one.stores.clock.now() }));
    await one.evaluateUntil(NOON + 31 * MINUTE, MINUTE, evaluator);
    expect(await one.freezes()).toMatchObject([{ end_reason: 'its burn alerts have resolved' }]);

    const second = plusSeconds(one.stores.clock.now(), 0);
    await arrive(one, page({ startsAt: second }));
    await arrive(one, page({ startsAt: second, status: 'resolved', endsAt: one.stores.clock.now() }));
    await one.evaluateUntil(NOON + 45 * MINUTE, 7 * MINUTE, evaluator);
    expect(await one.frozenBy()).toEqual(['burn']);
    await one.evaluateUntil(NOON + 47 * MINUTE, 2 * MINUTE, evaluator);
    expect(await one.frozenBy()).toEqual([]);
  });

  test('without Prometheus is not extended by a ticket alert, which does not freeze', async () => {
    const one = await world();
    one.prometheusUrl = undefined;
    const ticket = { severity: 'warning', fingerprint: 'ticket' } as const;
    await arrive(one, page(), page(ticket), page({ status: 'resolved', endsAt: one.stores.clock.now() }));
    await one.evaluateUntil(NOON + 16 * MINUTE, 16 * MINUTE, one.evaluator());
    expect(await one.frozenBy()).toEqual([]);
    one.policy({ defaults: { burn: 'ticket' } });
    await arrive(one, page(ticket));
    await one.evaluateUntil(NOON + 40 * MINUTE, 24 * MINUTE, one.evaluator());
    expect(await one.frozenBy()).toEqual(['burn']);
  });

  test('without further notifications counts as firing for a week', async () => {
    const one = await world();
    one.prometheusUrl = undefined;
    await arrive(one, page());
    const evaluator = one.evaluator();
    await one.evaluateUntil(NOON + 7 * 24 * HOUR, 24 * HOUR, evaluator);
    expect(await one.frozenBy()).toEqual(['burn']);
    await one.evaluateUntil(NOON + 7 * 24 * HOUR + HOUR, HOUR, evaluator);
    expect(await one.frozenBy()).toEqual([]);
  });
});

test.each<[string, Partial<Signal>]>([
  ['a ticket', { severity: 'warning' }],
  ['an info alert', { severity: 'info' }],
  ['a resolved alert', { status: 'resolved', endsAt: page().startsAt }],
  ['an alert of another service', { service: 'search' as ServiceName }],
  ['an alert of an unknown objective', { labels: [['slo', 'search-availability']] }],
  ['an alert without an objective', { labels: [['alertname', 'HighErrorRatio']] }],
  ['an alert about failing monitoring', { monitoringFailure: true }],
])('%s does not freeze', async (_, more) => {
  const one = await world();
  await arrive(one, page(more));
  expect(await one.freezes()).toEqual([]);
});

test('a burn-rate alert does not freeze if the policy disables freezes by burn rate', async () => {
  const one = await world();
  one.policy({ defaults: { burn: 'off' } });
  await arrive(one, page());
  expect(await one.freezes()).toEqual([]);
});

test('an alert is processed even if the scope has too many freezes', async () => {
  const one = await world();
  const full = Object.assign(new Error('checkout in production has 500 freezes'), { name: 'ScopeFull' });
  const freezes = Object.assign(Object.create(one.deps.freezes) as typeof one.deps.freezes, {
    open: async () => Promise.reject(full),
    current: async () => [],
  });
  Object.assign(one.deps, { freezes });
  await arrive(one, page());
  expect(one.logged('error')).toMatchObject([
    { message: 'a burn-rate alert could not open a freeze', slo: 'checkout-availability' },
  ]);
});
