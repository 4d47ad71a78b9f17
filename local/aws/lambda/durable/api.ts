import type { EmulatedRequest } from '../../endpoint.ts';
import { functionArn, parseFunctionRef } from '../arns.ts';
import { invalidParameter, notFound } from '../errors.ts';
import type { Executions } from './executions.ts';
import { withoutData } from './history.ts';
import { PAGE_DEFAULT_ITEMS, PAGE_MAX_ITEMS, STATE_PAGE_MAX_OPERATIONS } from '../limits.ts';
import { ErrorObject } from './operation.ts';
import { epochSeconds } from './wire.ts';
import type { LocalFunction } from '../function-runner.ts';
import { errorOf, type ExecutionRow, type Store } from '../store.ts';

/** The dependencies of the durable execution API. */
export type DurableParts = { store: Store; executions: Executions; functions: ReadonlyMap<string, LocalFunction> };

/** Implements GetDurableExecution. */
export function describeExecution(
  { query }: EmulatedRequest,
  arn: string,
  { store, executions, functions }: DurableParts,
): object {
  const row = executions.get(arn);
  const withData = query.get('IncludeExecutionData') !== 'false';
  const durable = functions.get(row.functionName)?.durable;
  const data = withData && {
    InputPayload: store.operation(arn, row.rootId)?.input,
    ...(row.result !== null && { Result: row.result }),
    ...(row.error !== null && { Error: errorOf(row) }),
  };
  return {
    ...summary(row),
    ...data,
    Version: row.version,
    ExecutionDataIncluded: withData,
    ...(row.traceId !== null && { TraceHeader: { XAmznTraceId: row.traceId } }),
    ...(durable && {
      DurableConfig: {
        ExecutionTimeout: durable.executionTimeoutSeconds,
        RetentionPeriodInDays: durable.retentionDays,
      },
    }),
  };
}

type Summarised = Pick<ExecutionRow, 'arn' | 'name' | 'version' | 'status' | 'startedAt' | 'endedAt'>;

const summary = ({ arn, name, status, startedAt, endedAt }: Summarised): object => ({
  DurableExecutionArn: arn,
  DurableExecutionName: name,
  FunctionArn: arn.slice(0, arn.indexOf('/')),
  Status: status,
  StartTimestamp: epochSeconds(startedAt),
  ...(endedAt !== null && { EndTimestamp: epochSeconds(endedAt) }),
});

/** Implements GetDurableExecutionHistory. A marker is the number of the last returned event. */
export function history({ query }: EmulatedRequest, arn: string, { store, executions }: DurableParts): object {
  executions.get(arn);
  const reverse = query.get('ReverseOrder') === 'true';
  const withData = query.get('IncludeExecutionData') !== 'false';
  const limit = pageSize(query);
  const from = Number(query.get('Marker') ?? (reverse ? Number.MAX_SAFE_INTEGER : 0));
  if (!Number.isSafeInteger(from)) throw invalidParameter('Invalid Marker.');
  const found = store.events(arn, from, limit + 1, reverse);
  const page = found.slice(0, limit);
  return {
    Events: page.map(({ id, entry }) => ({ ...(withData ? entry : withoutData(entry)), EventId: id })),
    ...(found.length > limit && { NextMarker: String(page.at(-1)?.id) }),
  };
}

/** Implements ListDurableExecutionsByFunction, newest first. A marker is the ARN of the last returned execution. */
export function listExecutions({ query }: EmulatedRequest, ref: string, { store, functions }: DurableParts): object {
  const { name, qualifier } = parseFunctionRef(ref, query.get('Qualifier') ?? undefined);
  if (!functions.has(name)) throw notFound(`Function not found: ${functionArn(name)}`);
  const matching = store.listExecutions(name).filter(filterOf(query, qualifier));
  if (query.get('ReverseOrder') !== 'true') matching.reverse();
  const marker = query.get('Marker');
  const from = marker === null ? 0 : matching.findIndex(({ arn }) => arn === marker) + 1;
  if (marker !== null && from === 0) throw invalidParameter('Invalid Marker.');
  const limit = pageSize(query);
  const page = matching.slice(from, from + limit);
  const more = from + limit < matching.length;
  return { DurableExecutions: page.map(summary), ...(more && { NextMarker: page.at(-1)?.arn }) };
}

