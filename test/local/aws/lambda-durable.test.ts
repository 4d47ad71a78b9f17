import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CheckpointDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  GetDurableExecutionStateCommand,
  InvokeCommand,
  ListDurableExecutionsByFunctionCommand,
  SendDurableExecutionCallbackFailureCommand,
  SendDurableExecutionCallbackHeartbeatCommand,
  SendDurableExecutionCallbackSuccessCommand,
  StopDurableExecutionCommand,
  type OperationUpdate,
} from '@aws-sdk/client-lambda';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InvocationEvent } from '../../../local/aws/lambda/durable/executions.ts';
import type { LocalFunction } from '../../../local/aws/lambda/lambda.ts';
import { Bench, until } from './durable/bench.ts';
import { suspended } from './durable/cases.ts';
import { render } from './durable/render.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.remove());

const start = async (functions: Record<string, LocalFunction>, options = {}) => {
  await bench.start(functions, options);
  bench.resume();
};

const echo = async (event: unknown) => event;
const approval = async (_: unknown, context: DurableContext) => {
  const [answer] = await context.createCallback('approval');
  return answer;
};

describe('starting an execution', () => {
  test('a synchronous caller gets the result and the ARN', async () => {
    const workflow = bench.durable(
      async (event: unknown, context: DurableContext) => {
        await context.wait({ seconds: 30 });
        return event;
      },
      { durable: { executionTimeoutSeconds: 600, retentionDays: 1 } },
    );
    await start({ workflow });
    const reply = await bench.lambda.send(
      new InvokeCommand({
        FunctionName: 'workflow',
        Qualifier: '3',
        DurableExecutionName: 'first',
        Payload: '{"n":1}',
      }),
    );
    expect(Buffer.from(reply.Payload ?? []).toString()).toBe('{"n":1}');
    expect(reply).toMatchObject({ StatusCode: 200, ExecutedVersion: '3' });
    expect(reply.FunctionError).toBeUndefined();
    expect(reply.DurableExecutionArn).toMatch(
      /^arn:aws:lambda:us-east-1:\d{12}:function:workflow:3\/durable-execution\/first\/[0-9a-f-]{36}$/,
    );
  });

  test('a synchronous caller gets the failure', async () => {
    const failing = async () => {
      throw new RangeError('no known good version');
    };
    await start({ workflow: bench.durable(failing, { durable: { executionTimeoutSeconds: 60, retentionDays: 1 } }) });
    const reply = await bench.lambda.send(new InvokeCommand({ FunctionName: 'workflow:$LATEST' }));
    expect(reply.FunctionError).toBe('Unhandled');
    expect(JSON.parse(Buffer.from(reply.Payload ?? []).toString())).toMatchObject({
      errorType: 'RangeError',
      errorMessage: 'no known good version',
    });
  });

  test('a synchronous call is refused for an execution timeout above 15 minutes', async () => {
    await start({ workflow: bench.durable(echo, { durable: { executionTimeoutSeconds: 901, retentionDays: 1 } }) });
    await expect(bench.lambda.send(new InvokeCommand({ FunctionName: 'workflow:1' }))).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: expect.stringContaining('15 minutes') as string,
    });
  });

  test('a durable function must be invoked with a version', async () => {
    await start({ workflow: bench.durable(echo) });
    await expect(
      bench.lambda.send(new InvokeCommand({ FunctionName: 'workflow', InvocationType: 'Event' })),
    ).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: expect.stringContaining('unqualified') as string,
    });
  });

  test.each(['', 'a'.repeat(65), 'with space', 'slash/y'])('%j is not a valid execution name', async (name) => {
    await start({ workflow: bench.durable(echo) });
    await expect(bench.begin('workflow', 1, name)).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
  });

  test('the same name and input are the same execution, running or closed', async () => {
    await start({ workflow: bench.durable(approval) });
    const arn = await bench.begin('workflow', { incident: 'i1' }, 'i1-1');
    expect(await bench.begin('workflow', { incident: 'i1' }, 'i1-1')).toBe(arn);
    const CallbackId = await bench.callback(arn);
    await bench.lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: Buffer.from('yes') }));
    const ended = await bench.ended(arn);
    expect(await bench.begin('workflow', { incident: 'i1' }, 'i1-1')).toBe(arn);
    expect(await bench.describe(arn)).toMatchObject({ Status: 'SUCCEEDED', EndTimestamp: ended.EndTimestamp });
  });

  test('the same name with another input is refused, running or closed', async () => {
    await start({ workflow: bench.durable(echo) });
    const arn = await bench.begin('workflow', { incident: 'i1' }, 'i1-1');
    const refusal = { name: 'DurableExecutionAlreadyStartedException', $metadata: { httpStatusCode: 409 } };
    await expect(bench.begin('workflow', { incident: 'i2' }, 'i1-1')).rejects.toMatchObject(refusal);
    await bench.ended(arn);
    await expect(bench.begin('workflow', { incident: 'i2' }, 'i1-1')).rejects.toMatchObject(refusal);
  });

  test('two functions can use the same name', async () => {
    await start({ one: bench.durable(echo), two: bench.durable(echo) });
    expect(await bench.begin('one', 1, 'same')).not.toBe(await bench.begin('two', 2, 'same'));
  });

  test('fifty concurrent callers start one execution', async () => {
    let runs = 0;
    const counting = async () => (runs += 1);
    await start({ workflow: bench.durable(counting) });
    const arns = await Promise.all(Array.from({ length: 50 }, () => bench.begin('workflow', 1, 'once')));
    await bench.ended(arns[0] ?? '');
    expect([new Set(arns).size, runs]).toEqual([1, 1]);
  });
});

