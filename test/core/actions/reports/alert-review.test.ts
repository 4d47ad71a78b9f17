import { expect, test } from 'vitest';
import { alertReview } from '../../../../core/actions/reports/alert-review.ts';
import type { Mute } from '../../../../core/domain/alerts/routing.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
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
