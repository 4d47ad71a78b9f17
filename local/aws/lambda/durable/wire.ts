import type { Operation } from './operation.ts';

/**
 * Formats a time: ISO 8601 in the invocation event, seconds since the Unix epoch with a fraction in API responses and
 * history events.
 */
type WriteTime<T> = (milliseconds: number) => T;
export const isoTime: WriteTime<string> = (milliseconds) => new Date(milliseconds).toISOString();
export const epochSeconds: WriteTime<number> = (milliseconds) => milliseconds / 1000;

/** Converts an operation to the format for handlers and API callers. */
export function operationOnWire<T>(operation: Operation, time: WriteTime<T>): Record<string, unknown> {
  return {
    Id: operation.id,
    Type: operation.type,
    Status: operation.status,
    StartTimestamp: time(operation.startedAt),
    ...ifDefined('ParentId', operation.parentId),
    ...ifDefined('Name', operation.name),
    ...ifDefined('SubType', operation.subType),
    ...ifDefined('EndTimestamp', operation.endedAt, time),
    ...details(operation, time),
  };
}

function details<T>(operation: Operation, time: WriteTime<T>): Record<string, unknown> {
  const resultAndError = { ...ifDefined('Result', operation.result), ...ifDefined('Error', operation.error) };
  switch (operation.type) {
    case 'EXECUTION':
      return { ExecutionDetails: ifDefined('InputPayload', operation.input) };
    case 'CONTEXT':
      return { ContextDetails: { ...resultAndError, ...ifDefined('ReplayChildren', operation.replayChildren) } };
    case 'STEP':
      return {
        StepDetails: {
          ...resultAndError,
          Attempt: operation.attempt ?? 0,
          ...ifDefined('NextAttemptTimestamp', operation.nextAttemptAt, time),
        },
      };
    case 'WAIT':
      return { WaitDetails: ifDefined('ScheduledEndTimestamp', operation.scheduledEndAt, time) };
    case 'CALLBACK':
      return { CallbackDetails: { ...resultAndError, CallbackId: operation.callbackId } };
    case 'CHAINED_INVOKE':
      return { ChainedInvokeDetails: resultAndError };
  }
}

function ifDefined<V>(
  key: string,
  value: V | undefined,
  write: (value: V) => unknown = (same) => same,
): Record<string, unknown> {
  return value === undefined ? {} : { [key]: write(value) };
}
