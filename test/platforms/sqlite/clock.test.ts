import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { clockStart, forwardClock } from '../../../platforms/sqlite/clock.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('something far away, as after the clock was set back by months, does not run at once', () => {
  const run = vi.fn<() => void>();
  const cancel = forwardClock(clockStart()).after(90 * 86_400_000, run);
  vi.advanceTimersByTime(86_400_000);
  expect(run).not.toHaveBeenCalled();
  cancel();
});

test('a clock of a process goes forward when the time of the machine is set back or forward', () => {
  const clock = forwardClock(clockStart());
  const before = clock.now();
  vi.setSystemTime(before - 7_200_000);
  vi.advanceTimersByTime(60_000);
  expect(clock.now() - before).toBe(60_000);
  vi.setSystemTime(before + 7_200_000);
  expect(clock.now() - before).toBe(60_000);
});
