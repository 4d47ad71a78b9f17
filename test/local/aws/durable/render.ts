import type { Event } from '@aws-sdk/client-lambda';

/**
 * Formats a history as lines, one per event, without the values that differ between runs: times and request IDs are
 * checked for existence and omitted. IDs become letters in the order of their first appearance.
 *
 * @example `StepSucceeded:Step a<b "greet" Result="hello" RetryDetails.CurrentAttempt=1`: step a, named, in context b
 */
export function render(events: readonly Event[]): string[] {
  const letters = new Map<string, string>();
  const letterOf = (id: string): string => {
    const known = letters.get(id) ?? letterNumber(letters.size);
    letters.set(id, known);
    return known;
  };
  return events.map((event, index) => {
    if (event.EventId !== index + 1) throw new Error(`event ${index + 1} has the id ${event.EventId}`);
    if (!(event.EventTimestamp instanceof Date)) throw new Error(`event ${index + 1} has no time`);
    return line(event, letterOf);
  });
}

/** The execution itself comes first and is `@`. */
const letterNumber = (index: number): string => (index === 0 ? '@' : String.fromCharCode(96 + index));

function line(event: Event, letterOf: (id: string) => string): string {
  const { EventType = '', SubType, Id, Name, ParentId } = event;
  const details = event[`${EventType}Details` as keyof Event];
  const known = ['EventType', 'SubType', 'Id', 'Name', 'ParentId', 'EventId', 'EventTimestamp', `${EventType}Details`];
  for (const key of NEEDED[EventType] ?? []) {
    if (!(key in Object(details))) throw new Error(`${EventType} has no ${key}`);
  }
  const strange = Object.keys(event).filter((key) => !known.includes(key));
  return [
    SubType === undefined ? EventType : `${EventType}:${SubType}`,
    ...(Id === undefined ? [] : [letterOf(Id) + (ParentId === undefined ? '' : `<${letterOf(ParentId)}`)]),
    ...(Name === undefined || EventType.startsWith('Execution') ? [] : [JSON.stringify(Name)]),
    ...flatten(details, ''),
    ...strange.map((key) => `UNKNOWN ${key}`),
  ].join(' ');
}

/** Fields whose values differ between runs, but which must exist. */
const VOLATILE = /(Timestamp|RequestId)$/;
const RANDOM = /(CallbackId|DurableExecutionArn)$/;
const NEEDED: Record<string, string[]> = {
  InvocationCompleted: ['StartTimestamp', 'EndTimestamp', 'RequestId'],
  WaitStarted: ['ScheduledEndTimestamp'],
};

function flatten(value: unknown, path: string): string[] {
  if (value === undefined) return ['NO DETAILS'];
  if (VOLATILE.test(path)) return [];
  if (RANDOM.test(path)) return [`${path}=*`];
  if (typeof value === 'string') return [`${path}=${value}`];
  if (typeof value !== 'object' || value === null) return [`${path}=${JSON.stringify(value)}`];
  const { Truncated, ...rest } = value as Record<string, unknown>;
  const payload = 'Payload' in rest && Truncated === false && Object.keys(rest).length === 1;
  if (payload) return [`${path}=${typeof rest['Payload'] === 'string' ? rest['Payload'] : errorText(rest['Payload'])}`];
  if (Truncated === false && Object.keys(rest).length === 0) return [`${path}=nothing`];
  return Object.entries(value).flatMap(([key, child]) => flatten(child, path === '' ? key : `${path}.${key}`));
}

/** Formats an error without its stack trace, which differs between machines. */
function errorText(error: unknown): string {
  const { ErrorType, ErrorMessage, StackTrace: _, ...rest } = error as Record<string, unknown>;
  const more = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
  return `${String(ErrorType)}(${String(ErrorMessage)})${more}`;
}
