import type { ForwardedRequest } from '../forward.ts';
import { type Call, type Faults, json, lateAnswer, lostAnswer, refused, type Send } from './wire.ts';

export type LambdaFault =
  | 'too-many-requests'
  | 'internal-error'
  /**
   * An asynchronous invoke, a checkpoint, a callback, or a stop is applied, and the connection breaks before the
   * response.
   */
  | 'lost-answer'
  | 'late-answer';

/** The operations that a durable workflow and its callers use, by method and path without the API's date. */
const OPERATIONS: [method: string, path: RegExp, name: string][] = [
  ['POST', /^\/functions\/[^/]+\/invocations$/, 'Invoke'],
  ['POST', /^\/durable-executions\/[^/]+\/checkpoint$/, 'CheckpointDurableExecution'],
  ['GET', /^\/durable-executions\/[^/]+\/state$/, 'GetDurableExecutionState'],
  ['GET', /^\/durable-executions\/[^/]+\/history$/, 'GetDurableExecutionHistory'],
  ['GET', /^\/durable-executions\/[^/]+$/, 'GetDurableExecution'],
  ['POST', /^\/durable-executions\/[^/]+\/stop$/, 'StopDurableExecution'],
  ['GET', /^\/functions\/[^/]+\/durable-executions$/, 'ListDurableExecutionsByFunction'],
  ['POST', /^\/durable-execution-callbacks\/[^/]+\/succeed$/, 'SendDurableExecutionCallbackSuccess'],
  ['POST', /^\/durable-execution-callbacks\/[^/]+\/fail$/, 'SendDurableExecutionCallbackFailure'],
  ['POST', /^\/durable-execution-callbacks\/[^/]+\/heartbeat$/, 'SendDurableExecutionCallbackHeartbeat'],
];

/** Operations that callers repeat with the same name or token. A synchronous invoke has none, and would run twice. */
const REPEATABLE = new Set([
  'Invoke(Event)',
  'CheckpointDurableExecution',
  'StopDurableExecution',
  'SendDurableExecutionCallbackSuccess',
  'SendDurableExecutionCallbackFailure',
  'SendDurableExecutionCallbackHeartbeat',
]);

export function lambdaFaults({ send, lateMs }: { send: Send; lateMs: number }): Faults<LambdaFault> {
  const any = () => true;
  return {
    operationOf,
    faults: {
      'too-many-requests': refused(any, ({ operation }) =>
        error(429, 'TooManyRequestsException', {
          Reason: operation.startsWith('Invoke') ? 'ConcurrentInvocationLimitExceeded' : 'CallerRateLimitExceeded',
          Type: 'User',
          message: 'Rate Exceeded.',
        }),
      ),
      'internal-error': refused(any, () =>
        error(500, 'ServiceException', { Type: 'Service', Message: 'An internal error has occurred.' }),
      ),
      'lost-answer': lostAnswer((call: Call) => REPEATABLE.has(call.operation)),
      'late-answer': lateAnswer(lateMs),
    },
    send,
    close: async () => {},
  };
}

const error = (status: number, name: string, body: object) =>
  json(status, body, { 'content-type': 'application/json', 'x-amzn-errortype': name });

export function operationOf({ method, path, headers }: ForwardedRequest): string {
  const [withoutQuery = ''] = path.split('?');
  const undated = withoutQuery.replace(/^\/\d{4}-\d{2}-\d{2}/, '');
  const name = OPERATIONS.find(([verb, pattern]) => verb === method && pattern.test(undated))?.[2];
  if (name !== 'Invoke') return name ?? `${method} ${undated}`;
  return headers['x-amz-invocation-type'] === 'Event' ? 'Invoke(Event)' : 'Invoke';
}
