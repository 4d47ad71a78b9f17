import { randomUUID } from 'node:crypto';
import { callbackIdOf, newExecutionArn, parseFunctionRef, versionOf } from '../arns.ts';
import { historyEvent, errorDetails, inputDetails, resultDetails, retryDetails, type HistoryEvent } from './history.ts';
import type { ErrorObject, Operation, OperationUpdate } from './operation.ts';
import { epochSeconds } from './wire.ts';

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
export type ChangeContext = { now: number; arn: string; isDurable: (functionName: string) => boolean };

/**
 * Milliseconds after which a child starts even if its parent has not suspended. Normally, a child starts when its
 * parent suspends, but a parent that keeps running must not delay it forever.
 */
const CHILD_START_GRACE_MS = 1_000;

/** Applies one checked update of a handler. The caller stores the change in a transaction. */
export function applyUpdate(update: OperationUpdate, before: Operation | undefined, context: ChangeContext): Change {
  const operation = before ?? newOperation(update, context.now);
  switch (update.Type) {
    case 'STEP':
      return applyToStep(update, operation, context.now);
    case 'CONTEXT':
      return applyToContext(update, operation, context.now);
    case 'WAIT':
      return update.Action === 'CANCEL'
        ? cancelWait(operation, context.now)
        : startWait(update, operation, context.now);
    case 'CALLBACK':
      return update.Action === 'CANCEL' ? cancel(operation, context.now) : startCallback(update, operation, context);
    case 'CHAINED_INVOKE':
      return update.Action === 'CANCEL'
        ? cancel(operation, context.now)
        : startChainedInvoke(update, operation, context);
    case 'EXECUTION':
      throw new Error('an update of the execution itself must not be applied to an operation');
  }
}

function newOperation(update: OperationUpdate, now: number): Operation {
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
    // Don't remove the last result: it contains the state of a poll, which must survive a crash during this attempt.
    return { operation: { ...operation, status: 'STARTED' }, event: historyEvent('StepStarted', now, operation, {}) };
  }
  const attempt = (operation.attempt ?? 0) + 1;
  const delaySeconds = Action === 'RETRY' ? (StepOptions?.NextAttemptDelaySeconds ?? 0) : undefined;
  const { result: _result, error: _error, nextAttemptAt: _next, ...rest } = operation;
  const after: Operation = {
    ...rest,
    ...resultOrError(Payload, error),
    attempt,
    status: Action === 'FAIL' ? 'FAILED' : 'SUCCEEDED',
    endedAt: now,
  };
  const attemptEnded =
    error != null || Action === 'FAIL'
      ? historyEvent('StepFailed', now, operation, {
          ...errorDetails(error ?? undefined),
          ...retryDetails(attempt, delaySeconds),
        })
      : historyEvent('StepSucceeded', now, operation, {
          ...resultDetails(Payload ?? undefined),
          ...retryDetails(attempt, delaySeconds),
        });
  if (delaySeconds === undefined) return { operation: after, event: attemptEnded };
  const { endedAt: _ended, ...unfinished } = after;
  return {
    operation: { ...unfinished, status: 'PENDING', nextAttemptAt: now + delaySeconds * 1000 },
    event: attemptEnded,
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
    return { operation: { ...operation, ...replay }, event: historyEvent('ContextStarted', now, operation, {}) };
  const failed = Action === 'FAIL';
  return {
    operation: {
      ...operation,
      ...replay,
      ...resultOrError(Payload, error),
      status: failed ? 'FAILED' : 'SUCCEEDED',
      endedAt: now,
    },
    event: failed
      ? historyEvent('ContextFailed', now, operation, errorDetails(error ?? undefined))
      : historyEvent('ContextSucceeded', now, operation, resultDetails(Payload ?? undefined)),
  };
}

const resultOrError = (payload: string | null | undefined, error: ErrorObject | null | undefined) => ({
  ...(payload != null && { result: payload }),
  ...(error != null && { error }),
});

function startWait({ WaitOptions }: OperationUpdate, operation: Operation, now: number): Change {
  const waitSeconds = WaitOptions?.WaitSeconds ?? 0;
  const scheduledEndAt = now + waitSeconds * 1000;
  return {
    operation: { ...operation, waitSeconds, scheduledEndAt },
    event: historyEvent('WaitStarted', now, operation, {
      Duration: waitSeconds,
      ScheduledEndTimestamp: epochSeconds(scheduledEndAt),
    }),
    arm: [{ kind: 'wait', afterMs: waitSeconds * 1000 }],
  };
}

