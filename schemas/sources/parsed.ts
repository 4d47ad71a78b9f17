import type { Alert, SourceName } from '../signal.ts';

/** Why nothing in a body could be read. The status is the answer's. */
export type Fault = { status: 400 | 413 | 415 | 422; code: FaultCode; detail: string };
export type FaultCode = 'not-json' | 'not-json-content-type' | 'unknown-version' | 'wrong-shape' | 'too-many-alerts';

/** What a body held. `unreadable` are its bad alerts, in bodies of their own that can be read again later. */
export type Parsed = { alerts: Alert[]; unreadable: Unreadable[]; truncated: number };
/** `alerts`: how many are in the body. */
export type Unreadable = { body: string; detail: string; alerts: number };

export type ParseResult = { ok: true; parsed: Parsed } | { ok: false; fault: Fault };

/** One kind of sender: its payload, and which credentials it can send. */
export type Source = {
  name: Extract<SourceName, 'alertmanager' | 'grafana' | 'generic'>;
  /** How a sender that cannot set an Authorization header signs its body; absent: token only. */
  signature?: SignatureScheme;
  parse(body: string, now: () => number): ParseResult;
};

/** HMAC-SHA256 over `timestamp:body`, or over the body alone where no timestamp header is configured. */
export type SignatureScheme = {
  header: string;
  secret: 'GRAFANA_WEBHOOK_SECRET';
  timestampHeader: { secret: 'GRAFANA_TIMESTAMP_HEADER'; fallback: string };
};

/** More than this in one body is refused with 413: the sender's grouping is broken. */
export const ALERTS_MAX = 5000;
