import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { behaves, type Case } from './cases.ts';

const never = () => ({ shouldRetry: false });

function failingOnce(): () => Promise<string> {
  let failed = false;
  return () => {
    if (failed) return Promise.resolve('paged');
    failed = true;
    return Promise.reject(new Error('the pager is down'));
  };
}

const refuse = () => Promise.reject(new Error('refused'));

const cases: Case[] = [
  {
    follows: 'child 3-1',
    title: 'a child context with one step',
    workflow: (name: string, context: DurableContext) =>
      context.runInChildContext((child) => child.step(async () => name)),
    input: 'checkout',
    status: 'SUCCEEDED',
    result: 'checkout',
    history: [
      'ExecutionStarted @ Input="checkout" ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a',
      'StepStarted:Step b<a',
      'StepSucceeded:Step b<a Result="checkout" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:RunInChildContext a Result="checkout"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="checkout"',
    ],
  },
  {
    follows: 'child 3-2',
    title: 'a child context with a name',
    workflow: (name: string, context: DurableContext) =>
      context.runInChildContext(name, (child) => child.step(async () => 1)),
    input: 'page',
    status: 'SUCCEEDED',
    result: 1,
    history: [
      'ExecutionStarted @ Input="page" ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "page"',
      'StepStarted:Step b<a',
      'StepSucceeded:Step b<a Result=1 RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:RunInChildContext a "page" Result=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=1',
    ],
  },
  {
    follows: 'child 3-3',
    title: 'two steps, the second with the result of the first',
    workflow: (_: unknown, context: DurableContext) =>
      context.runInChildContext('page', async (child) => {
        const first = await child.step(async () => 1);
        return child.step(async () => first + 1);
      }),
    status: 'SUCCEEDED',
    result: 2,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "page"',
      'StepStarted:Step b<a',
      'StepSucceeded:Step b<a Result=1 RetryDetails.CurrentAttempt=1',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result=2 RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:RunInChildContext a "page" Result=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=2',
    ],
  },
  {
    follows: 'child 3-4',
    title: 'a failed step fails its context and the execution',
    workflow: (_: unknown, context: DurableContext) =>
      context.runInChildContext('page', (child) => child.step(refuse, { retryStrategy: never })),
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "page"',
      'StepStarted:Step b<a',
      'StepFailed:Step b<a Error=Error(refused) RetryDetails.CurrentAttempt=1',
      'ContextFailed:RunInChildContext a "page" Error=StepError(refused)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=ChildContextError(refused)',
    ],
  },
  {
    follows: 'child 3-5',
    title: 'a caught failure of a context',
    workflow: async (_: unknown, context: DurableContext) => {
      const page = context.runInChildContext((child) => child.step(refuse, { retryStrategy: never }));
      await page.catch(() => undefined);
      return context.step(async () => 'second route');
    },
    status: 'SUCCEEDED',
    result: 'second route',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a',
      'StepStarted:Step b<a',
      'StepFailed:Step b<a Error=Error(refused) RetryDetails.CurrentAttempt=1',
      'ContextFailed:RunInChildContext a Error=StepError(refused)',
      'StepStarted:Step c',
      'StepSucceeded:Step c Result="second route" RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="second route"',
    ],
  },
  {
    follows: 'child 3-6',
    title: 'a context within a context',
    workflow: (_: unknown, context: DurableContext) =>
      context.runInChildContext('outer', async (outer) => {
        const name = await outer.step(async () => 'checkout');
        return outer.runInChildContext('inner', (inner) => inner.step(async () => name));
      }),
    status: 'SUCCEEDED',
    result: 'checkout',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "outer"',
      'StepStarted:Step b<a',
      'StepSucceeded:Step b<a Result="checkout" RetryDetails.CurrentAttempt=1',
      'ContextStarted:RunInChildContext c<a "inner"',
      'StepStarted:Step d<c',
      'StepSucceeded:Step d<c Result="checkout" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:RunInChildContext c<a "inner" Result="checkout"',
      'ContextSucceeded:RunInChildContext a "outer" Result="checkout"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="checkout"',
    ],
  },
  {
    follows: 'child 3-7',
    title: 'a retry within a context suspends the whole execution',
    workflow: (() => {
      const page = failingOnce();
      const retryStrategy = () => ({ shouldRetry: true, delay: { seconds: 20 } });
      return (_: unknown, context: DurableContext) =>
        context.runInChildContext('page', (child) => child.step(page, { retryStrategy }));
    })(),
    status: 'SUCCEEDED',
    result: 'paged',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "page"',
      'StepStarted:Step b<a',
      'StepFailed:Step b<a Error=Error(the pager is down) RetryDetails.CurrentAttempt=1 RetryDetails.NextAttemptD' +
        'elaySeconds=20',
      'InvocationCompleted',
      'StepStarted:Step b<a',
      'StepSucceeded:Step b<a Result="paged" RetryDetails.CurrentAttempt=2',
      'ContextSucceeded:RunInChildContext a "page" Result="paged"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="paged"',
    ],
  },
  {
    follows: 'child 3-8',
    title: 'a context fails after the last attempt of its step',
    workflow: (_: unknown, context: DurableContext) => {
      const retryStrategy = (__: Error, made: number) => ({ shouldRetry: made < 2, delay: { seconds: 20 } });
      return context.runInChildContext('page', (child) => child.step(refuse, { retryStrategy }));
    },
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "page"',
      'StepStarted:Step b<a',
      'StepFailed:Step b<a Error=Error(refused) RetryDetails.CurrentAttempt=1 RetryDetails.NextAttemptDelaySecond' +
        's=20',
      'InvocationCompleted',
      'StepStarted:Step b<a',
      'StepFailed:Step b<a Error=Error(refused) RetryDetails.CurrentAttempt=2',
      'ContextFailed:RunInChildContext a "page" Error=StepError(refused)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=ChildContextError(refused)',
    ],
  },
  {
    follows: 'child 3-9',
    title: 'after a wait, the finished context is not run again',
    workflow: (() => {
      let runs = 0;
      return async (_: unknown, context: DurableContext) => {
        await context.runInChildContext(async (child) => {
          runs += 1;
          return child.step(async () => 'once');
        });
        await context.wait({ seconds: 20 });
        return runs;
      };
    })(),
    status: 'SUCCEEDED',
    result: 1,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a',
      'StepStarted:Step b<a',
      'StepSucceeded:Step b<a Result="once" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:RunInChildContext a Result="once"',
      'WaitStarted:Wait c Duration=20',
      'InvocationCompleted',
      'WaitSucceeded:Wait c Duration=20',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=1',
    ],
  },
  {
    follows: 'child 3-10',
    title: 'a step and a wait within a context',
    workflow: (_: unknown, context: DurableContext) =>
      context.runInChildContext('page', async (child) => {
        const name = await child.step(async () => 'checkout');
        await child.wait({ seconds: 20 });
        return name;
      }),
    status: 'SUCCEEDED',
    result: 'checkout',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "page"',
      'StepStarted:Step b<a',
      'StepSucceeded:Step b<a Result="checkout" RetryDetails.CurrentAttempt=1',
      'WaitStarted:Wait c<a Duration=20',
      'InvocationCompleted',
      'WaitSucceeded:Wait c<a Duration=20',
      'ContextSucceeded:RunInChildContext a "page" Result="checkout"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="checkout"',
    ],
  },
  {
    follows: 'child 3-13',
    title: 'a wait within a context, a step after it',
    workflow: async (_: unknown, context: DurableContext) => {
      await context.runInChildContext('settle', (child) => child.wait({ seconds: 20 }));
      return context.step(async () => 'verified');
    },
    status: 'SUCCEEDED',
    result: 'verified',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "settle"',
      'WaitStarted:Wait b<a Duration=20',
      'InvocationCompleted',
      'WaitSucceeded:Wait b<a Duration=20',
      'ContextSucceeded:RunInChildContext a "settle" Result=nothing',
      'StepStarted:Step c',
      'StepSucceeded:Step c Result="verified" RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="verified"',
    ],
  },
  {
    follows: 'child 3-14',
    title: "the result uses the context's serializer",
    workflow: (text: string, context: DurableContext) => {
      const serdes = {
        serialize: async (value: unknown) => String(value).toUpperCase(),
        deserialize: async (stored?: string) => stored,
      };
      return context.runInChildContext('loud', (child) => child.step(async () => text), { serdes });
    },
    input: 'quiet',
    status: 'SUCCEEDED',
    result: 'QUIET',
    history: [
      'ExecutionStarted @ Input="quiet" ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "loud"',
      'StepStarted:Step b<a',
      'StepSucceeded:Step b<a Result="quiet" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:RunInChildContext a "loud" Result=QUIET',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="QUIET"',
    ],
  },
  {
    follows: 'child 3-15',
    title: 'an exception in the context itself',
    workflow: (_: unknown, context: DurableContext) => context.runInChildContext('page', refuse),
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "page"',
      'ContextFailed:RunInChildContext a "page" Error=Error(refused)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=ChildContextError(refused)',
    ],
  },
  {
    follows: 'child 3-16',
    title: 'a context that returns null',
    workflow: (_: unknown, context: DurableContext) => context.runInChildContext('nothing', async () => null),
    status: 'SUCCEEDED',
    result: null,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "nothing"',
      'ContextSucceeded:RunInChildContext a "nothing" Result=null',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=null',
    ],
  },
  {
    follows: 'child 3-18',
    title: 'steps and waits within a context and after it',
    workflow: async (_: unknown, context: DurableContext) => {
      await context.runInChildContext('mitigate', async (child) => {
        await child.step(async () => 'rolled back');
        await child.wait({ seconds: 20 });
      });
      const verdict = await context.step(async () => 'healthy');
      await context.wait({ seconds: 20 });
      return verdict;
    },
    status: 'SUCCEEDED',
    result: 'healthy',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "mitigate"',
      'StepStarted:Step b<a',
      'StepSucceeded:Step b<a Result="rolled back" RetryDetails.CurrentAttempt=1',
      'WaitStarted:Wait c<a Duration=20',
      'InvocationCompleted',
      'WaitSucceeded:Wait c<a Duration=20',
      'ContextSucceeded:RunInChildContext a "mitigate" Result=nothing',
      'StepStarted:Step d',
      'StepSucceeded:Step d Result="healthy" RetryDetails.CurrentAttempt=1',
      'WaitStarted:Wait e Duration=20',
      'InvocationCompleted',
      'WaitSucceeded:Wait e Duration=20',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="healthy"',
    ],
  },
];

behaves('child contexts', cases);
