import { expect, onTestFinished, vi } from 'vitest';
import type { StandIns } from '../../local/standins/index.ts';
import { calls } from '../local/standins/support.ts';
import { leftHanging } from './server.ts';

/**
 * Lets time limits run out as soon as a vendor has heard what it will not answer; by the clock they might run out before,
 * or while one answers. Gives the limits that were asked for, in milliseconds: that they are the right ones is what is
 * tested, nobody has to wait for it.
 */
export function impatient(): number[] {
  const asked: number[] = [];
  const real = AbortSignal.timeout.bind(AbortSignal);
  const spy = vi.spyOn(AbortSignal, 'timeout').mockImplementation((millis) => {
    asked.push(millis);
    const limit = new AbortController();
    leftHanging.add(() => limit.abort(timedOut()));
    return AbortSignal.any([real(millis), limit.signal]);
  });
  onTestFinished(() => {
    spy.mockRestore();
    leftHanging.clear();
  });
  return asked;
}

const timedOut = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');

/** A slow machine is no failure. */
const PATIENCE_MS = 20_000;

/**
 * Gives a limit that runs out once a stand-in holds back the effect of a call. A limit by the clock might run out before
 * the call has come.
 */
export function limitOnceHeld(standIns: StandIns, over: () => void = () => undefined): AbortSignal {
  const limit = new AbortController();
  void vi
    .waitUntil(async () => (await held(standIns)).length > 0, { timeout: PATIENCE_MS, interval: 5 })
    .then(
      () => {
        over();
        limit.abort(timedOut());
      },
      () => undefined, // it never came: nobody has given up
    );
  return limit.signal;
}

/** Lets the time limit of what is under way run out once its effect is held back; what comes later has all its time. */
export function givesUpOnceHeld(standIns: StandIns): void {
  const spy = vi.spyOn(AbortSignal, 'timeout');
  onTestFinished(() => {
    spy.mockRestore();
  });
  const limit = limitOnceHeld(standIns, () => spy.mockRestore());
  spy.mockImplementation(() => limit);
}

/** Until every effect that was held back has come. */
export const untilNothingIsHeld = (standIns: StandIns): Promise<void> =>
  vi.waitFor(async () => expect(await held(standIns)).toEqual([]), { timeout: PATIENCE_MS, interval: 10 });

const held = async (standIns: StandIns) =>
  (await calls(standIns)).filter(({ fault, outcome }) => fault === 'late' && outcome === null);
