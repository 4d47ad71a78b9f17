import {
  SendDurableExecutionCallbackFailureCommand,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { Bench } from './bench.ts';
import { behaves, suspended, type Case } from './cases.ts';

const ask = async () => undefined;

const answer = (text?: string) => async (bench: Bench, arn: string) => {
  const CallbackId = await bench.callback(arn);
  const Result = text === undefined ? {} : { Result: Buffer.from(text) };
  await bench.lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, ...Result }));
};

const refuse = async (bench: Bench, arn: string) => {
  const CallbackId = await bench.callback(arn);
  const Error = { ErrorType: 'Rejected', ErrorMessage: 'not on a Friday' };
  await bench.lambda.send(new SendDurableExecutionCallbackFailureCommand({ CallbackId, Error }));
};

const cases: Case[] = [
  {
    follows: 'wait_for_callback 7-2',
    title: 'a request is sent, and the callback is completed',
    workflow: (_: unknown, context: DurableContext) => context.waitForCallback('approval', ask),
    meanwhile: answer('yes'),
    status: 'SUCCEEDED',
    result: 'yes',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:WaitForCallback a "approval"',
      'CallbackStarted:Callback b<a CallbackId=*',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackSucceeded:Callback b<a Result=yes',
      'ContextSucceeded:WaitForCallback a "approval" Result="yes"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="yes"',
    ],
  },
  {
    follows: 'wait_for_callback 7-3',
    title: 'without a name',
    workflow: (_: unknown, context: DurableContext) => context.waitForCallback(ask),
    meanwhile: answer('yes'),
    status: 'SUCCEEDED',
    result: 'yes',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:WaitForCallback a',
      'CallbackStarted:Callback b<a CallbackId=*',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackSucceeded:Callback b<a Result=yes',
      'ContextSucceeded:WaitForCallback a Result="yes"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="yes"',
    ],
  },
  {
    follows: 'wait_for_callback 7-4',
    title: 'a failure fails the execution',
    workflow: (_: unknown, context: DurableContext) => context.waitForCallback('approval', ask),
    meanwhile: refuse,
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:WaitForCallback a "approval"',
      'CallbackStarted:Callback b<a CallbackId=*',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackFailed:Callback b<a Error=Rejected(not on a Friday)',
      'ContextFailed:WaitForCallback a "approval" Error=CallbackExternalError(not on a Friday)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=CallbackExternalError(not on a Friday)',
    ],
  },
  {
    follows: 'wait_for_callback 7-5',
    title: 'without a result in time, the execution fails',
    workflow: (_: unknown, context: DurableContext) =>
      context.waitForCallback('approval', ask, { timeout: { seconds: 60 } }),
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:WaitForCallback a "approval"',
      'CallbackStarted:Callback b<a CallbackId=* Timeout=60',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackTimedOut:Callback b<a Error=Callback.Timeout(Callback timed out)',
      'ContextFailed:WaitForCallback a "approval" Error=CallbackTimeoutError(Callback timed out)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=CallbackTimeoutError(Callback timed out)',
    ],
  },
  {
    follows: 'wait_for_callback 7-6',
    title: 'a caught failure',
    workflow: (_: unknown, context: DurableContext) =>
      context.waitForCallback('approval', ask).catch((error: unknown) => (error as Error).message),
    meanwhile: refuse,
    status: 'SUCCEEDED',
    result: 'not on a Friday',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:WaitForCallback a "approval"',
      'CallbackStarted:Callback b<a CallbackId=*',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackFailed:Callback b<a Error=Rejected(not on a Friday)',
      'ContextFailed:WaitForCallback a "approval" Error=CallbackExternalError(not on a Friday)',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="not on a Friday"',
    ],
  },
  {
    follows: 'wait_for_callback 7-7',
    title: 'the request fails on every attempt',
    workflow: (_: unknown, context: DurableContext) => {
      const retryStrategy = (__: Error, made: number) => ({ shouldRetry: made < 2, delay: { seconds: 20 } });
      return context.waitForCallback('approval', () => Promise.reject(new Error('chat is down')), { retryStrategy });
    },
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:WaitForCallback a "approval"',
      'CallbackStarted:Callback b<a CallbackId=*',
      'StepStarted:Step c<a',
      'StepFailed:Step c<a Error=Error(chat is down) RetryDetails.CurrentAttempt=1 RetryDetails.NextAttemptDelayS' +
        'econds=20',
      'InvocationCompleted',
      'StepStarted:Step c<a',
      'StepFailed:Step c<a Error=Error(chat is down) RetryDetails.CurrentAttempt=2',
      'ContextFailed:WaitForCallback a "approval" Error=StepError(chat is down)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=CallbackSubmitterError(chat is down)',
    ],
  },
  {
    follows: 'wait_for_callback 7-8',
    title: 'within a child context',
    workflow: (_: unknown, context: DurableContext) =>
      context.runInChildContext('wrapper', (child) => child.waitForCallback('approval', ask)),
    meanwhile: answer('yes'),
    status: 'SUCCEEDED',
    result: 'yes',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "wrapper"',
      'ContextStarted:WaitForCallback b<a "approval"',
      'CallbackStarted:Callback c<b CallbackId=*',
      'StepStarted:Step d<b',
      'StepSucceeded:Step d<b Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackSucceeded:Callback c<b Result=yes',
      'ContextSucceeded:WaitForCallback b<a "approval" Result="yes"',
      'ContextSucceeded:RunInChildContext a "wrapper" Result="yes"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="yes"',
    ],
  },
  {
    follows: 'wait_for_callback 7-9',
    title: 'two requests, one after the other',
    workflow: async (_: unknown, context: DurableContext) => [
      await context.waitForCallback('first', ask),
      await context.waitForCallback('second', ask),
    ],
    meanwhile: async (bench, arn) => {
      await answer('1')(bench, arn);
      await suspended(bench, arn, 2);
      await answer('2')(bench, arn);
    },
    status: 'SUCCEEDED',
    result: ['1', '2'],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:WaitForCallback a "first"',
      'CallbackStarted:Callback b<a CallbackId=*',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackSucceeded:Callback b<a Result=1',
      'ContextSucceeded:WaitForCallback a "first" Result="1"',
      'ContextStarted:WaitForCallback d "second"',
      'CallbackStarted:Callback e<d CallbackId=*',
      'StepStarted:Step f<d',
      'StepSucceeded:Step f<d Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackSucceeded:Callback e<d Result=2',
      'ContextSucceeded:WaitForCallback d "second" Result="2"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["1","2"]',
    ],
  },
  {
    follows: 'wait_for_callback 7-10',
    title: 'after a wait and a step',
    workflow: async (_: unknown, context: DurableContext) => {
      await context.wait({ seconds: 20 });
      await context.step(async () => 'looked');
      return context.waitForCallback('approval', ask);
    },
    meanwhile: answer('yes'),
    status: 'SUCCEEDED',
    result: 'yes',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'WaitStarted:Wait a Duration=20',
      'InvocationCompleted',
      'WaitSucceeded:Wait a Duration=20',
      'StepStarted:Step b',
      'StepSucceeded:Step b Result="looked" RetryDetails.CurrentAttempt=1',
      'ContextStarted:WaitForCallback c "approval"',
      'CallbackStarted:Callback d<c CallbackId=*',
      'StepStarted:Step e<c',
      'StepSucceeded:Step e<c Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackSucceeded:Callback d<c Result=yes',
      'ContextSucceeded:WaitForCallback c "approval" Result="yes"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="yes"',
    ],
  },
  {
    follows: 'wait_for_callback 7-11',
    title: 'the result uses the serializer',
    workflow: async (_: unknown, context: DurableContext) => {
      const serdes = {
        serialize: async () => '',
        deserialize: async (text = '') => JSON.parse(text) as { status: string },
      };
      return (await context.waitForCallback('approval', ask, { serdes })).status;
    },
    meanwhile: answer('{"status":"approved"}'),
    status: 'SUCCEEDED',
    result: 'approved',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:WaitForCallback a "approval"',
      'CallbackStarted:Callback b<a CallbackId=*',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackSucceeded:Callback b<a Result={"status":"approved"}',
      'ContextSucceeded:WaitForCallback a "approval" Result="{\\"status\\":\\"approved\\"}"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="approved"',
    ],
  },
  {
    follows: 'wait_for_callback 7-12',
    title: 'without a heartbeat in time, the execution fails',
    workflow: (_: unknown, context: DurableContext) =>
      context.waitForCallback('approval', ask, { heartbeatTimeout: { seconds: 100 } }),
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:WaitForCallback a "approval"',
      'CallbackStarted:Callback b<a CallbackId=* HeartbeatTimeout=100',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackTimedOut:Callback b<a Error=Callback.Heartbeat(Callback timed out on heartbeat)',
      'ContextFailed:WaitForCallback a "approval" Error=CallbackTimeoutError(Callback timed out on heartbeat)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=CallbackTimeoutError(Callback timed out on heartbeat)',
    ],
  },
  {
    follows: 'wait_for_callback 7-14',
    title: 'a caught timeout',
    workflow: (_: unknown, context: DurableContext) =>
      context.waitForCallback('approval', ask, { timeout: { seconds: 60 } }).catch(() => 'nobody was there'),
    status: 'SUCCEEDED',
    result: 'nobody was there',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:WaitForCallback a "approval"',
      'CallbackStarted:Callback b<a CallbackId=* Timeout=60',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackTimedOut:Callback b<a Error=Callback.Timeout(Callback timed out)',
      'ContextFailed:WaitForCallback a "approval" Error=CallbackTimeoutError(Callback timed out)',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="nobody was there"',
    ],
  },
  {
    follows: 'wait_for_callback 7-15',
    title: 'an empty result',
    workflow: async (_: unknown, context: DurableContext) => (await context.waitForCallback('approval', ask)) ?? null,
    meanwhile: answer(),
    status: 'SUCCEEDED',
    result: null,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:WaitForCallback a "approval"',
      'CallbackStarted:Callback b<a CallbackId=*',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackSucceeded:Callback b<a Result=nothing',
      'ContextSucceeded:WaitForCallback a "approval" Result=nothing',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=null',
    ],
  },
];

behaves('waiting for a callback', cases);
