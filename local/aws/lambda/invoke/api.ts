import { randomUUID } from 'node:crypto';
import type { EmulatedRequest, EmulatedResponse } from '../../endpoint.ts';
import { parseFunctionRef, versionOf } from '../arns.ts';
import { ApiError, invalidParameter, notFound, tooLarge } from '../errors.ts';
import { UNQUALIFIED, type Executions } from '../durable/executions.ts';
import { continueChain } from './lineage.ts';
import { ASYNC_PAYLOAD_MAX_BYTES, SYNC_EXECUTION_MAX_SECONDS, SYNC_PAYLOAD_MAX_BYTES } from '../limits.ts';
import type { PlainInvokes } from './plain-invokes.ts';
import type { InvocationResult, LocalFunction, FunctionRunner } from '../function-runner.ts';
import { errorOf, type ExecutionRow } from '../store.ts';

/** The dependencies of the Invoke API. */
export type InvokeParts = {
  functions: ReadonlyMap<string, LocalFunction>;
  executions: Executions;
  plainInvokes: PlainInvokes;
  runner: FunctionRunner;
};

/** A parsed and validated call. */
type Call = {
  local: LocalFunction;
  functionName: string;
  version: string;
  payload: string;
  executionName: string | undefined;
  /** Includes this call in its counts. */
  traceId: string;
  /** Whether the call exceeds the limit of its chain and the function doesn't allow that. */
  isLoop: boolean;
  tenantId: string | undefined;
  clientContext: string | undefined;
};

const EXECUTION_NAME = /^[a-zA-Z0-9-_]{1,64}$/;

/** `POST /2015-03-31/functions/{ref}/invocations` */
export async function invoke(request: EmulatedRequest, ref: string, parts: InvokeParts): Promise<EmulatedResponse> {
  const type = header(request, 'x-amz-invocation-type') ?? 'RequestResponse';
  if (!['RequestResponse', 'Event', 'DryRun'].includes(type))
    throw invalidParameter(`Unknown invocation type '${type}'.`);
  const call = parseInvoke(request, ref, type, parts);
  if (type === 'DryRun') return { status: 204 };
  if (call.isLoop) return drop(call, type, parts);
  if (call.local.durable) return type === 'Event' ? startExecution(call, parts) : awaitExecution(call, parts);
  return type === 'Event' ? acceptEvent(call, parts) : runNow(call, parts);
}

function parseInvoke(request: EmulatedRequest, ref: string, type: string, { functions }: InvokeParts): Call {
  const { name, qualifier } = parseFunctionRef(ref, request.query.get('Qualifier') ?? undefined);
  const local = functions.get(name);
  if (!local)
    throw notFound(`Function not found: ${name}. Known functions: ${[...functions.keys()].join(', ') || 'none'}.`);
  if (local.durable && qualifier === undefined) throw invalidParameter(UNQUALIFIED);
  const executionName = header(request, 'x-amz-durable-execution-name');
  if (executionName !== undefined) checkExecutionName(executionName, name, local);
  const { traceId, isLoop } = continueChain(header(request, 'x-amzn-trace-id'), name);
  return {
    local,
    functionName: name,
    version: versionOf(qualifier),
    payload: payloadOf(request, type),
    executionName,
    traceId,
    isLoop: isLoop && local.recursionAllowed !== true,
    tenantId: header(request, 'x-amz-tenant-id'),
    clientContext: header(request, 'x-amz-client-context'),
  };
}

function checkExecutionName(executionName: string, functionName: string, local: LocalFunction): void {
  if (!local.durable)
    throw invalidParameter(`${functionName} is not a durable function, so it cannot have an execution name.`);
  if (!EXECUTION_NAME.test(executionName)) {
    throw invalidParameter(
      `'${executionName}' is not an execution name: 1 to 64 characters of a-z, A-Z, 0-9, - and _.`,
    );
  }
}

