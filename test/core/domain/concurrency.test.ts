import { expect, test, vi } from 'vitest';
import { loadedOnce } from '../../../core/domain/concurrency.ts';

test('what is loaded once is loaded by the first of concurrent calls', async () => {
  const load = vi.fn<() => Promise<object>>(async () => ({}));
  const loaded = loadedOnce(load);
  expect(load).not.toHaveBeenCalled();
  const [first, second] = await Promise.all([loaded(), loaded()]);
  expect(second).toBe(first);
  expect(await loaded()).toBe(first);
  expect(load).toHaveBeenCalledOnce();
});

test.each([
  [
    'throws',
    () => {
      throw new Error('too many open files');
    },
  ],
  [
    'rejects',
    async () => {
      throw new Error('too many open files');
    },
  ],
])('a load that %s fails for those who wait for it, and is tried again', async (_, fail) => {
  const load = vi.fn<() => string | Promise<string>>(() => 'loaded').mockImplementationOnce(fail);
  const loaded = loadedOnce(load);
  const both = await Promise.allSettled([loaded(), loaded()]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await loaded()).toBe('loaded');
  expect(load).toHaveBeenCalledTimes(2);
});
