import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failed, takeAllowances, pruned, succeeded } from '../../../../core/domain/rollback/pace.ts';
import { RateLimitState } from '../../../../schemas/incidents/projection.ts';

const NOW = 1_763_640_000_000;
const fresh: RateLimitState = RateLimitState.parse({});
const oneASecond = { perSecond: 1, burst: 1 };
const tenAtOnce = { perSecond: 1, burst: 10 };

/** Returns the pace after a permitted call; fails the test otherwise. */
function gone(
  pace: RateLimitState,
  key: string,
  allowances: Parameters<typeof takeAllowances>[2],
  now = NOW,
): RateLimitState {
  const allowed = takeAllowances(pace, key, allowances, now);
  expect(allowed.ok).toBe(true);
  return allowed.pace;
}

describe('a call', () => {
  test('is permitted as often as its allowance says, and again a moment later', () => {
    const once = gone(fresh, 'post', { post: oneASecond });
    expect(takeAllowances(once, 'post', { post: oneASecond }, NOW + 400)).toEqual({
      ok: false,
      pace: once,
      at: NOW + 1000,
      usedUp: { name: 'post', everyMs: 1000 },
    });
    gone(once, 'post', { post: oneASecond }, NOW + 1000);
  });

  test('takes from every allowance, or from none', () => {
    const once = gone(fresh, 'post', { post: tenAtOnce, 'channel C1': oneASecond });
    const refused = takeAllowances(once, 'post', { post: tenAtOnce, 'channel C1': oneASecond }, NOW);
    expect(refused).toMatchObject({ ok: false, pace: once });
    expect(once.buckets['post']).toEqual({ left: 9, at: NOW });
    gone(once, 'post', { post: tenAtOnce, 'channel C2': oneASecond });
  });

  test('never exceeds its allowance, and is permitted at the announced time', () => {
    const allowance = { perSecond: 1 / 3, burst: 4 };
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 60 }), (pauses) => {
        let [pace, now] = [fresh, NOW];
        const times: number[] = [];
        for (const pause of pauses) {
          now += pause;
          const allowed = takeAllowances(pace, 'm', { m: allowance }, now);
          if (allowed.ok) times.push(now);
          else expect(takeAllowances(pace, 'm', { m: allowance }, allowed.at + 1).ok).toBe(true);
          pace = allowed.pace;
        }
        for (const [index, from] of times.entries()) {
          const within = times.slice(index).filter((at) => at - from < 30_000).length;
          expect(within).toBeLessThanOrEqual(4 + 10);
        }
      }),
    );
  });
});

describe('a failed method', () => {
  const allowed = (pace: RateLimitState, key: string, now: number): boolean => takeAllowances(pace, key, {}, now).ok;

  test('is blocked for increasing times, up to a minute', () => {
    let pace = fresh;
    const pauses = [5, 10, 20, 40, 60, 60];
    for (const seconds of pauses) {
      pace = failed(pace, 'post', null, false, NOW);
      expect(takeAllowances(pace, 'post', {}, NOW)).toMatchObject({ ok: false, at: NOW + seconds * 1000 });
      expect(allowed(pace, 'post', NOW + seconds * 1000)).toBe(true);
    }
  });

  test('is blocked as long as the vendor requests, at least a second', () => {
    expect(takeAllowances(failed(fresh, 'post', 300, false, NOW), 'post', {}, NOW)).toMatchObject({
      at: NOW + 300_000,
    });
    expect(takeAllowances(failed(fresh, 'post', 0, false, NOW), 'post', {}, NOW)).toMatchObject({ at: NOW + 1000 });
  });

  test('blocks nothing else, unless there was no response', () => {
    expect(allowed(failed(fresh, 'post', null, false, NOW), 'edit', NOW)).toBe(true);
    const silent = failed(fresh, 'post', null, true, NOW);
    expect([allowed(silent, 'edit', NOW), allowed(silent, 'edit', NOW + 5000)]).toEqual([false, true]);
  });

  test('does not use its allowance', () => {
    const blocked = failed(fresh, 'post', 9, false, NOW);
    expect(takeAllowances(blocked, 'post', { post: oneASecond }, NOW).pace).toBe(blocked);
  });

  test('is reset by a success: the next failure counts as the first', () => {
    const twice = failed(failed(fresh, 'post', null, false, NOW), 'post', null, true, NOW);
    const well = succeeded(twice, 'post');
    expect(allowed(well, 'post', NOW)).toBe(true);
    expect(takeAllowances(failed(well, 'post', null, false, NOW), 'post', {}, NOW)).toMatchObject({ at: NOW + 5000 });
    expect(succeeded(well, 'post')).toBe(well);
  });

  test('is not reset by the success of another method', () => {
    const blocked = failed(fresh, 'post', null, false, NOW);
    expect(allowed(succeeded(blocked, 'edit'), 'post', NOW)).toBe(false);
  });
});

test('expired entries are removed, others kept', () => {
  const pace: RateLimitState = {
    buckets: { old: { left: 1, at: NOW - 600_000 }, young: { left: 1, at: NOW - 599_999 } },
    blocked: { old: { until: NOW - 600_000, failures: 9 }, young: { until: NOW - 1, failures: 9 } },
  };
  expect(pruned(pace, NOW)).toEqual({
    buckets: { young: { left: 1, at: NOW - 599_999 } },
    blocked: { young: { until: NOW - 1, failures: 9 } },
  });
});

test('a block ends when the clock is set back, because its length is not known any more', () => {
  const blocked = failed(fresh, 'post', null, false, NOW);
  expect(takeAllowances(blocked, 'post', {}, NOW + 1000)).toMatchObject({ ok: false, at: NOW + 5000 });
  expect(takeAllowances(blocked, 'post', {}, NOW - 7_200_000)).toMatchObject({ ok: true });
});
