import { randomUUID } from 'node:crypto';
import { newExecutionArn, parseCallbackId, parseFunctionRef, versionOf } from '../arns.ts';
import { ApiError, invalidParameter, invalidToken, notFound } from '../errors.ts';
import { historyEvent, inputDetails } from './history.ts';
import { byteLength, CALLBACK_RESULT_MAX_BYTES, STATE_PAGE_MAX_OPERATIONS } from '../limits.ts';
import { hash, newRow, type StartRequest } from './new-execution.ts';
import type { OpenExecution } from './open-execution.ts';
import { isClosed, parseUpdates, type ErrorObject, type Operation, type OperationUpdate } from './operation.ts';
import { checkUpdates } from './rules.ts';
import { statePage } from './state-page.ts';
import { errorOf, type ExecutionRow, type PendingInvoke, type Store, type TimerRow } from '../store.ts';
import {
  applyUpdate,
  attemptDue,
  CALLBACK_TIMED_OUT,
  callbackEnded,
  chainedInvokeEnded,
  HEARTBEAT_TIMED_OUT,
  waitEnded,
  type Outcome,
} from './transitions.ts';
import { UnitOfWork } from './unit-of-work.ts';
import { epochSeconds, isoTime, operationOnWire } from './wire.ts';

/** The properties of a function that its executions need. */
export type FunctionFacts = { durable?: { executionTimeoutSeconds: number }; deadLetterQueueUrl?: string };

/** The result of an invocation of a durable handler. `failed`: it threw, timed out, or died. */
export type InvocationEnd =
  | { kind: 'suspended' }
  | { kind: 'closed'; outcome: Outcome; resultWasCheckpointed: boolean }
  | { kind: 'failed'; error: ErrorObject };

/** The event with which a durable handler is invoked. */
export type InvocationEvent = {
  DurableExecutionArn: string;
  CheckpointToken: string;
  UpdatedOperationIds: string[];
  InitialExecutionState: { Operations: Record<string, unknown>[]; NextMarker?: string };
};

/**
 * The error for an invocation of a durable function without a version, because it would be undefined which code a
 * replay runs.
 */
export const UNQUALIFIED =
  'You cannot invoke a durable function using an unqualified ARN. Name a version, an alias or $LATEST.';

const EXECUTION_TIMED_OUT: Outcome = { status: 'TIMED_OUT', error: { ErrorMessage: 'Execution timed out' } };

/** Milliseconds, by the execution's clock, before a handler is invoked again after a failed invocation; doubling. */
const REDO_FIRST_MS = 1_000;
const REDO_MAX_MS = 60_000;

/**
 * The durable executions. Each method is one transaction, and its effects are on disk when it returns. Handlers run
 * elsewhere: their runner reads which executions to wake, begins an invocation, and reports its end.
 */
export class Executions {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #scale: number;
  readonly #functions: ReadonlyMap<string, FunctionFacts>;
  readonly #onChange: () => void;
  readonly #log: (entry: object) => void;
  readonly #waiters = new Map<string, ((row: ExecutionRow) => void)[]>();
  /**
   * The last checkpoint reply of each running invocation, for a client that repeats the request because it lost the
   * reply.
   */
  readonly #lastReplies = new Map<string, { token: string; bodyHash: string; reply: object }>();

  /**
   * @param options.onChange called after every transaction, because there can be an execution to wake or an earlier
   *   timer
   */
  constructor(options: {
    store: Store;
    now: () => number;
    scale: number;
    functions: ReadonlyMap<string, FunctionFacts>;
    onChange: () => void;
    log: (entry: object) => void;
  }) {
    this.#store = options.store;
    this.#now = options.now;
    this.#scale = options.scale;
    this.#functions = options.functions;
    this.#onChange = options.onChange;
    this.#log = options.log;
  }

