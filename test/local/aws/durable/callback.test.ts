import {
  SendDurableExecutionCallbackFailureCommand,
  SendDurableExecutionCallbackHeartbeatCommand,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { Bench } from './bench.ts';
import { behaves, suspended, type Case } from './cases.ts';

const approve =
  (name?: string, result = '"approved"') =>
  async (bench: Bench, arn: string) => {
    const CallbackId = await bench.callback(arn, name);
    await bench.lambda.send(
      new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: Buffer.from(result) }),
    );
  };

const reject = async (bench: Bench, arn: string) => {
  const CallbackId = await bench.callback(arn);
  const Error = { ErrorType: 'Rejected', ErrorMessage: 'not on a Friday' };
  await bench.lambda.send(new SendDurableExecutionCallbackFailureCommand({ CallbackId, Error }));
};

const beat = async (bench: Bench, arn: string) => {
  const CallbackId = await bench.callback(arn);
  await bench.lambda.send(new SendDurableExecutionCallbackHeartbeatCommand({ CallbackId }));
};

const messageOf = (error: unknown) => (error as Error).message;

/** Timeouts that occur. */
const timeOuts: Case[] = [
  {
    follows: 'callback 4-3',
    title: 'without a result in time, the execution fails',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval', { timeout: { seconds: 5 } });
      return answer;
    },
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=* Timeout=5',
      'InvocationCompleted',
      'CallbackTimedOut:Callback a "approval" Error=Callback.Timeout(Callback timed out)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=CallbackTimeoutError(Callback timed out)',
    ],
  },
  {
    follows: 'callback 4-4',
    title: 'without a heartbeat in time, the execution fails',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval', { heartbeatTimeout: { seconds: 5 } });
      return answer;
    },
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=* HeartbeatTimeout=5',
      'InvocationCompleted',
      'CallbackTimedOut:Callback a "approval" Error=Callback.Heartbeat(Callback timed out on heartbeat)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=CallbackTimeoutError(Callback timed out on heartbeat)',
    ],
  },
  {
    follows: 'callback 4-8',
    title: 'a step runs while the callback is open; then it times out',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval', { timeout: { seconds: 5 } });
      await context.step('ask', async () => 'asked');
      return answer;
    },
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=* Timeout=5',
      'StepStarted:Step b "ask"',
      'StepSucceeded:Step b "ask" Result="asked" RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackTimedOut:Callback a "approval" Error=Callback.Timeout(Callback timed out)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=CallbackTimeoutError(Callback timed out)',
    ],
  },
  {
    follows: 'callback 4-11',
    title: 'the callback times out during a longer wait',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval', { timeout: { seconds: 3 } });
      await context.wait({ seconds: 6 });
      return answer;
    },
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=* Timeout=3',
      'WaitStarted:Wait b Duration=6',
      'InvocationCompleted',
      'CallbackTimedOut:Callback a "approval" Error=Callback.Timeout(Callback timed out)',
      'InvocationCompleted',
      'WaitSucceeded:Wait b Duration=6',
      'InvocationCompleted',
      'ExecutionFailed @ Error=CallbackTimeoutError(Callback timed out)',
    ],
  },
  {
    follows: 'callback 4-14',
    title: 'after a caught timeout, the workflow continues with a wait',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval', { timeout: { seconds: 3 } });
      const message = await answer.catch(messageOf);
      await context.wait({ seconds: 2 });
      return message;
    },
    status: 'SUCCEEDED',
    result: 'Callback timed out',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=* Timeout=3',
      'InvocationCompleted',
      'CallbackTimedOut:Callback a "approval" Error=Callback.Timeout(Callback timed out)',
      'WaitStarted:Wait b Duration=2',
      'InvocationCompleted',
      'WaitSucceeded:Wait b Duration=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="Callback timed out"',
    ],
  },
];

