import type { Alert, SourceName } from '../signal.ts';

/** Why a body could not be parsed, with the status of the response. */
export type Fault = { status: 400 | 413 | 415 | 422; code: FaultCode; detail: string };
export type FaultCode = 'not-json' | 'not-json-content-type' | 'unknown-version' | 'wrong-shape' | 'too-many-alerts';

/** The content of a body. `unreadable`: its bad alerts, as separate bodies that can be parsed again later. */
export type Parsed = { alerts: Alert[]; unreadable: Unreadable[]; truncated: number };
/** `alerts`: number of alerts in the body. */
export type Unreadable = { body: string; detail: string; alerts: number };

export type ParseResult = { ok: true; parsed: Parsed } | { ok: false; fault: Fault };

/** One kind of sender: its payload, and the credentials it can send. */
export type Source = {
  name: Extract<SourceName, 'alertmanager' | 'grafana' | 'generic'>;
  /** How a sender that cannot set an Authorization header signs its body. Absent: token only. */
  signature?: SignatureScheme;
  parse(body: string, now: () => number): ParseResult;
};

/** HMAC-SHA256 over `timestamp:body`, or over the body alone if no timestamp header is configured. */
export type SignatureScheme = {
  header: string;
  secret: 'GRAFANA_WEBHOOK_SECRET';
  timestampHeader: { secret: 'GRAFANA_TIMESTAMP_HEADER'; fallback: string };
};

/** More alerts in one body are refused with 413: the sender's grouping is misconfigured. */
export const ALERTS_MAX = 5000;
