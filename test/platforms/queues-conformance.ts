import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '../../platforms/limits.ts';
import type { Consumer, FailedMessage, NewMessage, Queues } from '../../platforms/queues.ts';
import { until } from '../support/clock.ts';
import { type Planned, QueueModel } from './queues-model.ts';
import { runs } from '../support/runs.ts';

/** The queues of the tests, and after how many deliveries a message of them is dead. */
export const TEST_QUEUES = { ordered: { ordered: true }, plain: { ordered: false } } as const;
export const MAX_DELIVERIES = 4;

type QueueName = keyof typeof TEST_QUEUES;

/** Empty queues of a platform. Its time stands still, but for `advance`. */
export type OpenQueues = {
  queues: Queues;
  consume(queue: QueueName, options: Consuming): { stop(): Promise<void> };
  now(): number;
  advance(milliseconds: number): void;
  /** Returns how many batches were processed, whose results are stored. */
  settled(): number;
  /** Returns how many messages are dead. */
  dead(queue: QueueName): Promise<number>;
  close(): Promise<void>;
};
export type Consuming = { consumer: Consumer; batchSize: number; concurrency: number };

export type QueuesPlatform = {
  name: string;
  open: () => Promise<OpenQueues>;
  /** Milliseconds until a batch is delivered again whose consumer threw. */
  retryMs: number;
  /** Runs of the random test, in `npm test`. */
  runs: number;
  /** What a stand-in for the platform cannot do, and the platform can. */
  gaps: readonly ('ids of groups' | 'batches of one group' | 'characters of all planes')[];
};

const planned = {
  // Between no failure and more than there are deliveries. One delivery more, behind another one, makes none of them dead.
  fails: fc.constantFrom(0, 0, 0, 1, 2, Infinity),
  afterSeconds: fc.constantFrom(0, 1, 5),
};
const sends = {
  ordered: (hasGaps: boolean) =>
    fc
      .record({ ...planned, group: fc.constantFrom('a', 'b', 'c'), id: fc.constantFrom('1', '2', '3', '4', '5') })
      .map((one): Planned => ({ ...one, id: hasGaps ? `${one.group}-${one.id}` : one.id })),
  plain: () => fc.record({ ...planned, delaySeconds: fc.constantFrom(0, 0, 1, 20) }),
} satisfies Record<QueueName, (hasGaps: boolean) => fc.Arbitrary<Planned>>;

/** Seconds that add up to no multiple of five minutes: what happens at that moment is left open. */
const seconds = fc.constantFrom(0.7, 0.7, 4.9, 70, 210);

const ALL_PLANES: [string, QueueName, NewMessage] = [
  'characters of all planes',
  'plain',
  { body: '\u{1f525}\u{10ffff}' },
];

const inGroup = (group: string, body: string, id = body): NewMessage => ({ group, body, id });

/** Tests that queues do what the model does. */
export function queuesSearch({ name, open, runs: few, gaps }: Omit<QueuesPlatform, 'retryMs'>): void {
  describe(`the queues of ${name}`, () => {
    test.each(['ordered', 'plain'] as const)('%s: does what the model does, with random messages', async (queue) => {
      const message = sends[queue](gaps.includes('ids of groups'));
      const step = fc.oneof(
        { weight: 2, arbitrary: fc.record({ messages: fc.array(message, { minLength: 1, maxLength: 12 }) }) },
        { weight: 1, arbitrary: fc.record({ advance: seconds }) },
      );
      const consuming = fc.record({ batchSize: fc.constantFrom(1, 3, 10), concurrency: fc.constantFrom(1, 2, 4) });
      await fc.assert(
        fc.asyncProperty(consuming, fc.array(step, { maxLength: 12 }), async (options, steps) => {
          const one = await open();
          const model = new QueueModel(one.now, MAX_DELIVERIES);
          const { stop } = one.consume(queue, { ...options, consumer: model.consumer });
          for (const next of steps) {
            if ('messages' in next) await one.queues.send(queue, model.send(next.messages));
            else one.advance(next.advance * 1000);
          }
          const pass = async (): Promise<void> => {
            for (let turn = 0; turn < 10; turn += 1) await setImmediate();
            one.advance(490);
          };
          while (!model.isOver) await pass();
          const dead = model.sent.filter(({ end }) => end === 'dead');
          expect(model.violations).toEqual([]);
          expect(dead).toEqual(model.sent.filter(({ fails }) => fails === Infinity));
          while ((await one.dead(queue)) < dead.length) await pass();
          await stop();
          expect(await one.dead(queue)).toBe(dead.length);
          expect(await one.queues.counts(queue)).toMatchObject({ visible: 0, inFlight: 0, delayed: 0 });
          await one.close();
        }),
        { numRuns: runs(few) },
      );
    });
  });
}