function cancelWait(operation: Operation, now: number): Change {
  return { ...cancel(operation, now), event: historyEvent('WaitCancelled', now, operation, {}) };
}

const cancel = (operation: Operation, now: number): Change => ({
  operation: { ...operation, status: 'CANCELLED', endedAt: now },
  disarm: ['wait', 'callback', 'heartbeat', 'invoke'],
});

function startCallback(
  { CallbackOptions, Payload }: OperationUpdate,
  operation: Operation,
  { now, arn }: ChangeContext,
): Change {
  const callbackId = callbackIdOf(arn, operation.id);
  // 0 and undefined both mean no timeout.
  const timeout = CallbackOptions?.TimeoutSeconds || undefined;
  const heartbeat = CallbackOptions?.HeartbeatTimeoutSeconds || undefined;
  return {
    operation: { ...operation, callbackId, ...(heartbeat !== undefined && { heartbeatSeconds: heartbeat }) },
    event: historyEvent('CallbackStarted', now, operation, {
      CallbackId: callbackId,
      ...(timeout !== undefined && { Timeout: timeout }),
      ...(heartbeat !== undefined && { HeartbeatTimeout: heartbeat }),
      ...(Payload != null && inputDetails(Payload)),
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
  context: ChangeContext,
): Change {
  const functionRef = ChainedInvokeOptions?.FunctionName ?? '';
  const { name, qualifier } = parseFunctionRef(functionRef);
  const version = versionOf(qualifier);
  const childArn =
    qualifier !== undefined && context.isDurable(name) ? newExecutionArn(name, version, randomUUID()) : undefined;
  return {
    operation: {
      ...operation,
      functionRef,
      ...(Payload != null && { payload: Payload }),
      ...(ChainedInvokeOptions?.TenantId != null && { tenantId: ChainedInvokeOptions.TenantId }),
      ...(childArn !== undefined && { childArn }),
    },
    event: historyEvent('ChainedInvokeStarted', context.now, operation, {
      FunctionName: functionRef,
      ...(ChainedInvokeOptions?.TenantId != null && { TenantId: ChainedInvokeOptions.TenantId }),
      ...inputDetails(Payload ?? undefined),
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

export function waitEnded(operation: Operation, now: number): Change {
  return {
    operation: { ...operation, status: 'SUCCEEDED', endedAt: now },
    event: historyEvent('WaitSucceeded', now, operation, { Duration: operation.waitSeconds ?? 0 }),
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

export const callbackEnded = (operation: Operation, outcome: Outcome, now: number): Change => ({
  ...operationEnded('Callback', operation, outcome, now),
  disarm: ['callback', 'heartbeat'],
});

export const chainedInvokeEnded = (operation: Operation, outcome: Outcome, now: number): Change => ({
  ...operationEnded('ChainedInvoke', operation, outcome, now),
  disarm: ['invoke'],
});

const EVENT_SUFFIX = { SUCCEEDED: 'Succeeded', FAILED: 'Failed', TIMED_OUT: 'TimedOut', STOPPED: 'Stopped' } as const;

function operationEnded(
  prefix: 'Callback' | 'ChainedInvoke',
  operation: Operation,
  outcome: Outcome,
  now: number,
): Change {
  const type = `${prefix}${EVENT_SUFFIX[outcome.status]}`;
  const closed = { ...operation, status: outcome.status, endedAt: now };
  return outcome.status === 'SUCCEEDED'
    ? {
        operation: { ...closed, ...(outcome.result !== undefined && { result: outcome.result }) },
        event: historyEvent(type, now, operation, resultDetails(outcome.result)),
      }
    : {
        operation: { ...closed, error: outcome.error },
        event: historyEvent(type, now, operation, errorDetails(outcome.error)),
      };
}

/** Closes the EXECUTION operation, with the last event of the execution. */
export function executionEnded(root: Operation, executionName: string, outcome: Outcome, now: number): Change {
  const subject = { id: root.id, name: executionName };
  const type = `Execution${EVENT_SUFFIX[outcome.status]}`;
  const closed = { ...root, status: outcome.status, endedAt: now };
  return outcome.status === 'SUCCEEDED'
    ? { operation: closed, event: historyEvent(type, now, subject, resultDetails(outcome.result)) }
    : { operation: closed, event: historyEvent(type, now, subject, errorDetails(outcome.error)) };
}
