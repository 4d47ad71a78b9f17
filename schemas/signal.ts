import * as z from 'zod';
import { EnvironmentName, ServiceName, Severity } from './names.ts';
import { Timestamp } from './time.ts';

export const SourceName = z.enum(['alertmanager', 'grafana', 'generic', 'deployment']);
export type SourceName = z.infer<typeof SourceName>;

/**
 * One alert as its sender described it, shape checked, meaning not yet: labels are still the sender's own.
 * Label names such as `__proto__` are legal, hence a map and not an object.
 */
export type Alert = {
  source: SourceName;
  status: 'firing' | 'resolved';
  labels: ReadonlyMap<string, string>;
  annotations: ReadonlyMap<string, string>;
  startsAt: Timestamp;
  /** Null while it fires. */
  endsAt: Timestamp | null;
  /** Of the label set. The same alert firing again has the same one. */
  fingerprint: string;
  /** False: the sender tells no start, so `startsAt` is when we heard of it and each fingerprint has one episode at a time. */
  episodic: boolean;
  generatorUrl: string | null;
  /** Of the notification it came in: the sender's own text for the group. Absent: it has none, or one too long to keep. */
  groupKey?: string;
};

/** A normalised alert as it leaves ingest, and the body of a queue message. */
export const Signal = z.object({
  source: SourceName,
  /** One episode of one alert: source family, fingerprint and start. The same alert firing again is another episode. */
  episode: z.string().min(1),
  fingerprint: z.string().min(1),
  /** False: no start is known, so the same `episode` fires again once it has been resolved. */
  episodic: z.boolean(),
  status: z.enum(['firing', 'resolved']),
  startsAt: Timestamp,
  endsAt: Timestamp.nullable(),
  service: ServiceName,
  environment: EnvironmentName,
  /** What the alert calls its service, when the catalogue does not know it. */
  unmatched: z.string().nullable(),
  severity: Severity,
  /** The alert asks for a rollback (`action: auto-rollback`, or it came by `/api/v1/rollback`). */
  asksRollback: z.boolean(),
  /** Who sent it: `token:NAME`, `ingest`, `grafana:signature`. Absent: Firebreak itself, or queued before senders were kept. */
  sender: z.string().optional(),
  /** The sender lacks `rollback:request`: whatever its labels ask for is at most suggested. */
  mayNotAsk: z.literal(true).optional(),
  /** The monitoring failed, not the service (Grafana's no-data and error states). Never a reason to act. */
  monitoringFailure: z.boolean(),
  title: z.string(),
  links: z.object({ runbook: z.string().nullable(), dashboard: z.string().nullable(), source: z.string().nullable() }),
  labels: z.array(z.tuple([z.string(), z.string()])),
  annotations: z.array(z.tuple([z.string(), z.string()])),
  /** What the sender calls the group it came in. Absent: not known, as in what was queued before it was kept. */
  groupKey: z.string().optional(),
  /** Where the whole of it lies when it is too large for a message and an item; then the texts here are cut. */
  blob: z.string().nullable(),
});
export type Signal = z.infer<typeof Signal>;

/** Signals of one service and environment that travel together. */
export const SignalMessage = z.object({
  receipt: z.string(),
  receivedAt: Timestamp,
  /** W3C trace id of the request by which they came. */
  trace: z.string(),
  signals: z.array(Signal),
});
export type SignalMessage = z.infer<typeof SignalMessage>;

/** A message as it lies in the queue. Text that is no JSON cannot be read either. */
export function readSignalMessage(text: string): ReturnType<typeof SignalMessage.safeParse> {
  try {
    return SignalMessage.safeParse(JSON.parse(text));
  } catch {
    return SignalMessage.safeParse(undefined);
  }
}
