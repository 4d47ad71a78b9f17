import type { ResponseTimes } from '../../schemas/postmortems/postmortem.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { onsetOf } from '../correlation/onset.ts';
import type { DraftInput } from './record.ts';

const MITIGATES = new Set(['roll-back', 'flag', 'scale', 'restart', 'reroute']);

/** Returns the times of an incident that is over. For an open one, `end` takes the place of its end. */
export function timesOf(
  {
    incident,
    timeline,
    effects,
    signals,
    evidence,
  }: Pick<DraftInput, 'incident' | 'timeline' | 'effects' | 'signals' | 'evidence'>,
  end: Timestamp,
): ResponseTimes {
  const { opened_at, handling } = incident;
  const resolved_at = incident.resolved_at ?? end;
  const before = (at: Timestamp, limit: Timestamp): Timestamp => (at < limit ? at : limit);
  const alerted_at = signals.reduce((first, { startsAt }) => before(startsAt, first), opened_at);
  const started_at = before(evidence === null ? alerted_at : onsetOf(evidence).at, alerted_at);
  const last = (kind: string): Timestamp | undefined =>
    timeline.findLast(({ entry }) => entry.kind === kind && entry.at <= resolved_at)?.entry.at;
  const mitigated_at =
    timeline.find(({ entry }) => entry.kind === 'mitigation.succeeded')?.entry.at ??
    effects.find(({ kind, state, flag }) => MITIGATES.has(kind) && state === 'succeeded' && flag?.by === undefined)
      ?.at ??
    null;
  const restored_at = last('alerts.resolved') ?? last('verification.passed') ?? resolved_at;
  const acknowledged_at = handling?.acknowledged?.at ?? null;
  const after = (from: Timestamp, to: Timestamp | null): number | null =>
    to === null ? null : Math.max(0, secondsBetween(from, to));
  return {
    started_at,
    alerted_at,
    acknowledged_at,
    mitigated_at,
    restored_at,
    resolved_at,
    duration_seconds: after(alerted_at, resolved_at) ?? 0,
    to_detect_seconds: after(started_at, alerted_at) ?? 0,
    to_acknowledge_seconds: after(alerted_at, acknowledged_at),
    to_mitigate_seconds: after(alerted_at, mitigated_at),
    to_restore_seconds: after(alerted_at, restored_at) ?? 0,
  };
}
