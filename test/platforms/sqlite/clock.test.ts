import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SYSTEM_CLOCK } from '../../../platforms/sqlite/clock.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('something far away, as after the clock was set back by months, does not run at once', () => {
  const run = vi.fn<() => void>();
  const cancel = SYSTEM_CLOCK.after(90 * 86_400_000, run);
  vi.advanceTimersByTime(86_400_000);
  expect(run).not.toHaveBeenCalled();
  cancel();
});
