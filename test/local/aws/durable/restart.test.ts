import { StepSemantics, type DurableContext } from '@aws/durable-execution-sdk-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LocalFunction } from '../../../../local/aws/lambda/lambda.ts';
import { Bench, type Workflow } from './bench.ts';
import { suspended } from './cases.ts';
import { render } from './render.ts';

/** Creates work during which the process dies the first time. The test stops the process there and starts it again. */
function fatalOnce() {
  let tries = 0;
  let reached = () => {};
  const begun = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const work = (): Promise<string> => {
    tries += 1;
    if (tries > 1) return Promise.resolve('survived');
    reached();
    return new Promise(() => {}); // the process dies before the end
  };
  return { work, begun, tries: () => tries };
}

const DIED = expect.stringMatching(
  /^InvocationCompleted Error=Runtime\.ExitError\(RequestId: \S+ Error: Runtime exited/,
) as string;

describe('a process that dies within a step', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.remove());

  const crash = async (workflow: Workflow, begun: Promise<void>) => {
    const functions: Record<string, LocalFunction> = { workflow: bench.durable(workflow) };
    await bench.start(functions);
    bench.resume();
    const arn = await bench.begin('workflow');
    await begun;
    await bench.stop();
    await bench.start(functions);
    bench.resume();
    return arn;
  };

  test('step 1-17: at most once without retries, the step fails', async () => {
    const { work, begun, tries } = fatalOnce();
    const options = { semantics: StepSemantics.AtMostOncePerRetry, retryStrategy: () => ({ shouldRetry: false }) };
    const arn = await crash((_: unknown, context: DurableContext) => context.step('fragile', work, options), begun);
    expect(await bench.ended(arn)).toMatchObject({ Status: 'FAILED' });
    expect(tries()).toBe(1);
    expect(render(await bench.history(arn)).slice(1)).toEqual([
      'StepStarted:Step a "fragile"',
      DIED,
      expect.stringMatching(
        /^StepFailed:Step a "fragile" Error=StepInterruptedError\(.*\) RetryDetails.CurrentAttempt=1$/,
      ) as string,
      'InvocationCompleted',
      expect.stringMatching(/^ExecutionFailed @ Error=StepError\(/) as string,
    ]);
  });

  test('step 1-18: at most once per attempt, the next attempt succeeds', async () => {
    const { work, begun, tries } = fatalOnce();
    const options = {
      semantics: StepSemantics.AtMostOncePerRetry,
      retryStrategy: () => ({ shouldRetry: true, delay: { seconds: 1 } }),
    };
    const arn = await crash((_: unknown, context: DurableContext) => context.step(work, options), begun);
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED', Result: '"survived"' });
    expect(tries()).toBe(2);
    expect(render(await bench.history(arn)).slice(1)).toEqual([
      'StepStarted:Step a',
      DIED,
      expect.stringMatching(
        /^StepFailed:Step a Error=StepInterruptedError\(.*CurrentAttempt=1 RetryDetails.NextAttemptDelaySeconds=1$/,
      ) as string,
      'InvocationCompleted',
      'StepStarted:Step a',
      'StepSucceeded:Step a Result="survived" RetryDetails.CurrentAttempt=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="survived"',
    ]);
  });

  test('child 3-12: at least once, the step runs again within its context', async () => {
    const { work, begun, tries } = fatalOnce();
    const workflow = (_: unknown, context: DurableContext) => context.runInChildContext((child) => child.step(work));
    const arn = await crash(workflow, begun);
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED', Result: '"survived"' });
    expect(tries()).toBe(2);
    const lines = render(await bench.history(arn)).slice(1);
    // The starts were being sent when the process died, and may or may not have arrived.
    expect(lines.filter((line) => !line.includes('Started'))).toEqual([
      DIED,
      expect.stringMatching(/^StepSucceeded:Step \w<\w Result="survived" RetryDetails.CurrentAttempt=1$/) as string,
      expect.stringMatching(/^ContextSucceeded:RunInChildContext \w Result="survived"$/) as string,
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="survived"',
    ]);
  });
});

describe('a process that dies while executions wait', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.remove());

  test('timers that became due meanwhile fire in order', async () => {
    const workflow = async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval', { timeout: { minutes: 2 } });
      await context.wait({ minutes: 10 });
      return answer.catch((error: unknown) => (error as Error).message);
    };
    const functions = { workflow: bench.durable(workflow) };
    await bench.start(functions, { timeScale: 1 });
    bench.resume();
    const arn = await bench.begin('workflow');
    await suspended(bench, arn);
    await bench.stop();
    // Both are due an hour later.
    await bench.start(functions, { timeScale: 1, now: () => Date.now() + 60 * 60 * 1000 });
    bench.resume();
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED', Result: '"Callback timed out"' });
  });

  test("a wait continues, and doesn't restart", async () => {
    const functions = {
      workflow: bench.durable((_: unknown, context: DurableContext) => context.wait({ minutes: 10 })),
    };
    let ahead = 0;
    const now = () => Date.now() + ahead;
    await bench.start(functions, { timeScale: 1, now });
    bench.resume();
    const arn = await bench.begin('workflow');
    await suspended(bench, arn);
    for (const minutes of [4, 8]) {
      await bench.stop();
      ahead = minutes * 60_000;
      await bench.start(functions, { timeScale: 1, now });
      bench.resume();
      expect(await bench.describe(arn)).toMatchObject({ Status: 'RUNNING' });
    }
    await bench.stop();
    ahead = 10 * 60_000;
    await bench.start(functions, { timeScale: 1, now });
    bench.resume();
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED' });
  });
});
