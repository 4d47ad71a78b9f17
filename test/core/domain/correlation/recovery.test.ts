import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newestNotWeighed } from '../../../../core/domain/correlation/candidates.ts';
import type { Curve, Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { onsetOf } from '../../../../core/domain/correlation/onset.ts';
import { healthSince, overSince, withoutSamples } from '../../../../core/domain/correlation/recovery.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../../schemas/time/time.ts';
import { INCIDENT, NOON } from '../../arbitraries.ts';
import { own, scene, step, timed } from './scenes.ts';

const LIMIT = 0.01;
const SECONDS = 120;
const after = (seconds: number): Timestamp => plusSeconds(NOON, seconds);

/** Samples each 30 seconds since the mitigation at noon: `.` within the limit, `x` above it, a space for none. */
const sampled = (text: string): Pick<Evidence, 'health' | 'traffic' | 'at'> => ({
  health: {
    max: LIMIT,
    curve: [...text].flatMap((sign, n) => (sign === ' ' ? [] : [[after(30 * n), sign === 'x' ? 0.4 : 0.001] as const])),
  },
  traffic: null,
  at: after(30 * (text.length - 1)),
});

describe('health since a mitigation', () => {
  test.each<[string, string, number | null, [since: number, lasts: boolean] | null, number?]>([
    ['has not recovered yet', 'xxxxx', null, null],
    ['fails again soon', 'xx..xxxxx', null, null, 120],
    ['fails again after a single good sample', 'xxx.xxxxx', null, null],
    ['fails again soon, but not for long', 'xxx..xxxx', null, null],
    ['fails again after missing samples', 'xx..   xxxxx', null, null, 210],
    ['has recovered for too short', 'xx....', null, null],
    ['has recovered', 'xx.....', 60, null],
    ['has not recovered while it flaps', 'xx..x..x..x..x', null, null],
    ['fails again, but not for long', 'xx.....xx', 60, [210, false]],
    ['fails again', 'xx.....xxxxx', 60, [210, true], 210],
    ['fails again after a short dip', 'xx.....xx.xxxxx', 60, [300, true]],
    ['is well again after a short failure', 'xx.....xx..', 60, null],
    ['has no samples', '', null, null],
    ['has recovered, and has no samples any more', 'xx.....xx      ', 60, null],
    ['was interrupted', 'xx...      ...', null, null],
    ['was well from the start', '.....', 0, null],
  ])('%s', (_, text, recovered, failing, again) => {
    expect(healthSince(sampled(text), NOON, SECONDS)).toEqual({
      recoveredAt: recovered === null ? null : after(recovered),
      failingSince: failing && { at: after(failing[0]), lasts: failing[1] },
      againSince: again === undefined ? null : after(again),
    });
  });

  test('does not fail by a single failed request of few', () => {
    const text = 'xx.....xxxxx';
    const traffic: Curve = [...text].map((_, n) => [after(30 * n), 0.03] as const);
    const measured = sampled(text);
    const health = measured.health && { ...measured.health, window: 120 };
    expect(healthSince({ ...measured, health, traffic }, NOON, SECONDS).failingSince).toBeNull();
    const many = traffic.map(([at]) => [at, 50] as const);
    expect(healthSince({ ...measured, health, traffic: many }, NOON, SECONDS).failingSince).not.toBeNull();
  });

  test('for any samples, fails again only after a recovery that lasted, whatever was before the mitigation', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('.', 'x', ' '), { maxLength: 40 }), fc.boolean(), (signs, wasBad) => {
        const measured = sampled(signs.join(''));
        const { recoveredAt, failingSince, againSince } = healthSince(measured, NOON, SECONDS);
        if (failingSince !== null) {
          expect(recoveredAt).not.toBeNull();
          expect(secondsBetween(recoveredAt ?? NOON, failingSince.at)).toBeGreaterThanOrEqual(SECONDS);
        }
        const before = [10, 20, 30].map((n) => [after(-30 * n), wasBad ? 0.4 : 0] as const);
        const health = measured.health && { ...measured.health, curve: [...before, ...measured.health.curve] };
        expect(healthSince({ ...measured, health }, NOON, SECONDS)).toEqual({ recoveredAt, failingSince, againSince });
      }),
    );
  });
});

/** Index of the first sample after the newest one above the limit, else of the newest one. */
const overAt = (text: string): number => Math.min(text.lastIndexOf('x') + 1, text.length - 1);

