import type { Database } from '../../platforms/sqlite/database.ts';
import type { Invocation, InvocationEnd } from '../../platforms/sqlite/execution-transactions.ts';
import { type Operation, operationOf, type Update } from '../../platforms/sqlite/operations.ts';
import type { Sql } from '../../platforms/sqlite/sql.ts';

/**
 * A history event of an execution in the format of Lambda's API, with times in seconds since the Unix epoch.
 * `${EventType}Details` contains the data of the type.
 */
export type HistoryEvent = {
  EventType: string;
  EventTimestamp: number;
  Id?: string;
  Name?: string;
  SubType?: string;
  ParentId?: string;
  [details: `${string}Details`]: object;
};

/** Records what happens in executions: what their checkpoints contain, and what else ends their operations. */
export class Recorder {
  readonly #sql: Sql;
  readonly #now: () => number;
  readonly #events = new Map<string, HistoryEvent[]>();
  readonly #seen = new Map<string, number>();
  readonly #waits = new Map<string, number | undefined>();

  constructor(database: Database, now: () => number) {
    this.#sql = database.sql;
    this.#now = now;
    const write = database.write.bind(database);
    database.write = async (name, args) => {
      const result = await write(name, args);
      if (result !== false) this.#record(name, args);
      return result;
    };
  }

  /** Returns the events of an execution. */
  events(execution: string): HistoryEvent[] {
    return this.#events.get(execution) ?? [];
  }

  /** @param subject the operation; none for the execution itself */
  add(execution: string, EventType: string, details: object, subject: Partial<Operation> = { Id: 'execution' }): void {
    const { Id, Name, SubType, ParentId } = subject;
    const of = JSON.parse(JSON.stringify({ Id, Name, SubType, ParentId })) as object;
    const event = { EventType, EventTimestamp: this.#now() / 1000, ...of, [`${EventType}Details`]: details };
    const events = this.#events.get(execution);
    if (events === undefined) this.#events.set(execution, [event]);
    else events.push(event);
  }

  #record(transaction: string, args: unknown): void {
    const { name } = args as Invocation;
    if (transaction === 'executions.start') {
      if (this.events(name).length > 0) return; // one that is started again does not change
      this.add(name, 'ExecutionStarted', { Input: payload((args as { input: string }).input) });
    } else if (transaction === 'executions.checkpoint') {
      for (const update of (args as { updates: Update[] }).updates) this.#updated(name, update);
      const row = this.#sql.get('SELECT seq FROM executions WHERE name = ?', name);
      this.#seen.set(name, Number(row?.['seq'])); // what the updates themselves have changed
    } else {
      for (const { execution, operation } of this.#changed()) this.#ended(execution, operation);
      if (transaction === 'executions.end') this.#executionEnded(name, (args as { how: InvocationEnd }).how);
    }
  }

  /** Returns the operations that changed since the last call. */
  #changed(): { execution: string; operation: Operation }[] {
    return this.#sql.all('SELECT name, seq FROM executions').flatMap(({ name, seq }) => {
      const execution = String(name);
      const seen = this.#seen.get(execution) ?? 0;
      if (Number(seq) === seen) return [];
      this.#seen.set(execution, Number(seq));
      return this.#sql
        .all('SELECT operation FROM operations WHERE execution = ? AND seq > ? ORDER BY seq', execution, seen)
        .map((row) => ({ execution, operation: operationOf(row) }));
    });
  }

  #updated(execution: string, update: Update): void {
    const { Id, Type = '', Action, Payload, Error: error, StepOptions, CallbackOptions, WaitOptions } = update;
    const kind = `${Type[0]}${Type.slice(1).toLowerCase()}`;
    const result = error === undefined ? { Result: payload(Payload) } : { Error: { Payload: error, Truncated: false } };
    if (Action === 'START') {
      const seconds = WaitOptions?.WaitSeconds;
      this.#waits.set(`${execution} ${Id}`, seconds);
      const wait = { Duration: seconds, ScheduledEndTimestamp: this.#now() / 1000 + (seconds ?? 0) };
      const callback = () => ({
        CallbackId: this.#operation(execution, Id)?.CallbackDetails?.CallbackId,
        Timeout: CallbackOptions?.TimeoutSeconds,
      });
      const details = Type === 'WAIT' ? wait : Type === 'CALLBACK' ? callback() : {};
      this.add(execution, `${kind}Started`, details, update);
    } else if (Type === 'STEP') {
      const NextAttemptDelaySeconds = StepOptions?.NextAttemptDelaySeconds;
      const CurrentAttempt = this.#operation(execution, Id)?.StepDetails?.Attempt;
      const RetryDetails = { CurrentAttempt, NextAttemptDelaySeconds };
      this.add(execution, `Step${error === undefined ? 'Succeeded' : 'Failed'}`, { ...result, RetryDetails }, update);
    } else if (Type === 'CONTEXT') {
      this.add(execution, `Context${Action === 'FAIL' ? 'Failed' : 'Succeeded'}`, result, update);
    } else throw new Error(`${Action} of a ${Type} is not recorded`);
  }

  /** Records the end of an operation that no handler caused. The end of a pause before an attempt is no event. */
  #ended(execution: string, operation: Operation): void {
    const { Id, Type, Status } = operation;
    if (Type === 'WAIT')
      this.add(execution, 'WaitSucceeded', { Duration: this.#waits.get(`${execution} ${Id}`) }, operation);
    if (Type === 'CALLBACK' && Status === 'TIMED_OUT')
      this.add(execution, 'CallbackTimedOut', { Error: payload(TIMED_OUT) }, operation);
    if (Type === 'CALLBACK' && Status === 'SUCCEEDED')
      this.add(execution, 'CallbackSucceeded', { Result: payload(undefined) }, operation);
  }

  #executionEnded(execution: string, how: InvocationEnd): void {
    if (how.kind === 'succeeded') this.add(execution, 'ExecutionSucceeded', { Result: payload(how.result) });
    if (how.kind === 'ended') this.add(execution, 'ExecutionFailed', { Error: payload(how.error) });
  }

  #operation(execution: string, id: string): Operation | undefined {
    const row = this.#sql.get('SELECT operation FROM operations WHERE execution = ? AND id = ?', execution, id);
    return row && operationOf(row);
  }
}

/** As AWS records it. SQLite stores only the status. */
const TIMED_OUT = { ErrorType: 'Callback.Timeout', ErrorMessage: 'Callback timed out' };

const payload = (value: unknown) => ({ ...(value !== undefined && { Payload: value }), Truncated: false });