describe('reading executions', () => {
  test('a description contains the input, result, and configuration', async () => {
    await start({ workflow: bench.durable(echo, { durable: { executionTimeoutSeconds: 60, retentionDays: 7 } }) });
    const arn = await bench.begin('workflow', { n: 1 }, 'named');
    expect(await bench.ended(arn)).toMatchObject({
      DurableExecutionArn: arn,
      DurableExecutionName: 'named',
      FunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:workflow:$LATEST',
      Version: '$LATEST',
      InputPayload: '{"n":1}',
      Result: '{"n":1}',
      Status: 'SUCCEEDED',
      StartTimestamp: expect.any(Date) as Date,
      EndTimestamp: expect.any(Date) as Date,
      DurableConfig: { ExecutionTimeout: 60, RetentionPeriodInDays: 7 },
    });
  });

  test('a missing execution is not found', async () => {
    await start({ workflow: bench.durable(echo) });
    const arn = 'arn:aws:lambda:us-east-1:000000000000:function:workflow:1/durable-execution/none/none';
    await expect(bench.describe(arn)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(bench.history(arn)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  test('a history has pages, in either order', async () => {
    const steps = async (_: unknown, context: DurableContext) => {
      for (let n = 0; n < 5; n += 1) await context.step(async () => n);
    };
    await start({ workflow: bench.durable(steps) });
    const arn = await bench.begin('workflow');
    await bench.ended(arn);
    const whole = await bench.history(arn);
    for (const ReverseOrder of [false, true]) {
      const ids: (number | undefined)[] = [];
      let Marker: string | undefined;
      do {
        const page = await bench.lambda.send(
          new GetDurableExecutionHistoryCommand({ DurableExecutionArn: arn, MaxItems: 4, Marker, ReverseOrder }),
        );
        ids.push(...(page.Events ?? []).map(({ EventId }) => EventId));
        Marker = page.NextMarker;
      } while (Marker !== undefined);
      const expected = whole.map(({ EventId }) => EventId);
      expect(ids).toEqual(ReverseOrder ? expected.toReversed() : expected);
    }
  });

  test('a history without data has the same events without payloads', async () => {
    await start({ workflow: bench.durable((_: unknown, context) => context.step('look', async () => 'secret')) });
    const arn = await bench.begin('workflow', 'secret');
    await bench.ended(arn);
    const { Events = [] } = await bench.lambda.send(
      new GetDurableExecutionHistoryCommand({ DurableExecutionArn: arn, IncludeExecutionData: false }),
    );
    expect(JSON.stringify(Events)).not.toContain('secret');
    expect(render(Events)).toEqual([
      'ExecutionStarted @ Input=nothing ExecutionTimeout=1209600',
      'StepStarted:Step a "look"',
      'StepSucceeded:Step a "look" Result=nothing RetryDetails.CurrentAttempt=1',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=nothing',
    ]);
  });

  test('executions are listed newest first, filtered by name, state, and time', async () => {
    await start({ workflow: bench.durable(approval), other: bench.durable(echo) });
    const arns: string[] = [];
    for (const name of ['one', 'two', 'three']) {
      arns.push(await bench.begin('workflow', name, name));
      await sleep(2); // starts are distinguished by their time
    }
    const [one = '', two = '', three = ''] = arns;
    await suspended(bench, one);
    await bench.lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn: two }));
    const list = async (filter: object) => {
      const found = await bench.lambda.send(
        new ListDurableExecutionsByFunctionCommand({ FunctionName: 'workflow', ...filter }),
      );
      return (found.DurableExecutions ?? []).map(({ DurableExecutionArn }) => DurableExecutionArn);
    };
    expect(await list({})).toEqual([three, two, one]);
    expect(await list({ ReverseOrder: true })).toEqual([one, two, three]);
    expect(await list({ Statuses: ['STOPPED'] })).toEqual([two]);
    expect(await list({ Statuses: ['RUNNING', 'STOPPED'] })).toEqual([three, two, one]);
    expect(await list({ DurableExecutionName: 'three' })).toEqual([three]);
    expect(await list({ Qualifier: '7' })).toEqual([]);
    const { StartTimestamp } = await bench.describe(two);
    expect(await list({ StartedAfter: StartTimestamp })).toEqual(expect.arrayContaining([three]));
    expect(await list({ StartedBefore: new Date(0) })).toEqual([]);
  });

  test('a list has pages', async () => {
    await start({ workflow: bench.durable(echo) });
    const started = await Promise.all([1, 2, 3, 4, 5].map((n) => bench.begin('workflow', n)));
    const found: (string | undefined)[] = [];
    let Marker: string | undefined;
    do {
      const page = await bench.lambda.send(
        new ListDurableExecutionsByFunctionCommand({ FunctionName: 'workflow', MaxItems: 2, Marker }),
      );
      found.push(...(page.DurableExecutions ?? []).map(({ DurableExecutionArn }) => DurableExecutionArn));
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    expect(new Set(found)).toEqual(new Set(started));
    expect(found).toHaveLength(5);
  });
});

describe('ending executions from outside', () => {
  test('a stop closes the execution at once with its reason, and can be repeated', async () => {
    await start({ workflow: bench.durable(approval) });
    const arn = await bench.begin('workflow');
    await suspended(bench, arn);
    const Error = { ErrorType: 'Operator', ErrorMessage: 'handled by hand' };
    const stop = new StopDurableExecutionCommand({ DurableExecutionArn: arn, Error });
    const { StopTimestamp } = await bench.lambda.send(stop);
    expect(await bench.lambda.send(stop)).toMatchObject({ StopTimestamp });
    expect(await bench.describe(arn)).toMatchObject({ Status: 'STOPPED', Error, EndTimestamp: StopTimestamp });
    expect(render(await bench.history(arn)).slice(1)).toEqual([
      'CallbackStarted:Callback a "approval" CallbackId=*',
      'InvocationCompleted',
      'ExecutionStopped @ Error=Operator(handled by hand)',
    ]);
  });

  test('an execution that exceeds its timeout times out', async () => {
    const workflow = bench.durable(approval, { durable: { executionTimeoutSeconds: 100, retentionDays: 1 } });
    await start({ workflow });
    const arn = await bench.begin('workflow');
    expect(await bench.ended(arn)).toMatchObject({ Status: 'TIMED_OUT' });
    expect(render(await bench.history(arn)).at(-1)).toMatch(/^ExecutionTimedOut @ /);
  });

  test("a handler that continues after a stop can't record anything", async () => {
    const handler = heldHandler();
    await start({ workflow: handler.function });
    const arn = await bench.begin('workflow');
    const { CheckpointToken } = await handler.invoked();
    await bench.lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn: arn }));
    await expect(checkpoint(arn, CheckpointToken, [wait('w')])).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: 'Invalid Checkpoint Token',
    });
    handler.answer({ Status: 'SUCCEEDED', Result: '1' });
    await sleep(20);
    expect((await bench.describe(arn)).Status).toBe('STOPPED');
  });
});

