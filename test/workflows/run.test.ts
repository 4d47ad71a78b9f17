import { type DurableContext, withDurableExecution } from '@aws/durable-execution-sdk-js';
import { expect, test } from 'vitest';
import { durableRun } from '../../workflows/run.ts';
import { SetClock, silent } from '../support/fake-deps.ts';
import { VirtualExecutions } from './virtual-executions.ts';

test('a run counts the operations of its branches, also after a replay that does not run them again', async () => {
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  const counts: number[] = [];
  const virtual = new VirtualExecutions(clock, (client) =>
    withDurableExecution(
      async (_input: unknown, context: DurableContext) => {
        const run = durableRun(context, silent);
        const count = (): Promise<number> => run.step('count', async () => counts.push(run.operations()));
        const ended = run.childContext('ends', async (branch) => {
          await branch.step('one', async () => 1);
          await branch.childContext('inner', (inner) => inner.step('two', async () => 2));
        });
        const waits = run.childContext('waits', async (branch) => {
          await branch.wait('long', { seconds: 100 });
          await branch.step('three', async () => 3);
        });
        await ended;
        await count();
        await run.wait('short', { seconds: 10 });
        await count();
        await waits;
        await count();
        return 'ended';
      },
      { durableExecutionClient: client },
    ),
  );
  virtual.begin('inc', 1, {});
  await virtual.settle();
  for (let timer = virtual.nextTimerAt(); timer !== undefined; timer = virtual.nextTimerAt()) {
    clock.set(timer);
    await virtual.settle();
  }
  const [execution] = virtual.executions();
  expect(execution?.status).toBe('succeeded');
  // Two branches with four operations and one, and the first count itself.
  expect(counts).toEqual([7, 9, 11]);
  expect(execution?.operations).toBe(11);
  virtual.close();
});

test.each([
  ['nothing', async () => undefined],
  ['another form', async () => ({ result: 'ended' })],
])('a branch whose end was recorded by other code as %s fails the run, not the process', async (_, recorded) => {
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  let isOther = true;
  const virtual = new VirtualExecutions(clock, (client) =>
    withDurableExecution(
      async (_input: unknown, context: DurableContext) => {
        const run = durableRun(context, silent);
        const branch = isOther ? context.runInChildContext('page-1', recorded) : run.childContext('page-1', recorded);
        await run.wait('short', { seconds: 10 });
        await branch;
        return 'ended';
      },
      { durableExecutionClient: client },
    ),
  );
  virtual.begin('inc', 1, {});
  await virtual.settle();
  isOther = false;
  clock.set(virtual.nextTimerAt() ?? 0);
  await virtual.settle();
  expect(virtual.executions()[0]).toMatchObject({
    status: 'failed',
    error: expect.stringContaining('Cannot read the recorded end of branch'),
  });
  virtual.close();
});
