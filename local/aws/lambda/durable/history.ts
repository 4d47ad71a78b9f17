import type { ErrorObject, Operation } from './operation.ts';
import { epochSeconds } from './wire.ts';

/**
 * A history event of an execution in the API's format, with times in seconds since the Unix epoch.
 * `${EventType}Details` contains the data of the type. The number is assigned when the event is stored.
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

/** The subject of an event: an operation or the execution itself; undefined for an invocation. */
type Subject = Pick<Operation, 'id' | 'name' | 'subType' | 'parentId'> | undefined;

/** Creates an event. `details` contains the data of this type of event. */
export function historyEvent(type: string, now: number, subject: Subject, details: object): HistoryEvent {
  return {
    EventType: type,
    EventTimestamp: epochSeconds(now),
    ...(subject?.id !== undefined && { Id: subject.id }),
    ...(subject?.name !== undefined && { Name: subject.name }),
    ...(subject?.subType !== undefined && { SubType: subject.subType }),
    ...(subject?.parentId !== undefined && { ParentId: subject.parentId }),
    [`${type}Details`]: details,
  };
}

export const inputDetails = (payload: string | undefined) => ({ Input: payloadOf(payload) });
export const resultDetails = (payload: string | undefined) => ({ Result: payloadOf(payload) });
export const errorDetails = (error: ErrorObject | undefined) => ({ Error: { Payload: error ?? {}, Truncated: false } });

const payloadOf = (payload: string | undefined) => ({
  ...(payload !== undefined && { Payload: payload }),
  Truncated: false,
});

/**
 * @param attempt counts from 1
 * @param nextDelaySeconds only if another attempt follows
 */
export const retryDetails = (attempt: number, nextDelaySeconds?: number) => ({
  RetryDetails: {
    CurrentAttempt: attempt,
    ...(nextDelaySeconds !== undefined && { NextAttemptDelaySeconds: nextDelaySeconds }),
  },
});

/** Removes inputs, results, and errors from an event, for `IncludeExecutionData=false`. */
export function withoutData(entry: HistoryEvent): HistoryEvent {
  const strip = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, child]) => (key === 'Payload' ? [] : [[key, strip(child)]])),
    );
  };
  return strip(entry) as HistoryEvent;
}