describe('callbacks', () => {
  const succeed = (CallbackId: string) =>
    bench.lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: Buffer.from('yes') }));
  const fail = (CallbackId: string) =>
    bench.lambda.send(new SendDurableExecutionCallbackFailureCommand({ CallbackId, Error: { ErrorMessage: 'no' } }));
  const beat = (CallbackId: string) =>
    bench.lambda.send(new SendDurableExecutionCallbackHeartbeatCommand({ CallbackId }));

  test.each([
    ['an answer', succeed],
    ['a refusal', fail],
    ['a heartbeat', beat],
  ])('%s is refused for a closed callback', async (_, act) => {
    await start({ workflow: bench.durable(approval) });
    const arn = await bench.begin('workflow');
    const CallbackId = await bench.callback(arn);
    await succeed(CallbackId);
    await expect(act(CallbackId)).rejects.toMatchObject({ name: 'CallbackTimeoutException' });
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED', Result: '"yes"' });
  });

  test('a result is refused for a stopped execution', async () => {
    await start({ workflow: bench.durable(approval) });
    const arn = await bench.begin('workflow');
    const CallbackId = await bench.callback(arn);
    await bench.lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn: arn }));
    await expect(succeed(CallbackId)).rejects.toMatchObject({ name: 'CallbackTimeoutException' });
  });

  test('an invalid callback ID is refused', async () => {
    await start({ workflow: bench.durable(approval) });
    await expect(succeed('never-given-out')).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
  });

  test('a result of more than 1 MB is refused, and the callback stays open', async () => {
    await start({ workflow: bench.durable(approval) });
    const arn = await bench.begin('workflow');
    const CallbackId = await bench.callback(arn);
    const Result = Buffer.alloc(1024 * 1024 + 1, 'x');
    await expect(
      bench.lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result })),
    ).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
    await succeed(CallbackId);
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED' });
  });

  test('heartbeats postpone the timeout repeatedly', async () => {
    const workflow = async (_: unknown, context: DurableContext) => {
      const [answer] = await context.createCallback('approval', { heartbeatTimeout: { seconds: 1_000 } });
      return answer;
    };
    let time = Date.now();
    const functions = { workflow: bench.durable(workflow), other: bench.durable(echo) };
    await start(functions, { timeScale: 1, now: () => time });
    const arn = await bench.begin('workflow');
    const CallbackId = await bench.callback(arn);
    for (let n = 0; n < 3; n += 1) {
      time += 900_000;
      await bench.ended(await bench.begin('other')); // earlier due timers have fired by now
      await beat(CallbackId);
    }
    await succeed(CallbackId);
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED' });
  });
});

