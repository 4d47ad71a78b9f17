import type { ClientContext, Context } from 'aws-lambda';
import { functionArn } from './arns.ts';
import { runWithInvokeStore } from './invoke/invoke-store.ts';
import { byteLength, SYNC_PAYLOAD_MAX_BYTES } from './limits.ts';

/**
 * The second argument of a handler, as in the runtime nodejs24.x, which has no callbacks. `xrayTraceId` is the caller's
 * trace.
 */
export type LambdaContext = Omit<Context, 'done' | 'fail' | 'succeed'> & { xrayTraceId?: string };

/** A function in the emulation: the deployed handler and its configuration. */
export type LocalFunction = {
  // A method, so that handlers can declare the type of their event.
  handler(event: unknown, context: LambdaContext): Promise<unknown>;
  /** The timeout of one invocation. Never time-scaled, because code doesn't run faster. */
  timeoutSeconds: number;
  /** Set in `process.env` unless already set, because all functions share one process. */
  environment?: Record<string, string>;
  /** Maximum concurrent invocations; further ones get a 429. Absent for no limit. */
  reservedConcurrency?: number;
  /** A standard SQS queue for permanent failures: events of asynchronous invocations, and inputs of executions. */
  deadLetterQueueUrl?: string;
  /** `RecursiveLoop: Allow`. If absent, the 17th call of the function in a chain of requests is dropped. */
  recursionAllowed?: boolean;
  durable?: { executionTimeoutSeconds: number; retentionDays: number };
};

/** A call of a handler. `payload` is JSON, so that a handler can't modify its caller's objects. */
export type Invocation = {
  functionName: string;
  version: string;
  requestId: string;
  payload: string;
  traceId?: string | undefined;
  tenantId?: string | undefined;
  clientContext?: string | undefined;
};

/** A function's error in the format of Lambda's response payload. */
export type FunctionError = { errorType: string; errorMessage: string; trace?: string[] };

export type InvocationResult = { ok: true; payload: string } | { ok: false; error: FunctionError };

/**
 * Runs handlers, with a timeout and a concurrency limit.
 *
 * A handler that has timed out can't be killed within this process. Its result is dropped, and its checkpoints are
 * refused because its token is stale; but an effect that is in progress can still happen.
 */
export class FunctionRunner {
  readonly #functions: ReadonlyMap<string, LocalFunction>;
  readonly #running = new Map<string, number>();

  constructor(functions: ReadonlyMap<string, LocalFunction>) {
    this.#functions = functions;
  }

  hasRoom(functionName: string): boolean {
    return this.running(functionName) < (this.#functions.get(functionName)?.reservedConcurrency ?? Infinity);
  }

  running(functionName: string): number {
    return this.#running.get(functionName) ?? 0;
  }

  /** Runs a handler. Never rejects: any failure is the function's error. */
  async run(invocation: Invocation): Promise<InvocationResult> {
    const { functionName } = invocation;
    this.#running.set(functionName, this.running(functionName) + 1);
    try {
      return await this.#call(invocation);
    } finally {
      this.#running.set(functionName, this.running(functionName) - 1);
    }
  }

  async #call(invocation: Invocation): Promise<InvocationResult> {
    const local = this.#functions.get(invocation.functionName);
    if (!local)
      return failed({
        errorType: 'ResourceNotFoundException',
        errorMessage: `Function not found: ${invocation.functionName}`,
      });
    const deadline = Date.now() + local.timeoutSeconds * 1000;
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<InvocationResult>((resolve) => {
      timer = setTimeout(() => resolve(failed(timeOutError(invocation, local))), local.timeoutSeconds * 1000);
    });
    try {
      return await Promise.race([callHandler(local, invocation, contextOf(invocation, deadline)), timedOut]);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function callHandler(
  local: LocalFunction,
  invocation: Invocation,
  context: LambdaContext,
): Promise<InvocationResult> {
  try {
    const value = await runWithInvokeStore(invocation, () => local.handler(JSON.parse(invocation.payload), context));
    const payload = JSON.stringify(value) ?? 'null';
    // A durable handler's response wraps its result, and the handler checkpoints results that don't fit.
    if (local.durable || byteLength(payload) <= SYNC_PAYLOAD_MAX_BYTES) return { ok: true, payload };
    const errorMessage = `Response payload size exceeded maximum of ${SYNC_PAYLOAD_MAX_BYTES} bytes.`;
    return failed({ errorType: 'Function.ResponseSizeTooLarge', errorMessage });
  } catch (thrown) {
    return failed(functionErrorOf(thrown));
  }
}

const failed = (error: FunctionError): InvocationResult => ({ ok: false, error });

function functionErrorOf(thrown: unknown): FunctionError {
  if (!(thrown instanceof Error)) return { errorType: 'string', errorMessage: String(thrown), trace: [] };
  return { errorType: thrown.name, errorMessage: thrown.message, trace: (thrown.stack ?? '').split('\n') };
}

const timeOutError = ({ requestId }: Invocation, { timeoutSeconds }: LocalFunction): FunctionError => ({
  errorType: 'Sandbox.Timedout',
  errorMessage: `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds.toFixed(2)} seconds`,
});

function contextOf(
  { functionName, version, requestId, traceId, tenantId, clientContext }: Invocation,
  deadline: number,
): LambdaContext {
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName,
    functionVersion: version,
    invokedFunctionArn: functionArn(functionName, version),
    memoryLimitInMB: '1024',
    awsRequestId: requestId,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: `local/[${version}]`,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    ...(traceId !== undefined && { xrayTraceId: traceId }),
    ...(tenantId !== undefined && { tenantId }),
    ...(clientContext !== undefined && { clientContext: parseClientContext(clientContext) }),
  };
}

const parseClientContext = (base64: string) => JSON.parse(Buffer.from(base64, 'base64').toString()) as ClientContext;
