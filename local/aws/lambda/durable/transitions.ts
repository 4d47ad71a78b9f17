import { randomUUID } from 'node:crypto';
import { callbackIdOf, newExecutionArn, parseFunctionRef, versionOf } from '../arns.ts';
import { event, failure, input, result, retryDetails, seconds, type HistoryEvent } from './history.ts';
import type { ErrorObject, Operation, OperationUpdate } from './operation.ts';

/** The kind of a timer of an operation, or of the execution itself (`execution`, `redo`). */
export type TimerKind = 'wait' | 'retry' | 'callback' | 'heartbeat' | 'invoke' | 'execution' | 'redo';

/** A change of one operation: its new state, its history event, and the timers to start and stop. */
export type Change = {
  operation: Operation;
  event?: HistoryEvent;
  arm?: { kind: TimerKind; afterMs: number }[];
  disarm?: TimerKind[];
};

/** The context of a change. `isDurable` returns whether a chained invoke gets its own execution. */
export type Moment = { now: number; arn: string; isDurable: (functionName: string) => boolean };

/**
 * Milliseconds after which a child starts even if its parent has not suspended. Normally, a child starts when its
 * parent suspends, but a parent that keeps running must not delay it forever.
 */
const CHILD_START_GRACE_MS = 1_000;

/** Applies one checked update of a handler. The caller stores the change in a transaction. */
export function apply(update: OperationUpdate, before: Operation | undefined, moment: Moment): Change {
  const operation = before ?? started(update, moment.now);
  switch (update.Type) {
    case 'STEP':
      return applyToStep(update, operation, moment.now);
    case 'CONTEXT':
      return applyToContext(update, operation, moment.now);
    case 'WAIT':
      return update.Action === 'CANCEL' ? cancelWait(operation, moment.now) : startWait(update, operation, moment.now);
    case 'CALLBACK':
      return update.Action === 'CANCEL' ? cancel(operation, moment.now) : startCallback(update, operation, moment);
    case 'CHAINED_INVOKE':
      return update.Action === 'CANCEL' ? cancel(operation, moment.now) : startChainedInvoke(update, operation, moment);
    case 'EXECUTION':
      throw new Error('an update of the execution itself must not be applied to an operation');
  }
}

function started(update: OperationUpdate, now: number): Operation {
  return {
    id: update.Id,
    type: update.Type,
    status: 'STARTED',
    startedAt: now,
    ...(update.ParentId != null && { parentId: update.ParentId }),
    ...(update.Name != null && { name: update.Name }),
    ...(update.SubType != null && { subType: update.SubType }),
  };
}

function applyToStep(
  { Action, Payload, Error: error, StepOptions }: OperationUpdate,
  operation: Operation,
  now: number,
): Change {
  if (Action === 'START') {
    // Keep the last result: a poll keeps its state in it, which must survive a crash during this attempt.
    return { operation: { ...operation, status: 'STARTED' }, event: event('StepStarted', now, operation, {}) };
  }
  const attempt = (operation.attempt ?? 0) + 1;
  const delaySeconds = Action === 'RETRY' ? (StepOptions?.NextAttemptDelaySeconds ?? 0) : undefined;
  const { result: _result, error: _error, nextAttemptAt: _next, ...rest } = operation;
  const after: Operation = {
    ...rest,
    ...outcome(Payload, error),
    attempt,
    status: Action === 'FAIL' ? 'FAILED' : 'SUCCEEDED',
    endedAt: now,
  };
  const happened =
    error != null || Action === 'FAIL'
      ? event('StepFailed', now, operation, { ...failure(error ?? undefined), ...retryDetails(attempt, delaySeconds) })
      : event('StepSucceeded', now, operation, {
          ...result(Payload ?? undefined),
          ...retryDetails(attempt, delaySeconds),
        });
  if (delaySeconds === undefined) return { operation: after, event: happened };
  const { endedAt: _ended, ...unfinished } = after;
  return {
    operation: { ...unfinished, status: 'PENDING', nextAttemptAt: now + delaySeconds * 1000 },
    event: happened,
    arm: [{ kind: 'retry', afterMs: delaySeconds * 1000 }],
  };
}

function applyToContext(
  { Action, Payload, Error: error, ContextOptions }: OperationUpdate,
  operation: Operation,
  now: number,
): Change {
  const replay = ContextOptions?.ReplayChildren != null ? { replayChildren: ContextOptions.ReplayChildren } : {};
  if (Action === 'START')
    return { operation: { ...operation, ...replay }, event: event('ContextStarted', now, operation, {}) };
  const failed = Action === 'FAIL';
  return {
    operation: {
      ...operation,
      ...replay,
      ...outcome(Payload, error),
      status: failed ? 'FAILED' : 'SUCCEEDED',
      endedAt: now,
    },
    event: failed
      ? event('ContextFailed', now, operation, failure(error ?? undefined))
      : event('ContextSucceeded', now, operation, result(Payload ?? undefined)),
  };
}

const outcome = (payload: string | null | undefined, error: ErrorObject | null | undefined) => ({
  ...(payload != null && { result: payload }),
  ...(error != null && { error }),
});

function startWait({ WaitOptions }: OperationUpdate, operation: Operation, now: number): Change {
  const waitSeconds = WaitOptions?.WaitSeconds ?? 0;
  const scheduledEndAt = now + waitSeconds * 1000;
  return {
    operation: { ...operation, waitSeconds, scheduledEndAt },
    event: event('WaitStarted', now, operation, {
      Duration: waitSeconds,
      ScheduledEndTimestamp: seconds(scheduledEndAt),
    }),
    arm: [{ kind: 'wait', afterMs: waitSeconds * 1000 }],
  };
}