/** Creates a durable handler that the test controls: the test reads its events and returns its results. */
function heldHandler() {
  const events: InvocationEvent[] = [];
  const waiting: ((answer: object) => void)[] = [];
  const handler = (event: unknown) => {
    events.push(event as InvocationEvent);
    return new Promise<object>((resolve) => waiting.push(resolve));
  };
  return {
    function: {
      handler,
      timeoutSeconds: 30,
      durable: { executionTimeoutSeconds: 86_400, retentionDays: 1 },
    } as LocalFunction,
    /** Returns the event of the next unread invocation. */
    invoked: () => until(async () => events.shift()),
    invocations: () => events.length,
    answer: (answer: object) => waiting.shift()?.(answer),
  };
}

const checkpoint = (DurableExecutionArn: string, CheckpointToken: string, Updates: OperationUpdate[]) =>
  bench.lambda.send(new CheckpointDurableExecutionCommand({ DurableExecutionArn, CheckpointToken, Updates }));

const wait = (Id: string, WaitSeconds = 3_600): OperationUpdate => ({
  Id,
  Type: 'WAIT',
  Action: 'START',
  WaitOptions: { WaitSeconds },
});
const step = (Id: string, Action: OperationUpdate['Action'], more: Partial<OperationUpdate> = {}): OperationUpdate => ({
  Id,
  Type: 'STEP',
  Action,
  ...more,
});

