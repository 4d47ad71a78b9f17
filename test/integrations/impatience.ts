import { onTestFinished, vi } from 'vitest';

/**
 * Lets time limits run out at once. Gives the limits that were asked for, in milliseconds: that they are the right ones
 * is what is tested, nobody has to wait for it.
 */
export function impatient(): number[] {
  const asked: number[] = [];
  const real = AbortSignal.timeout.bind(AbortSignal);
  const spy = vi.spyOn(AbortSignal, 'timeout').mockImplementation((millis) => {
    asked.push(millis);
    return real(50);
  });
  onTestFinished(() => {
    spy.mockRestore();
  });
  return asked;
}
