import type { Instance } from './rollouts.ts';

/** Strength of a fault over time, 0 to 1; times in seconds of the world. */
export type Shape = (at: number) => number;

/** What goes wrong in one service. */
export type Fault = {
  service: string;
  /** Absent: all versions. */
  versions?: readonly string[];
  /** Slots of the instances on a failing machine. Absent: all. */
  slots?: readonly number[];
  shape: Shape;
  /** Probability that a request fails, at full strength. */
  errors?: number;
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

export const concerns = ({ versions, slots }: Fault, { version, slot }: Instance): boolean =>
  (versions === undefined || versions.includes(version)) && (slots === undefined || slots.includes(slot));

/** Returns the probability of a failure of which at least one of these happens. */
export const either = (a: number, b: number): number => 1 - (1 - a) * (1 - b);
