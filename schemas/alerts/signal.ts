import * as z from 'zod';
import { EnvironmentName, ServiceName, Severity } from '../config/names.ts';
import { Timestamp } from '../time/time.ts';
import { SourceName } from './sources/index.ts';
import { parseJson } from '../parsing/json.ts';

/** A normalized alert as it leaves ingest, and the body of a queue message. */
export const Signal = z.object({
  source: SourceName,
  /** One episode of one alert: source, fingerprint, and start. The same alert firing again is another episode. */
  episode: z.string().min(1),
  fingerprint: z.string().min(1),
  /** False: no start is known, so the same `episode` fires again after it was resolved. */
  episodic: z.boolean(),
  status: z.enum(['firing', 'resolved']),
  startsAt: Timestamp,
  endsAt: Timestamp.nullable(),
  service: ServiceName,
  environment: EnvironmentName,
  /** The alert's name for its service, if it is not in the catalogue. */
  unmatched: z.string().nullable(),
  severity: Severity,
  /** The alert requests a rollback (`action: auto-rollback`, or it came by `/api/v1/rollback`). */
  requestsRollback: z.boolean(),
  /**
   * Who sent it: `token:NAME`, `person:NAME`, `ingest`, `grafana:signature`. Absent: Firebreak itself, or queued before senders were
   * recorded.
   */
  sender: z.string().optional(),
  /** The sender that reported the alert, if `sender` is the one who replayed its report. Absent: `sender`. */
  reporter: z.string().optional(),
  /** The sender lacks `rollback:request`: a rollback that its labels request is at most suggested. */
  rollbackNotPermitted: z.literal(true).optional(),
  /** The monitoring failed, not the service (Grafana's no-data and error states). Never a reason for an action. */
  monitoringFailure: z.boolean(),
  /** Why its state was not measured, as its sender says. Absent: it was measured, or the sender says nothing about it. */
  unmeasured: z.string().optional(),
  title: z.string(),
  links: z.object({ runbook: z.string().nullable(), dashboard: z.string().nullable(), source: z.string().nullable() }),
  labels: z.array(z.tuple([z.string(), z.string()])),
  annotations: z.array(z.tuple([z.string(), z.string()])),
  /** The sender's key of the group it came in. Absent: unknown, or queued before it was recorded. */
  groupKey: z.string().optional(),
  /** How many alerts of its group the sender left out of the notification. Absent: none, or queued before it was recorded. */
  leftOut: z.number().optional(),
  /**
   * Key of the blob with the full signal if it is too large for a message and an item; the texts here are then
   * truncated.
   */
  blob: z.string().nullable(),
  /**
   * Only in the alerts of an incident: when a notification last said that it fires. It was not repeated for a day, and no end
   * was reported, so it counts neither as firing nor as resolved (`status: resolved` in storage).
   */
  lastSeenAt: Timestamp.optional(),
  /**
   * Only in the alerts of an incident: it was reported as firing after its end, with a start from before it. This alone permits
   * no rollback without a person.
   */
  returned: z.literal(true).optional(),
  /**
   * Only in the alerts of an incident: when a repetition last reported another title or other annotations, such as a newer value.
   * These are shown. Absent: they are those of the start.
   */
  rewordedAt: Timestamp.optional(),
});
export type Signal = z.infer<typeof Signal>;

/** Signals of one service and environment that travel together. */
export const SignalMessage = z.object({
  receipt: z.string(),
  receivedAt: Timestamp,
  /** W3C trace id of the request that delivered them. */
  trace: z.string(),
  signals: z.array(Signal),
});
export type SignalMessage = z.infer<typeof SignalMessage>;

/** Parses the text of a queue message. Invalid JSON is an error like any other. */
export const readSignalMessage = (text: string): ReturnType<typeof SignalMessage.safeParse> =>
  SignalMessage.safeParse(parseJson(text));