function filterOf(query: URLSearchParams, qualifier: string | undefined): (row: Summarised) => boolean {
  const statuses = query.getAll('Statuses');
  const executionName = query.get('DurableExecutionName');
  const after = timeOf(query.get('StartedAfter')) ?? -Infinity;
  const before = timeOf(query.get('StartedBefore')) ?? Infinity;
  return (row) =>
    (statuses.length === 0 || statuses.includes(row.status)) &&
    (executionName === null || row.name === executionName) &&
    (qualifier === undefined || row.version === qualifier) &&
    row.startedAt > after &&
    row.startedAt < before;
}

function timeOf(text: string | null): number | undefined {
  if (text === null) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw invalidParameter(`'${text}' is not a time.`);
  return time;
}

function pageSize(query: URLSearchParams): number {
  const requested = Number(query.get('MaxItems') ?? 0);
  if (!Number.isInteger(requested) || requested < 0 || requested > PAGE_MAX_ITEMS)
    throw invalidParameter(`MaxItems must be from 0 to ${PAGE_MAX_ITEMS}.`);
  return requested === 0 ? PAGE_DEFAULT_ITEMS : requested;
}

/** Implements GetDurableExecutionState. */
export function state({ query }: EmulatedRequest, arn: string, { executions }: DurableParts): object {
  const maxItems = Number(query.get('MaxItems') ?? 0) || STATE_PAGE_MAX_OPERATIONS;
  return executions.state(arn, query.get('CheckpointToken') ?? '', query.get('Marker') ?? undefined, maxItems);
}

/** Implements CheckpointDurableExecution. */
export function checkpoint(request: EmulatedRequest, arn: string, { executions }: DurableParts): object {
  const { CheckpointToken, Updates } = jsonOf(request);
  return executions.checkpoint(arn, CheckpointToken, { Updates });
}

/** Implements StopDurableExecution. */
export function stop(request: EmulatedRequest, arn: string, { executions }: DurableParts): object {
  const error = request.body.length === 0 ? undefined : errorFrom(request);
  return { StopTimestamp: epochSeconds(executions.stop(arn, error)) };
}

/** Implements SendDurableExecutionCallbackSuccess. The body is the result. */
export function succeedCallback({ body }: EmulatedRequest, callbackId: string, { executions }: DurableParts): object {
  executions.completeCallback(callbackId, {
    status: 'SUCCEEDED',
    result: body.length === 0 ? undefined : body.toString(),
  });
  return {};
}

/** Implements SendDurableExecutionCallbackFailure. The body is the error. */
export function failCallback(request: EmulatedRequest, callbackId: string, { executions }: DurableParts): object {
  executions.completeCallback(callbackId, {
    status: 'FAILED',
    error: request.body.length === 0 ? {} : errorFrom(request),
  });
  return {};
}

/** Implements SendDurableExecutionCallbackHeartbeat. */
export function heartbeat(_: EmulatedRequest, callbackId: string, { executions }: DurableParts): object {
  executions.heartbeat(callbackId);
  return {};
}

function errorFrom(request: EmulatedRequest): ErrorObject {
  const parsed = ErrorObject.safeParse(jsonOf(request));
  if (!parsed.success) throw invalidParameter(`The body is not an error object: ${parsed.error.issues[0]?.message}`);
  return parsed.data;
}

function jsonOf({ body }: EmulatedRequest): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // refused below
  }
  throw invalidParameter('The body is not a JSON object.');
}
