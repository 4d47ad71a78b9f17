import * as z from 'zod';
import { Signal } from '../../schemas/alerts/signal.ts';
import { EnvironmentName, IncidentId, ServiceName, Severity, Version } from '../../schemas/config/names.ts';
import { Message } from '../../schemas/incidents/inbox.ts';
import { DecisionKind, DecisionState } from '../../schemas/incidents/incident.ts';
import { isTimestamp, Timestamp as StoredTimestamp } from '../../schemas/time/time.ts';

/** A time in a file that people can edit. A comparison sorts times as text, so only one form is valid. */
const Timestamp = StoredTimestamp.refine(
  isTimestamp,
  'must be a UTC time with milliseconds, such as 2026-11-20T06:43:40.145Z',
);

/** Names the format of a recorded incident, as the file of an exported incident starts with it. */
export const RECORDING_FORMAT = 'firebreak-incident/1';

const Mute = z.object({
  by: z.enum(['maintenance', 'silence', 'experiment']),
  name: z.string(),
  until: Timestamp.nullable(),
  reason: z.string(),
});

/** An alert as it was admitted. Labels are pairs, because `__proto__` is a valid label name. */
export const RecordedSignal = z.object({
  /** When it was admitted, and when it was received. */
  at: Timestamp,
  received_at: Timestamp,
  /** What muted it when it was admitted. Null: nothing, or it was not recorded yet. */
  muted: Mute.nullable(),
  source: Signal.shape.source,
  episode: z.string(),
  fingerprint: z.string(),
  episodic: z.boolean(),
  starts_at: Timestamp,
  ends_at: Timestamp.nullable(),
  service: ServiceName,
  environment: EnvironmentName,
  unmatched: z.string().nullable(),
  severity: Severity,
  requests_rollback: z.boolean(),
  rollback_not_permitted: z.literal(true).optional(),
  monitoring_failure: z.boolean(),
  sender: z.string().optional(),
  title: z.string(),
  labels: z.array(z.tuple([z.string(), z.string()])),
  annotations: z.array(z.tuple([z.string(), z.string()])),
});
export type RecordedSignal = z.infer<typeof RecordedSignal>;

/** A decision about a rollback, or about a step of a runbook, with its inputs as they were stored. */
export const RecordedDecision = z.object({
  number: z.number().int().min(1),
  at: Timestamp,
  kind: DecisionKind,
  state: DecisionState,
  from: Version.nullable(),
  to: Version.nullable(),
  /** Null: they are not stored. */
  inputs: z.record(z.string(), z.unknown()).nullable(),
});
export type RecordedDecision = z.infer<typeof RecordedDecision>;

/**
 * What the configuration of the time made Firebreak ask. Another configuration may ask for data that nobody has
 * collected.
 */
export const Asked = z.object({
  /** Health query of the service. Null: none. */
  health: z.record(z.string(), z.unknown()).nullable(),
  /** Services whose changes were read, besides the failing one. */
  around: z.array(z.string()),
  team: z.string().nullable(),
});
export type Asked = z.infer<typeof Asked>;

/** What a policy must decide for a recorded incident. Absent: it is not checked. */
export const Expectation = z.strictObject({
  /** Whether alerts open an incident. */
  incident: z.boolean().optional(),
  /** Number of pages. */
  pages: z.number().int().min(0).optional(),
  /** Kinds of the decisions about a rollback, by their numbers. */
  decisions: z.record(z.string().regex(/^[1-9]\d*$/), DecisionKind).optional(),
  /** Names of the runbooks that alerts start. */
  runbooks: z.array(z.string()).optional(),
});
export type Expectation = z.infer<typeof Expectation>;

/** What a recording can lack because it would be too large. */
export const RecordedPart = z.enum(['annotations', 'inputs', 'messages', 'alerts']);
export type RecordedPart = z.infer<typeof RecordedPart>;

/** All recorded inputs of the decisions about one incident. */
export const RecordedIncident = z.object({
  format: z.literal(RECORDING_FORMAT),
  id: IncidentId,
  service: ServiceName,
  environment: EnvironmentName,
  unmatched: z.string().nullable(),
  title: z.string(),
  /** Severity at the opening. */
  severity: Severity,
  opened_at: Timestamp,
  resolved_at: Timestamp.nullable(),
  opened_by: z.enum(['alerts', 'person', 'group']),
  /** The incident of the group that it belongs to. */
  parent: IncidentId.nullable(),
  /** Numbers of the pages that were left to the parent. */
  pages_by_parent: z.array(z.number().int()),
  asked: Asked,
  /** Who responded for the team. Null: not known. */
  responder: z.string().nullable(),
  signals: z.array(RecordedSignal),
  /** The incident has more alerts than were recorded here. */
  truncated: z.boolean(),
  /** What it lacks because it would be too large. Absent: nothing. */
  left_out: z.array(RecordedPart).optional(),
  messages: z.array(z.object({ seq: z.number().int(), at: Timestamp, message: Message })),
  decisions: z.array(RecordedDecision),
  runbooks: z.array(z.object({ name: z.string(), at: Timestamp, by_person: z.boolean() })),
  /** Pages that were sent, or tried. */
  pages: z.array(
    z.object({
      number: z.number().int(),
      at: Timestamp,
      /** Whom the pager notified. Absent: not recorded. */
      recipients: z.array(z.string()).optional(),
    }),
  ),
  expect: Expectation.optional(),
});
export type RecordedIncident = z.infer<typeof RecordedIncident>;

/** An alert without an incident: its newest notification, and when it began to fire, newest first. */
export const RecordedAlert = z.object({ signal: RecordedSignal, fired_at: z.array(Timestamp) });
export type RecordedAlert = z.infer<typeof RecordedAlert>;
