import { expect, test } from 'vitest';
import { SharedReads } from '../../../core/stores/shared-reads.ts';

/** A store whose reads end when the test says so and return what existed when they began. */
function slowStore() {
  const reads: { keys: string[]; end(): void; fail(why: string): void }[] = [];
  const values = new Map<string, string>();
  const readAll = (keys: string[]): Promise<(string | undefined)[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<(string | undefined)[]>();
    const found = keys.map((key) => values.get(key));
    reads.push({ keys, end: () => resolve(found), fail: (why) => reject(new Error(why)) });
    return promise;
  };
  return { reads, values, shared: new SharedReads(readAll, (key: string) => key) };
}

/** Waits until all work without external waits is done. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a single caller gets its own read', async () => {
  const { reads, values, shared } = slowStore();
  values.set('a', '1');
  const answer = shared.read(['a', 'b']);
  await settled();
  expect(reads.map(({ keys }) => keys)).toEqual([['a', 'b']]);
  reads[0]?.end();
  expect(await answer).toEqual(['1', undefined]);
});

test('callers during a read share the next one, which sees writes made in the meantime', async () => {
  const { reads, values, shared } = slowStore();
  values.set('a', 'before');
  const first = shared.read(['a']);
  await settled();
  values.set('a', 'after');
  const others = [shared.read(['a', 'b']), shared.read(['b', 'c']), shared.read(['a'])];
  await settled();
  expect(reads).toHaveLength(1);
  reads[0]?.end();
  expect(await first).toEqual(['before']);
  await settled();
  expect(reads.map(({ keys }) => keys)).toEqual([['a'], ['a', 'b', 'c']]);
  values.set('b', 'too late for the second');
  reads[1]?.end();
  expect(await Promise.all(others)).toEqual([['after', undefined], [undefined, undefined], ['after']]);
});

test('concurrent callers share the first read', async () => {
  const { reads, shared } = slowStore();
  const answers = [shared.read(['a']), shared.read(['b']), shared.read(['a'])];
  await settled();
  expect(reads.map(({ keys }) => keys)).toEqual([['a', 'b']]);
  reads[0]?.end();
  await Promise.all(answers);
});

test('a failed read fails only for the callers that share it', async () => {
  const { reads, values, shared } = slowStore();
  values.set('a', '1');
  const first = [shared.read(['a']), shared.read(['a'])];
  await settled();
  const next = shared.read(['a']);
  reads[0]?.fail('throttled');
  expect((await Promise.allSettled(first)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await settled();
  reads[1]?.end();
  expect(await next).toEqual(['1']);
  const last = shared.read(['a']);
  await settled();
  reads[2]?.end();
  expect(await last).toEqual(['1']);
});
