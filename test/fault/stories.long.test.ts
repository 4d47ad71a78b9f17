import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { CountedCall, Interruption } from '../support/aws/interruptions.ts';
import { type AwsStory, STORIES } from './aws-stories.ts';
import { playStory } from './play-story.ts';

/** Each call of a story is interrupted in one of this many runs. */
const ROUNDS = 4;

/** Calls that have an effect, whose response can be lost. A read without a response is an error like any other. */
const EFFECTS =
  /^\S+ (store\.(write|update)|queues\.send|executions\.(start|completeCallback)|blobs\.put\w*|checkpoint)$/;

/** Share of the calls to Lambda whose first response is lost in addition: its client repeats them by itself, with their token. */
const LAMBDA_ANSWERS_LOST = 0.25;

/** Which calls are interrupted: those of a run without interruptions, in one of the rounds. */
type Round = { interruption: Interruption; number: number; calls: ReadonlyMap<string, number> };

/** @returns the calls that were interrupted, such as `route store.write 3` */
async function playRound(story: AwsStory, { interruption, number, calls }: Round): Promise<CountedCall[]> {
  const played = await playStory(story, {
    plan: (operation, n) =>
      (interruption === 'abort' || EFFECTS.test(operation)) &&
      story.functions.some((name) => operation.startsWith(`${name} `)) &&
      n <= (calls.get(operation) ?? 0) &&
      roundOf(operation, n) === number
        ? interruption
        : undefined,
    ...(interruption === 'lose' && {
      faults: { seed: number, rates: { lambda: { 'lost-answer': LAMBDA_ANSWERS_LOST } } },
    }),
  });
  return played.filter((call) => call.interruption !== undefined);
}

const roundOf = (operation: string, n: number): number =>
  Number.parseInt(hash('sha256', `${operation} ${n}`).slice(0, 8), 16) % ROUNDS;

describe.each(Object.entries(STORIES))('on platform AWS, %s', (_, story) => {
  const calls = new Map<string, number>();
  const interrupted: CountedCall[] = [];
  const ROUND_NUMBERS = Array.from({ length: ROUNDS }, (__, number) => number);

  test('without interruptions', async () => {
    for (const { operation, n } of await playStory(story)) calls.set(operation, Math.max(n, calls.get(operation) ?? 0));
  });

  test.each(ROUND_NUMBERS)('each invocation is aborted at some of its calls: round %i', async (number) => {
    interrupted.push(...(await playRound(story, { interruption: 'abort', number, calls })));
  });

  test.each(ROUND_NUMBERS)('responses to some calls are lost: round %i', async (number) => {
    interrupted.push(...(await playRound(story, { interruption: 'lose', number, calls })));
  });

  test('calls were interrupted in both ways', () => {
    expect(new Set(interrupted.map(({ interruption }) => interruption))).toEqual(new Set(['abort', 'lose']));
  });
});
