import * as z from 'zod';
import { RecordedSignal, RecordedTime } from '../../schemas/alerts/recorded-signal.ts';
import { EnvironmentName, IncidentId, ServiceName, Severity, Version } from '../../schemas/config/names.ts';
import { Message } from '../../schemas/incidents/inbox.ts';
import { DecisionKind, DecisionState } from '../../schemas/incidents/incident.ts';

/** Names the format of a recorded incident, as the file of an exported incident starts with it. */
export const RECORDING_FORMAT = 'firebreak-incident/1';

/** A decision about a rollback, or about a step of a runbook, with its inputs as they were stored. */
export const RecordedDecision = z.object({
  number: z.number().int().min(1),
  at: RecordedTime,
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
  opened_at: RecordedTime,
  resolved_at: RecordedTime.nullable(),
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
  messages: z.array(z.object({ seq: z.number().int(), at: RecordedTime, message: Message })),
  decisions: z.array(RecordedDecision),
  runbooks: z.array(z.object({ name: z.string(), at: RecordedTime, by_person: z.boolean() })),
  /** Pages that were sent, or tried. */
  pages: z.array(
    z.object({
      number: z.number().int(),
      at: RecordedTime,
      /** Whom the pager notified. Absent: not recorded. */
      recipients: z.array(z.string()).optional(),
    }),
  ),
  expect: Expectation.optional(),
});
export type RecordedIncident = z.infer<typeof RecordedIncident>;

/** An alert without an incident: its newest notification, and when it began to fire, newest first. */
export const RecordedAlert = z.object({ signal: RecordedSignal, fired_at: z.array(RecordedTime) });
export type RecordedAlert = z.infer<typeof RecordedAlert>;
