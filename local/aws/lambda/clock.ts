import type { ExecutionRow } from './store.ts';

/**
 * Every execution has a clock of its own, in milliseconds, by which its timers run.
 *
 * While its handler runs, or is about to, the clock goes as fast as the machine's: nothing that AWS would let happen
 * only after a suspension can come before it, however large the time scale. While the execution is suspended, the clock
 * goes `scale` times faster. With a scale of 1 it is the machine's clock throughout.
 *
 * `clock` is what it showed at the machine's time `clockSetAt`.
 */
export type Clock = Pick<ExecutionRow, 'clock' | 'clockSetAt' | 'invocationId' | 'wake'>;

const paceOf = (row: Clock, scale: number): number => (row.invocationId === null && row.wake === 0 ? scale : 1);

/** What the execution's clock shows at the machine's time `now`. */
export const clockAt = (row: Clock, now: number, scale: number): number =>
  row.clock + Math.max(0, now - row.clockSetAt) * paceOf(row, scale);

/** When the machine's clock shows what the execution's will show as `dueClock`. */
export const realTimeOf = (row: Clock, dueClock: number, scale: number): number =>
  row.clockSetAt + Math.max(0, dueClock - row.clock) / paceOf(row, scale);

/** Reads the clock and notes it, so that its pace may change from now on. */
export function setClock(row: Clock, now: number, scale: number): void {
  row.clock = clockAt(row, now, scale);
  row.clockSetAt = now;
}

/**
 * A timer of `dueClock` has fired. Accelerated time goes from timer to timer: the machine being late by a few
 * milliseconds must not let timers of later hours fire along with it.
 */
export function setClockBack(row: Clock, dueClock: number, scale: number): void {
  if (scale > 1 && paceOf(row, scale) > 1) row.clock = Math.min(row.clock, dueClock);
}
