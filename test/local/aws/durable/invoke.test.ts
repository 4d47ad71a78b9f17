import type { DurableContext } from '@aws/durable-execution-sdk-js';
import type { LocalFunction } from '../../../../local/aws/lambda/lambda.ts';
import type { Bench } from './bench.ts';
import { behaves, type Case } from './cases.ts';

const plain = (handler: (event: unknown) => Promise<unknown>): LocalFunction => ({ handler, timeoutSeconds: 5 });

/** The functions that the workflows invoke: durable ones by name and version, plain ones by name. */
const callees = (bench: Bench): Record<string, LocalFunction> => ({
  echo: bench.durable(async (event: unknown) => event),
  patient: bench.durable(async (event: unknown, context: DurableContext) => {
    await context.wait({ seconds: 20 });
    return context.step(async () => event);
  }),
  broken: bench.durable(async () => {
    throw new TypeError('no such release');
  }),
  'plain-echo': plain(async (event) => event),
  'plain-broken': plain(async () => {
    throw new TypeError('no such release');
  }),
});

const told = (error: unknown) => `${(error as Error).name}: ${(error as Error).message}`;

const cases: Case[] = [
  {
    follows: 'own',
    title: 'a plain function returns its input',
    workflow: (event: string, context: DurableContext) => context.invoke('call', 'plain-echo', event),
    input: 'deploy 42',
    status: 'SUCCEEDED',
    result: 'deploy 42',
    history: [
      'ExecutionStarted @ Input="deploy 42" ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=plain-echo Input="deploy 42" ExecutedVersion=$LAT' +
        'EST',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke a "call" Result="deploy 42"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="deploy 42"',
    ],
  },
  {
    follows: 'invoke 5-1',
    title: 'a durable function has its own execution',
    workflow: (event: string, context: DurableContext) => context.invoke('call', 'patient:$LATEST', event),
    input: 'deploy 42',
    status: 'SUCCEEDED',
    result: 'deploy 42',
    history: [
      'ExecutionStarted @ Input="deploy 42" ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=patient:$LATEST Input="deploy 42" ExecutedVersion' +
        '=$LATEST DurableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke a "call" Result="deploy 42"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="deploy 42"',
    ],
  },
  {
    follows: 'invoke 5-2',
    title: 'the name is in every event of the invoke',
    workflow: ({ name }: { name: string }, context: DurableContext) => context.invoke(name, 'echo:$LATEST', 1),
    input: { name: 'ask-cd' },
    status: 'SUCCEEDED',
    result: 1,
    history: [
      'ExecutionStarted @ Input={"name":"ask-cd"} ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "ask-cd" FunctionName=echo:$LATEST Input=1 ExecutedVersion=$LATEST Du' +
        'rableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke a "ask-cd" Result=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=1',
    ],
  },
  {
    follows: 'invoke 5-3',
    title: 'a nested object is returned unchanged',
    workflow: (event: object, context: DurableContext) => context.invoke('call', 'patient:$LATEST', event),
    input: { nested: { key: 'value', items: [1, 2, 3] } },
    status: 'SUCCEEDED',
    result: { nested: { key: 'value', items: [1, 2, 3] } },
    history: [
      'ExecutionStarted @ Input={"nested":{"key":"value","items":[1,2,3]}} ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=patient:$LATEST Input={"nested":{"key":"value","i' +
        'tems":[1,2,3]}} ExecutedVersion=$LATEST DurableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke a "call" Result={"nested":{"key":"value","items":[1,2,3]}}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"nested":{"key":"value","items":[1,2,3]}}',
    ],
  },
  {
    follows: 'invoke 5-4',
    title: 'null is passed and returned',
    workflow: (_: unknown, context: DurableContext) => context.invoke('call', 'echo:$LATEST', null),
    status: 'SUCCEEDED',
    result: null,
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=echo:$LATEST Input=null ExecutedVersion=$LATEST D' +
        'urableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke a "call" Result=null',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=null',
    ],
  },
  {
    follows: 'own',
    title: 'a failure of a plain callee fails the caller',
    workflow: (_: unknown, context: DurableContext) => context.invoke('call', 'plain-broken', null),
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=plain-broken Input=null ExecutedVersion=$LATEST',
      'InvocationCompleted',
      'ChainedInvokeFailed:ChainedInvoke a "call" Error=TypeError(no such release)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=InvokeError(no such release)',
    ],
  },
  {
    follows: 'invoke 5-5',
    title: 'a failure of a durable callee fails the caller',
    workflow: (_: unknown, context: DurableContext) => context.invoke('call', 'broken:$LATEST', null),
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=broken:$LATEST Input=null ExecutedVersion=$LATEST' +
        ' DurableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeFailed:ChainedInvoke a "call" Error=TypeError(no such release)',
      'InvocationCompleted',
      'ExecutionFailed @ Error=InvokeError(no such release)',
    ],
  },
  {
    follows: 'invoke 5-6',
    title: 'a caught failure of the callee',
    workflow: (_: unknown, context: DurableContext) => context.invoke('call', 'broken:$LATEST', null).catch(told),
    status: 'SUCCEEDED',
    result: 'InvokeError: no such release',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=broken:$LATEST Input=null ExecutedVersion=$LATEST' +
        ' DurableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeFailed:ChainedInvoke a "call" Error=TypeError(no such release)',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="InvokeError: no such release"',
    ],
  },
  {
    follows: 'invoke 5-8',
    title: 'the tenant is passed on',
    workflow: (event: string, context: DurableContext) =>
      context.invoke('call', 'echo:$LATEST', event, { tenantId: 'team-a' }),
    input: 'deploy 42',
    status: 'SUCCEEDED',
    result: 'deploy 42',
    history: [
      'ExecutionStarted @ Input="deploy 42" ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=echo:$LATEST TenantId=team-a Input="deploy 42" Ex' +
        'ecutedVersion=$LATEST DurableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke a "call" Result="deploy 42"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="deploy 42"',
    ],
  },
  {
    follows: 'invoke 5-9',
    title: 'after a wait, the finished invoke is not repeated',
    workflow: async (_: unknown, context: DurableContext) => {
      const answer = await context.invoke('call', 'echo:$LATEST', 'once');
      await context.wait({ seconds: 20 });
      return answer;
    },
    status: 'SUCCEEDED',
    result: 'once',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=echo:$LATEST Input="once" ExecutedVersion=$LATEST' +
        ' DurableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke a "call" Result="once"',
      'WaitStarted:Wait b Duration=20',
      'InvocationCompleted',
      'WaitSucceeded:Wait b Duration=20',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="once"',
    ],
  },
  {
    follows: 'invoke 5-10',
    title: 'after a wait, the failure is thrown again',
    workflow: async (_: unknown, context: DurableContext) => {
      const answer = await context.invoke('call', 'broken:$LATEST', null).catch(told);
      await context.wait({ seconds: 20 });
      return answer;
    },
    status: 'SUCCEEDED',
    result: 'InvokeError: no such release',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=broken:$LATEST Input=null ExecutedVersion=$LATEST' +
        ' DurableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeFailed:ChainedInvoke a "call" Error=TypeError(no such release)',
      'WaitStarted:Wait b Duration=20',
      'InvocationCompleted',
      'WaitSucceeded:Wait b Duration=20',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="InvokeError: no such release"',
    ],
  },
  {
    follows: 'invoke 5-11',
    title: 'a step, then an invoke with its result',
    workflow: async (_: unknown, context: DurableContext) => {
      const version = await context.step('find', async () => 'v41');
      return context.invoke('call', 'echo:$LATEST', version);
    },
    status: 'SUCCEEDED',
    result: 'v41',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'StepStarted:Step a "find"',
      'StepSucceeded:Step a "find" Result="v41" RetryDetails.CurrentAttempt=1',
      'ChainedInvokeStarted:ChainedInvoke b "call" FunctionName=echo:$LATEST Input="v41" ExecutedVersion=$LATEST ' +
        'DurableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke b "call" Result="v41"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="v41"',
    ],
  },
  {
    follows: 'invoke 5-12',
    title: 'an invoke, then a step with its result',
    workflow: async (_: unknown, context: DurableContext) => {
      const version = await context.invoke<string, string>('call', 'echo:$LATEST', 'v41');
      return context.step('note', async () => `rolled back to ${version}`);
    },
    status: 'SUCCEEDED',
    result: 'rolled back to v41',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=echo:$LATEST Input="v41" ExecutedVersion=$LATEST ' +
        'DurableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke a "call" Result="v41"',
      'StepStarted:Step b "note"',
      'StepSucceeded:Step b "note" Result="rolled back to v41" RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="rolled back to v41"',
    ],
  },
  {
    follows: 'invoke 5-13',
    title: 'an invoke within a child context',
    workflow: (_: unknown, context: DurableContext) =>
      context.runInChildContext('branch', (child) => child.invoke('call', 'echo:$LATEST', 'inside')),
    status: 'SUCCEEDED',
    result: 'inside',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:RunInChildContext a "branch"',
      'ChainedInvokeStarted:ChainedInvoke b<a "call" FunctionName=echo:$LATEST Input="inside" ExecutedVersion=$LA' +
        'TEST DurableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke b<a "call" Result="inside"',
      'ContextSucceeded:RunInChildContext a "branch" Result="inside"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="inside"',
    ],
  },
  {
    follows: 'invoke 5-14',
    title: 'two invokes, one after the other',
    workflow: async (_: unknown, context: DurableContext) => [
      await context.invoke('one', 'echo:$LATEST', 1),
      await context.invoke('two', 'patient:$LATEST', 2),
    ],
    status: 'SUCCEEDED',
    result: [1, 2],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "one" FunctionName=echo:$LATEST Input=1 ExecutedVersion=$LATEST Durab' +
        'leExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke a "one" Result=1',
      'ChainedInvokeStarted:ChainedInvoke b "two" FunctionName=patient:$LATEST Input=2 ExecutedVersion=$LATEST Du' +
        'rableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke b "two" Result=2',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=[1,2]',
    ],
  },
  {
    follows: 'invoke 5-15',
    title: 'the input uses its serializer',
    workflow: (event: string, context: DurableContext) => {
      const payloadSerdes = {
        serialize: async (value: unknown) => JSON.stringify(String(value).toUpperCase()),
        deserialize: async () => '',
      };
      return context.invoke('call', 'echo:$LATEST', event, { payloadSerdes });
    },
    input: 'quiet',
    status: 'SUCCEEDED',
    result: 'QUIET',
    history: [
      'ExecutionStarted @ Input="quiet" ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=echo:$LATEST Input="QUIET" ExecutedVersion=$LATES' +
        'T DurableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke a "call" Result="QUIET"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="QUIET"',
    ],
  },
  {
    follows: 'invoke 5-16',
    title: 'the result uses its serializer',
    workflow: (event: string, context: DurableContext) => {
      const resultSerdes = { serialize: async () => '', deserialize: async (text = '') => text.toUpperCase() };
      return context.invoke<string, string>('call', 'echo:$LATEST', event, { resultSerdes });
    },
    input: 'quiet',
    status: 'SUCCEEDED',
    result: '"QUIET"',
    history: [
      'ExecutionStarted @ Input="quiet" ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=echo:$LATEST Input="quiet" ExecutedVersion=$LATES' +
        'T DurableExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeSucceeded:ChainedInvoke a "call" Result="quiet"',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="\\"QUIET\\""',
    ],
  },
  {
    follows: 'own',
    title: 'a function that does not exist fails the invoke, not the endpoint',
    workflow: (_: unknown, context: DurableContext) => context.invoke('call', 'nowhere', 1).catch(told),
    status: 'SUCCEEDED',
    result: 'InvokeError: Function not found: nowhere',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=nowhere Input=1 ExecutedVersion=$LATEST',
      'InvocationCompleted',
      'ChainedInvokeFailed:ChainedInvoke a "call" Error=ResourceNotFoundException(Function not found: nowhere)',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="InvokeError: Function not found: nowhere"',
    ],
  },
  {
    follows: 'own',
    title: 'an input that is not JSON is refused',
    workflow: (_: unknown, context: DurableContext) => {
      const payloadSerdes = { serialize: async () => 'QUIET', deserialize: async () => '' };
      return context.invoke('call', 'echo:$LATEST', 'quiet', { payloadSerdes }).catch(told);
    },
    status: 'SUCCEEDED',
    result: 'InvokeError: Could not parse request body into json.',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=echo:$LATEST Input=QUIET ExecutedVersion=$LATEST Dura' +
        'bleExecutionArn=*',
      'InvocationCompleted',
      'ChainedInvokeFailed:ChainedInvoke a "call" Error=InvalidRequestContentException(Could not parse request body' +
        ' into json.)',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="InvokeError: Could not parse request body into json."',
    ],
  },
  {
    follows: 'own',
    title: 'a durable function without a version is refused',
    workflow: (_: unknown, context: DurableContext) =>
      context.invoke('call', 'patient', 1).catch((error: unknown) => (error as Error).name),
    status: 'SUCCEEDED',
    result: 'InvokeError',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ChainedInvokeStarted:ChainedInvoke a "call" FunctionName=patient Input=1 ExecutedVersion=$LATEST',
      'InvocationCompleted',
      'ChainedInvokeFailed:ChainedInvoke a "call" Error=InvalidParameterValueException(You cannot invoke a durabl' +
        'e function using an unqualified ARN. Name a version, an alias or $LATEST.)',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="InvokeError"',
    ],
  },
];

behaves('chained invokes', cases, { functions: callees });
