import type { OperationUpdate, WireOperation } from '@aws/durable-execution-sdk-js';
import { EXECUTION_LIMITS as LIMITS } from '../limits.ts';
import type { SqlRow } from './sql.ts';

/** An operation as it is stored, and as the SDK gets it. Times are in ISO 8601. */
export type Operation = WireOperation & { Id: string };
export type Update = OperationUpdate & { Id: string };

/** Reads an operation from its row. */
export const operationOf = (row: SqlRow): Operation => JSON.parse(String(row['operation'])) as Operation;

/** What changes operations: the time, in milliseconds since the Unix epoch, and how much faster delays pass. */
export type At = { now: number; timeScale: number };

/** An operation after a change, and when a timer changes it next (null: never). */
export type Change = { operation: Operation; dueAt: number | null };

/** Whether an update can wait for the next one: if it is lost, the handler runs the step or context again in any case. */
export const canWait = ({ Type, Action }: OperationUpdate): boolean =>
  Action === 'START' && (Type === 'STEP' || Type === 'CONTEXT');

export const bytes = (text: string | undefined): number => (text === undefined ? 0 : Buffer.byteLength(text));

const iso = (millis: number): string => new Date(millis).toISOString();

/** Returns the time after a delay. Fixed when it is set, so that a restart with another scale does not move it. */
export const after = (seconds: number, { now, timeScale }: At): number => now + Math.ceil((seconds * 1000) / timeScale);

/** Returns an operation with another time at which its wait, or the pause before its next attempt, ends. */
export function withDueTime(operation: Operation, dueAt: number): Operation {
  const { Type, StepDetails } = operation;
  if (Type === 'WAIT') return { ...operation, WaitDetails: { ScheduledEndTimestamp: iso(dueAt) } };
  return Type === 'STEP'
    ? { ...operation, StepDetails: { ...StepDetails, NextAttemptTimestamp: iso(dueAt) } }
    : operation;
}

/** Applies an update of the handler, which `checkUpdates` has accepted. */
export function updated(update: Update, before: Operation | undefined, callbackId: string, at: At): Change {
  const { Id, Type, Action, ParentId, Name, SubType } = update;
  const StartTimestamp = iso(at.now);
  const operation = before ?? { Id, Type, Status: 'STARTED', StartTimestamp, ParentId, Name, SubType };
  if (Action === 'CANCEL')
    return { operation: { ...operation, Status: 'CANCELLED', EndTimestamp: iso(at.now) }, dueAt: null };
  if (Type === 'STEP') return updatedStep(update, operation, at);
  if (Type === 'CONTEXT') return updatedContext(update, operation, at);
  if (Type === 'WAIT') {
    const dueAt = after(update.WaitOptions?.WaitSeconds ?? 0, at);
    return { operation: { ...operation, WaitDetails: { ScheduledEndTimestamp: iso(dueAt) } }, dueAt };
  }
  const seconds = update.CallbackOptions?.TimeoutSeconds ?? 0; // 0: no timeout
  const dueAt = seconds === 0 ? null : after(seconds, at);
  return { operation: { ...operation, CallbackDetails: { CallbackId: callbackId } }, dueAt };
}

function updatedStep(update: Update, operation: Operation, at: At): Change {
  const { Action, Payload, Error: error, StepOptions } = update;
  const { Attempt = 0 } = operation.StepDetails ?? {};
  if (Action === 'START') {
    const StepDetails = { ...operation.StepDetails, Attempt };
    return { operation: { ...operation, Status: 'STARTED', StepDetails }, dueAt: null };
  }
  const StepDetails = { Result: Payload, Error: error, Attempt: Attempt + 1 };
  if (Action !== 'RETRY') return { operation: { ...operation, ...ended(update, at), StepDetails }, dueAt: null };
  const dueAt = after(StepOptions?.NextAttemptDelaySeconds ?? 0, at);
  const waiting = { ...StepDetails, NextAttemptTimestamp: iso(dueAt) };
  return { operation: { ...operation, Status: 'PENDING', StepDetails: waiting }, dueAt };
}

function updatedContext(update: Update, operation: Operation, at: At): Change {
  const { Action, Payload, Error: error, ContextOptions } = update;
  const ContextDetails = { ...operation.ContextDetails, ...ContextOptions, Result: Payload, Error: error };
  return { operation: { ...operation, ...(Action !== 'START' && ended(update, at)), ContextDetails }, dueAt: null };
}

const ended = ({ Action }: Update, { now }: At) =>
  ({ Status: Action === 'FAIL' ? 'FAILED' : 'SUCCEEDED', EndTimestamp: iso(now) }) as const;

/** Applies the end of a wait, of the pause before an attempt, or of the time for a callback. */
export function due(operation: Operation, now: number): Operation {
  const { Type, StepDetails, CallbackDetails } = operation;
  if (Type === 'STEP')
    return { ...operation, Status: 'READY', StepDetails: { ...StepDetails, NextAttemptTimestamp: undefined } };
  if (Type === 'WAIT') return completed(operation, now);
  // Without an error, which the status says already: the SDK would create two with their stacks, for each invocation.
  return { ...operation, Status: 'TIMED_OUT', EndTimestamp: iso(now), CallbackDetails };
}

