import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from './bench.ts';
import { render } from './render.ts';

describe('behavior with a varying or very large history', () => {
  const bench = new Bench();
  let calls = 0;
  let callee = () => {};
  const called = new Promise<void>((resolve) => {
    callee = resolve;
  });

  beforeAll(async () => {
    await bench.start({
      'default-retries': bench.durable((_: unknown, context) =>
        context.step(async () => {
          calls += 1;
          if (calls <= 2) throw new Error('not yet');
          return 'done';
        }),
      ),
      callee: {
        timeoutSeconds: 5,
        handler: async () => {
          callee();
          return 'called';
        },
      },
      'busy-parent': bench.durable(async (_: unknown, context: DurableContext) => {
        const branches = [
          (branch: DurableContext) => branch.invoke<object, string>('call', 'callee', {}),
          // Holds the invocation until the other branch's callee has run.
          (branch: DurableContext) => branch.step(() => called.then(() => 'saw it')),
        ];
        return (await context.parallel('both', branches)).getResults();
      }),
      length: bench.durable(async (event: string) => event.length),
      'large-invoke': bench.durable((size: number, context) =>
        context.invoke('measure', 'length:$LATEST', 'x'.repeat(size)),
      ),
      concurrent: bench.durable(async (_: unknown, context: DurableContext) => {
        const branches = ['r0', 'r1', 'r2'].map((what) => async (branch: DurableContext) => {
          await branch.wait({ seconds: what === 'r0' ? 30 : 10 });
          return what;
        });
        return (await context.parallel('concurrent', branches, { maxConcurrency: 2 })).getResults();
      }),
    });
    bench.resume();
  });
  afterAll(() => bench.remove());

  test("a child doesn't wait for a parent that keeps running", async () => {
    const arn = await bench.begin('busy-parent');
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED', Result: '["called","saw it"]' });
  });

  test('step 1-13: a step without its own strategy is retried with increasing delays', async () => {
    const arn = await bench.begin('default-retries');
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED', Result: '"done"' });
    const failed = 'StepFailed:Step a Error=Error\\(not yet\\)';
    const delay = (attempt: number) => {
      const details = `CurrentAttempt=${attempt} RetryDetails.NextAttemptDelaySeconds=\\d+`;
      return expect.stringMatching(new RegExp(`^${failed} RetryDetails.${details}$`)) as string;
    };
    expect(render(await bench.history(arn)).slice(1)).toEqual([
      'StepStarted:Step a',
      delay(1),
      'InvocationCompleted',
      'StepStarted:Step a',
      delay(2),
      'InvocationCompleted',
      'StepStarted:Step a',
      'StepSucceeded:Step a Result="done" RetryDetails.CurrentAttempt=3',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="done"',
    ]);
  });

  test('invoke 5-7: a large payload reaches the callee completely', async () => {
    const size = 1024 * 1024 - 100;
    const arn = await bench.begin('large-invoke', size);
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED', Result: String(size) });
    const types = (await bench.history(arn)).map(({ EventType }) => EventType);
    expect(types.slice(1)).toEqual([
      'ChainedInvokeStarted',
      'InvocationCompleted',
      'ChainedInvokeSucceeded',
      'InvocationCompleted',
      'ExecutionSucceeded',
    ]);
  });

  test('parallel 8-11: results are in the order of the branches, whichever ends first', async () => {
    const arn = await bench.begin('concurrent');
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED', Result: '["r0","r1","r2"]' });
    const ended = (await bench.history(arn)).filter(
      ({ EventType, SubType }) => EventType === 'ContextSucceeded' && SubType === 'ParallelBranch',
    );
    expect(ended.map(({ ContextSucceededDetails }) => ContextSucceededDetails?.Result?.Payload)[0]).toBe('"r1"');
  });
});
