import { createRetryStrategy, JitterStrategy, type DurableContext } from '@aws/durable-execution-sdk-js';
import { behaves, type Case } from './cases.ts';

const never = () => ({ shouldRetry: false });
const afterSeconds = (seconds: number, attempts: number) => (_: Error, made: number) =>
  made < attempts ? { shouldRetry: true, delay: { seconds } } : { shouldRetry: false };

/** Creates work that throws on the first `times` calls. Each case has its own. */
function failing(times: number, make: () => Error = () => new Error('the pager is down')): () => Promise<string> {
  let calls = 0;
  return () => {
    calls += 1;
    return calls <= times ? Promise.reject(make()) : Promise.resolve('paged');
  };
}

class Busy extends Error {
  override readonly name = 'Busy';
}

const upperCase = {
  serialize: async (value: unknown) => String(value).toUpperCase(),
  deserialize: async (text: string | undefined) => text,
};

const cases: Case[] = [
  {
    follows: 'step 1-1',
    title: 'a step that succeeds at once',
    workflow: (name: string, context: DurableContext) => context.step(async () => `hello ${name}`),
    input: 'checkout',
    status: 'SUCCEEDED',
    result: 'hello checkout',
    history: [
      'ExecutionStarted @ Input="checkout" ExecutionTimeout=1209600',
      'StepStarted:Step a',
      'StepSucceeded:Step a Result="hello checkout" RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="hello checkout"',
    ],
  },
  {
    follows: 'step 1-2',
    title: 'a step with a name',
    workflow: (_: unknown, context: DurableContext) => context.step('find-suspects', async () => ['v42']),
    status: 'SUCCEEDED',
    result: ['v42'],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a "find-suspects"',
      'StepSucceeded:Step a "find-suspects" Result=["v42"] RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["v42"]',
    ],
  },
  {
    follows: 'step 1-3',
    title: 'the second step builds on the first',
    workflow: async (_: unknown, context: DurableContext) => {
      const first = await context.step(async () => 1);
      return context.step(async () => first + 1);
    },
    status: 'SUCCEEDED',
    result: 2,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a',
      'StepSucceeded:Step a Result=1 RetryDetails.CurrentAttempt=1',
      'StepStarted:Step b',
      'StepSucceeded:Step b Result=2 RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=2',
    ],
  },
  {
    follows: 'step 1-4',
    title: 'a nested result is returned unchanged',
    workflow: (_: unknown, context: DurableContext) =>
      context.step(async () => ({ service: { tags: ['a', 'b'] }, count: 2, none: null })),
    status: 'SUCCEEDED',
    result: { service: { tags: ['a', 'b'] }, count: 2, none: null },
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a',
      'StepSucceeded:Step a Result={"service":{"tags":["a","b"]},"count":2,"none":null} RetryDetails.CurrentAttem' +
        'pt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"service":{"tags":["a","b"]},"count":2,"none":null}',
    ],
  },
  {
    follows: 'step 1-5',
    title: 'a step that returns nothing',
    workflow: async (_: unknown, context: DurableContext) => (await context.step(async () => undefined)) ?? null,
    status: 'SUCCEEDED',
    result: null,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a',
      'StepSucceeded:Step a Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=null',
    ],
  },
  {
    follows: 'step 1-6',
    title: "the result uses the step's serializer",
    workflow: (text: string, context: DurableContext) => context.step(async () => text, { serdes: upperCase }),
    input: 'quiet',
    status: 'SUCCEEDED',
    result: 'QUIET',
    history: [
      'ExecutionStarted @ Input="quiet" ExecutionTimeout=1209600',
      'StepStarted:Step a',
      'StepSucceeded:Step a Result=QUIET RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="QUIET"',
    ],
  },
  {
    follows: 'step 1-7',
    title: "a step's logger adds nothing to the history",
    workflow: (_: unknown, context: DurableContext) => {
      context.configureLogger({ modeAware: true });
      return context.step(async ({ logger }) => {
        logger.debug('looking');
        return 'seen';
      });
    },
    status: 'SUCCEEDED',
    result: 'seen',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a',
      'StepSucceeded:Step a Result="seen" RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="seen"',
    ],
  },
  {
    follows: 'step 1-8',
    title: 'after a wait, the finished step is not run again',
    workflow: async (_: unknown, context: DurableContext) => {
      const value = await context.step(async () => 'once');
      await context.wait({ seconds: 40 });
      return value;
    },
    status: 'SUCCEEDED',
    result: 'once',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a',
      'StepSucceeded:Step a Result="once" RetryDetails.CurrentAttempt=1',
      'WaitStarted:Wait b Duration=40',
      'InvocationCompleted',
      'WaitSucceeded:Wait b Duration=40',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="once"',
    ],
  },
  {
    follows: 'step 1-9',
    title: 'a replayed step returns its recorded result, not a new one',
    workflow: (() => {
      let calls = 0;
      return async (_: unknown, context: DurableContext) => {
        const value = await context.step(async () => (calls += 1));
        await context.wait({ seconds: 20 });
        return { value, calls };
      };
    })(),
    status: 'SUCCEEDED',
    result: { value: 1, calls: 1 },
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a',
      'StepSucceeded:Step a Result=1 RetryDetails.CurrentAttempt=1',
      'WaitStarted:Wait b Duration=20',
      'InvocationCompleted',
      'WaitSucceeded:Wait b Duration=20',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"value":1,"calls":1}',
    ],
  },
  {
    follows: 'step 1-10',
    title: 'a replayed failure is thrown again without running the step',
    workflow: (() => {
      let calls = 0;
      return async (_: unknown, context: DurableContext) => {
        const failingStep = () => {
          calls += 1;
          return Promise.reject(new Error('no such service'));
        };
        const message = await context.step(failingStep, { retryStrategy: never }).then(
          () => 'none',
          (error: unknown) => (error as Error).message,
        );
        await context.wait({ seconds: 20 });
        return { message, calls };
      };
    })(),
    status: 'SUCCEEDED',
    result: { message: 'no such service', calls: 1 },
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a',
      'StepFailed:Step a Error=Error(no such service) RetryDetails.CurrentAttempt=1',
      'WaitStarted:Wait b Duration=20',
      'InvocationCompleted',
      'WaitSucceeded:Wait b Duration=20',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"message":"no such service","calls":1}',
    ],
  },
  {
    follows: 'step 1-11',
    title: 'a step that fails once and is retried',
    workflow: (() => {
      const page = failing(1);
      return (_: unknown, context: DurableContext) =>
        context.step('page', page, { retryStrategy: afterSeconds(20, 3) });
    })(),
    status: 'SUCCEEDED',
    result: 'paged',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a "page"',
      'StepFailed:Step a "page" Error=Error(the pager is down) RetryDetails.CurrentAttempt=1 RetryDetails.NextAtt' +
        'emptDelaySeconds=20',
      'InvocationCompleted',
      'StepStarted:Step a "page"',
      'StepSucceeded:Step a "page" Result="paged" RetryDetails.CurrentAttempt=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="paged"',
    ],
  },
  {
    follows: 'step 1-12',
    title: 'a step that never succeeds fails after its last attempt',
    workflow: (() => {
      const page = failing(9);
      return (_: unknown, context: DurableContext) =>
        context.step('page', page, { retryStrategy: afterSeconds(20, 4) });
    })(),
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a "page"',
      'StepFailed:Step a "page" Error=Error(the pager is down) RetryDetails.CurrentAttempt=1 RetryDetails.NextAtt' +
        'emptDelaySeconds=20',
      'InvocationCompleted',
      'StepStarted:Step a "page"',
      'StepFailed:Step a "page" Error=Error(the pager is down) RetryDetails.CurrentAttempt=2 RetryDetails.NextAtt' +
        'emptDelaySeconds=20',
      'InvocationCompleted',
      'StepStarted:Step a "page"',
      'StepFailed:Step a "page" Error=Error(the pager is down) RetryDetails.CurrentAttempt=3 RetryDetails.NextAtt' +
        'emptDelaySeconds=20',
      'InvocationCompleted',
      'StepStarted:Step a "page"',
      'StepFailed:Step a "page" Error=Error(the pager is down) RetryDetails.CurrentAttempt=4',
      'InvocationCompleted',
      'ExecutionFailed @ Error=StepError(the pager is down)',
    ],
  },
  {
    follows: 'step 1-14',
    title: 'the delay increases by the configured factor',
    workflow: (() => {
      const page = failing(2);
      const retryStrategy = createRetryStrategy({
        maxAttempts: 5,
        initialDelay: { seconds: 40 },
        backoffRate: 3,
        jitter: JitterStrategy.NONE,
      });
      return (_: unknown, context: DurableContext) => context.step('page', page, { retryStrategy });
    })(),
    status: 'SUCCEEDED',
    result: 'paged',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a "page"',
      'StepFailed:Step a "page" Error=Error(the pager is down) RetryDetails.CurrentAttempt=1 RetryDetails.NextAtt' +
        'emptDelaySeconds=40',
      'InvocationCompleted',
      'StepStarted:Step a "page"',
      'StepFailed:Step a "page" Error=Error(the pager is down) RetryDetails.CurrentAttempt=2 RetryDetails.NextAtt' +
        'emptDelaySeconds=120',
      'InvocationCompleted',
      'StepStarted:Step a "page"',
      'StepSucceeded:Step a "page" Result="paged" RetryDetails.CurrentAttempt=3',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="paged"',
    ],
  },
  {
    follows: 'step 1-15',
    title: 'a retryable error is retried',
    workflow: (() => {
      const page = failing(1, () => new Busy('try later'));
      const retryStrategy = (error: Error) => ({ shouldRetry: error.name === 'Busy', delay: { seconds: 20 } });
      return (_: unknown, context: DurableContext) => context.step('page', page, { retryStrategy });
    })(),
    status: 'SUCCEEDED',
    result: 'paged',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a "page"',
      'StepFailed:Step a "page" Error=Busy(try later) RetryDetails.CurrentAttempt=1 RetryDetails.NextAttemptDelay' +
        'Seconds=20',
      'InvocationCompleted',
      'StepStarted:Step a "page"',
      'StepSucceeded:Step a "page" Result="paged" RetryDetails.CurrentAttempt=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="paged"',
    ],
  },
  {
    follows: 'step 1-16',
    title: 'another error is not retried',
    workflow: (() => {
      const page = failing(1, () => new Busy('try later'));
      const retryStrategy = (error: Error) => ({ shouldRetry: error.name !== 'Busy' });
      return (_: unknown, context: DurableContext) => context.step('page', page, { retryStrategy });
    })(),
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a "page"',
      'StepFailed:Step a "page" Error=Busy(try later) RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionFailed @ Error=StepError(try later)',
    ],
  },
  {
    follows: 'step 1-19',
    title: 'a step without retries fails the execution',
    workflow: (_: unknown, context: DurableContext) =>
      context.step(() => Promise.reject(new Error('refused')), { retryStrategy: never }),
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a',
      'StepFailed:Step a Error=Error(refused) RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionFailed @ Error=StepError(refused)',
    ],
  },
  {
    follows: 'step 1-20',
    title: 'after a caught failure, the next step runs',
    workflow: async (_: unknown, context: DurableContext) => {
      const refused = context.step(() => Promise.reject(new Error('refused')), { retryStrategy: never });
      const fallback = await refused.catch(() => 'second route');
      return context.step(async () => fallback);
    },
    status: 'SUCCEEDED',
    result: 'second route',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a',
      'StepFailed:Step a Error=Error(refused) RetryDetails.CurrentAttempt=1',
      'StepStarted:Step b',
      'StepSucceeded:Step b Result="second route" RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="second route"',
    ],
  },
];

behaves('steps', cases);
