import { randomUUID } from 'node:crypto';
import type { Executions } from '../durable/executions.ts';
import type { FunctionError, InvocationResult, LocalFunction, FunctionRunner } from '../function-runner.ts';
import type { PendingInvoke, Store } from '../store.ts';
import { Worker } from '../worker.ts';

/** The delays before the second and third attempt of an event, in milliseconds, as on AWS. */
const RETRY_DELAYS_MS = [60_000, 120_000];

/**
 * Asynchronous invocations of plain functions: events, and chained invokes of durable executions. Each is on disk from
 * its acceptance to its end; one that a crash interrupts is invoked again.
 */
export class PlainInvokes extends Worker {
  readonly #store: Store;
  readonly #executions: Executions;
  readonly #runner: FunctionRunner;
  readonly #functions: ReadonlyMap<string, LocalFunction>;
  readonly #now: () => number;
  readonly #scale: number;
  readonly #onChange: () => void;
  readonly #log: (entry: object) => void;
  readonly #inProgress = new Set<string>();

  constructor(options: {
    store: Store;
    executions: Executions;
    runner: FunctionRunner;
    functions: ReadonlyMap<string, LocalFunction>;
    now: () => number;
    scale: number;
    onChange: () => void;
    log: (entry: object) => void;
  }) {
    super(options.now);
    this.#store = options.store;
    this.#executions = options.executions;
    this.#runner = options.runner;
    this.#functions = options.functions;
    this.#now = options.now;
    this.#scale = options.scale;
    this.#onChange = options.onChange;
    this.#log = options.log;
  }

  /** Accepts an event. The event is on disk when this returns. */
  accept(event: Pick<PendingInvoke, 'id' | 'functionName' | 'version' | 'payload' | 'traceId' | 'tenantId'>): void {
    const now = this.#now();
    this.#store.insertPendingInvoke({
      ...event,
      attempts: 0,
      dueAt: now,
      acceptedAt: now,
      parentArn: null,
      parentOperationId: null,
    });
    this.poke();
  }

  /** Sends a dropped event to the dead-letter queue, if there is one. */
  storeDeadLetter(event: {
    functionName: string;
    queueUrl: string | undefined;
    payload: string;
    message: string;
  }): void {
    const { functionName, queueUrl, payload: body, message } = event;
    const requestId = randomUUID();
    this.#log({ event: 'recursive-invocation-dropped', function: functionName, invocationId: requestId });
    if (queueUrl === undefined) return;
    this.#store.insertDeadLetter({ queueUrl, body, requestId, errorCode: '400', errorMessage: message });
    this.#onChange();
  }

  protected work(): number | undefined {
    const now = this.#now();
    for (const invoke of this.#store.pendingInvokesDue(now)) {
      if (!this.#inProgress.has(invoke.id) && this.#runner.hasRoom(invoke.functionName)) this.#invoke(invoke);
    }
    return this.#store.nextPendingInvokeAt(now);
  }

  #invoke(invoke: PendingInvoke): void {
    this.#inProgress.add(invoke.id);
    const { id, functionName, version, payload, traceId, tenantId } = invoke;
    void this.#runner
      .run({
        functionName,
        version,
        requestId: id,
        payload,
        traceId: traceId ?? undefined,
        tenantId: tenantId ?? undefined,
      })
      .then((result) => {
        this.#inProgress.delete(id);
        if (!this.isRunning) return; // the store is closed; the next start invokes it again
        this.#ended(invoke, result);
        this.#onChange(); // another invocation can start
      });
  }

  #ended(invoke: PendingInvoke, result: InvocationResult): void {
    if (!result.ok) {
      this.#log({
        event: 'invocation-failed',
        function: invoke.functionName,
        invocationId: invoke.id,
        attempt: invoke.attempts + 1,
        error: result.error,
      });
    }
    if (invoke.parentArn !== null) this.#reportToParent(invoke, result);
    else if (result.ok) this.#store.deletePendingInvoke(invoke.id);
    else this.#retryOrGiveUp(invoke, result.error);
  }

  /** Reports the result of a chained invoke, which is attempted only once: the workflow decides about failures. */
  #reportToParent(invoke: PendingInvoke, result: InvocationResult): void {
    if (result.ok) return this.#executions.chainedInvokeEnded(invoke, { status: 'SUCCEEDED', result: result.payload });
    const { errorType, errorMessage, trace } = result.error;
    const error = { ErrorType: errorType, ErrorMessage: errorMessage, ...(trace && { StackTrace: trace }) };
    this.#executions.chainedInvokeEnded(invoke, { status: 'FAILED', error });
  }

  #retryOrGiveUp(invoke: PendingInvoke, error: FunctionError): void {
    const delayMs = RETRY_DELAYS_MS[invoke.attempts];
    if (delayMs !== undefined) {
      this.#store.postponePendingInvoke(invoke.id, invoke.attempts + 1, this.#now() + delayMs / this.#scale);
      return;
    }
    const queueUrl = this.#functions.get(invoke.functionName)?.deadLetterQueueUrl;
    this.#store.transaction(() => {
      this.#store.deletePendingInvoke(invoke.id);
      if (queueUrl === undefined) return;
      const { id: requestId, payload: body } = invoke;
      this.#store.insertDeadLetter({ queueUrl, body, requestId, errorCode: '200', errorMessage: error.errorMessage });
    });
  }
}
