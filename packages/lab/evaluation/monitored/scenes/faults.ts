import type { Instance, Region } from './rollouts.ts';

/** Strength of a fault over time, 0 to 1; times in seconds of the world. */
export type Shape = (at: number) => number;

/** What goes wrong in one service. */
export type Fault = {
  service: string;
  /** Absent: all versions. */
  versions?: readonly string[];
  /** Slots of the instances on a failing machine. Absent: all. */
  slots?: readonly number[];
  /** The failing machine. Absent: all. */
  node?: string;
  /** Absent: all. */
  region?: Region;
  /** Instances that started then or later, because they read what is wrong at their start. Absent: all. */
  startedSince?: number;
  /** Strength by the seconds since an instance started, such as of cold caches. Absent: the same at each age. */
  byAge?: Shape;
  shape: Shape;
  /** Probability that a request fails, at full strength. */
  errors?: number;
  /** The requests fail before the service counts them. Absent: it does. */
  isUnreached?: true;
  /** Factor of latency at full strength. */
  slow?: number;
  /** Factor of the traffic at full strength. */
  traffic?: number;
  /** Share of the memory that is used besides the usual one, at full strength. */
  usage?: number;
  /** Scrapes fail with this probability at full strength; the service works. */
  unscraped?: number;
  /** Service discovery loses the targets at full strength, so that even `up` has no samples. */
  unlisted?: true;
  /** Instances run for about this many seconds, and are down for as long. */
  crashSeconds?: number;
};

export const step =
  (from: number, until = Infinity): Shape =>
  (at) =>
    at >= from && at < until ? 1 : 0;

export const ramp =
  (from: number, seconds: number, power = 1): Shape =>
  (at) =>
    at < from ? 0 : Math.min(1, (at - from) / seconds) ** power;

/** Full strength that decays, with this half-life in seconds. */
export const decay =
  (from: number, halfLife: number): Shape =>
  (at) =>
    at < from ? 0 : 0.5 ** ((at - from) / halfLife);

/** Pulses of `length` seconds every `period` seconds, of which one begins at `from`. */
export const pulses =
  (from: number, period: number, length: number): Shape =>
  (at) =>
    (((at - from) % period) + period) % period < length ? 1 : 0;

export const both =
  (a: Shape, b: Shape): Shape =>
  (at) =>
    a(at) * b(at);

export const concerns = (fault: Fault, { version, slot, node, region, from }: Instance): boolean =>
  (fault.versions?.includes(version) ?? true) &&
  (fault.slots?.includes(slot) ?? true) &&
  (fault.node ?? node) === node &&
  (fault.region ?? region) === region &&
  from >= (fault.startedSince ?? -Infinity);

/** Returns the strength of a fault at an instance that it concerns. */
export const strengthOf = ({ shape, byAge }: Fault, { from }: Instance, at: number): number =>
  shape(at) * (byAge?.(at - from) ?? 1);

/** Returns the probability of a failure of which at least one of these happens. */
export const either = (a: number, b: number): number => 1 - (1 - a) * (1 - b);
