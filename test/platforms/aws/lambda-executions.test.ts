import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, describe, expect, test } from 'vitest';
import { clientOptions, serve } from '../../support/aws/server.ts';
import { awsClient, SHARED_LIMITS } from '../../../platforms/aws/client.ts';
import { LambdaExecutions } from '../../../platforms/aws/lambda-executions.ts';

/** A request as the SDK sends it, and the response of Lambda's API by its reference (2026-11). */
type Exchange = {
  request: {
    method: string;
    path: string;
    query?: Record<string, string>;
    headers?: Record<string, string>;
    body?: unknown;
  };
  response: { status: number; headers?: Record<string, string>; body?: unknown } | 'lost';
};

const NAME = 'production-01K9-1';
const FUNCTION = 'firebreak-production-incident-response';
const ARN = `arn:aws:lambda:eu-central-1:123456789012:function:${FUNCTION}:7/durable-execution/${NAME}/3d6e`;
const CALLBACK = 'WyJhcm46YXdzOmxhbWJkYSIsIm9wLTEiXQ';

const START: Exchange['request'] = {
  method: 'POST',
  path: `/2015-03-31/functions/${FUNCTION}/invocations`,
  query: { Qualifier: 'live' },
  headers: { 'x-amz-invocation-type': 'Event', 'x-amz-durable-execution-name': NAME },
  body: { incidentId: '01K9', run: 1 },
};
const READ: Exchange['request'] = {
  method: 'GET',
  path: `/2025-12-01/durable-executions/${encodeURIComponent(ARN)}`,
};
const COMPLETE: Exchange['request'] = {
  method: 'POST',
  path: `/2025-12-01/durable-execution-callbacks/${CALLBACK}/succeed`,
};

const refusal = (type: string, status: number): Exchange['response'] => ({
  status,
  headers: { 'x-amzn-errortype': type },
  body: { Type: 'User', Message: `${type} of the test` },
});

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Returns executions whose API has these exchanges, in order; any other request fails. */
async function executionsOf(
  ...exchanges: Exchange[]
): Promise<{ executions: LambdaExecutions; repeating: LambdaExecutions; left(): number }> {
  const problems: unknown[] = [];
  const endpoint = await serve(async ({ method, path, headers, body }) => {
    const { pathname, searchParams } = new URL(path, 'http://lambda');
    const exchange = exchanges.shift();
    try {
      const { query = {}, ...request } = exchange?.request ?? expect.unreachable('no more calls');
      expect({ method, path: pathname }).toEqual({ method: request.method, path: request.path });
      expect(Object.fromEntries(searchParams)).toMatchObject(query);
      expect(headers).toMatchObject({
        ...request.headers,
        authorization: expect.stringContaining('AWS4-HMAC-SHA256') as string,
      });
      if (request.body !== undefined) expect(JSON.parse(body.toString())).toEqual(request.body);
    } catch (error) {
      problems.push(error);
    }
    const response: Exchange['response'] = exchange?.response ?? { status: 500 };
    if (response === 'lost') return response;
    return {
      status: response.status,
      headers: { 'content-type': 'application/json', ...response.headers },
      ...(response.body !== undefined && { body: JSON.stringify(response.body) }),
    };
  });
  const client = new LambdaClient({ ...clientOptions(endpoint.url), maxAttempts: 1 });
  const product = awsClient(LambdaClient, SHARED_LIMITS, clientOptions(endpoint.url));
  closing.push(() => {
    client.destroy();
    product.destroy();
    void endpoint.close();
    expect(problems).toEqual([]);
  });
  return {
    executions: new LambdaExecutions(client, { functionName: FUNCTION, qualifier: 'live' }),
    repeating: new LambdaExecutions(product, { functionName: FUNCTION, qualifier: 'live' }),
    left: () => exchanges.length,
  };
}

