import type { Version } from '../../../../schemas/config/names.ts';
import type { Random } from '../random.ts';
import type { Profile } from './profile.ts';
import type { Fault } from './world.ts';

/** Intensity over time, 0 to 1. Times in seconds of the world. */
export type Shape = (t: number) => number;

/** Starts at `from`, is at 1 after `rise` seconds, and drops to 0 within half a minute after `until`. */
export const plateau =
  (from: number, rise: number, until = Infinity): Shape =>
  (t) => {
    if (t < from) return 0;
    if (t > until) return Math.max(0, 1 - (t - until) / 30);
    return rise <= 0 ? 1 : Math.min(1, (t - from) / rise);
  };

/** Grows from `from` to 1 at `full`. A larger `power` makes the start slower. */
export const growth =
  (from: number, full: number, power: number): Shape =>
  (t) =>
    t < from ? 0 : Math.min(1, ((t - from) / (full - from)) ** power);

/** Alternates between on and off with these durations in seconds. */
export const flapping =
  (shape: Shape, on: number, off: number): Shape =>
  (t) =>
    t % (on + off) < on ? shape(t) : 0;

/** Affects all versions equally. */
export const onAll =
  (size: number, shape: Shape): Fault =>
  ({ t }) =>
    size * shape(t);

/** Affects only some versions. */
export const onVersions = (size: number, shape: Shape, ...versions: readonly Version[]): Fault => {
  const hit = new Set(versions);
  return ({ t, version }) => (hit.has(version) ? size * shape(t) : 0);
};

/** Draws a share of failing requests, from slightly above the alert's threshold to forty times that. */
export function severity(rng: Random, { limit, rule }: Profile, most = 0.95): number {
  return Math.min(most, limit * rule.factor * rng.scale(1.5, 40));
}
