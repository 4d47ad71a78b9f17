import { clockAt, realTimeOf, setClock, setClockBack } from '../clock.ts';
import { invalidParameter } from '../errors.ts';
import { historyEvent, type HistoryEvent } from './history.ts';
import { byteLength, EXECUTION_MAX_BYTES, OPERATIONS_MAX } from '../limits.ts';
import type { ErrorObject, Operation } from './operation.ts';
import type { ExecutionRow, Store, TimerRow } from '../store.ts';
import { executionEnded, type Change, type Outcome, type TimerKind } from './transitions.ts';
import { epochSeconds } from './wire.ts';

/**
 * One execution within a transaction, with all operations on it, so that row, operations, history, timers, and clock
 * always change together. Call `save` once, at the end.
 */
export class OpenExecution {
  readonly row: ExecutionRow;
  readonly #store: Store;
  readonly #now: number;
  readonly #scale: number;

  constructor(row: ExecutionRow, store: Store, now: number, scale: number) {
    this.row = row;
    this.#store = store;
    this.#now = now;
    this.#scale = scale;
    setClock(row, now, scale);
  }

  get isRunning(): boolean {
    return this.row.status === 'RUNNING';
  }

  find(id: string): Operation | undefined {
    return this.#store.operation(this.row.arn, id);
  }

  apply(change: Change): void {
    const { row } = this;
    const { operation } = change;
    if (!this.find(operation.id)) row.operationCount += 1;
    row.storedBytes +=
      byteLength(operation.result) + byteLength(operation.payload) + byteLength(JSON.stringify(operation.error));
    row.seq += 1;
    this.#store.putOperation(row.arn, row.seq, operation);
    if (change.event) this.record(change.event);
    for (const kind of change.disarm ?? []) this.#store.deleteTimer(row.arn, operation.id, kind);
    for (const { kind, afterMs } of change.arm ?? []) this.arm(operation.id, kind, afterMs);
  }

  /** @throws ApiError InvalidParameterValueException if the applied changes exceed Lambda's quotas */
  checkQuotas(): void {
    if (this.row.operationCount > OPERATIONS_MAX) {
      throw invalidParameter(`The execution has reached the maximum of ${OPERATIONS_MAX} operations.`);
    }
    if (this.row.storedBytes > EXECUTION_MAX_BYTES) {
      throw invalidParameter(`The execution has stored more than ${EXECUTION_MAX_BYTES} bytes.`);
    }
  }

  /** Applies a change that didn't come from the handler, and wakes the handler. */
  applyAndWake(change: Change): void {
    this.apply(change);
    this.wake();
  }

  /**
   * Marks the execution to be invoked. A running handler gets the change with its next checkpoint, or is invoked again
   * after it suspends.
   */
  wake(): void {
    if (this.row.invocationId === null) this.row.wake = 1;
  }

  record(entry: HistoryEvent): void {
    this.row.lastEventId += 1;
    this.#store.insertEvent(this.row.arn, this.row.lastEventId, entry);
  }

  arm(operationId: string, kind: TimerKind, afterMs: number): void {
    const dueClock = clockAt(this.row, this.#now, this.#scale) + afterMs;
    // A placeholder for `dueAt`, which `save` calculates when the speed of the clock is known.
    this.#store.putTimer({ arn: this.row.arn, operationId, kind, dueClock, dueAt: Number.MAX_VALUE });
  }

  disarm(operationId: string, kind: TimerKind): void {
    this.#store.deleteTimer(this.row.arn, operationId, kind);
  }

  /** Removes and returns the timer that is due first; undefined if none is due. */
  takeDueTimer(): TimerRow | undefined {
    const timer = this.#store.timers(this.row.arn)[0];
    if (!timer || timer.dueClock > this.row.clock) return undefined;
    setClockBack(this.row, timer.dueClock, this.#scale);
    this.disarm(timer.operationId, timer.kind);
    return timer;
  }

  begin(invocationId: string, token: string): void {
    const { row } = this;
    row.invocationId = invocationId;
    row.invocationStartedAt = this.#now;
    row.token = token;
    row.wake = 0;
    row.toldSeq = row.seq;
    this.disarm(row.rootId, 'redo'); // the execution was invoked before the timer was due
  }

  /**
   * Ends the running invocation.
   * @param error the reason if the invocation failed
   */
  endInvocation(error?: ErrorObject): void {
    const { row } = this;
    this.record(
      historyEvent('InvocationCompleted', this.#now, undefined, {
        StartTimestamp: epochSeconds(row.invocationStartedAt ?? this.#now),
        EndTimestamp: epochSeconds(this.#now),
        RequestId: row.invocationId,
        ...(error && { Error: { Payload: error, Truncated: false } }),
      }),
    );
    row.invocationId = null;
    row.invocationStartedAt = null;
    row.token = null;
    row.failures = error ? row.failures + 1 : 0;
  }

  /** Closes the execution. It doesn't change after that. */
  close(outcome: Outcome): void {
    const { row } = this;
    const root = this.find(row.rootId);
    if (root) this.apply(executionEnded(root, row.name, outcome, this.#now));
    row.status = outcome.status;
    row.endedAt = this.#now;
    row.result = outcome.status === 'SUCCEEDED' ? (outcome.result ?? null) : null;
    row.error = outcome.status === 'SUCCEEDED' ? null : JSON.stringify(outcome.error);
    row.checkpointedResult = null;
    row.invocationId = null;
    row.token = null;
    row.wake = 0;
    this.#store.deleteTimers(row.arn);
  }

  save(): void {
    this.#store.updateExecution(this.row);
    for (const timer of this.#store.timers(this.row.arn)) {
      const dueAt = realTimeOf(this.row, timer.dueClock, this.#scale);
      if (dueAt !== timer.dueAt) this.#store.putTimer({ ...timer, dueAt });
    }
  }
}
