import { describe, expect, test } from 'vitest';
import { alertReview } from '../../../../core/actions/reports/alert-review.ts';
import type { Mute } from '../../../../core/domain/alerts/routing.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { fallbackPageKey, pageKey } from '../../../../core/domain/paging/pages.ts';
import type { Effect } from '../../../../schemas/incidents/incident.ts';
import type { IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { millisOf, plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';
import { arrival, inhibited, signal, silenced } from '../../../support/signals.ts';

const STARTED = '2026-11-20T11:00:00.000Z';

/** Alerts of one incident; those of the later rules began earlier. */
async function review(counts: Record<string, number>, mute: Mute | null = null) {
  const { deps, clock } = new FakeWorld();
  const all = Object.entries(counts).flatMap(([rule, count], index) =>
    Array.from({ length: count }, (_, n) =>
      signal({
        fingerprint: `${rule} ${n}`,
        title: rule,
        labels: [['alertname', rule]],
        startsAt: plusSeconds(STARTED as never, n / 1000 - 60 * index),
      }),
    ),
  );
  const receipt = { at: clock.now(), trace: 'trace' };
  await deps.incidents.admit([arrival(signal())], receipt);
  await deps.incidents.admit(
    all.map((one) => arrival(one, { mute })),
    receipt,
  );
  const { isComplete, rules } = await alertReview(deps, () => true);
  return { isComplete, fired: Object.fromEntries(rules.map(({ rule, fired }) => [rule, fired])) };
}

test('all alerts of an incident count, however many it has', async () => {
  const { isComplete, fired } = await review({ Errors: 150, Latency: 60, Restarts: 40 });
  expect(fired).toEqual({ HighErrorRatio: 1, Errors: 150, Latency: 60, Restarts: 40 });
  expect(isComplete).toBe(true);
});

test('a review that leaves out alerts says so', async () => {
  const { isComplete, fired } = await review({ Errors: 1150, Latency: 1 });
  expect(fired['Errors']).toBeGreaterThanOrEqual(1000);
  expect(fired).not.toHaveProperty('Latency');
  expect(isComplete).toBe(false);
});

test.each([inhibited, silenced])('no muted alert of an incident counts, however many there are: %j', async (mute) => {
  const { isComplete, fired } = await review({ Errors: 320 }, mute);
  expect(fired).toEqual({ HighErrorRatio: 1 });
  expect(isComplete).toBe(true);
});

test('only pages that were sent count', async () => {
  const { deps, clock } = new FakeWorld();
  const receipt = { at: clock.now(), trace: 'trace' };
  const admit = async (service: string): Promise<IncidentId> => {
    const one = signal({ service: service as ServiceName, fingerprint: service, labels: [['alertname', service]] });
    const { wake } = await deps.incidents.admit([arrival(one)], receipt);
    return wake[0] as IncidentId;
  };
  const page = async (id: IncidentId, number: number, state: Effect['state'], key = pageKey(id, number)) => {
    const kind = key === pageKey(id, number) ? 'page' : 'page-fallback';
    await deps.effects.intend(id, { key, kind, target: 'pagerduty', class: 'keyed', detail: '' }, { page: number });
    await deps.effects.conclude(id, key, state, state);
  };
  const [sent, withheld, second] = [await admit('sent'), await admit('withheld'), await admit('second')];
  await page(sent, 1, 'succeeded');
  await page(withheld, 1, 'withheld');
  await page(withheld, 2, 'failed');
  await page(second, 1, 'failed');
  await page(second, 1, 'succeeded', fallbackPageKey(second, 1));
  const { rules } = await alertReview(deps, () => true);
  expect(Object.fromEntries(rules.map(({ rule, paged }) => [rule, paged]))).toEqual({
    sent: 1,
    withheld: 0,
    second: 1,
  });
});

const recorded = { delivery: { incident: false } } as const;

test('all alerts without an incident count, however many there are', async () => {
  const { deps, clock } = new FakeWorld();
  const rules = { Errors: 700, Latency: 60 };
  const all = Object.entries(rules).flatMap(([rule, count]) =>
    Array.from({ length: count }, (_, n) => signal({ fingerprint: `${rule} ${n}`, labels: [['alertname', rule]] })),
  );
  await deps.incidents.admit(
    all.map((one) => arrival(one, recorded)),
    { at: clock.now(), trace: 'trace' },
  );
  const { isComplete, rules: figures } = await alertReview(deps, () => true);
  expect(Object.fromEntries(figures.map(({ rule, fired }) => [rule, fired]))).toEqual(rules);
  expect(isComplete).toBe(true);
});

describe('of an alert without an incident', () => {
  const alert = (startsAt: Timestamp, more: Partial<Signal> = {}) => signal({ startsAt, ...more });

  /** An alert that fires each hour, and ends each time except the last. Returns the review after it. */
  async function flapping(times: number, muteOf: (n: number) => Mute | null = () => null) {
    const { deps, clock } = new FakeWorld();
    const began = clock.now();
    for (let n = 0; n < times; n += 1) {
      clock.set(millisOf(plusSeconds(began, n * 3600)));
      const startsAt = clock.now();
      const send = (one: Signal) =>
        deps.incidents.admit([arrival(one, { ...recorded, mute: muteOf(n) })], { at: clock.now(), trace: 'trace' });
      await send(alert(startsAt));
      clock.set(millisOf(plusSeconds(startsAt, 600)));
      if (n < times - 1) await send(alert(startsAt, { status: 'resolved', endsAt: clock.now() }));
    }
    return { result: await alertReview(deps, () => true), lastAt: plusSeconds(began, (times - 1) * 3600) };
  }

  test('each start of the period counts, however often it fires', async () => {
    const { result, lastAt } = await flapping(20 * 24);
    // From the start of the day 14 days ago, 11 of 24 hours are of the last day.
    const fired = result.rules[0]?.fired;
    expect(result.since).toMatch(/T00:00:00.000Z$/);
    expect(fired).toBe(1 + (Date.parse(lastAt) - Date.parse(result.since)) / 3_600_000);
    expect(result).toMatchObject({
      isComplete: true,
      rules: [{ rule: 'HighErrorRatio', resolved_by_itself: Number(fired) - 1, last_at: lastAt }],
      noisy: [{ times: fired, lastAt }],
    });
  });

  test('muted starts do not count, also after their end', async () => {
    const { result } = await flapping(10, (n) => (n % 2 === 0 ? silenced : null));
    expect(result.rules).toMatchObject([{ fired: 5, resolved_by_itself: 4 }]);
    const whileMuted = await flapping(9, (n) => (n % 2 === 0 ? silenced : null));
    expect(whileMuted.result.rules).toMatchObject([{ fired: 4, resolved_by_itself: 4 }]);
  });

  test('a start counts when the mute ends and it still fires', async () => {
    const { deps, clock } = new FakeWorld();
    for (const mute of [silenced, silenced, null, null])
      await deps.incidents.admit([arrival(signal(), { ...recorded, mute })], { at: clock.now(), trace: 'trace' });
    expect((await alertReview(deps, () => true)).rules).toMatchObject([{ fired: 1, resolved_by_itself: 0 }]);
  });

  test('starts in incidents count once', async () => {
    const { deps, clock } = new FakeWorld();
    const began = clock.now();
    const send = (one: Signal, more: Parameters<typeof arrival>[1]) =>
      deps.incidents.admit([arrival(one, more)], { at: clock.now(), trace: 'trace' });
    const { wake } = await send(alert(began), {});
    clock.set(millisOf(plusSeconds(began, 60)));
    await send(alert(began, { status: 'resolved', endsAt: clock.now() }), {});
    const id = wake[0] as IncidentId;
    expect(await deps.incidents.resolve(id, 1, null, 'over')).toBe('resolved');
    clock.set(millisOf(plusSeconds(began, 24 * 3600)));
    await send(alert(clock.now()), recorded);
    expect((await deps.incidents.open()).length).toBe(0);
    expect((await alertReview(deps, () => true)).rules).toMatchObject([{ fired: 2, resolved_by_itself: 1 }]);
  });
});