/** A caller acts, with a minute of real time before any timeout. */
const answered: Case[] = [
  {
    follows: 'callback 4-1',
    title: 'a result resumes the workflow, with the text as sent',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback();
      return answer;
    },
    meanwhile: approve(),
    status: 'SUCCEEDED',
    result: '"approved"',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a CallbackId=*',
      'InvocationCompleted',
      'CallbackSucceeded:Callback a Result="approved"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="\\"approved\\""',
    ],
  },
  {
    follows: 'callback 4-2',
    title: 'a callback with a name',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval');
      return answer;
    },
    meanwhile: approve('approval', 'yes'),
    status: 'SUCCEEDED',
    result: 'yes',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=*',
      'InvocationCompleted',
      'CallbackSucceeded:Callback a "approval" Result=yes',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="yes"',
    ],
  },
  {
    follows: 'callback 4-5',
    title: 'a heartbeat keeps the callback open, and adds nothing to the history',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval', { heartbeatTimeout: { hours: 1 } });
      return answer;
    },
    meanwhile: async (bench, arn) => {
      await beat(bench, arn);
      await approve('approval')(bench, arn);
    },
    status: 'SUCCEEDED',
    result: '"approved"',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=* HeartbeatTimeout=3600',
      'InvocationCompleted',
      'CallbackSucceeded:Callback a "approval" Result="approved"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="\\"approved\\""',
    ],
  },
  {
    follows: 'callback 4-6',
    title: 'a failure fails the execution with its message',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval');
      return answer;
    },
    meanwhile: reject,
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=*',
      'InvocationCompleted',
      'CallbackFailed:Callback a "approval" Error=Rejected(not on a Friday)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=CallbackExternalError(not on a Friday)',
    ],
  },
  {
    follows: 'callback 4-7',
    title: 'a step runs while the callback is open; then the callback fails',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval');
      await context.step('ask', async () => 'asked');
      return answer;
    },
    meanwhile: reject,
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=*',
      'StepStarted:Step b "ask"',
      'StepSucceeded:Step b "ask" Result="asked" RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'CallbackFailed:Callback a "approval" Error=Rejected(not on a Friday)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=CallbackExternalError(not on a Friday)',
    ],
  },
  {
    follows: 'callback 4-9',
    title: 'a result during a wait resumes once, and the wait continues',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval');
      await context.wait({ minutes: 3 });
      return answer;
    },
    meanwhile: approve(),
    status: 'SUCCEEDED',
    result: '"approved"',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=*',
      'WaitStarted:Wait b Duration=180',
      'InvocationCompleted',
      'CallbackSucceeded:Callback a "approval" Result="approved"',
      'InvocationCompleted',
      'WaitSucceeded:Wait b Duration=180',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="\\"approved\\""',
    ],
  },
  {
    follows: 'callback 4-10',
    title: 'a failure during a wait is thrown after it',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval');
      await context.wait({ minutes: 3 });
      return answer;
    },
    meanwhile: reject,
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=*',
      'WaitStarted:Wait b Duration=180',
      'InvocationCompleted',
      'CallbackFailed:Callback a "approval" Error=Rejected(not on a Friday)',
      'InvocationCompleted',
      'WaitSucceeded:Wait b Duration=180',
      'InvocationCompleted',
      'ExecutionFailed @ Error=CallbackExternalError(not on a Friday)',
    ],
  },
  {
    follows: 'callback 4-12',
    title: 'a result, then a wait: three invocations',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval');
      const text = await answer;
      await context.wait({ seconds: 2 });
      return text;
    },
    meanwhile: approve(),
    status: 'SUCCEEDED',
    result: '"approved"',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=*',
      'InvocationCompleted',
      'CallbackSucceeded:Callback a "approval" Result="approved"',
      'WaitStarted:Wait b Duration=2',
      'InvocationCompleted',
      'WaitSucceeded:Wait b Duration=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="\\"approved\\""',
    ],
  },
  {
    follows: 'callback 4-13',
    title: 'after a caught failure, the workflow continues with a wait',
    workflow: async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval');
      const message = await answer.catch(messageOf);
      await context.wait({ seconds: 2 });
      return message;
    },
    meanwhile: reject,
    status: 'SUCCEEDED',
    result: 'not on a Friday',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=*',
      'InvocationCompleted',
      'CallbackFailed:Callback a "approval" Error=Rejected(not on a Friday)',
      'WaitStarted:Wait b Duration=2',
      'InvocationCompleted',
      'WaitSucceeded:Wait b Duration=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="not on a Friday"',
    ],
  },
  {
    follows: 'callback 4-15',
    title: "the result uses the callback's serializer",
    workflow: async (_: unknown, context: DurableContext) => {
      const serdes = {
        serialize: async () => '',
        deserialize: async (text = '') => new Date((JSON.parse(text) as { at: string }).at),
      };
      const [answer] = await context.createCallback<Date>('approval', { serdes });
      return (await answer).getTime();
    },
    meanwhile: approve('approval', '{"at":"2026-01-01T00:00:00.000Z"}'),
    status: 'SUCCEEDED',
    result: 1767225600000,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "approval" CallbackId=*',
      'InvocationCompleted',
      'CallbackSucceeded:Callback a "approval" Result={"at":"2026-01-01T00:00:00.000Z"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=1767225600000',
    ],
  },
  {
    follows: 'callback 4-16',
    title: 'the result as a number',
    workflow: async (_: unknown, context: DurableContext) => {
      const serdes = { serialize: async () => '', deserialize: async (text = '') => Number(text) };
      const [answer] = await context.createCallback<number>('count', { serdes });
      return (await answer) * 2;
    },
    meanwhile: approve('count', '21'),
    status: 'SUCCEEDED',
    result: 42,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "count" CallbackId=*',
      'InvocationCompleted',
      'CallbackSucceeded:Callback a "count" Result=21',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=42',
    ],
  },
  {
    follows: 'callback 4-17',
    title: 'two callbacks, one after the other',
    workflow: async (_: unknown, context: DurableContext) => {
      const [first] = await context.createCallback('first');
      const one = await first;
      const [second] = await context.createCallback('second');
      return [one, await second];
    },
    meanwhile: async (bench, arn) => {
      await approve('first', '1')(bench, arn);
      await approve('second', '2')(bench, arn);
    },
    status: 'SUCCEEDED',
    result: ['1', '2'],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "first" CallbackId=*',
      'InvocationCompleted',
      'CallbackSucceeded:Callback a "first" Result=1',
      'CallbackStarted:Callback b "second" CallbackId=*',
      'InvocationCompleted',
      'CallbackSucceeded:Callback b "second" Result=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["1","2"]',
    ],
  },
  {
    follows: 'callback 4-18',
    title: 'two open callbacks, completed in order',
    workflow: async (_: unknown, context: DurableContext) => {
      const [first] = await context.createCallback('first');
      const [second] = await context.createCallback('second');
      return [await first, await second];
    },
    meanwhile: async (bench, arn) => {
      await approve('first', '1')(bench, arn);
      await suspended(bench, arn, 2);
      await approve('second', '2')(bench, arn);
    },
    status: 'SUCCEEDED',
    result: ['1', '2'],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "first" CallbackId=*',
      'CallbackStarted:Callback b "second" CallbackId=*',
      'InvocationCompleted',
      'CallbackSucceeded:Callback a "first" Result=1',
      'InvocationCompleted',
      'CallbackSucceeded:Callback b "second" Result=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["1","2"]',
    ],
  },
  {
    follows: 'callback 4-19',
    title: 'two open callbacks, awaited in reverse order',
    workflow: async (_: unknown, context: DurableContext) => {
      const [first] = await context.createCallback('first');
      const [second] = await context.createCallback('second');
      const two = await second;
      return [await first, two];
    },
    meanwhile: async (bench, arn) => {
      await approve('first', '1')(bench, arn);
      await suspended(bench, arn, 2);
      await approve('second', '2')(bench, arn);
    },
    status: 'SUCCEEDED',
    result: ['1', '2'],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'CallbackStarted:Callback a "first" CallbackId=*',
      'CallbackStarted:Callback b "second" CallbackId=*',
      'InvocationCompleted',
      'CallbackSucceeded:Callback a "first" Result=1',
      'InvocationCompleted',
      'CallbackSucceeded:Callback b "second" Result=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["1","2"]',
    ],
  },
];

behaves('callbacks that time out', timeOuts);
behaves('callbacks that are completed', answered, { timeScale: 60 });
