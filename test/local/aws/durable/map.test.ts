import { NestingType, type DurableContext } from '@aws/durable-execution-sdk-js';
import { behaves, type Case } from './cases.ts';

const one = { maxConcurrency: 1 };

const cases: Case[] = [
  {
    follows: 'map 9-1',
    title: 'a step for each item',
    workflow: async (items: string[], context: DurableContext) => {
      const greet = (item: DurableContext, name: string) => item.step(async () => `hello ${name}`);
      return (await context.map('greet', items, greet, one)).getResults();
    },
    input: ['a', 'b'],
    status: 'SUCCEEDED',
    result: ['hello a', 'hello b'],
    history: [
      'ExecutionStarted @ Input=["a","b"] ExecutionTimeout=1209600',
      'ContextStarted:Map a "greet"',
      'ContextStarted:MapIteration b<a "map-item-0"',
      'StepStarted:Step c<b',
      'StepSucceeded:Step c<b Result="hello a" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:MapIteration b<a "map-item-0" Result="hello a"',
      'ContextStarted:MapIteration d<a "map-item-1"',
      'StepStarted:Step e<d',
      'StepSucceeded:Step e<d Result="hello b" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:MapIteration d<a "map-item-1" Result="hello b"',
      'ContextSucceeded:Map a "greet" Result={"all":[{"result":"hello a","index":0,"status":"SUCCEEDED"},{"result' +
        '":"hello b","index":1,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["hello a","hello b"]',
    ],
  },
  {
    follows: 'map 9-3',
    title: 'item and index',
    workflow: async (items: number[], context: DurableContext) =>
      (await context.map('sum', items, async (_, item, index) => item + index, one)).getResults(),
    input: [10, 20],
    status: 'SUCCEEDED',
    result: [10, 21],
    history: [
      'ExecutionStarted @ Input=[10,20] ExecutionTimeout=1209600',
      'ContextStarted:Map a "sum"',
      'ContextStarted:MapIteration b<a "map-item-0"',
      'ContextSucceeded:MapIteration b<a "map-item-0" Result=10',
      'ContextStarted:MapIteration c<a "map-item-1"',
      'ContextSucceeded:MapIteration c<a "map-item-1" Result=21',
      'ContextSucceeded:Map a "sum" Result={"all":[{"result":10,"index":0,"status":"SUCCEEDED"},{"result":21,"ind' +
        'ex":1,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=[10,21]',
    ],
  },
  {
    follows: 'map 9-4',
    title: 'no items',
    workflow: async (_: unknown, context: DurableContext) =>
      (await context.map('none', [], async () => 1, one)).getResults(),
    status: 'SUCCEEDED',
    result: [],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Map a "none"',
      'ContextSucceeded:Map a "none" Result={"all":[],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=[]',
    ],
  },
  {
    follows: 'map 9-12',
    title: 'flat items leave no contexts',
    workflow: async (items: string[], context: DurableContext) => {
      const config = { ...one, nesting: NestingType.FLAT };
      return (await context.map('flat', items, (item, name) => item.step(async () => name), config)).getResults();
    },
    input: ['a', 'b'],
    status: 'SUCCEEDED',
    result: ['a', 'b'],
    history: [
      'ExecutionStarted @ Input=["a","b"] ExecutionTimeout=1209600',
      'ContextStarted:Map a "flat"',
      'StepStarted:Step b<a',
      'StepSucceeded:Step b<a Result="a" RetryDetails.CurrentAttempt=1',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result="b" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:Map a "flat" Result={"all":[{"result":"a","index":0,"status":"SUCCEEDED"},{"result":"b","' +
        'index":1,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["a","b"]',
    ],
  },
  {
    follows: 'map 9-15',
    title: 'a waiting item is resumed; the finished one is not',
    workflow: async (items: string[], context: DurableContext) => {
      const work = async (item: DurableContext, name: string, index: number) => {
        if (index === 1) await item.wait({ seconds: 20 });
        return item.step(async () => name);
      };
      return (await context.map('work', items, work, one)).getResults();
    },
    input: ['a', 'b'],
    status: 'SUCCEEDED',
    result: ['a', 'b'],
    history: [
      'ExecutionStarted @ Input=["a","b"] ExecutionTimeout=1209600',
      'ContextStarted:Map a "work"',
      'ContextStarted:MapIteration b<a "map-item-0"',
      'StepStarted:Step c<b',
      'StepSucceeded:Step c<b Result="a" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:MapIteration b<a "map-item-0" Result="a"',
      'ContextStarted:MapIteration d<a "map-item-1"',
      'WaitStarted:Wait e<d Duration=20',
      'InvocationCompleted',
      'WaitSucceeded:Wait e<d Duration=20',
      'StepStarted:Step f<d',
      'StepSucceeded:Step f<d Result="b" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:MapIteration d<a "map-item-1" Result="b"',
      'ContextSucceeded:Map a "work" Result={"all":[{"result":"a","index":0,"status":"SUCCEEDED"},{"result":"b","' +
        'index":1,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["a","b"]',
    ],
  },
  {
    follows: 'map 9-17',
    title: 'after a wait, the finished map is not run again',
    workflow: async (items: string[], context: DurableContext) => {
      const batch = await context.map('loud', items, async (_, item) => item.toUpperCase(), one);
      await context.wait({ seconds: 20 });
      return batch.getResults();
    },
    input: ['a', 'b'],
    status: 'SUCCEEDED',
    result: ['A', 'B'],
    history: [
      'ExecutionStarted @ Input=["a","b"] ExecutionTimeout=1209600',
      'ContextStarted:Map a "loud"',
      'ContextStarted:MapIteration b<a "map-item-0"',
      'ContextSucceeded:MapIteration b<a "map-item-0" Result="A"',
      'ContextStarted:MapIteration c<a "map-item-1"',
      'ContextSucceeded:MapIteration c<a "map-item-1" Result="B"',
      'ContextSucceeded:Map a "loud" Result={"all":[{"result":"A","index":0,"status":"SUCCEEDED"},{"result":"B","' +
        'index":1,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'WaitStarted:Wait d Duration=20',
      'InvocationCompleted',
      'WaitSucceeded:Wait d Duration=20',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["A","B"]',
    ],
  },
];

behaves('mapping items', cases);
