import { AsyncLocalStorage } from 'node:async_hooks';

/** The keys under which Lambda's runtime keeps the data of each concurrent invocation of a process. */
const REQUEST_ID = Symbol.for('_AWS_LAMBDA_REQUEST_ID');
const TRACE_ID = Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID');
const TENANT_ID = Symbol.for('_AWS_LAMBDA_TENANT_ID');

type Values = Record<string | symbol, unknown>;

const current = new AsyncLocalStorage<Values>();

/**
 * The global object with which Lambda's Node runtime identifies the current invocation if a process runs several at
 * once. An environment variable (`_X_AMZN_TRACE_ID`) could hold only one. `@aws/lambda-invoke-store` and the AWS SDK
 * read it; functions can read it too.
 */
const invokeStore = {
  getContext: () => current.getStore(),
  hasContext: () => current.getStore() !== undefined,
  get: (key: string | symbol) => current.getStore()?.[key],
  set: (key: string | symbol, value: unknown) => {
    const values = current.getStore();
    if (!values) throw new Error('No invocation is running in this context.');
    values[key] = value;
  },
  run: <T>(values: Values, work: () => T): T => current.run(values, work),
  getRequestId: () => current.getStore()?.[REQUEST_ID] ?? '-',
  getXRayTraceId: () => current.getStore()?.[TRACE_ID],
  getTenantId: () => current.getStore()?.[TENANT_ID],
  getTraceparent: () => undefined,
  getTracestate: () => undefined,
  getBaggage: () => undefined,
};

/**
 * Installs the store where the runtime has it. If an SDK was used earlier, it has created its own store and keeps a
 * reference to it; the methods of that store are replaced.
 */
export function installInvokeStore(): void {
  const scope = globalThis as { awslambda?: { InvokeStore?: object } };
  const { awslambda = {} } = scope;
  awslambda.InvokeStore = Object.assign(awslambda.InvokeStore ?? {}, invokeStore);
  scope.awslambda = awslambda;
}

/** Runs work as one invocation, whose request, trace, and tenant IDs the store returns. */
export function runWithInvokeStore<T>(
  { requestId, traceId, tenantId }: { requestId: string; traceId?: string | undefined; tenantId?: string | undefined },
  work: () => T,
): T {
  return current.run({ [REQUEST_ID]: requestId, [TRACE_ID]: traceId, [TENANT_ID]: tenantId }, work);
}
