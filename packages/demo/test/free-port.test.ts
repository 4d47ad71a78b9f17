import { expect, test, vi } from 'vitest';
import { freePort } from '../free-port.ts';

test('a port is returned once, although its program has not opened it yet', async () => {
  const draws = [0.25, 0.25, 0.75];
  const random = vi.spyOn(Math, 'random').mockImplementation(() => draws.shift() ?? 0.5);
  try {
    const first = await freePort();
    expect(await freePort()).not.toBe(first);
  } finally {
    random.mockRestore();
  }
});