describe('executions of Lambda', () => {
  test('start with their name, in the version that the alias names', async () => {
    const { executions, left } = await executionsOf({
      request: START,
      response: { status: 202, headers: { 'x-amz-durable-execution-arn': ARN } },
    });
    expect(await executions.start(NAME, { incidentId: '01K9', run: 1 })).toBe(ARN);
    expect(left()).toBe(0);
  });

  test('that were started before are not started again', async () => {
    const { executions } = await executionsOf({
      request: START,
      response: refusal('DurableExecutionAlreadyStartedException', 409),
    });
    await expect(executions.start(NAME, { incidentId: '01K9', run: 1 })).resolves.toBeUndefined();
  });

  test.each([
    ['TooManyRequestsException', 429],
    ['ResourceNotFoundException', 404],
    ['ServiceException', 500],
  ])('that are refused with %s are an error', async (type, status) => {
    const { executions } = await executionsOf({ request: START, response: refusal(type, status) });
    await expect(executions.start(NAME, { incidentId: '01K9', run: 1 })).rejects.toThrow(type);
  });

  test.each([
    ['RUNNING', 'running'],
    ['SUCCEEDED', 'succeeded'],
    ['FAILED', 'failed'],
    ['TIMED_OUT', 'failed'],
    ['STOPPED', 'failed'],
    ['A_LATER_STATUS', 'running'],
  ])('with the status %s are %s', async (Status, expected) => {
    const { executions } = await executionsOf({
      request: READ,
      response: {
        status: 200,
        body: { DurableExecutionArn: ARN, DurableExecutionName: NAME, Status, StartTimestamp: 1_764_000_000 },
      },
    });
    expect(await executions.status(ARN)).toBe(expected);
  });

  test('after their retention are unknown', async () => {
    const { executions } = await executionsOf({ request: READ, response: refusal('ResourceNotFoundException', 404) });
    expect(await executions.status(ARN)).toBe('unknown');
  });

  test('are not unknown because the status cannot be read', async () => {
    const { executions } = await executionsOf({ request: READ, response: refusal('TooManyRequestsException', 429) });
    await expect(executions.status(ARN)).rejects.toThrow('TooManyRequestsException');
  });

  test.each([
    ['is completed', { status: 200, body: {} }],
    ['timed out', refusal('CallbackTimeoutException', 400)],
    ['belongs to an execution that is gone', refusal('ResourceNotFoundException', 404)],
    ['is closed', refusal('InvalidParameterValueException', 400)],
  ])('take a callback that %s', async (_, response) => {
    const { executions, left } = await executionsOf({ request: COMPLETE, response });
    await executions.completeCallback(CALLBACK);
    expect(left()).toBe(0);
  });

  test('report a callback that was not completed', async () => {
    const { executions } = await executionsOf({ request: COMPLETE, response: refusal('ServiceException', 500) });
    await expect(executions.completeCallback(CALLBACK)).rejects.toThrow('ServiceException');
  });
});

const RUNNING: Exchange['response'] = {
  status: 200,
  body: { DurableExecutionArn: ARN, DurableExecutionName: NAME, Status: 'RUNNING', StartTimestamp: 1_764_000_000 },
};

/** What happens to the first attempt. The client of the product repeats it. */
const FIRST: [what: string, response: Exchange['response']][] = [
  ['has no response', 'lost'],
  ['is throttled', refusal('TooManyRequestsException', 429)],
  ['fails', refusal('ServiceException', 500)],
];

describe.each(FIRST)('a call to Lambda whose first attempt %s', (_, first) => {
  // Lambda may have carried the first attempt out.
  test.each([
    ['is new', { status: 202, headers: { 'x-amz-durable-execution-arn': ARN } }],
    ['was started by the first attempt', refusal('DurableExecutionAlreadyStartedException', 409)],
  ])('starts an execution that %s', async (__, second) => {
    const { repeating, left } = await executionsOf(
      { request: START, response: first },
      { request: START, response: second },
    );
    await repeating.start(NAME, { incidentId: '01K9', run: 1 });
    expect(left()).toBe(0);
  });

  test.each([
    ['is open', { status: 200, body: {} }],
    ['was completed by the first attempt', refusal('InvalidParameterValueException', 400)],
  ])('completes a callback that %s', async (__, second) => {
    const { repeating, left } = await executionsOf(
      { request: COMPLETE, response: first },
      { request: COMPLETE, response: second },
    );
    await repeating.completeCallback(CALLBACK);
    expect(left()).toBe(0);
  });

  test('reads the status', async () => {
    const { repeating } = await executionsOf({ request: READ, response: first }, { request: READ, response: RUNNING });
    expect(await repeating.status(ARN)).toBe('running');
  });
});
