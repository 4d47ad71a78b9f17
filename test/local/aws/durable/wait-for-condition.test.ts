import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { behaves, type Case } from './cases.ts';

const increment = async (count: number) => count + 1;

/** Creates a strategy that polls every `seconds` until the count reaches the target, and throws after `attempts`. */
const until =
  (target: number, seconds = 20, attempts = Infinity) =>
  (count: number, made: number) => {
    if (count < target && made >= attempts) throw new Error('it never came');
    return count < target ? { shouldContinue: true as const, delay: { seconds } } : { shouldContinue: false as const };
  };

const cases: Case[] = [
  {
    follows: 'wait_for_condition 6-1',
    title: 'polls until the condition is met',
    workflow: (target: number, context: DurableContext) =>
      context.waitForCondition(increment, { initialState: 0, waitStrategy: until(target) }),
    input: 3,
    status: 'SUCCEEDED',
    result: 3,
    history: [
      'ExecutionStarted @ Input=3 ExecutionTimeout=1209600',
      'StepStarted:WaitForCondition a',
      'StepSucceeded:WaitForCondition a Result=1 RetryDetails.CurrentAttempt=1 RetryDetails.NextAttemptDelaySecon' +
        'ds=20',
      'InvocationCompleted',
      'StepStarted:WaitForCondition a',
      'StepSucceeded:WaitForCondition a Result=2 RetryDetails.CurrentAttempt=2 RetryDetails.NextAttemptDelaySecon' +
        'ds=20',
      'InvocationCompleted',
      'StepStarted:WaitForCondition a',
      'StepSucceeded:WaitForCondition a Result=3 RetryDetails.CurrentAttempt=3',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=3',
    ],
  },
  {
    follows: 'wait_for_condition 6-2',
    title: 'the condition is met at the first poll',
    workflow: (_: unknown, context: DurableContext) =>
      context.waitForCondition(async (state: number) => state, { initialState: 5, waitStrategy: until(5) }),
    status: 'SUCCEEDED',
    result: 5,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:WaitForCondition a',
      'StepSucceeded:WaitForCondition a Result=5 RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=5',
    ],
  },
  {
    follows: 'wait_for_condition 6-3',
    title: 'the name is in every event',
    workflow: (_: unknown, context: DurableContext) =>
      context.waitForCondition('healthy', increment, { initialState: 0, waitStrategy: until(2) }),
    status: 'SUCCEEDED',
    result: 2,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:WaitForCondition a "healthy"',
      'StepSucceeded:WaitForCondition a "healthy" Result=1 RetryDetails.CurrentAttempt=1 RetryDetails.NextAttempt' +
        'DelaySeconds=20',
      'InvocationCompleted',
      'StepStarted:WaitForCondition a "healthy"',
      'StepSucceeded:WaitForCondition a "healthy" Result=2 RetryDetails.CurrentAttempt=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=2',
    ],
  },
  {
    follows: 'wait_for_condition 6-5',
    title: 'the delay is in the history',
    workflow: (_: unknown, context: DurableContext) =>
      context.waitForCondition(increment, { initialState: 0, waitStrategy: until(2, 30) }),
    status: 'SUCCEEDED',
    result: 2,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:WaitForCondition a',
      'StepSucceeded:WaitForCondition a Result=1 RetryDetails.CurrentAttempt=1 RetryDetails.NextAttemptDelaySecon' +
        'ds=30',
      'InvocationCompleted',
      'StepStarted:WaitForCondition a',
      'StepSucceeded:WaitForCondition a Result=2 RetryDetails.CurrentAttempt=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=2',
    ],
  },
  {
    follows: 'wait_for_condition 6-6',
    title: 'the condition is never met',
    workflow: (_: unknown, context: DurableContext) =>
      context.waitForCondition(increment, { initialState: 0, waitStrategy: until(99, 20, 3) }),
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:WaitForCondition a',
      'StepSucceeded:WaitForCondition a Result=1 RetryDetails.CurrentAttempt=1 RetryDetails.NextAttemptDelaySecon' +
        'ds=20',
      'InvocationCompleted',
      'StepStarted:WaitForCondition a',
      'StepSucceeded:WaitForCondition a Result=2 RetryDetails.CurrentAttempt=2 RetryDetails.NextAttemptDelaySecon' +
        'ds=20',
      'InvocationCompleted',
      'StepStarted:WaitForCondition a',
      'StepFailed:WaitForCondition a Error=Error(it never came) RetryDetails.CurrentAttempt=3',
      'InvocationCompleted',
      'ExecutionFailed @ Error=StepError(it never came)',
    ],
  },
  {
    follows: 'wait_for_condition 6-7',
    title: 'a poll that throws is not repeated',
    workflow: (_: unknown, context: DurableContext) =>
      context.waitForCondition((): Promise<number> => Promise.reject(new Error('blind')), {
        initialState: 0,
        waitStrategy: until(1),
      }),
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:WaitForCondition a',
      'StepFailed:WaitForCondition a Error=Error(blind) RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionFailed @ Error=StepError(blind)',
    ],
  },
  {
    follows: 'wait_for_condition 6-8',
    title: 'a caught exception in a poll',
    workflow: (_: unknown, context: DurableContext) =>
      context
        .waitForCondition((): Promise<number> => Promise.reject(new Error('blind')), {
          initialState: 0,
          waitStrategy: until(1),
        })
        .catch(() => 'inconclusive'),
    status: 'SUCCEEDED',
    result: 'inconclusive',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:WaitForCondition a',
      'StepFailed:WaitForCondition a Error=Error(blind) RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="inconclusive"',
    ],
  },
  {
    follows: 'wait_for_condition 6-12',
    title: 'a step with the result',
    workflow: async (_: unknown, context: DurableContext) => {
      const found = await context.waitForCondition(increment, { initialState: 0, waitStrategy: until(2) });
      return context.step(async () => found * 10);
    },
    status: 'SUCCEEDED',
    result: 20,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:WaitForCondition a',
      'StepSucceeded:WaitForCondition a Result=1 RetryDetails.CurrentAttempt=1 RetryDetails.NextAttemptDelaySecon' +
        'ds=20',
      'InvocationCompleted',
      'StepStarted:WaitForCondition a',
      'StepSucceeded:WaitForCondition a Result=2 RetryDetails.CurrentAttempt=2',
      'StepStarted:Step b',
      'StepSucceeded:Step b Result=20 RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=20',
    ],
  },
  {
    follows: 'wait_for_condition 6-13',
    title: 'two, one after the other',
    workflow: async (_: unknown, context: DurableContext) => {
      const first = await context.waitForCondition(increment, { initialState: 0, waitStrategy: until(2) });
      return context.waitForCondition(increment, { initialState: first, waitStrategy: until(4) });
    },
    status: 'SUCCEEDED',
    result: 4,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:WaitForCondition a',
      'StepSucceeded:WaitForCondition a Result=1 RetryDetails.CurrentAttempt=1 RetryDetails.NextAttemptDelaySecon' +
        'ds=20',
      'InvocationCompleted',
      'StepStarted:WaitForCondition a',
      'StepSucceeded:WaitForCondition a Result=2 RetryDetails.CurrentAttempt=2',
      'StepStarted:WaitForCondition b',
      'StepSucceeded:WaitForCondition b Result=3 RetryDetails.CurrentAttempt=1 RetryDetails.NextAttemptDelaySecon' +
        'ds=20',
      'InvocationCompleted',
      'StepStarted:WaitForCondition b',
      'StepSucceeded:WaitForCondition b Result=4 RetryDetails.CurrentAttempt=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=4',
    ],
  },
];

behaves('waiting for a condition', cases);