export const completed = (operation: Operation, now: number): Operation => ({
  ...operation,
  Status: 'SUCCEEDED',
  EndTimestamp: iso(now),
});

/** Returns the bytes that count towards the limit of an execution. */
export const storedBytes = ({ Payload, Error: error }: OperationUpdate): number =>
  bytes(Payload) + (error === undefined ? 0 : bytes(JSON.stringify(error)));

/**
 * Returns what a replay needs: all operations except those inside finished contexts, whose results suffice. A context with
 * a result that was too large to store has `ReplayChildren`, and recreates it from its children.
 *
 * @param operations in the order in which they began
 */
export function replayable(operations: readonly Operation[]): Operation[] {
  const omitting = new Set<string | undefined>();
  return operations.filter((operation) => {
    const { Id, ParentId, Status, Type, ContextDetails } = operation;
    const isOmitted = ParentId !== undefined && omitting.has(ParentId);
    const isFinished = Type === 'CONTEXT' && Status !== 'STARTED' && ContextDetails?.ReplayChildren !== true;
    if (isOmitted || isFinished) omitting.add(Id);
    return !isOmitted;
  });
}

type Find = (id: string) => Operation | undefined;

const ACTIONS: Readonly<Record<string, readonly unknown[]>> = {
  STEP: ['START', 'SUCCEED', 'FAIL', 'RETRY'],
  CONTEXT: ['START', 'SUCCEED', 'FAIL'],
  WAIT: ['START', 'CANCEL'],
  CALLBACK: ['START', 'CANCEL'],
  EXECUTION: ['SUCCEED', 'FAIL'],
};

/**
 * Checks a complete checkpoint, before any update is applied. The rules are those of the checkpoint server in AWS's own
 * testing package. Chained invocations do not exist on this platform.
 *
 * @throws RangeError, which fails the execution
 */
export function checkUpdates(updates: readonly Update[], find: Find): void {
  const earlier = new Map<string, Update>();
  for (const [n, update] of updates.entries()) {
    const { Id, Type = '', Action, ParentId } = update;
    if (ACTIONS[Type]?.includes(Action) !== true) throw new RangeError(`${Action} is no action of a ${Type}`);
    if (Type === 'EXECUTION' && n < updates.length - 1)
      throw new RangeError('the update of the execution must be the last one');
    checkContents(update);
    const previous = earlier.get(Id);
    if (previous === undefined) checkStatus(update, find(Id));
    else if (!canWait(previous) || Action === 'START' || previous.Type !== Type)
      throw new RangeError('an operation is updated twice in a checkpoint');
    if (ParentId !== undefined && (earlier.get(ParentId) ?? find(ParentId))?.Type !== 'CONTEXT')
      throw new RangeError('the parent of an operation is no context');
    earlier.set(Id, update);
  }
}

function checkContents(update: Update): void {
  const { Type, Action, Name, Payload, Error: error, StepOptions } = update;
  if ((Name?.length ?? 0) > LIMITS.name) throw new RangeError(`a name has at most ${LIMITS.name} characters`);
  if (error !== undefined && bytes(JSON.stringify(update)) > LIMITS.errorBytes)
    throw new RangeError(`an update with an error has at most ${LIMITS.errorBytes} bytes`);
  const limit = Type === 'EXECUTION' ? LIMITS.resultBytes : LIMITS.payloadBytes;
  if (bytes(Payload) > limit) throw new RangeError(`the result of a ${Type} has at most ${limit} bytes`);
  if (Action === 'FAIL' && Payload !== undefined) throw new RangeError('a failure has no result');
  if (Action === 'SUCCEED' && error !== undefined) throw new RangeError('a success has no error');
  if (Action === 'RETRY' && StepOptions === undefined) throw new RangeError('a retry has a delay');
}

/** An operation that does not exist yet has status `none`. Steps and contexts can end without a start. */
const STATUSES: Readonly<Record<string, readonly unknown[]>> = {
  'STEP START': ['none', 'READY'],
  'STEP SUCCEED': ['none', 'STARTED', 'READY'],
  'STEP FAIL': ['none', 'STARTED', 'READY'],
  'STEP RETRY': ['none', 'STARTED', 'READY'],
  'CONTEXT START': ['none'],
  'CONTEXT SUCCEED': ['none', 'STARTED'],
  'CONTEXT FAIL': ['none', 'STARTED'],
  'WAIT START': ['none'],
  'WAIT CANCEL': ['STARTED'],
  'CALLBACK START': ['none'],
  'CALLBACK CANCEL': ['STARTED'],
};

function checkStatus({ Type, Action }: Update, operation: Operation | undefined): void {
  if (Type === 'EXECUTION') return;
  const status = operation?.Status ?? 'none';
  if (operation !== undefined && operation.Type !== Type)
    throw new RangeError(`an update of a ${Type} is for a ${operation.Type}`);
  if (STATUSES[`${Type} ${Action}`]?.includes(status) !== true)
    throw new RangeError(`${Action} of a ${Type} is invalid in status ${status}`);
}
