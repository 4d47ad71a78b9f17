import type * as z from 'zod';
import type { ReadChanges } from '../../core/domain/changes/read-changes.ts';
import type { ReportSource } from '../../schemas/changes/change-report.ts';
import { NAME_MAX_CHARS, type Version } from '../../schemas/config/names.ts';
import { setOrNull, type Timestamp } from '../../schemas/time/time.ts';
import type { Header, WebhookSignature } from './webhook-signature.ts';
import { inputProblemText } from '../../schemas/parsing/input-problems.ts';

/** A webhook after its sender was authenticated. */
export type ReceivedWebhook = {
  /** The parsed JSON. */
  payload: unknown;
  /** Returns a header of the request. Undefined for a webhook that is replayed from the quarantine. */
  header: Header;
  now: Timestamp;
};

/** A system that reports changes by a webhook in a format of its own. */
export type ChangeSender = {
  source: ReportSource;
  path: string;
  /** Name of what it sends, for the API description. */
  sends: string;
  /** Absent: it sends a token of Firebreak. */
  signature?: WebhookSignature;
  read: (webhook: ReceivedWebhook) => ReadChanges | Promise<ReadChanges>;
};

/** Describes why a payload does not match its schema. */
export const unreadable = (event: string, error: z.ZodError): { unreadable: string } => ({
  unreadable: `${event}: ${inputProblemText(error)}`,
});

/** Returns a required time, or that of the receipt if the sender has not set it: programs in Go send the year 1. */
export const setOr = (now: Timestamp, at: Timestamp): Timestamp => setOrNull(at) ?? now;

/** A Git commit, SHA-1 or SHA-256. */
export const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/** Returns the text as a version, truncated if it is too long. The report is checked as a whole before it is recorded. */
export const versionOf = (text: string): Version => text.slice(0, NAME_MAX_CHARS).toWellFormed() as Version;