describe('a problem that no mitigation has ended, and that is over now,', () => {
  test.each<[string, string, { at: number; wasAbove: boolean } | null]>([
    ['has no samples', '', null],
    ['was over from the start', '.....', { at: 0, wasAbove: false }],
    ['was over from the start, although a sample is missing', '..   ...', { at: 0, wasAbove: false }],
    ['ended with a sample', 'xx.', { at: 60, wasAbove: true }],
    ['ended after the newest sample', 'xxx', { at: 60, wasAbove: true }],
    ['had ended before a late sample above the limit', 'xx.....x..', { at: 60, wasAbove: true }],
    ['was over from the start, before a late sample above the limit', '.....x..', { at: 0, wasAbove: false }],
    ['ended when it no longer flapped', 'xx..x..x..', { at: 240, wasAbove: true }],
    ['ended when it had flapped', 'xx..x..x.....', { at: 240, wasAbove: true }],
    ['had returned', '.....xxxxx.....', { at: 300, wasAbove: true }],
    ['had returned, before a late sample above the limit', 'xx.....xxxxx.....x..', { at: 360, wasAbove: true }],
    ['had just returned', '.....xxxxx..', { at: 300, wasAbove: true }],
  ])('%s', (_, text, over) =>
    expect(overSince(sampled(text), NOON, SECONDS)).toEqual(over && { ...over, at: after(over.at) }),
  );

  test('for any samples, ends when it would have ended after a mitigation, unless it had returned', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('.', 'x'), { maxLength: 40 }), (signs) => {
        const [text, measured] = [signs.join(''), sampled(signs.join(''))];
        const { recoveredAt } = healthSince(measured, NOON, SECONDS);
        const over = overSince(measured, NOON, SECONDS);
        if (recoveredAt !== null && !text.includes('xxxxx')) expect(over?.at).toBe(recoveredAt);
        if (recoveredAt === null) expect(over?.at).toBe(text === '' ? undefined : after(30 * overAt(text)));
      }),
    );
  });
});

test('without the samples of an earlier problem, those before and after it are left, in every curve', () => {
  const curve: Curve = [-60, 0, 60, 120].map((seconds) => [after(seconds), 0.4] as const);
  const left = [curve[0], curve[3]];
  const one = { version: 'v1', curve, traffic: curve };
  const cut = withoutSamples(
    {
      health: { max: LIMIT, curve, long: curve },
      traffic: curve,
      by_version: [one],
      by_version_close: { window: 30, versions: [{ ...one, traffic: null }] },
      by_flag: [{ flag: 'f', variants: [one] }],
    },
    { from: NOON, until: after(120) },
  );
  const rest = { version: 'v1', curve: left, traffic: left };
  expect(cut).toEqual({
    health: { max: LIMIT, curve: left, long: left },
    traffic: left,
    by_version: [rest],
    by_version_close: { window: 30, versions: [{ ...rest, traffic: null }] },
    by_flag: [{ flag: 'f', variants: [rest] }],
  });
  const nothing = { health: null, traffic: null, by_version: null };
  expect(withoutSamples(nothing, { from: NOON, until: after(120) })).toEqual(nothing);
});

describe('the newest change that is no suspect is named', () => {
  const words = (...changes: ReturnType<typeof timed>[]): string | null => {
    const evidence = scene({ changes: changes.map(own), health: step(0.001, 0.4) });
    return newestNotWeighed(evidence, onsetOf(evidence));
  };
  test.each<[string, string | null, string | null]>([
    ['if it began after the problem', words(timed('v5', -180, -240)), 'v5, began 3 min after it'],
    ['if it was cancelled', words(timed('v5', 180, 60, { status: 'cancelled' })), 'v5, was cancelled'],
    ['if it had finished long before', words(timed('v5', 3600, 3000)), 'v5, had finished 50 min before it'],
    ['not if it is a suspect', words(timed('v5', 180, 60)), null],
    ['not if it is older than two hours', words(timed('v5', 14_400, 14_000)), null],
    ['not if this incident has rolled it back', words(timed('v5', -180, -240, { rolled_back_by: INCIDENT })), null],
    [
      'not if it is the rollback of this incident',
      words(timed('v1', -180, -240, { kind: 'rollback', made_for: INCIDENT })),
      null,
    ],
    ['not if there is none', words(), null],
  ])('%s', (_, found, expected) => expect(found).toBe(expected));
});
