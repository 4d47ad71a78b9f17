import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { InvokeCommand, LambdaClient, type InvokeCommandInput } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LambdaContext, LocalFunction } from '../../../local/aws/lambda/lambda.ts';
import { Bench } from './durable/bench.ts';

const plain = (
  handler: (event: unknown, context: LambdaContext) => Promise<unknown>,
  more: Partial<LocalFunction> = {},
): LocalFunction => ({ handler, timeoutSeconds: 5, ...more });

/** Returns the trace as the SDK reads it. */
async function traceOfInvocation(): Promise<string | undefined> {
  const scope = globalThis as { awslambda?: { InvokeStore?: { getXRayTraceId(): string | undefined } } };
  await new Promise((resolve) => setImmediate(resolve));
  return scope.awslambda?.InvokeStore?.getXRayTraceId();
}

/** Creates a promise with its resolver. */
function gate(): { passed: Promise<void>; open: () => void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

describe('invoking plain functions', () => {
  const bench = new Bench();
  const busy = gate();
  const entered = gate();

  beforeAll(async () => {
    await bench.start({
      echo: plain(async (event) => event),
      nothing: plain(async () => undefined),
      context: plain(async (_, context) => ({ ...context, remaining: context.getRemainingTimeInMillis() })),
      trace: plain(traceOfInvocation),
      looping: plain(traceOfInvocation, { recursionAllowed: true }),
      broken: plain(async () => {
        throw new RangeError('no such service');
      }),
      slow: plain(() => new Promise(() => {}), { timeoutSeconds: 0.05 }),
      large: plain(async () => 'x'.repeat(6 * 1024 * 1024)),
      single: plain(
        async () => {
          entered.open();
          await busy.passed;
        },
        { reservedConcurrency: 1 },
      ),
      configured: plain(async () => process.env['LAMBDA_TEST_STAGE'], { environment: { LAMBDA_TEST_STAGE: 'local' } }),
    });
  });
  afterAll(async () => {
    busy.open();
    await bench.remove();
  });

  const invoke = async (input: InvokeCommandInput, lambda = bench.lambda) => {
    const { Payload, FunctionError, StatusCode, ExecutedVersion } = await lambda.send(new InvokeCommand(input));
    const text = Buffer.from(Payload ?? []).toString();
    return {
      value: text === '' ? undefined : (JSON.parse(text) as unknown),
      FunctionError,
      StatusCode,
      ExecutedVersion,
    };
  };

  test("the response is the handler's result", async () => {
    expect(await invoke({ FunctionName: 'echo', Payload: '{"service":"checkout"}' })).toEqual({
      value: { service: 'checkout' },
      FunctionError: undefined,
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
    });
  });

  test('a missing payload is an empty event, and a missing result is null', async () => {
    expect((await invoke({ FunctionName: 'echo' })).value).toEqual({});
    expect((await invoke({ FunctionName: 'nothing' })).value).toBeNull();
  });

  test.each([
    'arn:aws:lambda:us-east-1:000000000000:function:echo',
    '000000000000:function:echo',
    'arn:aws:lambda:us-east-1:000000000000:function:echo:live',
    'echo:$LATEST',
    'echo:7',
  ])('%s identifies the function', async (FunctionName) => {
    expect((await invoke({ FunctionName, Payload: '1' })).value).toBe(1);
  });

  test('a qualifier can be a parameter, but not a different one', async () => {
    expect(await invoke({ FunctionName: 'echo', Qualifier: '3' })).toMatchObject({ ExecutedVersion: '3' });
    await expect(invoke({ FunctionName: 'echo:4', Qualifier: '3' })).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
    });
  });

  test('the context contains the function and its remaining time', async () => {
    const { value } = await invoke({
      FunctionName: 'context:5',
      ClientContext: Buffer.from('{"env":{}}').toString('base64'),
    });
    expect(value).toMatchObject({
      functionName: 'context',
      functionVersion: '5',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:context:5',
      awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      clientContext: { env: {} },
      remaining: expect.toSatisfy((left: number) => left > 0 && left <= 5_000) as number,
    });
  });

  const tracing = (trace: string): LambdaClient => {
    const lambda = new LambdaClient({ endpoint: bench.url, region: 'us-east-1', credentials: bench.credentials });
    lambda.middlewareStack.add(
      (next) => (args) => {
        Object.assign((args.request as { headers: Record<string, string> }).headers, { 'X-Amzn-Trace-Id': trace });
        return next(args);
      },
      { step: 'build' },
    );
    return lambda;
  };

  test("the caller's trace reaches the function, with its calls counted", async () => {
    const lambda = tracing('Root=1-2-3');
    expect(await invoke({ FunctionName: 'context' }, lambda)).toMatchObject({
      value: { xrayTraceId: 'Root=1-2-3;Lineage=context:1' },
    });
    expect(await invoke({ FunctionName: 'trace' }, lambda)).toMatchObject({ value: 'Root=1-2-3;Lineage=trace:1' });
    lambda.destroy();
  });

  test('without a trace, a new one is created', async () => {
    const { value } = await invoke({ FunctionName: 'trace' });
    expect(value).toMatch(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Sampled=0;Lineage=trace:1$/);
  });

  test('the 17th call of a function in a chain is dropped, unless the function allows recursion', async () => {
    const sixteen = tracing('Root=1-2-3;Lineage=echo:15|looping:16|trace:15');
    expect(await invoke({ FunctionName: 'trace' }, sixteen)).toMatchObject({
      value: 'Root=1-2-3;Lineage=echo:15|looping:16|trace:16',
    });
    expect(await invoke({ FunctionName: 'looping' }, sixteen)).toMatchObject({
      value: 'Root=1-2-3;Lineage=echo:15|looping:17|trace:15',
    });
    const seventeen = tracing('Root=1-2-3;Lineage=echo:16');
    await expect(invoke({ FunctionName: 'echo' }, seventeen)).rejects.toMatchObject({
      name: 'RecursiveInvocationException',
    });
    expect(await invoke({ FunctionName: 'echo', InvocationType: 'DryRun' }, seventeen)).toMatchObject({
      StatusCode: 204,
    });
    sixteen.destroy();
    seventeen.destroy();
  });

  test('an error that the function throws is a success of the API', async () => {
    expect(await invoke({ FunctionName: 'broken' })).toMatchObject({
      StatusCode: 200,
      FunctionError: 'Unhandled',
      value: { errorType: 'RangeError', errorMessage: 'no such service', trace: expect.any(Array) as string[] },
    });
  });

  test('a function that exceeds its timeout is stopped', async () => {
    expect(await invoke({ FunctionName: 'slow' })).toMatchObject({
      FunctionError: 'Unhandled',
      value: {
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringContaining('Task timed out after 0.05 seconds') as string,
      },
    });
  });

  test('a response of more than 6 MB is an error of the function', async () => {
    expect(await invoke({ FunctionName: 'large' })).toMatchObject({
      value: { errorType: 'Function.ResponseSizeTooLarge' },
    });
  });

  test('a payload can have 6 MB; one byte more is refused', async () => {
    const limit = 6 * 1024 * 1024;
    const payload = (bytes: number) => JSON.stringify('x'.repeat(bytes - 2));
    expect((await invoke({ FunctionName: 'nothing', Payload: payload(limit) })).StatusCode).toBe(200);
    await expect(invoke({ FunctionName: 'nothing', Payload: payload(limit + 1) })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
      $metadata: { httpStatusCode: 413 },
    });
  });

  test('an event can have 1 MB; one byte more is refused', async () => {
    const limit = 1024 * 1024;
    const event = (bytes: number) => ({
      FunctionName: 'nothing',
      InvocationType: 'Event' as const,
      Payload: JSON.stringify('x'.repeat(bytes - 2)),
    });
    expect((await invoke(event(limit))).StatusCode).toBe(202);
    await expect(invoke(event(limit + 1))).rejects.toMatchObject({ name: 'RequestTooLargeException' });
  });

  test('invalid JSON is refused', async () => {
    await expect(invoke({ FunctionName: 'echo', Payload: '{' })).rejects.toMatchObject({
      name: 'InvalidRequestContentException',
    });
  });

  test('an unknown function is refused by name', async () => {
    await expect(invoke({ FunctionName: 'nowhere' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: expect.stringContaining('nowhere') as string,
      $metadata: { httpStatusCode: 404 },
    });
  });

  test('an execution name requires a durable function', async () => {
    await expect(invoke({ FunctionName: 'echo', DurableExecutionName: 'one' })).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
    });
  });

  test('a dry run validates and does nothing', async () => {
    expect((await invoke({ FunctionName: 'broken', InvocationType: 'DryRun' })).StatusCode).toBe(204);
    await expect(invoke({ FunctionName: 'nowhere', InvocationType: 'DryRun' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  test('a function above its reserved concurrency returns 429', async () => {
    const first = invoke({ FunctionName: 'single' });
    await entered.passed;
    const impatient = new LambdaClient({
      endpoint: bench.url,
      region: 'us-east-1',
      credentials: bench.credentials,
      maxAttempts: 1,
    });
    await expect(invoke({ FunctionName: 'single' }, impatient)).rejects.toMatchObject({
      name: 'TooManyRequestsException',
      $metadata: { httpStatusCode: 429 },
    });
    impatient.destroy();
    busy.open();
    expect((await first).StatusCode).toBe(200);
  });

  test("the function's environment is set", async () => {
    expect((await invoke({ FunctionName: 'configured' })).value).toBe('local');
  });

  test('another access key is refused', async () => {
    const stranger = new LambdaClient({
      endpoint: bench.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'AKIDSTRANGER', secretAccessKey: 'unused' },
    });
    await expect(invoke({ FunctionName: 'echo' }, stranger)).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    stranger.destroy();
  });
});

describe('starting', () => {
  test('two functions with different values for one variable are refused', async () => {
    const bench = new Bench();
    const functions = {
      one: plain(async () => 1, { environment: { LAMBDA_TEST_MODE: 'act' } }),
      two: plain(async () => 2, { environment: { LAMBDA_TEST_MODE: 'shadow' } }),
    };
    await expect(bench.start(functions)).rejects.toThrow(/one and two need different values of LAMBDA_TEST_MODE/);
    await bench.remove();
  });

  test('a file with another format is refused', async () => {
    const bench = new Bench();
    await bench.start({});
    await bench.stop();
    const db = new DatabaseSync(join(bench.dir, 'durable.sqlite'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    await expect(bench.start({})).rejects.toThrow(
      /durable\.sqlite was written by a newer version of Firebreak \(format 99; /,
    );
    await bench.remove();
  });

  test('a time scale below 1 is refused', async () => {
    const bench = new Bench();
    await expect(bench.start({}, { timeScale: 0.5 })).rejects.toThrow(/timeScale is 0.5/);
    await bench.remove();
  });
});
