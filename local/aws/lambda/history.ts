import type { ErrorObject, Operation } from './operation.ts';

/**
 * One entry of an execution's history, in the shape in which the API gives it out: times are epoch seconds.
 * `${EventType}Details` holds what the type has to say. The number is given when it is stored.
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

/** Whom an event is about: an operation, the execution itself, or nobody (an invocation). */
type Subject = Pick<Operation, 'id' | 'name' | 'subType' | 'parentId'> | undefined;

export function event(type: string, now: number, subject: Subject, details: object): HistoryEvent {
  return {
    EventType: type,
    EventTimestamp: seconds(now),
    ...(subject?.id !== undefined && { Id: subject.id }),
    ...(subject?.name !== undefined && { Name: subject.name }),
    ...(subject?.subType !== undefined && { SubType: subject.subType }),
    ...(subject?.parentId !== undefined && { ParentId: subject.parentId }),
    [`${type}Details`]: details,
  };
}

/** Epoch milliseconds as the API writes times: epoch seconds with a fraction. */
export const seconds = (milliseconds: number): number => milliseconds / 1000;

export const input = (payload: string | undefined) => ({ Input: payloadOf(payload) });
export const result = (payload: string | undefined) => ({ Result: payloadOf(payload) });
export const failure = (error: ErrorObject | undefined) => ({ Error: { Payload: error ?? {}, Truncated: false } });

const payloadOf = (payload: string | undefined) => ({
  ...(payload !== undefined && { Payload: payload }),
  Truncated: false,
});

/** `attempt` counts from 1; the delay is there only when another attempt will come. */
export const retryDetails = (attempt: number, nextDelaySeconds?: number) => ({
  RetryDetails: {
    CurrentAttempt: attempt,
    ...(nextDelaySeconds !== undefined && { NextAttemptDelaySeconds: nextDelaySeconds }),
  },
});

/** The same event without inputs, results and errors: for `IncludeExecutionData=false`. */
export function withoutData(entry: HistoryEvent): HistoryEvent {
  const strip = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, child]) => (key === 'Payload' ? [] : [[key, strip(child)]])),
    );
  };
  return strip(entry) as HistoryEvent;
}
