import { type Event, SendDurableExecutionCallbackSuccessCommand } from '@aws-sdk/client-lambda';
import { DurableExecutionApiClient, withDurableExecution, type DurableContext } from '@aws/durable-execution-sdk-js';
import { LocalDurableTestRunner } from '@aws/durable-execution-sdk-js-testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench, type Workflow } from './bench.ts';

const never = { retryStrategy: () => ({ shouldRetry: false }) };
const twice = { retryStrategy: (_: Error, made: number) => ({ shouldRetry: made < 3, delay: { seconds: 2 } }) };

function failing(times: number): () => Promise<string> {
  let calls = 0;
  return () => ((calls += 1) <= times ? Promise.reject(new Error(`failure ${calls}`)) : Promise.resolve('done'));
}

/** The workflows, created separately for each of the two runners. `answer` completes the callback `approval`. */
const workflows: Record<string, { make: () => Workflow; answer?: string }> = {
  steps: {
    make: () => async (n: number, context: DurableContext) => {
      const one = await context.step('one', async () => n + 1);
      return context.step('two', async () => one * 2);
    },
  },
  'a step that is retried': {
    make: () => {
      const work = failing(2);
      return (_: unknown, context: DurableContext) => context.step('work', work, twice);
    },
  },
  'attempts that are used up': {
    make: () => {
      const work = failing(9);
      return (_: unknown, context: DurableContext) => context.step('work', work, twice);
    },
  },
  'a failure that is caught': {
    make: () => async (_: unknown, context: DurableContext) => {
      const refused = await context
        .step('refused', failing(9), never)
        .catch((error: unknown) => (error as Error).message);
      return context.step('noted', async () => refused);
    },
  },
  waits: {
    make: () => async (_: unknown, context: DurableContext) => {
      await context.wait('settle', { minutes: 1 });
      await context.wait({ minutes: 2 });
      return 'waited';
    },
  },
  'a callback that is answered': {
    answer: 'yes',
    make: () => async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval');
      await context.step('asked', async () => true);
      return answer;
    },
  },
  'a callback that times out': {
    make: () => async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval', { timeout: { seconds: 1 } });
      return answer.catch((error: unknown) => (error as Error).name);
    },
  },
  'contexts inside contexts': {
    make: () => (name: number, context: DurableContext) =>
      context.runInChildContext('outer', async (outer) => {
        await outer.step('in-outer', async () => name);
        return outer.runInChildContext('inner', async (inner) => {
          await inner.wait({ seconds: 30 });
          return inner.step('in-inner', async () => name);
        });
      }),
  },
  'a context that fails': {
    make: () => (_: unknown, context: DurableContext) =>
      context
        .runInChildContext('page', (child) => child.step('call', failing(9), never))
        .catch((error: unknown) => (error as Error).name),
  },
  'parallel branches that wait, one at a time': {
    make: () => async (_: unknown, context: DurableContext) => {
      const branches = [
        (branch: DurableContext) => branch.step('quick', async () => 1),
        async (branch: DurableContext) => {
          await branch.wait({ seconds: 10 });
          return 2;
        },
        (branch: DurableContext) => branch.step('last', async () => 3),
      ];
      return (await context.parallel('all', branches, { maxConcurrency: 1 })).getResults();
    },
  },
  'a map that stops at the first failure': {
    make: () => async (_: unknown, context: DurableContext) => {
      const config = { maxConcurrency: 1, completionConfig: { toleratedFailureCount: 0 } };
      const work = async (__: DurableContext, item: number) => {
        if (item === 2) throw new Error('item 2');
        return item;
      };
      const batch = await context.map('items', [1, 2, 3], work, config);
      return [batch.completionReason, batch.successCount, batch.failureCount];
    },
  },
  'chained invokes': {
    make: () => async (n: number, context: DurableContext) => [
      await context.invoke('plain', 'plain', n),
      await context.invoke('durable', 'durable:$LATEST', n),
      await context.invoke('broken', 'broken', n).catch((error: unknown) => (error as Error).message),
    ],
  },
  'a condition that is waited for': {
    make: () => (_: unknown, context: DurableContext) =>
      context.waitForCondition('healthy', async (count: number) => count + 1, {
        initialState: 0,
        waitStrategy: (count) =>
          count < 3 ? { shouldContinue: true, delay: { minutes: 1 } } : { shouldContinue: false },
      }),
  },
  'an execution that fails': {
    make: () => async (_: unknown, context: DurableContext) => {
      await context.step('before', async () => 1);
      throw new TypeError('no known good version');
    },
  },
};