function payloadOf({ body }: EmulatedRequest, type: string): string {
  const limit = type === 'Event' ? ASYNC_PAYLOAD_MAX_BYTES : SYNC_PAYLOAD_MAX_BYTES;
  if (body.length > limit)
    throw tooLarge(`Request must be smaller than ${limit} bytes for the ${type} invocation type.`);
  if (body.length === 0) return '{}';
  const text = body.toString();
  try {
    JSON.parse(text);
  } catch (error) {
    throw new ApiError(
      'InvalidRequestContentException',
      400,
      `Could not parse request body into json: ${String(error)}`,
    );
  }
  return text;
}

const header = ({ headers }: EmulatedRequest, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};

/**
 * Drops a call of a recursive loop. A synchronous caller gets an error. An event goes to the dead-letter queue, and its
 * sender gets no error.
 */
function drop({ functionName, local, payload }: Call, type: string, { plainInvokes }: InvokeParts): EmulatedResponse {
  const message =
    'Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and ' +
    "stopped your function's invocation.";
  if (type !== 'Event') throw new ApiError('RecursiveInvocationException', 400, message);
  plainInvokes.storeDeadLetter({ functionName, queueUrl: local.deadLetterQueueUrl, payload, message });
  return { status: 202 };
}

function start(call: Call, asyncStart: boolean, { executions }: InvokeParts): ExecutionRow {
  const { functionName, version, executionName: name, payload, traceId, tenantId } = call;
  return executions.start({ functionName, version, name, payload, asyncStart, traceId, tenantId });
}

function startExecution(call: Call, parts: InvokeParts): EmulatedResponse {
  const { arn } = start(call, true, parts);
  return { status: 202, headers: { 'x-amz-durable-execution-arn': arn, 'x-amz-executed-version': call.version } };
}

/** Waits for the complete execution, including suspensions. */
async function awaitExecution(call: Call, parts: InvokeParts): Promise<EmulatedResponse> {
  if ((call.local.durable?.executionTimeoutSeconds ?? 0) > SYNC_EXECUTION_MAX_SECONDS) {
    throw invalidParameter(
      'You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.',
    );
  }
  const { arn } = start(call, false, parts);
  const row = await parts.executions.closed(arn);
  const headers = { 'x-amz-durable-execution-arn': arn };
  if (row.status === 'SUCCEEDED') return answer({ ok: true, payload: row.result ?? 'null' }, row.version, headers);
  const { ErrorType = row.status, ErrorMessage = '', StackTrace } = errorOf(row) ?? {};
  const error = { errorType: ErrorType, errorMessage: ErrorMessage, ...(StackTrace && { trace: StackTrace }) };
  return answer({ ok: false, error }, row.version, headers);
}

function acceptEvent(
  { functionName, version, payload, traceId, tenantId }: Call,
  { plainInvokes }: InvokeParts,
): EmulatedResponse {
  plainInvokes.accept({
    id: randomUUID(),
    functionName,
    version,
    payload,
    traceId,
    tenantId: tenantId ?? null,
  });
  return { status: 202 };
}

async function runNow(call: Call, { runner }: InvokeParts): Promise<EmulatedResponse> {
  const { functionName, version, payload, traceId, tenantId, clientContext } = call;
  if (!runner.hasRoom(functionName)) {
    throw new ApiError(
      'TooManyRequestsException',
      429,
      `Rate Exceeded: ${functionName} has reached its reserved concurrency.`,
    );
  }
  const result = await runner.run({
    functionName,
    version,
    requestId: randomUUID(),
    payload,
    traceId,
    tenantId,
    clientContext,
  });
  return answer(result, version, {});
}

/** Returns a function's result. An error of the function is a 200 response with an additional header. */
function answer(result: InvocationResult, version: string, headers: Record<string, string>): EmulatedResponse {
  const all = { ...headers, 'content-type': 'application/json', 'x-amz-executed-version': version };
  if (result.ok) return { status: 200, headers: all, body: result.payload };
  return { status: 200, headers: { ...all, 'x-amz-function-error': 'Unhandled' }, body: JSON.stringify(result.error) };
}
