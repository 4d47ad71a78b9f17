import {
  createRetryStrategy,
  type DurableContext,
  type DurableExecutionClient,
  JitterStrategy,
  withDurableExecution,
} from '@aws/durable-execution-sdk-js';
import { LocalDurableTestRunner } from '@aws/durable-execution-sdk-js-testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SetClock } from '../../support/fake-deps.ts';
import { VirtualExecutions } from '../../workflows/virtual-executions.ts';

type Workflow = (input: { n: number }, context: DurableContext) => Promise<unknown>;

/** A workflow, created separately for each of the two engines, and the callbacks that are completed, in this order. */
type Case = { make: () => Workflow; completes?: string[] };

const of = (workflow: Workflow, completes: string[] = []): Case => ({ make: () => workflow, completes });

const never = { retryStrategy: () => ({ shouldRetry: false }) };
const upTo = (attempts: number) => ({
  retryStrategy: (_: Error, made: number) => ({ shouldRetry: made < attempts, delay: { seconds: 20 } }),
});

/** Creates work that throws on its first calls. */
function failing(times: number, make = () => new Error('the pager is down')): () => Promise<string> {
  let calls = 0;
  return () => ((calls += 1) <= times ? Promise.reject(make()) : Promise.resolve('paged'));
}

class Busy extends Error {
  override readonly name = 'Busy';
}

const upperCase = {
  serialize: async (value: unknown) => String(value).toUpperCase(),
  deserialize: async (text: string | undefined) => text,
};

const messageOf = (error: unknown): string => String(error);

const CASES: Record<string, Case> = {
  'steps, the second with the result of the first': of(async ({ n }, context) => {
    const one = await context.step('one', async () => n + 1);
    return context.step(async () => one * 2);
  }),
  'a nested result': of((_, context) => context.step(async () => ({ tags: ['a', 'b'], none: null }))),
  'a step that returns nothing': of(async (_, context) => (await context.step(async () => undefined)) ?? null),
  'a step with a serializer': of((_, context) => context.step(async () => 'quiet', { serdes: upperCase })),
  'a step that is not run again after a wait': {
    make: () => {
      let calls = 0;
      return async (_, context) => {
        const first = await context.step(async () => (calls += 1));
        await context.wait({ seconds: 40 });
        return [first, calls];
      };
    },
  },
  'a step that is retried': {
    make: () => {
      const work = failing(2);
      return (_, context) => context.step('work', work, upTo(3));
    },
  },
  'attempts that are used up': {
    make: () => {
      const work = failing(9);
      return (_, context) => context.step('work', work, upTo(3));
    },
  },
  'growing pauses': {
    make: () => {
      const work = failing(3);
      const jitter = JitterStrategy.NONE;
      const retryStrategy = createRetryStrategy({ initialDelay: { seconds: 20 }, backoffRate: 2, jitter });
      return (_, context) => context.step(work, { retryStrategy });
    },
  },
  'an error that is not retried': {
    make: () => {
      const work = failing(9, () => new Busy('busy'));
      const retryStrategy = (error: Error) => ({ shouldRetry: !(error instanceof Busy), delay: { seconds: 20 } });
      return (_, context) => context.step(work, { retryStrategy });
    },
  },
  'a failure that is caught, and replayed after a wait': {
    make: () => {
      const work = failing(1);
      return async (_, context) => {
        const refused = await context.step('refused', work, never).catch(messageOf);
        await context.wait({ seconds: 40 });
        return context.step('noted', async () => refused);
      };
    },
  },
  waits: of(async (_, context) => {
    await context.wait('settle', { minutes: 1 });
    await context.wait({ hours: 2 });
    return 'waited';
  }),
  'a callback that is completed': of(
    async (_, context) => {
      const [completed] = await context.createCallback('approval');
      await context.step('asked', async () => true);
      await completed;
      return 'approved';
    },
    ['approval'],
  ),
  // The package lets the time for a callback pass really.
  'a callback that times out': of(async (_, context) => {
    const [completed] = await context.createCallback('approval', { timeout: { seconds: 1 } });
    const error = await completed.catch(messageOf);
    await context.wait({ seconds: 40 });
    return error;
  }),
  'a callback that is completed, and then a wait': of(
    async (_, context) => {
      const [completed] = await context.createCallback('approval');
      await completed;
      await context.wait({ seconds: 40 });
      return 'approved';
    },
    ['approval'],
  ),
  'two callbacks, one after the other': of(
    async (_, context) => {
      const [first] = await context.createCallback('first');
      await first;
      const [second] = await context.createCallback('second');
      await second;
      return 'both';
    },
    ['first', 'second'],
  ),
  'two open callbacks, awaited in reverse order': of(
    async (_, context) => {
      const [first] = await context.createCallback('first');
      const [second] = await context.createCallback('second');
      await second;
      await first;
      return 'both';
    },
    ['first', 'second'],
  ),
  'contexts inside contexts': of(({ n }, context) =>
    context.runInChildContext('outer', async (outer) => {
      await outer.step('in-outer', async () => n);
      return outer.runInChildContext('inner', async (inner) => {
        await inner.wait({ seconds: 30 });
        return inner.step('in-inner', async () => n);
      });
    }),
  ),
  'a retry within a context': {
    make: () => {
      const work = failing(1);
      return (_, context) => context.runInChildContext('page', (child) => child.step('call', work, upTo(3)));
    },
  },
  'a context whose step fails': {
    make: () => {
      const work = failing(9);
      return (_, context) => context.runInChildContext('page', (child) => child.step('call', work, never));
    },
  },
  'an exception in a context that is caught': of((_, context) =>
    context
      .runInChildContext('page', async () => {
        throw new TypeError('no target');
      })
      .catch(messageOf),
  ),
  'a finished context, and a wait after it': of(async (_, context) => {
    const paged = await context.runInChildContext('page', (child) => child.step('call', async () => 'paged'));
    await context.wait({ seconds: 40 });
    return context.runInChildContext(async () => [paged, null]);
  }),
  'branches side by side': of((_, context) =>
    Promise.all([
      context.runInChildContext('waits', async (child) => {
        await child.wait({ seconds: 60 });
        return child.step(async () => 'slow');
      }),
      context.runInChildContext('steps', (child) => child.step(async () => 'fast')),
    ]),
  ),
  'a result of a context that is too large': of(async (_, context) => {
    const large = await context.runInChildContext('large', async (child) => {
      const part = await child.step('part', async () => 'x'.repeat(100_000));
      return part.repeat(3);
    });
    await context.wait({ seconds: 40 });
    return large.length;
  }),
  'an execution that fails': of(async (_, context) => {
    await context.step('before', async () => 1);
    throw new TypeError('no known good version');
  }),
};

