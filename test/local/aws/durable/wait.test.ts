import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { Bench } from './bench.ts';
import { behaves, suspended, type Case } from './cases.ts';

const cases: Case[] = [
  {
    follows: 'wait 2-1',
    title: 'a wait suspends the execution, and its end resumes it',
    workflow: (_: unknown, context: DurableContext) => context.wait({ seconds: 40 }),
    status: 'SUCCEEDED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'WaitStarted:Wait a Duration=40',
      'InvocationCompleted',
      'WaitSucceeded:Wait a Duration=40',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=nothing',
    ],
  },
  {
    follows: 'wait 2-2',
    title: 'a wait with a name',
    workflow: (_: unknown, context: DurableContext) => context.wait('settle', { seconds: 40 }),
    status: 'SUCCEEDED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'WaitStarted:Wait a "settle" Duration=40',
      'InvocationCompleted',
      'WaitSucceeded:Wait a "settle" Duration=40',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=nothing',
    ],
  },
  {
    follows: 'wait 2-3',
    title: 'two waits, one after the other',
    workflow: async (_: unknown, context: DurableContext) => {
      await context.wait('first', { seconds: 40 });
      await context.wait('second', { seconds: 60 });
      return 'waited';
    },
    status: 'SUCCEEDED',
    result: 'waited',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'WaitStarted:Wait a "first" Duration=40',
      'InvocationCompleted',
      'WaitSucceeded:Wait a "first" Duration=40',
      'WaitStarted:Wait b "second" Duration=60',
      'InvocationCompleted',
      'WaitSucceeded:Wait b "second" Duration=60',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="waited"',
    ],
  },
];

const unending: Case[] = [
  {
    follows: 'wait 2-4',
    title: 'minutes are seconds in the history',
    workflow: (_: unknown, context: DurableContext) => context.wait({ minutes: 1 }),
    meanwhile: (bench: Bench, arn: string) => suspended(bench, arn),
    status: 'RUNNING',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'WaitStarted:Wait a Duration=60',
      'InvocationCompleted',
    ],
  },
  {
    follows: 'wait 2-5',
    title: 'hours are seconds in the history',
    workflow: (_: unknown, context: DurableContext) => context.wait({ hours: 1 }),
    meanwhile: (bench: Bench, arn: string) => suspended(bench, arn),
    status: 'RUNNING',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'WaitStarted:Wait a Duration=3600',
      'InvocationCompleted',
    ],
  },
];

behaves('waits', cases);
behaves('waits that continue', unending, { timeScale: 1 });
