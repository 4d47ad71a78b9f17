import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Executions, InvocationEnd } from './executions.ts';
import { ErrorObject } from './operation.ts';
import type { InvocationResult, FunctionRunner } from '../function-runner.ts';
import type { ExecutionRow, Store } from '../store.ts';
import { Worker } from '../worker.ts';

/** The output of a durable handler. Any other output fails its execution. */
const HandlerOutput = z.object({
  Status: z.enum(['SUCCEEDED', 'FAILED', 'PENDING']),
  Result: z.string().nullish(),
  Error: ErrorObject.nullish(),
});

/**
 * Invokes the handlers of executions that have changed, and fires timers.
 *
 * The pending work is in the store, so a crash loses nothing, and a wake-up during an invocation is found when the
 * invocation ends.
 */
export class Resumer extends Worker {
  readonly #store: Store;
  readonly #executions: Executions;
  readonly #runner: FunctionRunner;
  readonly #functionNames: readonly string[];
  readonly #maxConcurrent: number;
  readonly #log: (entry: object) => void;
  #running = 0;

  constructor(options: {
    store: Store;
    executions: Executions;
    runner: FunctionRunner;
    functionNames: readonly string[];
    maxConcurrent: number;
    now: () => number;
    log: (entry: object) => void;
  }) {
    super(options.now);
    this.#store = options.store;
    this.#executions = options.executions;
    this.#runner = options.runner;
    this.#functionNames = options.functionNames;
    this.#maxConcurrent = options.maxConcurrent;
    this.#log = options.log;
  }

  protected work(): number | undefined {
    this.#executions.fireDueTimers();
    let progress = true;
    while (progress) progress = this.#invokeSome();
    return this.#store.nextTimerAt();
  }

  /** @returns whether any handler was invoked, so that there may be more */
  #invokeSome(): boolean {
    const free = this.#maxConcurrent - this.#running;
    if (free <= 0) return false;
    const functionsAtLimit = this.#functionNames.filter((name) => !this.#runner.hasRoom(name));
    let invoked = false;
    for (const { arn, functionName } of this.#store.toWake(free, functionsAtLimit)) {
      if (this.#runner.hasRoom(functionName)) invoked = this.#invoke(arn) || invoked;
    }
    return invoked;
  }

  #invoke(arn: string): boolean {
    const invocationId = randomUUID();
    const invocation = this.#executions.beginInvocation(arn, invocationId);
    if (!invocation) return false;
    this.#running += 1;
    const { row, event } = invocation;
    void this.#runner
      .run({
        functionName: row.functionName,
        version: row.version,
        requestId: invocationId,
        payload: JSON.stringify(event),
        traceId: row.traceId ?? undefined,
        tenantId: row.tenantId ?? undefined,
      })
      .then((result) => this.#ended(row, invocationId, result));
    return true;
  }

  #ended(row: ExecutionRow, invocationId: string, result: InvocationResult): void {
    this.#running -= 1;
    // Stopped: the store is closed. The next start finds this invocation interrupted.
    if (!this.isRunning) return;
    if (!result.ok)
      this.#log({
        event: 'invocation-failed',
        function: row.functionName,
        arn: row.arn,
        invocationId,
        error: result.error,
      });
    this.#executions.endInvocation(row.arn, invocationId, invocationEndOf(result));
  }
}

function invocationEndOf(result: InvocationResult): InvocationEnd {
  if (!result.ok) {
    const { errorType, errorMessage, trace } = result.error;
    return {
      kind: 'failed',
      error: { ErrorType: errorType, ErrorMessage: errorMessage, ...(trace && { StackTrace: trace }) },
    };
  }
  const output = HandlerOutput.safeParse(JSON.parse(result.payload));
  if (!output.success) {
    const ErrorMessage =
      'The durable handler returned neither SUCCEEDED, FAILED nor PENDING. Is it wrapped in withDurableExecution?';
    return {
      kind: 'closed',
      outcome: { status: 'FAILED', error: { ErrorType: 'InvalidHandlerOutput', ErrorMessage } },
      resultWasCheckpointed: false,
    };
  }
  const { Status, Result, Error: error } = output.data;
  if (Status === 'PENDING') return { kind: 'suspended' };
  if (Status === 'FAILED')
    return { kind: 'closed', outcome: { status: 'FAILED', error: error ?? {} }, resultWasCheckpointed: false };
  return {
    kind: 'closed',
    outcome: { status: 'SUCCEEDED', result: Result ?? undefined },
    resultWasCheckpointed: Result === '',
  };
}
