import type { ResponseTimes } from '../schemas/postmortem.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { onsetOf } from '../../../core/domain/correlation/onset.ts';
import { isDuring } from '../../../core/domain/incidents/problems.ts';
import type { DraftInput, ProblemRecord } from './record.ts';

const MITIGATION_KINDS = new Set(['roll-back', 'flag', 'scale', 'restart', 'reroute']);

/** Entries of a mitigation: of one by Firebreak, and of a person who has deployed the earlier version again. */
export const MITIGATED: readonly string[] = ['mitigation.succeeded', 'mitigation.by_hand'];

/** Times of one problem. Null: it did not happen, or it is not known. */
export type ProblemTimes = Pick<
  ResponseTimes,
  'started_at' | 'alerted_at' | 'mitigated_at' | 'to_detect_seconds' | 'to_mitigate_seconds'
> & { restored_at: Timestamp | null };

type Record = Pick<DraftInput, 'incident' | 'timeline' | 'effects' | 'signals'>;

/** Returns the times of a problem. */
export function problemTimesOf(record: Record, problem: Omit<ProblemRecord, 'causes'>): ProblemTimes {
  const { timeline, effects } = record;
  const { at: alerted_at, evidence, notBefore } = problem;
  const onset = earlier(evidence === null ? alerted_at : onsetOf(evidence).at, alerted_at);
  const started_at = notBefore !== null && onset < notBefore ? notBefore : onset;
  // A flag that a person changed (`flag.by`) is not an action of Firebreak.
  const mitigated_at =
    timeline.find(({ entry }) => MITIGATED.includes(entry.kind) && isDuring(problem, entry.at))?.entry.at ??
    effects.find(
      ({ kind, state, flag, at: done }) =>
        MITIGATION_KINDS.has(kind) && state === 'succeeded' && flag?.by === undefined && isDuring(problem, done),
    )?.at ??
    null;
  return {
    started_at,
    alerted_at,
    mitigated_at,
    restored_at: problem.until === null ? restoredAt(record, problem) : (problem.recovered_at ?? null),
    to_detect_seconds: secondsAfter(started_at, alerted_at) ?? 0,
    to_mitigate_seconds: secondsAfter(alerted_at, mitigated_at),
  };
}

/**
 * Returns the times of an incident. Detection and mitigation are those of its first problem.
 *
 * @param now end of the duration of an incident that is open
 */
export function timesOf(
  record: Record & { problems: readonly Omit<ProblemRecord, 'causes'>[] },
  now: Timestamp,
): ResponseTimes {
  const { opened_at, resolved_at, handling } = record.incident;
  const [first] = record.problems;
  const { started_at, alerted_at, mitigated_at, to_detect_seconds, to_mitigate_seconds } =
    first === undefined
      ? {
          started_at: opened_at,
          alerted_at: opened_at,
          mitigated_at: null,
          to_detect_seconds: 0,
          to_mitigate_seconds: null,
        }
      : problemTimesOf(record, first);
  const restored_at = restoredAt(record, record.problems.at(-1));
  const acknowledged_at = handling?.acknowledged?.at ?? null;
  return {
    started_at,
    alerted_at,
    acknowledged_at,
    mitigated_at,
    restored_at,
    resolved_at,
    duration_seconds: Math.max(0, secondsBetween(alerted_at, resolved_at ?? now)),
    to_detect_seconds,
    to_acknowledge_seconds: secondsAfter(alerted_at, acknowledged_at),
    to_mitigate_seconds,
    to_restore_seconds: secondsAfter(alerted_at, restored_at),
  };
}

/** Returns when the incident's last problem had ended. Null: the incident is open. */
function restoredAt(
  { incident: { resolved_at }, timeline }: Record,
  last: Omit<ProblemRecord, 'causes'> | undefined,
): Timestamp | null {
  if (resolved_at === null) return null;
  const isOf = (at: Timestamp): boolean => at <= resolved_at && (last === undefined || isDuring(last, at));
  const lastAt = (kind: string): Timestamp | undefined =>
    timeline.findLast(({ entry }) => entry.kind === kind && isOf(entry.at))?.entry.at;
  return last?.recovered_at ?? lastAt('alerts.resolved') ?? lastAt('verification.passed') ?? resolved_at;
}

const earlier = (at: Timestamp, limit: Timestamp): Timestamp => (at < limit ? at : limit);

const secondsAfter = (from: Timestamp, to: Timestamp | null): number | null =>
  to === null ? null : Math.max(0, secondsBetween(from, to));