describe('checkpoints', () => {
  test('every checkpoint changes the token, and an old token is stale', async () => {
    const handler = heldHandler();
    await start({ workflow: handler.function });
    const arn = await bench.begin('workflow');
    const { CheckpointToken: first } = await handler.invoked();
    const { CheckpointToken: second = '' } = await checkpoint(arn, first, [step('a', 'START')]);
    expect(second).not.toBe(first);
    await expect(checkpoint(arn, first, [step('b', 'START')])).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: 'Invalid Checkpoint Token',
    });
    await checkpoint(arn, second, [step('a', 'SUCCEED', { Payload: '1' })]);
  });

  test('a client that lost the reply can repeat its last checkpoint', async () => {
    const handler = heldHandler();
    await start({ workflow: handler.function });
    const arn = await bench.begin('workflow');
    const { CheckpointToken } = await handler.invoked();
    const reply = await checkpoint(arn, CheckpointToken, [step('a', 'START'), wait('b')]);
    const again = await checkpoint(arn, CheckpointToken, [step('a', 'START'), wait('b')]);
    expect({ ...again, $metadata: undefined }).toEqual({ ...reply, $metadata: undefined });
    expect(render(await bench.history(arn)).slice(1)).toEqual(['StepStarted a', 'WaitStarted b Duration=3600']);
  });

  test('the reply contains only the changes since the last one', async () => {
    const handler = heldHandler();
    await start({ workflow: handler.function });
    const arn = await bench.begin('workflow');
    const { CheckpointToken } = await handler.invoked();
    const one = await checkpoint(arn, CheckpointToken, [
      { Id: 'cb', Type: 'CALLBACK', Action: 'START', CallbackOptions: {} },
      step('a', 'START'),
    ]);
    expect(one.NewExecutionState?.Operations?.map(({ Id, Status }) => [Id, Status])).toEqual([
      ['cb', 'STARTED'],
      ['a', 'STARTED'],
    ]);
    const CallbackId = one.NewExecutionState?.Operations?.[0]?.CallbackDetails?.CallbackId;
    await bench.lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: Buffer.from('yes') }));
    const two = await checkpoint(arn, one.CheckpointToken ?? '', []);
    expect(two.NewExecutionState?.Operations).toMatchObject([
      { Id: 'cb', Status: 'SUCCEEDED', CallbackDetails: { Result: 'yes' } },
    ]);
    const three = await checkpoint(arn, two.CheckpointToken ?? '', []);
    expect(three.NewExecutionState?.Operations).toEqual([]);
    handler.answer({ Status: 'PENDING' });
    await suspended(bench, arn);
    expect(handler.invocations()).toBe(0); // it has all changes, so it is not woken
  });

  test('a change during the invocation that the handler has not received causes another invocation', async () => {
    const handler = heldHandler();
    await start({ workflow: handler.function });
    const arn = await bench.begin('workflow');
    const { CheckpointToken } = await handler.invoked();
    const { NewExecutionState } = await checkpoint(arn, CheckpointToken, [
      { Id: 'cb', Type: 'CALLBACK', Action: 'START', CallbackOptions: {} },
    ]);
    const CallbackId = NewExecutionState?.Operations?.[0]?.CallbackDetails?.CallbackId;
    await bench.lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: Buffer.from('yes') }));
    handler.answer({ Status: 'PENDING' });
    const event = await handler.invoked();
    expect(event.UpdatedOperationIds).toEqual(['cb']);
    expect(event.InitialExecutionState.Operations).toMatchObject([
      { Type: 'EXECUTION' },
      { Id: 'cb', Status: 'SUCCEEDED' },
    ]);
  });

  test('a wait that has ended at the time of a checkpoint is in its reply', async () => {
    const handler = heldHandler();
    let time = Date.now();
    await start({ workflow: handler.function }, { now: () => time });
    const arn = await bench.begin('workflow');
    const { CheckpointToken } = await handler.invoked();
    const one = await checkpoint(arn, CheckpointToken, [wait('w', 3_600)]);
    time += 3_600_000; // an hour for the handler, no time for this machine's timers
    const two = await checkpoint(arn, one.CheckpointToken ?? '', []);
    expect(two.NewExecutionState?.Operations).toMatchObject([{ Id: 'w', Status: 'SUCCEEDED' }]);
  });

  test('a failed handler that another event has woken is not invoked again for its failure', async () => {
    const handler = heldHandler();
    let time = Date.now();
    await start({ workflow: handler.function, other: bench.durable(echo) }, { timeScale: 1, now: () => time });
    const arn = await bench.begin('workflow');
    const { CheckpointToken } = await handler.invoked();
    const { NewExecutionState } = await checkpoint(arn, CheckpointToken, [
      { Id: 'cb', Type: 'CALLBACK', Action: 'START', CallbackOptions: {} },
    ]);
    const CallbackId = NewExecutionState?.Operations?.[0]?.CallbackDetails?.CallbackId;
    handler.answer(Promise.reject(new Error('out of memory')));
    await suspended(bench, arn); // otherwise invoked again after one second
    await bench.lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: Buffer.from('yes') }));
    await handler.invoked();
    handler.answer({ Status: 'PENDING' });
    await suspended(bench, arn, 2);
    time += 60_000;
    await bench.ended(await bench.begin('other')); // earlier due timers have fired by now
    expect(handler.invocations()).toBe(0);
  });

  test('a handler that throws is invoked again with a new token', async () => {
    let calls = 0;
    const tokens: string[] = [];
    const handler = async (event: unknown) => {
      tokens.push((event as InvocationEvent).CheckpointToken);
      calls += 1;
      if (calls < 3) throw new Error('out of memory');
      return { Status: 'SUCCEEDED', Result: '"at last"' };
    };
    await start({
      workflow: { handler, timeoutSeconds: 5, durable: { executionTimeoutSeconds: 86_400, retentionDays: 1 } },
    });
    const arn = await bench.begin('workflow');
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED', Result: '"at last"' });
    expect(new Set(tokens).size).toBe(3);
    expect(render(await bench.history(arn)).slice(1)).toEqual([
      'InvocationCompleted Error=Error(out of memory)',
      'InvocationCompleted Error=Error(out of memory)',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result="at last"',
    ]);
  });

  test('a handler that times out is invoked again, and its late checkpoint is stale', async () => {
    const handler = heldHandler();
    const workflow = { ...handler.function, timeoutSeconds: 0.1 };
    await start({ workflow });
    const arn = await bench.begin('workflow');
    const late = await handler.invoked();
    workflow.timeoutSeconds = 30; // for the next invocation
    const next = await handler.invoked();
    await expect(checkpoint(arn, late.CheckpointToken, [wait('w')])).rejects.toMatchObject({
      message: 'Invalid Checkpoint Token',
    });
    await checkpoint(arn, next.CheckpointToken, [wait('w')]);
    handler.answer({ Status: 'SUCCEEDED' }); // from the first one, after its timeout
    handler.answer({ Status: 'PENDING' });
    await until(async () => ((await bench.history(arn)).length >= 4 ? true : undefined));
    expect(render(await bench.history(arn)).slice(1, 4)).toEqual([
      expect.stringMatching(/^InvocationCompleted Error=Sandbox.Timedout/),
      'WaitStarted a Duration=3600',
      'InvocationCompleted',
    ]);
  });

  test('a handler that is not durable fails its execution instead of blocking it', async () => {
    await start({
      workflow: {
        handler: async () => 'ok',
        timeoutSeconds: 5,
        durable: { executionTimeoutSeconds: 60, retentionDays: 1 },
      },
    });
    const ended = await bench.ended(await bench.begin('workflow'));
    expect(ended).toMatchObject({
      Status: 'FAILED',
      Error: { ErrorMessage: expect.stringContaining('withDurableExecution') as string },
    });
  });

  test('the state has pages, for the holder of the token', async () => {
    const handler = heldHandler();
    await start({ workflow: handler.function });
    const arn = await bench.begin('workflow');
    let { CheckpointToken } = await handler.invoked();
    for (let batch = 0; batch < 5; batch += 1) {
      const updates = Array.from({ length: 250 }, (_, n) => step(`s-${batch}-${n}`, 'SUCCEED', { Payload: '1' }));
      ({ CheckpointToken = '' } = await checkpoint(arn, CheckpointToken, updates));
    }
    await checkpoint(arn, CheckpointToken, [wait('w', 60)]);
    handler.answer({ Status: 'PENDING' });
    const { CheckpointToken: token, InitialExecutionState: first } = await handler.invoked();
    expect(first.Operations).toHaveLength(1_000);
    const rest = await bench.lambda.send(
      new GetDurableExecutionStateCommand({
        DurableExecutionArn: arn,
        CheckpointToken: token,
        Marker: first.NextMarker,
        MaxItems: 200,
      }),
    );
    const last = await bench.lambda.send(
      new GetDurableExecutionStateCommand({
        DurableExecutionArn: arn,
        CheckpointToken: token,
        Marker: rest.NextMarker,
      }),
    );
    expect([rest.Operations?.length, last.Operations?.length, last.NextMarker]).toEqual([200, 52, undefined]);
    await expect(
      bench.lambda.send(new GetDurableExecutionStateCommand({ DurableExecutionArn: arn, CheckpointToken: 'stale' })),
    ).rejects.toMatchObject({ message: 'Invalid Checkpoint Token' });
  });
});

