/**
 * The validation rules of the Events API v2, with its error messages where they are known.
 *
 * @see https://developer.pagerduty.com/docs/events-api-v2-overview (read 2026-11): limits, required fields
 */

/** Exact number of characters. */
export const ROUTING_KEY_CHARS = 32;
/** Maximum number of characters. */
export const DEDUP_KEY_MAX_CHARS = 255;
export const SUMMARY_MAX_CHARS = 1024;
/** Maximum bytes of the request body. A KB counts as 1024 bytes. */
export const EVENT_MAX_BYTES = 512 * 1024;

export type EventAction = 'trigger' | 'acknowledge' | 'resolve';

export type AlertEvent = {
  routingKey: string;
  action: EventAction;
  /** Absent only for `trigger`. */
  dedupKey: string | undefined;
  /** Text of a `trigger` about the problem; empty for other actions. */
  summary: string;
  source: string;
  severity: string;
  /** Custom details from the sender, usually an object. */
  details: unknown;
};

export type ChangeEvent = { routingKey: string };

/** The event, or all errors. */
export type Reading<Event> = { event: Event } | { errors: string[] };

type Check = (fields: Fields) => string | undefined;
type Fields = Readonly<Record<string, unknown>>;

export function readAlertEvent(body: string): Reading<AlertEvent> {
  return read(body, [routingKey, eventAction, dedupKey, ...onTrigger(summary, source, severity)], (event) => ({
    routingKey: text(event.routing_key),
    action: event.event_action as EventAction,
    dedupKey: isBlank(event.dedup_key) ? undefined : text(event.dedup_key),
    summary: text(payload(event).summary),
    source: text(payload(event).source),
    severity: text(payload(event).severity),
    details: payload(event).custom_details ?? {},
  }));
}

export function readChangeEvent(body: string): Reading<ChangeEvent> {
  return read(body, [routingKey, summary], (event) => ({ routingKey: text(event.routing_key) }));
}

function read<Event>(body: string, checks: readonly Check[], toEvent: (fields: Fields) => Event): Reading<Event> {
  if (Buffer.byteLength(body) > EVENT_MAX_BYTES) {
    return { errors: [`Event is too large (maximum is ${EVENT_MAX_BYTES} bytes)`] };
  }
  const fields = parse(body);
  if (fields === undefined) return { errors: ['JSON cannot be parsed'] };
  const errors = checks.map((check) => check(fields)).filter((error) => error !== undefined);
  return errors.length > 0 ? { errors } : { event: toEvent(fields) };
}

function parse(body: string): Fields | undefined {
  try {
    const json: unknown = JSON.parse(body);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

const routingKey: Check = ({ routing_key: key }) => {
  if (isBlank(key)) return "'routing_key' cannot be blank";
  if (chars(text(key)) !== ROUTING_KEY_CHARS) {
    return `Length of 'routing_key' is incorrect (should be ${ROUTING_KEY_CHARS} characters)`;
  }
  return undefined;
};

const eventAction: Check = ({ event_action: action }) => {
  if (isBlank(action)) return "'event_action' is missing or blank";
  if (['trigger', 'acknowledge', 'resolve'].includes(text(action))) return undefined;
  return "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')";
};

const dedupKey: Check = ({ event_action: action, dedup_key: key }) => {
  if (isBlank(key)) return action === 'trigger' ? undefined : "'dedup_key' is missing or blank";
  if (chars(text(key)) > DEDUP_KEY_MAX_CHARS) {
    return `'dedup_key' is too long (maximum is ${DEDUP_KEY_MAX_CHARS} characters)`;
  }
  return undefined;
};

const summary: Check = (event) => {
  const given = payload(event).summary;
  if (isBlank(given)) return "'payload.summary' is missing or blank";
  if (chars(text(given)) > SUMMARY_MAX_CHARS) {
    return `'summary' is too long (maiximum is ${SUMMARY_MAX_CHARS} characters)`; // sic
  }
  return undefined;
};

const source: Check = (event) => (isBlank(payload(event).source) ? "'payload.source' is missing or blank" : undefined);

const severity: Check = (event) => {
  const given = payload(event).severity;
  if (isBlank(given)) return "'payload.severity' is missing or blank";
  if (['critical', 'warning', 'error', 'info'].includes(text(given))) return undefined;
  return "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')";
};

/** Applies checks to triggers only, since other actions need no payload. */
const onTrigger = (...checks: readonly Check[]): Check[] =>
  checks.map((check) => (fields) => (fields.event_action === 'trigger' ? check(fields) : undefined));

const payload = (event: Fields): Fields => (isObject(event.payload) ? event.payload : {});
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const isBlank = (value: unknown): boolean => text(value).trim() === '';
const chars = (value: string): number => [...value].length;
