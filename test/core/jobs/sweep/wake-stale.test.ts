import { expect, test } from 'vitest';
import { wakeStale } from '../../../../core/jobs/sweep/wake-stale.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { silent } from '../../../support/fake-deps.ts';

const NOW = '2026-11-20T12:00:00.000Z' as Timestamp;

/* A change marks every target that shows it, and wakes those that are on. */
test.each([
  ['a target that is off is woken to settle, which is nothing to report', false, []],
  ['a target that is on has missed a wake-up', true, ['the sweeper woke a projector that had missed its wake-up']],
])('%s', async (_, isOn, expected) => {
  const [lines, woken]: [string[], string[]] = [[], []];
  const since = plusSeconds(NOW, -60);
  const projections = {
    dueAnywhere: async () => new Map([['webhooks', [{ subject: 'incident:a', marks: 1, since, notBefore: null }]]]),
    isOn: async () => isOn,
    wake: async (target: string) => void woken.push(target),
  };
  await wakeStale(
    {
      projections: Object.assign(Object.create(null), projections),
      clock: { now: () => NOW },
      log: { ...silent, info: (message: string) => void lines.push(message) },
    },
    [],
  );
  expect([woken, lines]).toEqual([['webhooks'], expected]);
});