type Opinion = { status: string; result: unknown; operations: string[] };

type Event = {
  Id?: string | undefined;
  Name?: string | undefined;
  ParentId?: string | undefined;
  SubType?: string | undefined;
  EventType?: string | undefined;
};

/** Returns the events of each operation, in order of their start. Invocations are left out: each engine suspends when it likes. */
function operationsOf(events: readonly Event[]): string[] {
  const operations = new Map<string, string>();
  for (const { Id, Name, ParentId, SubType, EventType = '' } of events) {
    if (Id === undefined || EventType.startsWith('Execution')) continue;
    const line = operations.get(Id) ?? `${Id}<${ParentId ?? ''} ${SubType ?? ''} ${Name ?? ''}:`;
    operations.set(Id, `${line} ${EventType}`);
  }
  return [...operations.values()];
}

const handlerOf = (workflow: Workflow) => (client: DurableExecutionClient) =>
  withDurableExecution(workflow, { durableExecutionClient: client });

/** Runs a workflow on platform SQLite. */
async function ours({ make, completes = [] }: Case): Promise<Opinion> {
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  const engine = new VirtualExecutions(clock, handlerOf(make()));
  engine.begin('case', 1, { n: 7 });
  await engine.settle();
  const history = () => engine.history('test-case-1');
  for (const name of completes) {
    const started = history().find(({ EventType, Name }) => EventType === 'CallbackStarted' && Name === name);
    await engine.completeCallback(`test-case-1.${started?.Id}`);
    await engine.settle();
  }
  for (let timer = engine.nextTimerAt(); timer !== undefined; timer = engine.nextTimerAt()) {
    clock.set(timer);
    await engine.settle();
  }
  const [execution] = engine.executions();
  engine.close();
  const { status, result } = execution ?? { status: 'none', result: null };
  return {
    status: status.toUpperCase(),
    result: result === null ? undefined : JSON.parse(result),
    operations: operationsOf(history()),
  };
}

/** Runs a workflow on the testing package. It replaces the client by its own. */
async function theirs({ make, completes = [] }: Case): Promise<Opinion> {
  const none = {} as DurableExecutionClient;
  const runner = new LocalDurableTestRunner({ handlerFunction: handlerOf(make())(none) });
  const running = runner.run({ payload: { n: 7 } });
  for (const name of completes) {
    const callback = await runner.getOperation(name).waitForData();
    await callback.sendCallbackSuccess();
  }
  const run = await running;
  const status = run.getStatus() ?? '';
  const events = run.getHistoryEvents().toSorted((a, b) => (a.EventId ?? 0) - (b.EventId ?? 0));
  return { status, result: status === 'SUCCEEDED' ? run.getResult() : undefined, operations: operationsOf(events) };
}

describe("platform SQLite and AWS's testing package run a workflow with the same operations and result", () => {
  const opinions = new Map<string, Opinion>();
  beforeAll(async () => {
    await Promise.all(Object.entries(CASES).map(async ([name, given]) => opinions.set(name, await ours(given))));
    // Node delivers messages between processes by nextTick. One that arrives in the last moments of the simulated clock
    // would be lost, and the test run would wait for it without end.
    const { nextTick } = process;
    await LocalDurableTestRunner.setupTestEnvironment({ skipTime: true });
    process.nextTick = nextTick;
  });
  afterAll(() => LocalDurableTestRunner.teardownTestEnvironment());

  test.for(Object.entries(CASES))('%s', async ([name, given]) => {
    expect(opinions.get(name)).toEqual(await theirs(given));
  });
});