const callees = {
  plain: async (event: unknown) => ({ plain: event }),
  broken: async (): Promise<unknown> => {
    throw new Error('broken');
  },
  durable: async (event: unknown, context: DurableContext) => {
    await context.wait({ seconds: 5 });
    return { durable: event };
  },
};

type Opinion = { status: string | undefined; result: unknown; operations: string[] };

/**
 * Returns the events of each operation, in order of their start. Omits invocations, because each runner decides when to
 * suspend. Operation IDs are positions in the workflow, and the same in both runners.
 */
function operationsOf(events: readonly Event[]): string[] {
  const operations = new Map<string, string>();
  for (const { Id, Name, ParentId, SubType, EventType = '' } of events.toSorted(
    (a, b) => (a.EventId ?? 0) - (b.EventId ?? 0),
  )) {
    if (Id === undefined || EventType.startsWith('Execution')) continue;
    const line = operations.get(Id) ?? `${Id}<${ParentId ?? ''} ${SubType ?? ''} ${Name ?? ''}:`;
    operations.set(Id, `${line} ${EventType}`);
  }
  return [...operations.values()];
}

describe('the in-memory testing package runs the same workflow with the same result', () => {
  const bench = new Bench();
  const ours = new Map<string, Opinion>();

  beforeAll(async () => {
    const named = Object.entries(workflows).map(([, { make }], index) => [`w${index}`, bench.durable(make())] as const);
    await bench.start({
      ...Object.fromEntries(named),
      plain: { handler: callees.plain, timeoutSeconds: 5 },
      broken: { handler: callees.broken, timeoutSeconds: 5 },
      durable: bench.durable(callees.durable),
    });
    bench.resume();
    await Promise.all(
      Object.entries(workflows).map(async ([name, { answer }], index) => {
        const arn = await bench.begin(`w${index}`, 7);
        if (answer !== undefined) {
          const CallbackId = await bench.callback(arn, 'approval');
          await bench.lambda.send(
            new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: Buffer.from(answer) }),
          );
        }
        const { Status, Result } = await bench.ended(arn);
        const result: unknown = Result === undefined ? undefined : JSON.parse(Result);
        ours.set(name, { status: Status, result, operations: operationsOf(await bench.history(arn)) });
      }),
    );
    await bench.remove();
    // Node delivers messages between processes by nextTick. One that arrives in the last moments of the simulated clock
    // would be lost, and the test run would wait for it without end.
    const { nextTick } = process;
    await LocalDurableTestRunner.setupTestEnvironment({ skipTime: true });
    process.nextTick = nextTick;
  });
  afterAll(() => LocalDurableTestRunner.teardownTestEnvironment());

  test.for(Object.entries(workflows))('%s', async ([name, { make, answer }]) => {
    const wrap = (workflow: Workflow) =>
      withDurableExecution(workflow as (event: unknown, context: DurableContext) => Promise<unknown>, {
        durableExecutionClient: new DurableExecutionApiClient(bench.lambda), // the runner replaces it with its own
      });
    const runner = new LocalDurableTestRunner({ handlerFunction: wrap(make()) })
      .registerFunction('plain', callees.plain)
      .registerFunction('broken', callees.broken)
      .registerDurableFunction('durable:$LATEST', wrap(callees.durable));
    const running = runner.run({ payload: 7 });
    if (answer !== undefined) {
      const callback = await runner.getOperation('approval').waitForData();
      await callback.sendCallbackSuccess(answer);
    }
    const run = await running;
    const status = run.getStatus();
    const theirs: Opinion = {
      status,
      result: status === 'SUCCEEDED' ? run.getResult() : undefined,
      operations: operationsOf(run.getHistoryEvents()),
    };
    expect(ours.get(name)).toEqual(theirs);
  });
});
