import type { ExecutionRow } from './store.ts';

/**
 * The clock of an execution, in milliseconds, by which its timers run.
 *
 * While the handler runs, or is about to, the clock runs at the speed of the machine's clock. So nothing that happens
 * on AWS only after a suspension can happen before it, at any time scale. While the execution is suspended, the clock
 * runs `scale` times faster. With a scale of 1, it always equals the machine's clock.
 *
 * `clock` is its value at the machine's time `clockSetAt`. `wake` is 1 if the handler must be invoked.
 */
export type Clock = Pick<ExecutionRow, 'clock' | 'clockSetAt' | 'invocationId' | 'wake'>;

const paceOf = (row: Clock, scale: number): number => (row.invocationId === null && row.wake === 0 ? scale : 1);

/** Returns the execution's clock at the machine's time `now`. */
export const clockAt = (row: Clock, now: number, scale: number): number =>
  row.clock + Math.max(0, now - row.clockSetAt) * paceOf(row, scale);

/** Returns the machine's time at which the execution's clock reaches `dueClock`. */
export const realTimeOf = (row: Clock, dueClock: number, scale: number): number =>
  row.clockSetAt + Math.max(0, dueClock - row.clock) / paceOf(row, scale);

/** Stores the current value of the clock, so that its speed can change from now on. */
export function setClock(row: Clock, now: number, scale: number): void {
  row.clock = clockAt(row, now, scale);
  row.clockSetAt = now;
}

/**
 * Sets the clock back to the time of a timer that has fired. Accelerated time must advance from timer to timer: if the
 * machine is late by a few milliseconds, timers of later hours must not fire at the same time.
 */
export function setClockBack(row: Clock, dueClock: number, scale: number): void {
  if (scale > 1 && paceOf(row, scale) > 1) row.clock = Math.min(row.clock, dueClock);
}
