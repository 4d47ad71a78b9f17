import type { ResponseTimes } from '../schemas/postmortem.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { onsetOf } from '../../../core/domain/correlation/onset.ts';
import type { DraftInput } from './record.ts';

const MITIGATION_KINDS = new Set(['roll-back', 'flag', 'scale', 'restart', 'reroute']);

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
  const earlier = (at: Timestamp, limit: Timestamp): Timestamp => (at < limit ? at : limit);
  const alerted_at = signals.reduce((first, { startsAt }) => earlier(startsAt, first), opened_at);
  const started_at = earlier(evidence === null ? alerted_at : onsetOf(evidence).at, alerted_at);
  const lastAt = (kind: string): Timestamp | undefined =>
    timeline.findLast(({ entry }) => entry.kind === kind && entry.at <= resolved_at)?.entry.at;
  // A flag that a person changed (`flag.by`) is not an action of Firebreak.
  const mitigated_at =
    timeline.find(({ entry }) => entry.kind === 'mitigation.succeeded')?.entry.at ??
    effects.find(
      ({ kind, state, flag }) => MITIGATION_KINDS.has(kind) && state === 'succeeded' && flag?.by === undefined,
    )?.at ??
    null;
  const restored_at = lastAt('alerts.resolved') ?? lastAt('verification.passed') ?? resolved_at;
  const acknowledged_at = handling?.acknowledged?.at ?? null;
  const secondsAfter = (from: Timestamp, to: Timestamp | null): number | null =>
    to === null ? null : Math.max(0, secondsBetween(from, to));
  return {
    started_at,
    alerted_at,
    acknowledged_at,
    mitigated_at,
    restored_at,
    resolved_at,
    duration_seconds: secondsAfter(alerted_at, resolved_at) ?? 0,
    to_detect_seconds: secondsAfter(started_at, alerted_at) ?? 0,
    to_acknowledge_seconds: secondsAfter(alerted_at, acknowledged_at),
    to_mitigate_seconds: secondsAfter(alerted_at, mitigated_at),
    to_restore_seconds: secondsAfter(alerted_at, restored_at) ?? 0,
  };
}
