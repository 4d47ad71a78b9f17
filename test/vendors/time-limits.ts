import { expect, onTestFinished, vi } from 'vitest';
import type { StandIns } from '../../packages/sandbox/core/index.ts';
import { calls, release } from '../../packages/sandbox/test/support.ts';
import { leftHanging } from './server.ts';

/**
 * Makes time limits expire as soon as a vendor has received a request that it won't respond to. Real limits could
 * expire earlier, or during a response. Returns the requested limits in milliseconds: tests check their values without
 * waiting for them.
 */
export function impatient(): number[] {
  const requested: number[] = [];
  const real = AbortSignal.timeout.bind(AbortSignal);
  const spy = vi.spyOn(AbortSignal, 'timeout').mockImplementation((millis) => {
    requested.push(millis);
    const limit = new AbortController();
    leftHanging.add(() => limit.abort(timedOut()));
    return AbortSignal.any([real(millis), limit.signal]);
  });
  onTestFinished(() => {
    spy.mockRestore();
    leftHanging.clear();
  });
  return requested;
}

const timedOut = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');

/**
 * Returns a limit that expires when a stand-in holds back the effect of a call. A real limit could expire before the
 * call has arrived.
 */
export function limitOnceHeld(standIns: StandIns, over: () => void = () => undefined): AbortSignal {
  const limit = new AbortController();
  let isFinished = false;
  onTestFinished(() => void (isFinished = true));
  const isHeld = async (): Promise<boolean> => isFinished || (await held(standIns)).length > 0;
  void expect
    .poll(isHeld, { interval: 5 })
    .toBe(true)
    .then(
      () => {
        over();
        limit.abort(timedOut());
      },
      () => undefined, // the call never arrived: the limit doesn't expire
    );
  return limit.signal;
}

/**
 * Makes the time limit of the current call expire when its effect is held back. Later calls have their normal limits.
 */
export function givesUpOnceHeld(standIns: StandIns): void {
  const spy = vi.spyOn(AbortSignal, 'timeout');
  onTestFinished(() => {
    spy.mockRestore();
  });
  const limit = limitOnceHeld(standIns, () => spy.mockRestore());
  spy.mockImplementation(() => limit);
}

/** Lets all held effects occur. */
export const untilNothingIsHeld = (standIns: StandIns): Promise<void> => {
  const look = () => {
    release(standIns);
    return held(standIns);
  };
  return expect.poll(look, { interval: 10 }).toEqual([]);
};

const held = async (standIns: StandIns) =>
  (await calls(standIns)).filter(({ fault, outcome }) => fault === 'late' && outcome === null);