/** Tests what every platform's `Queues` promise, with their consumers. */
export function queuesConformance(platform: QueuesPlatform): void {
  const { name, open, retryMs, gaps } = platform;
  queuesSearch(platform);
  describe(`the queues of ${name}`, () => {
    let opened: OpenQueues;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    /** Consumes one message at a time, each until the test answers. */
    function consumeByHand(queue: QueueName, concurrency = 10) {
      const started: string[] = [];
      const answers = new Map<string, (failed: readonly FailedMessage[]) => void>();
      const consumer: Consumer = async ({ messages }) => {
        const key = messages.map(({ body, deliveries }) => `${body}:${deliveries}`).join(' ');
        started.push(key);
        const { promise, resolve } = Promise.withResolvers<readonly FailedMessage[]>();
        const ids = messages.map(({ id }) => id);
        answers.set(key, (failed) => resolve(failed.flatMap((one) => ids.map((id) => ({ ...one, id })))));
        return promise;
      };
      opened.consume(queue, { consumer, batchSize: 1, concurrency });
      const answer = async (key: string, failed: readonly FailedMessage[]): Promise<void> => {
        const before = opened.settled();
        answers.get(key)?.(failed);
        await until(() => opened.settled() > before);
      };
      return {
        started,
        starts: (key: string) => until(() => started.includes(key)),
        succeed: (key: string) => answer(key, []),
        fail: (key: string, afterSeconds: number) => answer(key, [{ id: '', afterSeconds }]),
      };
    }

    test('delivers groups at the same time, and the messages of each one by one', async () => {
      const hand = consumeByHand('ordered');
      await opened.queues.send('ordered', [inGroup('a', 'a1'), inGroup('a', 'a2'), inGroup('b', 'b1')]);
      await hand.starts('a1:1');
      await hand.starts('b1:1');
      await opened.queues.send('ordered', [inGroup('a', 'a3'), inGroup('c', 'c1')]);
      await hand.starts('c1:1');
      await hand.succeed('a1:1');
      await hand.starts('a2:1');
      await hand.succeed('a2:1');
      await hand.starts('a3:1');
      expect(hand.started).toEqual(['a1:1', 'b1:1', 'c1:1', 'a2:1', 'a3:1']);
    });

    test('delivers no more batches at the same time than the consumer wants', async () => {
      const hand = consumeByHand('plain', 2);
      await opened.queues.send('plain', [{ body: '1' }, { body: '2' }, { body: '3' }]);
      await until(() => hand.started.length === 2);
      await opened.queues.send('plain', [{ body: '4' }]);
      expect(await opened.queues.counts('plain')).toMatchObject({ visible: 2, inFlight: 2, delayed: 0 });
      expect(hand.started).toHaveLength(2);
      for (let n = 0; n < 4; n += 1) {
        await until(() => hand.started.length > n);
        await hand.succeed(hand.started[n] ?? '');
      }
      expect(hand.started.toSorted()).toEqual(['1:1', '2:1', '3:1', '4:1']);
    });

    test('delivers a failed message after its delay and not before, and then the next of its group', async () => {
      const hand = consumeByHand('ordered');
      await opened.queues.send('ordered', [inGroup('a', 'a1'), inGroup('a', 'a2')]);
      await hand.starts('a1:1');
      await hand.fail('a1:1', 5);
      opened.advance(4999);
      await opened.queues.send('ordered', [inGroup('b', 'b1')]);
      await hand.starts('b1:1');
      expect(hand.started).toEqual(['a1:1', 'b1:1']);
      await hand.succeed('b1:1');
      opened.advance(1);
      await hand.starts('a1:2');
      await hand.fail('a1:2', 0);
      await hand.starts('a1:3');
      await hand.succeed('a1:3');
      await hand.starts('a2:1');
      expect(hand.started).toEqual(['a1:1', 'b1:1', 'a1:2', 'a1:3', 'a2:1']);
      await hand.succeed('a2:1');
    });

    test('delivers a message after its own delay and not before', async () => {
      const hand = consumeByHand('plain');
      await opened.queues.send('plain', [{ body: 'late', delaySeconds: LIMITS.delaySeconds }]);
      expect(await opened.queues.counts('plain')).toMatchObject({ visible: 0, inFlight: 0, delayed: 1 });
      opened.advance(LIMITS.delaySeconds * 1000 - 1);
      await opened.queues.send('plain', [{ body: 'now' }]);
      await hand.starts('now:1');
      expect(hand.started).toEqual(['now:1']);
      opened.advance(1);
      await hand.starts('late:1');
    });

    test('delivers a batch again whose consumer threw', async () => {
      const deliveries: number[] = [];
      const consumer: Consumer = async ({ messages }) => {
        deliveries.push(...messages.map((message) => message.deliveries));
        if (deliveries.length === 1) throw new Error('not now');
        return [];
      };
      opened.consume('ordered', { consumer, batchSize: 1, concurrency: 1 });
      await opened.queues.send('ordered', [inGroup('a', 'a1')]);
      await until(() => deliveries.length === 1);
      await until(() => opened.settled() === 1);
      expect(await opened.queues.counts('ordered')).toMatchObject({ visible: 0, inFlight: 1 });
      opened.advance(retryMs);
      await until(() => deliveries.length === 2);
      expect(deliveries).toEqual([1, 2]);
    });

    test('accepts an ID once in five minutes, also after its message was processed', async () => {
      const hand = consumeByHand('ordered');
      const send = (body: string) =>
        opened.queues.send('ordered', [inGroup('a', body, 'id'), inGroup('a', body, 'id')]);
      await send('first');
      await hand.starts('first:1');
      await send('while it is processed');
      await hand.succeed('first:1');
      opened.advance(LIMITS.deduplicationMs - 1);
      await send('after it was processed');
      opened.advance(1);
      await send('later');
      await hand.starts('later:1');
      expect(hand.started).toEqual(['first:1', 'later:1']);
    });

    test.skipIf(gaps.includes('ids of groups'))('accepts an ID once in each group', async () => {
      const hand = consumeByHand('ordered');
      await opened.queues.send('ordered', [inGroup('a', 'a1', 'id'), inGroup('b', 'b1', 'id')]);
      await hand.starts('a1:1');
      await hand.starts('b1:1');
    });

    test('gives a message up after its last delivery, and continues with its group', async () => {
      const hand = consumeByHand('ordered');
      await opened.queues.send('ordered', [inGroup('a', 'a1'), inGroup('a', 'a2')]);
      for (let n = 1; n <= MAX_DELIVERIES; n += 1) {
        await hand.starts(`a1:${n}`);
        expect(await opened.dead('ordered')).toBe(0);
        await hand.fail(`a1:${n}`, 0);
      }
      await hand.starts('a2:1');
      await hand.succeed('a2:1');
      await until(async () => (await opened.dead('ordered')) === 1);
      expect(hand.started).toHaveLength(MAX_DELIVERIES + 1);
      expect(await opened.queues.counts('ordered')).toMatchObject({ visible: 0, inFlight: 0, delayed: 0 });
    });

    test.each(['ordered', 'plain'] as const)('%s: lists dead messages, and delivers them again', async (queue) => {
      const found: string[] = [];
      let fails = true;
      const consumer: Consumer = async ({ messages }) => {
        found.push(...messages.map(({ body, deliveries }) => `${body}:${deliveries}`));
        return fails ? messages.map(({ id }) => ({ id, afterSeconds: 0 })) : [];
      };
      const bodies = Array.from({ length: 12 }, (_, n) => `m${n + 10}`);
      const isOrdered = queue === 'ordered';
      await opened.queues.send(
        queue,
        bodies.map((body) => (isOrdered ? inGroup('a', body) : { body })),
      );
      opened.consume(queue, { consumer, batchSize: 1, concurrency: 1 });
      await until(async () => (await opened.dead(queue)) === bodies.length);
      fails = false;
      const dead = await opened.queues.dead(queue);
      expect(dead.length).toBeLessThanOrEqual(10);
      expect(dead[0]).toEqual({ id: expect.stringMatching(/./), body: 'm10', group: isOrdered ? 'a' : undefined });
      expect(await opened.queues.dead('ordered')).toHaveLength(isOrdered ? dead.length : 0);
      const before = found.length;
      expect(await opened.queues.redrive(queue)).toBe(bodies.length);
      await until(() => found.length === before + bodies.length);
      const again = found.slice(before);
      expect(isOrdered ? again : again.toSorted()).toEqual(bodies.map((body) => `${body}:1`));
      await until(async () => (await opened.queues.counts(queue)).inFlight === 0);
      expect([await opened.queues.dead(queue), await opened.queues.redrive(queue)]).toEqual([[], 0]);
    });

    test.skipIf(gaps.includes('batches of one group'))(
      'delivers the later ones of a group with a failed one, though they were not reported, and not more often than needed',
      async () => {
        const batches: string[] = [];
        const consumer: Consumer = async ({ messages }) => {
          batches.push(messages.map(({ body, deliveries }) => `${body}:${deliveries}`).join(' '));
          return messages.filter(({ body }) => body === 'a2').map(({ id }) => ({ id, afterSeconds: 0 }));
        };
        await opened.queues.send('ordered', [
          ...['a1', 'a2', 'a3'].map((body) => inGroup('a', body)),
          inGroup('b', 'b1'),
        ]);
        opened.consume('ordered', { consumer, batchSize: 10, concurrency: 1 });
        await until(() => batches.length === MAX_DELIVERIES + 1);
        expect(batches).toEqual(['a1:1 a2:1 a3:1 b1:1', 'a2:2', 'a2:3', 'a2:4', 'a3:2']);
      },
    );

    test('delivers a hundred messages of one send in order', async () => {
      const bodies = Array.from({ length: 105 }, (_, n) => `${n}`);
      const found: string[] = [];
      const consumer: Consumer = async ({ messages }) => {
        found.push(...messages.map(({ body }) => body));
        return [];
      };
      opened.consume('ordered', { consumer, batchSize: 10, concurrency: 4 });
      await opened.queues.send(
        'ordered',
        bodies.map((body) => inGroup('a', body)),
      );
      await until(() => found.length === bodies.length);
      expect(found).toEqual(bodies);
    });

    const long = 'x'.repeat(LIMITS.messageIdLength);
    const large = 'ä'.repeat(LIMITS.messageBytes / 2);

    const accepted: [string, QueueName, NewMessage][] = [
      ['the largest body', 'plain', { body: large }],
      ['the longest group and ID', 'ordered', inGroup(long, 'a', long)],
      ['all characters of groups and IDs', 'ordered', inGroup('aZ09-_', 'a', '_-90Za')],
      ['characters of the first plane', 'plain', { body: 'a\t\n\r\ue000\u0085' }],
      ...(gaps.includes('characters of all planes') ? [] : [ALL_PLANES]),
      ['characters that are none, in JSON', 'plain', { body: JSON.stringify('\ufffe\uffff\ud800') }],
    ];
    test('accepts what is within the limits', async () => {
      const found: string[] = [];
      const consumer: Consumer = async ({ messages }) => {
        found.push(...messages.map(({ body }) => body));
        return [];
      };
      for (const queue of ['ordered', 'plain'] as const)
        opened.consume(queue, { consumer, batchSize: 1, concurrency: 1 });
      for (const [what, queue, message] of accepted) {
        await opened.queues.send(queue, [message]);
        await until(() => found.length === 1);
        const body = found.pop() ?? '';
        if (message.body.startsWith('"')) expect(JSON.parse(body), `accepts ${what}`).toBe(JSON.parse(message.body));
        else expect(body, `accepts ${what}`).toBe(message.body);
      }
    });

    const refused: [string, QueueName, NewMessage][] = [
      ['an empty body', 'plain', { body: '' }],
      ['a body that is too large', 'plain', { body: `${large}x` }],
      ['a control character', 'plain', { body: '\u0000' }],
      ['half of a character', 'plain', { body: '\ud83d' }],
      ['a group that is too long', 'ordered', inGroup(`${long}x`, 'a')],
      ['an ID that is too long', 'ordered', inGroup('a', 'a', `${long}x`)],
      ['an empty group', 'ordered', inGroup('', 'a')],
      ['another character in a group', 'ordered', inGroup('a b', 'a')],
      ['another character in an ID', 'ordered', inGroup('a', 'a', 'é')],
      ['a group without an ID', 'ordered', { body: 'a', group: 'a' }],
      ['an ID without a group', 'plain', { body: 'a', id: 'a' }],
      ['a delay that is too long', 'plain', { body: 'a', delaySeconds: LIMITS.delaySeconds + 1 }],
      ['a delay of less than nothing', 'plain', { body: 'a', delaySeconds: -1 }],
      ['a delay of half a second', 'plain', { body: 'a', delaySeconds: 0.5 }],
      ['a delay in a group', 'ordered', { ...inGroup('a', 'a'), delaySeconds: 1 }],
    ];
    test('refuses what is beyond the limits, and sends nothing', async () => {
      for (const [what, queue, message] of refused) {
        const valid = queue === 'plain' ? { body: 'valid' } : inGroup('a', 'valid');
        await expect(opened.queues.send(queue, [valid, message]), `refuses ${what}`).rejects.toThrow(RangeError);
        expect(await opened.queues.counts(queue), `sends nothing for ${what}`).toMatchObject({
          visible: 0,
          delayed: 0,
        });
      }
    });

    test('refuses a message without a group where messages are ordered', async () => {
      await expect(opened.queues.send('ordered', [{ body: 'a' }])).rejects.toThrow();
      expect(await opened.queues.counts('ordered')).toMatchObject({ visible: 0 });
    });

    test('sends nothing if there is nothing to send', async () => {
      await opened.queues.send('plain', []);
      expect(await opened.queues.counts('plain')).toMatchObject({ visible: 0 });
    });

    test('refuses a queue that does not exist', async () => {
      await expect(opened.queues.send('none', [])).rejects.toThrow('unknown queue none');
      await expect(opened.queues.counts('none')).rejects.toThrow('unknown queue none');
      await expect(opened.queues.dead('none')).rejects.toThrow('unknown queue none');
      await expect(opened.queues.redrive('none')).rejects.toThrow('unknown queue none');
    });
  });
}