describe('limits', () => {
  const begun = async () => {
    const handler = heldHandler();
    await start({ workflow: handler.function });
    const arn = await bench.begin('workflow');
    return { arn, token: (await handler.invoked()).CheckpointToken, handler };
  };
  const refused = { name: 'InvalidParameterValueException', $metadata: { httpStatusCode: 400 } };

  test('a step can record 256 KB; one byte more is refused', async () => {
    const { arn, token } = await begun();
    const limit = 256 * 1024;
    await expect(
      checkpoint(arn, token, [step('a', 'SUCCEED', { Payload: 'x'.repeat(limit + 1) })]),
    ).rejects.toMatchObject(refused);
    await checkpoint(arn, token, [step('a', 'SUCCEED', { Payload: 'x'.repeat(limit) })]);
  });

  test('an error can have 32 KB', async () => {
    const { arn, token } = await begun();
    const failed = (bytes: number) => step('a', 'FAIL', { Error: { ErrorMessage: 'x'.repeat(bytes) } });
    await expect(checkpoint(arn, token, [failed(33 * 1024)])).rejects.toMatchObject(refused);
    await checkpoint(arn, token, [failed(31 * 1024)]);
  });

  test('an execution can have 3,000 operations, and the next one fails it', async () => {
    const handler = async (_: unknown, context: DurableContext) => {
      // Ten contexts with 299 steps each are 3,000 operations.
      for (let group = 0; group < 10; group += 1) {
        await context.runInChildContext((child) =>
          Promise.all(Array.from({ length: 299 }, (__, n) => child.step(async () => n))),
        );
      }
      await context.step('one-too-many', async () => 1);
    };
    await start({ workflow: bench.durable(handler) });
    expect(await bench.ended(await bench.begin('workflow'))).toMatchObject({
      Status: 'FAILED',
      Error: { ErrorMessage: expect.stringContaining('maximum of 3000 operations') as string },
    });
  });

  test('a checkpoint that breaks a rule changes nothing', async () => {
    const { arn, token } = await begun();
    await expect(checkpoint(arn, token, [step('a', 'START'), wait('b'), wait('b')])).rejects.toMatchObject(refused);
    expect(await bench.history(arn)).toHaveLength(1);
    await checkpoint(arn, token, [step('a', 'START'), wait('b')]); // the token is still valid
  });

  test.each([
    ['no type', [{ Id: 'a', Action: 'START' }]],
    ['a negative wait', [{ ...wait('a'), WaitOptions: { WaitSeconds: -1 } }]],
    ['no id', [{ Type: 'STEP', Action: 'START' }]],
  ])('%s is refused', async (_, updates) => {
    const { arn, token } = await begun();
    await expect(checkpoint(arn, token, updates as OperationUpdate[])).rejects.toMatchObject(refused);
  });

  test('a result above 6 MB is checkpointed by the handler and returned completely', async () => {
    const text = 'x'.repeat(7 * 1024 * 1024);
    await start({ workflow: bench.durable(async () => text) });
    const ended = await bench.ended(await bench.begin('workflow'));
    expect(ended.Status).toBe('SUCCEEDED');
    expect(
      createHash('md5')
        .update(ended.Result ?? '')
        .digest('hex'),
    ).toBe(createHash('md5').update(JSON.stringify(text)).digest('hex'));
  });

  test('a context with a large result is recreated from its children', async () => {
    let runs = 0;
    const handler = async (_: unknown, context: DurableContext) => {
      const large = await context.runInChildContext('large', async (child) => {
        const part = await child.step('part', async () => {
          runs += 1;
          return 'x';
        });
        return part.repeat(300 * 1024);
      });
      await context.wait({ seconds: 1 });
      return large.length;
    };
    await start({ workflow: bench.durable(handler) });
    const ended = await bench.ended(await bench.begin('workflow'));
    expect([ended.Result, runs]).toEqual([String(300 * 1024), 1]);
  });

  test("a handler doesn't receive operations within finished contexts", async () => {
    const handler = heldHandler();
    await start({ workflow: handler.function });
    const arn = await bench.begin('workflow');
    const { CheckpointToken } = await handler.invoked();
    const context = (
      Id: string,
      Action: OperationUpdate['Action'],
      more: Partial<OperationUpdate> = {},
    ): OperationUpdate => ({
      Id,
      Type: 'CONTEXT',
      Action,
      ...more,
    });
    await checkpoint(arn, CheckpointToken, [
      context('done', 'START'),
      context('inner', 'START', { ParentId: 'done' }),
      step('in-inner', 'SUCCEED', { ParentId: 'inner' }),
      context('done', 'SUCCEED', { Payload: '1' }),
      context('large', 'START'),
      step('in-large', 'SUCCEED', { ParentId: 'large' }),
      context('large', 'SUCCEED', { Payload: '', ContextOptions: { ReplayChildren: true } }),
      context('open', 'START'),
      step('in-open', 'SUCCEED', { ParentId: 'open' }),
      wait('w', 60),
    ]);
    handler.answer({ Status: 'PENDING' });
    const { InitialExecutionState } = await handler.invoked();
    expect(InitialExecutionState.Operations.slice(1).map(({ Id }) => Id)).toEqual([
      'done',
      'large',
      'in-large',
      'open',
      'in-open',
      'w',
    ]);
  });
});