  /**
   * Starts an execution, or finds the existing one with this name, running or closed: within the retention period, a
   * name stands for one execution and one input.
   *
   * @throws ApiError DurableExecutionAlreadyStartedException if the name is used with another input
   */
  start(request: StartRequest): ExecutionRow {
    return this.#transact((unit) => {
      const existing =
        request.name === undefined ? undefined : this.#store.executionNamed(request.functionName, request.name);
      if (!existing) {
        const arn = newExecutionArn(request.functionName, request.version, request.name ?? randomUUID());
        return this.#insert(unit, request, arn);
      }
      if (existing.inputHash === hash(request.payload)) return existing;
      throw new ApiError(
        'DurableExecutionAlreadyStartedException',
        409,
        `The name '${existing.name}' has been used for an execution of ${existing.functionName} with another input.`,
      );
    });
  }

  #insert(
    unit: UnitOfWork,
    request: StartRequest,
    arn: string,
    parent?: { arn: string; operationId: string },
  ): ExecutionRow {
    const { functionName, version, payload } = request;
    const timeoutSeconds = this.#functions.get(functionName)?.durable?.executionTimeoutSeconds ?? 0;
    const now = unit.now;
    const row = newRow({ request, arn, now, parent });
    this.#store.insertExecution(row);
    this.#store.putOperation(arn, 0, {
      id: row.rootId,
      type: 'EXECUTION',
      status: 'STARTED',
      startedAt: now,
      input: payload,
    });
    const execution = unit.adopt(row);
    const details = { ...inputDetails(payload), ExecutionTimeout: timeoutSeconds };
    execution.record(historyEvent('ExecutionStarted', now, { id: row.rootId, name: row.name }, details));
    execution.arm(row.rootId, 'execution', timeoutSeconds * 1000);
    unit.afterCommit(() => this.#log({ event: 'execution-started', function: functionName, version, arn }));
    return row;
  }

  get(arn: string): ExecutionRow {
    const row = this.#store.execution(arn);
    if (!row) throw notFound(`Durable execution not found: ${arn}`);
    return row;
  }

  /** Resolves when the execution is closed. */
  closed(arn: string): Promise<ExecutionRow> {
    const row = this.get(arn);
    if (row.status !== 'RUNNING') return Promise.resolve(row);
    return new Promise((resolve) => this.#waiters.set(arn, [...(this.#waiters.get(arn) ?? []), resolve]));
  }

  /**
   * Begins an invocation of the handler. Returns undefined if none is needed, because the execution was stopped or is
   * already being invoked.
   */
  beginInvocation(arn: string, invocationId: string): { row: ExecutionRow; event: InvocationEvent } | undefined {
    return this.#transact((unit) => {
      const execution = unit.open(arn);
      if (!execution?.isRunning || execution.row.invocationId !== null || execution.row.wake === 0) return undefined;
      const updated = this.#store.operationsChangedSince(arn, execution.row.toldSeq).map(({ id }) => id);
      const token = randomUUID();
      execution.begin(invocationId, token);
      const { operations, nextMarker } = statePage(this.#store.operations(arn), undefined, STATE_PAGE_MAX_OPERATIONS);
      const state = {
        Operations: operations.map((operation) => operationOnWire(operation, isoTime)),
        ...(nextMarker !== undefined && { NextMarker: nextMarker }),
      };
      return {
        row: execution.row,
        event: {
          DurableExecutionArn: arn,
          CheckpointToken: token,
          UpdatedOperationIds: updated,
          InitialExecutionState: state,
        },
      };
    });
  }

  /** Implements GetDurableExecutionState: returns the operations that didn't fit into the event. */
  state(arn: string, token: string, marker: string | undefined, maxItems: number): object {
    if (this.get(arn).token !== token) throw invalidToken();
    const limit = Math.min(maxItems, STATE_PAGE_MAX_OPERATIONS);
    const { operations, nextMarker } = statePage(this.#store.operations(arn), marker, limit);
    return {
      Operations: operations.map((operation) => operationOnWire(operation, epochSeconds)),
      ...(nextMarker !== undefined && { NextMarker: nextMarker }),
    };
  }

  /**
   * Applies the updates that a handler reports, and returns all changes since its last reply.
   *
   * @throws ApiError InvalidParameterValueException: "Invalid Checkpoint Token" if another invocation or none owns the
   *   execution now; otherwise an invalid update
   */
  checkpoint(arn: string, token: unknown, body: { Updates?: unknown }): object {
    const bodyHash = hash(JSON.stringify(body.Updates ?? []));
    const last = this.#lastReplies.get(arn);
    if (last && last.token === token && last.bodyHash === bodyHash) return last.reply;
    if (typeof token !== 'string') throw invalidParameter('Checkpoint token is required');
    const updates = parseUpdates(body.Updates);
    return this.#transact((unit) => {
      const execution = unit.open(arn);
      if (!execution) throw notFound(`Durable execution not found: ${arn}`);
      if (execution.row.token !== token) throw invalidToken();
      this.#fireDue(unit, execution);
      if (!execution.isRunning) throw invalidToken(); // the execution has just timed out
      this.#applyUpdates(execution, updates, unit.now);
      const reply = this.#reply(execution);
      unit.afterCommit(() => this.#lastReplies.set(arn, { token, bodyHash, reply }));
      return reply;
    });
  }

  #applyUpdates(execution: OpenExecution, updates: readonly OperationUpdate[], now: number): void {
    const find = (id: string) => execution.find(id);
    checkUpdates(updates, find);
    const isDurable = (name: string) => this.#functions.get(name)?.durable !== undefined;
    for (const update of updates) {
      if (update.Type === 'EXECUTION') execution.row.checkpointedResult = JSON.stringify(outcomeOf(update));
      else execution.apply(applyUpdate(update, find(update.Id), { now, arn: execution.row.arn, isDurable }));
    }
    execution.checkQuotas();
  }

  #reply({ row }: OpenExecution): { CheckpointToken: string; NewExecutionState: object } {
    const changed = this.#store.operationsChangedSince(row.arn, row.toldSeq);
    row.token = randomUUID();
    row.toldSeq = row.seq;
    return {
      CheckpointToken: row.token,
      NewExecutionState: { Operations: changed.map((operation) => operationOnWire(operation, epochSeconds)) },
    };
  }

  /**
   * Ends an invocation. Ignored if the invocation no longer owns the execution, because the execution was stopped or
   * timed out.
   */
  endInvocation(arn: string, invocationId: string, end: InvocationEnd): void {
    this.#transact((unit) => {
      const execution = unit.open(arn);
      if (execution?.row.invocationId !== invocationId) return;
      const { row } = execution;
      unit.afterCommit(() => this.#lastReplies.delete(arn));
      execution.endInvocation(end.kind === 'failed' ? end.error : undefined);
      if (end.kind === 'closed') {
        const checkpointed = end.resultWasCheckpointed && row.checkpointedResult !== null;
        this.#close(
          unit,
          execution,
          checkpointed ? (JSON.parse(row.checkpointedResult ?? '') as Outcome) : end.outcome,
        );
        return;
      }
      if (end.kind === 'failed')
        execution.arm(row.rootId, 'redo', Math.min(REDO_FIRST_MS * 2 ** (row.failures - 1), REDO_MAX_MS));
      else if (row.seq > row.toldSeq) execution.wake();
      this.#startChildren(unit, execution);
    });
  }

  /**
   * After a restart, marks the interrupted executions to be invoked again at once, because their handlers died with the
   * process.
   */
  recoverInterrupted(): number {
    const interrupted = this.#store.interrupted();
    for (const arn of interrupted) {
      this.#transact((unit) => {
        const execution = unit.open(arn);
        if (!execution) return;
        const message = `RequestId: ${execution.row.invocationId} Error: Runtime exited without providing a reason`;
        execution.endInvocation({ ErrorType: 'Runtime.ExitError', ErrorMessage: message });
        execution.wake();
        this.#startChildren(unit, execution);
      });
    }
    return interrupted.length;
  }

  /**
   * Starts children. A child that may have been started already is found by its parent operation, so that it is started
   * only once.
   */
  #startChildren(unit: UnitOfWork, execution: OpenExecution): void {
    for (const { operationId, kind } of this.#store.timers(execution.row.arn)) {
      if (kind === 'invoke') this.#startChild(unit, execution, operationId);
    }
  }

  #startChild(unit: UnitOfWork, execution: OpenExecution, operationId: string): void {
    execution.disarm(operationId, 'invoke');
    const operation = execution.find(operationId);
    if (operation?.status !== 'STARTED') return;
    const { name, qualifier } = parseFunctionRef(operation.functionRef ?? '');
    const payload = operation.payload ?? '{}';
    const error = this.#chainError(name, qualifier, payload);
    if (error) return execution.applyAndWake(chainedInvokeEnded(operation, { status: 'FAILED', error }, unit.now));
    const { arn, traceId } = execution.row;
    const child = { functionName: name, version: versionOf(qualifier), payload };
    if (operation.childArn === undefined) {
      const parent = { parentArn: arn, parentOperationId: operationId };
      const times = { attempts: 0, dueAt: unit.now, acceptedAt: unit.now };
      const tenantId = operation.tenantId ?? null;
      return this.#store.insertPendingInvoke({ id: randomUUID(), ...child, ...parent, ...times, traceId, tenantId });
    }
    const origin = { name: undefined, asyncStart: false, traceId: traceId ?? undefined, tenantId: operation.tenantId };
    this.#insert(unit, { ...child, ...origin }, operation.childArn, { arn, operationId });
  }

  #chainError(functionName: string, qualifier: string | undefined, payload: string): ErrorObject | undefined {
    const facts = this.#functions.get(functionName);
    if (!facts) return { ErrorType: 'ResourceNotFoundException', ErrorMessage: `Function not found: ${functionName}` };
    if (facts.durable && qualifier === undefined) {
      return { ErrorType: 'InvalidParameterValueException', ErrorMessage: UNQUALIFIED };
    }
    if (isJson(payload)) return undefined;
    return { ErrorType: 'InvalidRequestContentException', ErrorMessage: 'Could not parse request body into json.' };
  }

  /** Reports the result of a plain function to the execution that invoked it. */
  chainedInvokeEnded({ id, parentArn, parentOperationId }: PendingInvoke, outcome: Outcome): void {
    this.#transact((unit) => {
      this.#store.deletePendingInvoke(id);
      this.#reportToParent(unit, parentArn ?? '', parentOperationId ?? '', outcome);
    });
  }

  #reportToParent(unit: UnitOfWork, arn: string, operationId: string, outcome: Outcome): void {
    const parent = unit.open(arn);
    const operation = parent?.find(operationId);
    if (!parent?.isRunning || operation?.status !== 'STARTED') return;
    parent.applyAndWake(chainedInvokeEnded(operation, outcome, unit.now));
  }

  /** @throws ApiError CallbackTimeoutException if the callback or its execution is closed */
  completeCallback(callbackId: string, outcome: Outcome): void {
    const bytes = byteLength(outcome.status === 'SUCCEEDED' ? outcome.result : JSON.stringify(outcome.error));
    if (bytes > CALLBACK_RESULT_MAX_BYTES)
      throw invalidParameter(`A callback result must not exceed ${CALLBACK_RESULT_MAX_BYTES} bytes.`);
    this.#transact((unit) => {
      const { execution, operation } = this.#openCallback(unit, callbackId);
      execution.applyAndWake(callbackEnded(operation, outcome, unit.now));
    });
  }

  /** Restarts the heartbeat timer. For a callback without a heartbeat, only checks that it is open. */
  heartbeat(callbackId: string): void {
    this.#transact((unit) => {
      const { execution, operation } = this.#openCallback(unit, callbackId);
      if (operation.heartbeatSeconds !== undefined)
        execution.arm(operation.id, 'heartbeat', operation.heartbeatSeconds * 1000);
    });
  }

  #openCallback(unit: UnitOfWork, callbackId: string): { execution: OpenExecution; operation: Operation } {
    const { arn, operationId } = parseCallbackId(callbackId);
    const execution = unit.open(arn);
    const operation = execution?.find(operationId);
    if (!execution || operation?.type !== 'CALLBACK') throw invalidParameter('Invalid callback id.');
    if (execution.isRunning && !isClosed(operation)) return { execution, operation };
    throw new ApiError('CallbackTimeoutException', 400, 'The callback has expired or has already been closed.');
  }

  /**
   * Stops an execution permanently. Its chained invokes continue. Stopping a closed execution changes nothing.
   *
   * @returns the end time in milliseconds since the Unix epoch
   */
  stop(arn: string, error: ErrorObject | undefined): number {
    return this.#transact((unit) => {
      const execution = unit.open(arn);
      if (!execution) throw notFound(`Durable execution not found: ${arn}`);
      if (execution.isRunning) this.#close(unit, execution, { status: 'STOPPED', error: error ?? {} });
      return execution.row.endedAt ?? unit.now;
    });
  }

  /** Fires every timer that is due. */
  fireDueTimers(): void {
    for (const arn of this.#store.executionsWithTimersDue(this.#now())) {
      this.#transact((unit) => {
        const execution = unit.open(arn);
        if (execution) this.#fireDue(unit, execution);
      });
    }
  }

  #fireDue(unit: UnitOfWork, execution: OpenExecution): void {
    for (let timer = execution.takeDueTimer(); timer; timer = execution.takeDueTimer())
      this.#fire(unit, execution, timer);
  }

  #fire(unit: UnitOfWork, execution: OpenExecution, { operationId, kind }: TimerRow): void {
    const operation = execution.find(operationId);
    if (!operation || !execution.isRunning) return;
    switch (kind) {
      case 'wait':
        return execution.applyAndWake(waitEnded(operation, unit.now));
      case 'retry':
        return execution.applyAndWake(attemptDue(operation));
      case 'callback':
        return execution.applyAndWake(callbackEnded(operation, CALLBACK_TIMED_OUT, unit.now));
      case 'heartbeat':
        return execution.applyAndWake(callbackEnded(operation, HEARTBEAT_TIMED_OUT, unit.now));
      case 'invoke':
        return this.#startChild(unit, execution, operationId);
      case 'redo':
        return execution.wake();
      case 'execution':
        return this.#close(unit, execution, EXECUTION_TIMED_OUT);
    }
  }

  #close(unit: UnitOfWork, execution: OpenExecution, outcome: Outcome): void {
    const { row } = execution;
    execution.close(outcome);
    if (row.parentArn !== null && row.parentOperationId !== null)
      this.#reportToParent(unit, row.parentArn, row.parentOperationId, outcome);
    if (outcome.status === 'FAILED' || outcome.status === 'TIMED_OUT') this.#storeDeadLetter(row, outcome.error);
    unit.afterCommit(() => {
      this.#log({
        event: 'execution-ended',
        function: row.functionName,
        arn: row.arn,
        status: row.status,
        error: errorOf(row),
      });
      this.#lastReplies.delete(row.arn);
      const waiters = this.#waiters.get(row.arn) ?? [];
      this.#waiters.delete(row.arn);
      for (const resolve of waiters) resolve(row);
    });
  }

  #storeDeadLetter(row: ExecutionRow, error: ErrorObject): void {
    const queueUrl = this.#functions.get(row.functionName)?.deadLetterQueueUrl;
    if (row.asyncStart === 0 || queueUrl === undefined) return;
    this.#store.insertDeadLetter({
      queueUrl,
      body: this.#store.operation(row.arn, row.rootId)?.input ?? '',
      requestId: row.arn,
      errorCode: '200',
      errorMessage: error.ErrorMessage ?? row.status,
    });
  }

  #transact<T>(work: (unit: UnitOfWork) => T): T {
    const unit = new UnitOfWork(this.#store, this.#now(), this.#scale);
    const value = this.#store.transaction(() => {
      const result = work(unit);
      unit.save();
      return result;
    });
    unit.committed();
    this.#onChange();
    return value;
  }
}

/** Converts the synthetic update with which a handler checkpoints a result that is too large to return. */
const outcomeOf = ({ Action, Payload, Error: error }: OperationUpdate): Outcome =>
  Action === 'FAIL' ? { status: 'FAILED', error: error ?? {} } : { status: 'SUCCEEDED', result: Payload ?? undefined };

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
