import type { SigningSecretName, VariableName } from '../../config/variables.ts';
import type { Timestamp } from '../../time/time.ts';
import type { ContentCode } from '../../parsing/content-codes.ts';

/**
 * One alert as its sender described it: the shape is checked, but labels are still the sender's. A map, not an object,
 * because label names such as `__proto__` are legal.
 */
export type SourceAlert = {
  status: 'firing' | 'resolved';
  labels: ReadonlyMap<string, string>;
  annotations: ReadonlyMap<string, string>;
  startsAt: Timestamp;
  /** Null while it fires. */
  endsAt: Timestamp | null;
  /** Hash of the label set. The same alert firing again has the same one. */
  fingerprint: string;
  /**
   * False: the sender reports no start, so `startsAt` is the time of receipt and each fingerprint has one episode at a
   * time.
   */
  episodic: boolean;
  generatorUrl: string | null;
  /** The sender's group key of the notification. Absent: it has none, or one that is too long to store. */
  groupKey?: string;
  /** How many alerts of its group the sender left out of the notification. Absent: none. */
  leftOut?: number;
};

/** Why a body could not be parsed, with the status of the response. */
export type Fault = { status: 400 | 413 | 415 | 422; code: FaultCode; detail: string };
export type FaultCode = Extract<
  ContentCode,
  'not-json' | 'not-json-content-type' | 'unknown-version' | 'wrong-shape' | 'too-many-alerts'
>;

/** The content of a body. `unreadable`: its bad alerts, as separate bodies that can be parsed again later.
 * `truncated`: number of alerts that the sender left out. */
export type Parsed<A = SourceAlert> = { alerts: A[]; unreadable: Unreadable[]; truncated: number };
/** `alerts`: number of alerts in the body. */
export type Unreadable = { body: string; detail: string; alerts: number };

export type ParseResult<A = SourceAlert> = { ok: true; parsed: Parsed<A> } | { ok: false; fault: Fault };

/** Work in steps, with its result. */
export type Steps<Result> = Generator<undefined, Result>;

/** Runs all steps at once. */
export function runSteps<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** One kind of sender: its payload, and the credentials it can send. */
export type Source<Name extends string = string> = {
  /** Last part of the receiver's path, and the sender in records. */
  name: Name;
  /** Whether the sender can also use PUT instead of POST. */
  acceptsPut?: true;
  /** How a sender that cannot set an Authorization header signs its body. Absent: token only. */
  signature?: SignatureScheme;
  /** How the limit of alerts in a group is removed at the sender. Absent: it is not known to have one. */
  limitRemoval?: string;
  parse(body: string, now: () => number): ParseResult;
  /** Parses the same in steps, between which other work can run. Absent: its bodies are small. */
  steps?(body: string, now: () => number): Steps<ParseResult>;
};

/** HMAC-SHA256 over `timestamp:body`, or over the body alone if there is no timestamp header. */
export type SignatureScheme = {
  header: string;
  /** Secret of the group `senders` in `functions/assembly/secret-groups.ts`. */
  secret: SigningSecretName;
  /** The setting with the name of the timestamp header, and the name if it is not set. */
  timestampHeader?: { secret: VariableName; fallback: string };
};

/** More alerts in one body are refused with 413: the sender's grouping is misconfigured. */
export const ALERTS_MAX = 5000;
