import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { CountedCall, Interruption } from '../support/aws/interruptions.ts';
import { AwsProduct } from '../support/aws/product.ts';
import { startVendors } from '../support/scenario/vendors.ts';
import { type AwsStory, STORIES, STORY_ENV } from './aws-stories.ts';

const TIME_SCALE = 1000;

/** Each call of a story is interrupted in one of this many runs. */
const ROUNDS = 4;

/** Calls that have an effect, whose response can be lost. A read without a response is an error like any other. */
const EFFECTS =
  /^\S+ (store\.(write|update)|queues\.send|executions\.(start|completeCallback)|blobs\.put\w*|checkpoint)$/;

/** Share of the calls to Lambda whose first response is lost in addition: its client repeats them by itself, with their token. */
const LAMBDA_ANSWERS_LOST = 0.25;

/** Which calls are interrupted: those of a run without interruptions, in one of the rounds. */
type Round = { interruption: Interruption; number: number; calls: ReadonlyMap<string, number> };

/** @returns the number of calls to each operation, and those that were interrupted, such as `route store.write 3` */
async function playStory(story: AwsStory, round?: Round) {
  const vendors = await startVendors({ timeScale: TIME_SCALE, ...(story.channels && { channels: true }) });
  const { FIREBREAK_SANDBOX: _, ...env } = vendors.env;
  const product = await AwsProduct.start({
    ...story,
    timeScale: TIME_SCALE,
    env: { ...env, ...STORY_ENV },
    ...(round?.interruption === 'lose' && {
      faults: { seed: round.number, rates: { lambda: { 'lost-answer': LAMBDA_ANSWERS_LOST } } },
    }),
  });
  try {
    await story.before?.(product);
    if (round)
      product.interruptions.plan = (operation, n) =>
        (round.interruption === 'abort' || EFFECTS.test(operation)) &&
        story.functions.some((name) => operation.startsWith(`${name} `)) &&
        n <= (round.calls.get(operation) ?? 0) &&
        roundOf(operation, n) === round.number
          ? round.interruption
          : undefined;
    await story.play(product, vendors);
    product.heal();
    await story.expectKept(product, vendors);
    expect(await product.deadLetters()).toBe(0);
    const calls = new Map<string, number>();
    for (const { operation, n } of product.interruptions.calls)
      calls.set(operation, Math.max(n, calls.get(operation) ?? 0));
    return { calls, interrupted: product.interruptions.calls.filter((one) => one.interruption !== undefined) };
  } catch (error) {
    throw new Error(`${String(error)}; last output:\n${product.output.slice(-6000)}`, { cause: error });
  } finally {
    await product.close();
    await vendors.close();
  }
}

const roundOf = (operation: string, n: number): number =>
  Number.parseInt(hash('sha256', `${operation} ${n}`).slice(0, 8), 16) % ROUNDS;

describe.each(Object.entries(STORIES))('on platform AWS, %s', (_, story) => {
  let calls = new Map<string, number>();
  const interrupted: CountedCall[] = [];
  const ROUND_NUMBERS = Array.from({ length: ROUNDS }, (__, number) => number);

  test('without interruptions', async () => {
    ({ calls } = await playStory(story));
  });

  test.each(ROUND_NUMBERS)('each invocation is aborted at some of its calls: round %i', async (number) => {
    interrupted.push(...(await playStory(story, { interruption: 'abort', number, calls })).interrupted);
  });

  test.each(ROUND_NUMBERS)('responses to some calls are lost: round %i', async (number) => {
    interrupted.push(...(await playStory(story, { interruption: 'lose', number, calls })).interrupted);
  });

  test('calls were interrupted in both ways', () => {
    expect(new Set(interrupted.map(({ interruption }) => interruption))).toEqual(new Set(['abort', 'lose']));
  });
});