describe('many executions', () => {
  test('the number of concurrent handlers is limited, and all executions end', async () => {
    let running = 0;
    let most = 0;
    const full = Promise.withResolvers<void>();
    const workflow = async (_: unknown, context: DurableContext) => {
      running += 1;
      most = Math.max(most, running);
      if (running === 3) full.resolve();
      try {
        await context.step(() => full.promise.then(() => sleep(5)));
      } finally {
        running -= 1;
      }
    };
    await start({ workflow: bench.durable(workflow) }, { maxConcurrentResumes: 3 });
    const arns = await Promise.all(Array.from({ length: 12 }, (_, n) => bench.begin('workflow', n)));
    for (const arn of arns) expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED' });
    expect(most).toBe(3);
  });

  test('a durable function observes its reserved concurrency without delaying others', async () => {
    const held = heldHandler();
    await start({ slow: { ...held.function, reservedConcurrency: 1 }, quick: bench.durable(echo) });
    const first = await bench.begin('slow', 1);
    await held.invoked();
    const second = await bench.begin('slow', 2);
    await bench.ended(await bench.begin('quick'));
    expect(held.invocations()).toBe(0);
    held.answer({ Status: 'SUCCEEDED', Result: '1' });
    await held.invoked();
    held.answer({ Status: 'SUCCEEDED', Result: '2' });
    expect((await bench.ended(first)).Result).toBe('1');
    expect((await bench.ended(second)).Result).toBe('2');
  });

  test('an execution is deleted after its retention period, which frees its name', async () => {
    const day = 24 * 60 * 60 * 1000;
    const functions = { workflow: bench.durable(echo, { durable: { executionTimeoutSeconds: 60, retentionDays: 7 } }) };
    await start(functions);
    const old = await bench.begin('workflow', 'old', 'name');
    await bench.ended(old);
    await bench.stop();
    await start(functions, { now: () => Date.now() + 6 * day });
    expect(await bench.describe(old)).toMatchObject({ Status: 'SUCCEEDED' });
    await bench.stop();
    await start(functions, { now: () => Date.now() + 8 * day });
    await expect(bench.describe(old)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(await bench.begin('workflow', 'new', 'name')).not.toBe(old);
  });

  test('a running chained child is not started again after a restart', async () => {
    const starts: unknown[] = [];
    const child = async (event: unknown, context: DurableContext) => {
      await context.step(async () => starts.push(event));
      return approval(event, context);
    };
    const parent = (event: unknown, context: DurableContext) => context.invoke('ask', 'child:$LATEST', event);
    const functions = { parent: bench.durable(parent), child: bench.durable(child) };
    await start(functions);
    const arn = await bench.begin('parent', 'i1');
    const childArn = await until(async () => {
      const events = await bench.history(arn);
      return events.find(({ EventType }) => EventType === 'ChainedInvokeStarted')?.ChainedInvokeStartedDetails
        ?.DurableExecutionArn;
    });
    await until(() => bench.callback(childArn).catch(() => undefined));
    await bench.stop();
    await start(functions);
    const CallbackId = await bench.callback(childArn);
    await bench.lambda.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: Buffer.from('yes') }));
    expect(await bench.ended(arn)).toMatchObject({ Status: 'SUCCEEDED', Result: '"yes"' });
    expect(starts).toEqual(['i1']);
  });
});
