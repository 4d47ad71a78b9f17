import { afterEach, describe, expect, test } from 'vitest';
import { clearRefusedInputs, inputInProgress, refuseInput } from '../../../../core/actions/input-in-progress.ts';
import type { Batch } from '../../../../platforms/queues.ts';
import { handleBatch, type BatchOptions } from '../../../../core/jobs/queues/queue-batch.ts';
import { QUEUE } from '../../../../functions/assembly/resources.ts';
import { silent } from '../../../support/fake-deps.ts';

/** Creates messages from their bodies. The letter is the group. */
const batch = (bodies: readonly string[], deliveries = 1, remaining = Infinity): Batch => ({
  messages: bodies.map((body) => ({ id: `id-${body}`, body, group: body[0], deliveries })),
  remainingMs: () => remaining,
});

const never = new Promise<boolean>(() => undefined);

type Play = BatchOptions & { deliveries?: number; remaining?: number };

/** @returns the started and the failed messages, and the delays of retries in seconds */
async function play(bodies: readonly string[], handle: (body: string) => Promise<boolean>, options: Play = {}) {
  const begun: string[] = [];
  const failures = await handleBatch(
    { log: silent },
    batch(bodies, options.deliveries, options.remaining),
    ({ body }) => {
      begun.push(body);
      return handle(body);
    },
    options,
  );
  const again = Object.fromEntries(failures.map(({ id, afterSeconds }) => [id.slice(3), afterSeconds]));
  return { begun, failed: Object.keys(again), again };
}

describe('a failed message is delivered again within seconds', () => {
  test('together with only the later ones of its group', async () => {
    const { failed, again } = await play(['a1', 'b1', 'a2', 'a3', 'b2'], async (body) => body !== 'a2');
    expect(failed).toEqual(['a2', 'a3']);
    expect(again).toEqual({ a2: 1, a3: 1 });
  });

  test('also if the handler throws', async () => {
    const { failed, again } = await play(['a1', 'b1'], async (body) => {
      if (body === 'a1') throw new Error('throttled');
      return true;
    });
    expect({ failed, again }).toEqual({ failed: ['a1'], again: { a1: 1 } });
  });

  test.each([
    [1, 1],
    [2, 2],
    [3, 4],
    [6, 32],
    [7, 60],
    [15, 60],
  ])('after %i deliveries, in %i s', async (deliveries, seconds) => {
    expect((await play(['a1'], async () => false, { deliveries })).again).toEqual({ a1: seconds });
  });

  test('without dead letters during a ten-minute outage', async () => {
    let seconds = 0;
    for (let deliveries = 1; deliveries < QUEUE.maxReceives; deliveries += 1)
      seconds += (await play(['a1'], async () => false, { deliveries })).again['a1'] ?? 0;
    expect(seconds).toBeGreaterThanOrEqual(600);
  });
});

describe('one group does not block others', () => {
  test('all groups start in parallel, and each keeps its order', async () => {
    const gate = Promise.withResolvers<boolean>();
    const playing = play(
      ['a1', 'a2', 'b1', 'c1'],
      async (body) => (body === 'c1' ? gate.resolve(true) : await gate.promise) ?? true,
    );
    expect(await playing).toEqual({ begun: ['a1', 'b1', 'c1', 'a2'], failed: [], again: {} });
  });

  test.each([
    ['the batch time limit has ended', { patienceMs: 0 }],
    ['the function is about to time out', { remaining: 3000 }],
  ])('a hanging group is returned when %s, and the others complete', async (_, limits) => {
    const { failed, again } = await play(
      ['a1', 'a2', 'b1', 'b2'],
      async (body) => (body === 'a1' ? never : true),
      limits,
    );
    expect(failed).toEqual(['a1', 'a2']);
    expect(again).toEqual({ a1: 1, a2: 1 });
  });

  test('a message that ends after its return does not start the next of its group', async () => {
    const late = Promise.withResolvers<boolean>();
    const { begun, failed } = await play(['a1', 'a2'], () => late.promise, { patienceMs: 0 });
    late.resolve(true);
    await late.promise;
    await new Promise(setImmediate);
    expect({ begun, failed }).toEqual({ begun: ['a1'], failed: ['a1', 'a2'] });
  });
});

test('messages without a group are independent', async () => {
  const { messages, remainingMs } = batch(['a1', 'a2']);
  const failed = await handleBatch(
    { log: silent },
    { messages: messages.map((message) => ({ ...message, group: undefined })), remainingMs },
    async ({ body }) => body !== 'a1',
  );
  expect(failed).toEqual([{ id: 'id-a1', afterSeconds: 1 }]);
});

describe('a message that stalls the process', () => {
  afterEach(clearRefusedInputs);

  test('can be named while it is processed', async () => {
    const seen: unknown[] = [];
    const handle = async (): Promise<boolean> => {
      await Promise.resolve();
      seen.push(inputInProgress());
      return true;
    };
    await play(['a1', 'b1'], handle, { quarantineAs: 'queue' });
    const input = (body: string) => ({
      kind: 'message',
      source: 'queue',
      id: `id-${body}`,
      body: new TextEncoder().encode(body),
    });
    expect(seen).toEqual([input('a1'), input('b1')]);
    expect(inputInProgress()).toBeUndefined();
  });

  test('is not processed again after the restart, and the others of its group are', async () => {
    refuseInput('message:id-a1', 'it stalled');
    const { begun, failed } = await play(['a1', 'a2', 'b1'], async () => true, { quarantineAs: 'queue' });
    expect(begun.toSorted()).toEqual(['a2', 'b1']);
    expect(failed).toEqual([]);
  });
});
