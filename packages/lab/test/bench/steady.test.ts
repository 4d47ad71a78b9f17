import { expect, test } from 'vitest';
import { steadily } from '../../bench/steady.ts';

test('each request is sent once, and its wait counts from when it was due', async () => {
  const sent: number[] = [];
  const { waited, failed } = await steadily(100, 1, async (number) => void sent.push(number));
  expect(sent).toEqual(Array.from({ length: 100 }, (_, number) => number));
  expect(waited).toHaveLength(100);
  expect(Math.min(...waited)).toBeGreaterThanOrEqual(0);
  expect(failed).toEqual(new Map());
});

test('a missing response does not delay other requests', async () => {
  const first = Promise.withResolvers<void>();
  const { waited } = await steadily(100, 1, (number) => {
    if (number === 99) first.resolve();
    return number === 0 ? first.promise : Promise.resolve();
  });
  expect(waited).toHaveLength(100);
  expect(Math.max(...waited)).toBeGreaterThanOrEqual(990); // the first one waited for the last
});

test('failures are counted by reason, and not as responses', async () => {
  const { waited, failed } = await steadily(100, 1, async (number) => {
    if (number % 10 === 0) throw new Error('answered 503');
    if (number % 10 === 1) throw new Error('answered 429');
  });
  expect(waited).toHaveLength(80);
  expect(failed).toEqual(
    new Map([
      ['Error: answered 503', 10],
      ['Error: answered 429', 10],
    ]),
  );
});