function cancelWait(operation: Operation, now: number): Change {
  return { ...cancel(operation, now), event: event('WaitCancelled', now, operation, {}) };
}

const cancel = (operation: Operation, now: number): Change => ({
  operation: { ...operation, status: 'CANCELLED', endedAt: now },
  disarm: ['wait', 'callback', 'heartbeat', 'invoke'],
});

function startCallback(
  { CallbackOptions, Payload }: OperationUpdate,
  operation: Operation,
  { now, arn }: Moment,
): Change {
  const callbackId = callbackIdOf(arn, operation.id);
  // 0 and undefined both mean no timeout.
  const timeout = CallbackOptions?.TimeoutSeconds || undefined;
  const heartbeat = CallbackOptions?.HeartbeatTimeoutSeconds || undefined;
  return {
    operation: { ...operation, callbackId, ...(heartbeat !== undefined && { heartbeatSeconds: heartbeat }) },
    event: event('CallbackStarted', now, operation, {
      CallbackId: callbackId,
      ...(timeout !== undefined && { Timeout: timeout }),
      ...(heartbeat !== undefined && { HeartbeatTimeout: heartbeat }),
      ...(Payload != null && input(Payload)),
    }),
    arm: [
      ...(timeout === undefined ? [] : [{ kind: 'callback' as const, afterMs: timeout * 1000 }]),
      ...(heartbeat === undefined ? [] : [{ kind: 'heartbeat' as const, afterMs: heartbeat * 1000 }]),
    ],
  };
}

function startChainedInvoke(
  { ChainedInvokeOptions, Payload }: OperationUpdate,
  operation: Operation,
  moment: Moment,
): Change {
  const functionRef = ChainedInvokeOptions?.FunctionName ?? '';
  const { name, qualifier } = parseFunctionRef(functionRef);
  const version = versionOf(qualifier);
  const childArn =
    qualifier !== undefined && moment.isDurable(name) ? newExecutionArn(name, version, randomUUID()) : undefined;
  return {
    operation: {
      ...operation,
      functionRef,
      ...(Payload != null && { payload: Payload }),
      ...(ChainedInvokeOptions?.TenantId != null && { tenantId: ChainedInvokeOptions.TenantId }),
      ...(childArn !== undefined && { childArn }),
    },
    event: event('ChainedInvokeStarted', moment.now, operation, {
      FunctionName: functionRef,
      ...(ChainedInvokeOptions?.TenantId != null && { TenantId: ChainedInvokeOptions.TenantId }),
      ...input(Payload ?? undefined),
      ExecutedVersion: version,
      ...(childArn !== undefined && { DurableExecutionArn: childArn }),
    }),
    arm: [{ kind: 'invoke', afterMs: CHILD_START_GRACE_MS }],
  };
}

/** The result of an operation that the handler waits for. */
export type Outcome =
  | { status: 'SUCCEEDED'; result: string | undefined }
  | { status: 'FAILED' | 'TIMED_OUT' | 'STOPPED'; error: ErrorObject };

export function waitOver(operation: Operation, now: number): Change {
  return {
    operation: { ...operation, status: 'SUCCEEDED', endedAt: now },
    event: event('WaitSucceeded', now, operation, { Duration: operation.waitSeconds ?? 0 }),
  };
}

/** Ends the delay before another attempt. Without a history event, because the attempt itself has one. */
export function attemptDue(operation: Operation): Change {
  const { nextAttemptAt: _, ...rest } = operation;
  return { operation: { ...rest, status: 'READY' } };
}

export const CALLBACK_TIMED_OUT: Outcome = {
  status: 'TIMED_OUT',
  error: { ErrorType: 'Callback.Timeout', ErrorMessage: 'Callback timed out' },
};
export const HEARTBEAT_TIMED_OUT: Outcome = {
  status: 'TIMED_OUT',
  error: { ErrorType: 'Callback.Heartbeat', ErrorMessage: 'Callback timed out on heartbeat' },
};

export const callbackEnded = (operation: Operation, how: Outcome, now: number): Change => ({
  ...ended('Callback', operation, how, now),
  disarm: ['callback', 'heartbeat'],
});

export const chainedInvokeEnded = (operation: Operation, how: Outcome, now: number): Change => ({
  ...ended('ChainedInvoke', operation, how, now),
  disarm: ['invoke'],
});

const SUFFIX = { SUCCEEDED: 'Succeeded', FAILED: 'Failed', TIMED_OUT: 'TimedOut', STOPPED: 'Stopped' } as const;

function ended(prefix: 'Callback' | 'ChainedInvoke', operation: Operation, how: Outcome, now: number): Change {
  const type = `${prefix}${SUFFIX[how.status]}`;
  const closed = { ...operation, status: how.status, endedAt: now };
  return how.status === 'SUCCEEDED'
    ? {
        operation: { ...closed, ...(how.result !== undefined && { result: how.result }) },
        event: event(type, now, operation, result(how.result)),
      }
    : { operation: { ...closed, error: how.error }, event: event(type, now, operation, failure(how.error)) };
}

/** Returns the last event of an execution. */
export function executionEnded(root: Operation, executionName: string, how: Outcome, now: number): Change {
  const subject = { id: root.id, name: executionName };
  const type = `Execution${SUFFIX[how.status]}`;
  const closed = { ...root, status: how.status, endedAt: now };
  return how.status === 'SUCCEEDED'
    ? { operation: closed, event: event(type, now, subject, result(how.result)) }
    : { operation: closed, event: event(type, now, subject, failure(how.error)) };
}
