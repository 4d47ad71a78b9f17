import * as z from 'zod';
import { EnvironmentName, ServiceName, Severity } from '../config/names.ts';
import { isTimestamp, Timestamp as StoredTimestamp } from '../time/time.ts';
import { Signal } from './signal.ts';

/** A time in a file that people can edit. A comparison sorts times as text, so only one form is valid. */
export const RecordedTime = StoredTimestamp.refine(
  isTimestamp,
  'must be a UTC time with milliseconds, such as 2026-11-20T06:43:40.145Z',
);

const Mute = z.object({
  by: z.enum(['maintenance', 'silence', 'experiment', 'inhibition']),
  name: z.string(),
  until: RecordedTime.nullable(),
  reason: z.string(),
});

/** An alert as it was admitted. Labels are pairs, because `__proto__` is a valid label name. */
export const RecordedSignal = z.object({
  /** When it was admitted, and when it was received. */
  at: RecordedTime,
  received_at: RecordedTime,
  /** What muted it when it was admitted. Null: nothing, or it was not recorded yet. */
  muted: Mute.nullable(),
  source: Signal.shape.source,
  episode: z.string(),
  fingerprint: z.string(),
  episodic: z.boolean(),
  starts_at: RecordedTime,
  ends_at: RecordedTime.nullable(),
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
