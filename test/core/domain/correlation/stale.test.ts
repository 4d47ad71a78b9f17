import { describe, expect, test } from 'vitest';
import type { Curve } from '../../../../core/domain/correlation/evidence.ts';
import { withoutStale } from '../../../../core/domain/correlation/stale.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';

const STEP_SECONDS = 30;

/** Half an hour until noon that varies, except that its last samples have this value. */
function curve(repeated: number, value: number, { each = 1, size = 0.001 } = {}): Curve {
  const length = 60;
  return Array.from({ length }, (_, index) => {
    const varies = size * (1 + (((Math.floor(index / each) * 7) % 11) + 1) / 20);
    return [
      plusSeconds(NOON, (index + 1 - length) * STEP_SECONDS),
      index < length - repeated ? varies : value,
    ] as const;
  });
}

/** Returns the numbers of samples that are left of health and requests. */
function left(health: Curve, traffic: Curve | null = null, max = 0.01): (number | undefined)[] {
  const found = withoutStale({ health: { max, curve: health }, traffic, by_version: null });
  return [found.health?.curve.length, found.traffic?.length];
}

describe('samples that only repeat the last one', () => {
  test('are left out, so that a healthy value of then is not the value of now', () => {
    expect(left(curve(8, 0.0021))).toEqual([53, undefined]);
    expect(left(curve(8, 0.0021), curve(8, 50, { size: 40 }))).toEqual([53, 53]);
  });

  test('are left out of versions, too', () => {
    const one = { version: 'v1', curve: curve(8, 0.003), traffic: curve(8, 20, { size: 9 }) };
    const { by_version: versions } = withoutStale({
      health: { max: 0.01, curve: curve(8, 0.0021) },
      traffic: null,
      by_version: [one, { version: 'v2', curve: curve(1, 0.2), traffic: null }],
    });
    expect(versions?.map((each) => [each.curve.length, each.traffic?.length])).toEqual([
      [53, 53],
      [60, undefined],
    ]);
  });

  test('stay if values usually repeat so often, as of a rule that is evaluated every two minutes', () => {
    expect(left(curve(4, 0.0021, { each: 4 }))).toEqual([60, undefined]);
  });

  test('stay if they are above the limit: an outage of all requests is constant', () => {
    expect(left(curve(8, 1))).toEqual([60, undefined]);
  });

  test('stay if they are zero, unless the requests show that measuring has ended', () => {
    expect(left(curve(8, 0))).toEqual([60, undefined]);
    expect(left(curve(8, 0), curve(2, 50, { size: 40 }))).toEqual([60, 60]);
    expect(left(curve(8, 0), curve(8, 50, { size: 40 }))).toEqual([53, 53]);
  });
});
