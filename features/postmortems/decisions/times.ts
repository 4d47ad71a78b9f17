import type { ResponseTimes } from '../schemas/postmortem.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { endedProblemsOf, isDuring, measuredOnset, openSeconds } from '../../../core/domain/incidents/problems.ts';
import { restoreSeconds } from '../../../core/domain/incidents/figures.ts';
import { didNotHelp } from '../../../core/domain/rollback/verdict.ts';
import { isSystem } from './blameless.ts';
import type { DraftInput, ProblemRecord } from './record.ts';

const MITIGATION_KINDS = new Set(['roll-back', 'flag', 'scale', 'restart', 'reroute']);

/** Entries of a mitigation: of one by Firebreak, and of a person who has deployed the earlier version again. */
export const MITIGATED: readonly string[] = ['mitigation.succeeded', 'mitigation.by_hand'];

/** Entries of a person who begins to work on an incident, or who answers its question. */
export const ACKNOWLEDGED: readonly string[] = [
  'incident.acknowledged',
  'page.acknowledged',
  'role.taken',
  'decision.approved',
  'decision.rejected',
];

/** Times of one problem. Null: it did not happen, or it is not known. */
export type ProblemTimes = Omit<ResponseTimes, 'resolved_at' | 'duration_seconds'>;

type Record = Pick<DraftInput, 'incident' | 'timeline' | 'effects' | 'signals'>;

type AnyProblem = Omit<ProblemRecord, 'causes'>;

/** Returns the times of a problem. */
export function problemTimesOf(record: Record, problem: AnyProblem): ProblemTimes {
  const { at, evidence, notBefore } = problem;
  const alerted_at = alertedAt(record, problem);
  const began = earlier(earlier(evidence === null ? at : measuredOnset(problem, evidence).at, at), alerted_at);
  const started_at = notBefore !== null && began < notBefore ? notBefore : began;
  const acknowledged_at = acknowledgedAt(record, (when) => isDuring(problem, when));
  const mitigated_at = didNotHelp(problem) ? null : mitigatedAt(record, problem);
  const restored_at = problem.until === null ? restoredAt(record.incident) : (problem.recovered_at ?? null);
  return {
    started_at,
    alerted_at,
    acknowledged_at,
    mitigated_at,
    restored_at,
    // The start of an alert alone says when the problem was noticed, and samples can show it first after that.
    to_detect_seconds: started_at < alerted_at ? secondsAfter(started_at, alerted_at) : null,
    to_acknowledge_seconds: secondsAfter(alerted_at, acknowledged_at),
    to_mitigate_seconds: secondsAfter(alerted_at, mitigated_at),
    to_restore_seconds: secondsAfter(at, restored_at),
  };
}

/**
 * Returns the times of an incident. Detection and mitigation are those of its first problem.
 *
 * @param now end of the duration of an incident that is open
 */
export function timesOf(
  record: Record & Pick<DraftInput, 'members'> & { problems: readonly AnyProblem[] },
  now: Timestamp,
): ResponseTimes {
  const { incident, members, problems } = record;
  if (members.length > 0) return timesOfGroup(incident, members, now);
  const { opened_at, resolved_at } = incident;
  const [first] = problems;
  const { started_at, alerted_at, mitigated_at, to_detect_seconds, to_mitigate_seconds } =
    first === undefined
      ? {
          started_at: opened_at,
          alerted_at: opened_at,
          mitigated_at: null,
          to_detect_seconds: null,
          to_mitigate_seconds: null,
        }
      : problemTimesOf(record, first);
  const restored_at = restoredAt(incident);
  const acknowledged_at = acknowledgedAt(record, () => true);
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
    to_restore_seconds: restoreSeconds(incident),
  };
}

/** Returns the times of a group: it lasts from the first alert of its incidents until the last one of them has ended. */
function timesOfGroup(
  { opened_at, resolved_at, handling }: IncidentRecord,
  members: readonly IncidentRecord[],
  now: Timestamp,
): ResponseTimes {
  const problems = members.flatMap((member) => endedProblemsOf(member)).toSorted((a, b) => (a.at < b.at ? -1 : 1));
  const ends = problems.flatMap(({ until, ended_at: end }) => (until === null ? [end] : []));
  const alerted_at = problems[0]?.at ?? opened_at;
  const restored_at = ends.reduce((last, end) => (last === null || end === null ? null : last > end ? last : end));
  const acknowledged_at = handling?.acknowledged?.at ?? null;
  return {
    started_at: alerted_at,
    alerted_at,
    acknowledged_at,
    mitigated_at: null,
    restored_at,
    resolved_at,
    duration_seconds: Math.max(0, secondsBetween(alerted_at, resolved_at ?? now)),
    to_detect_seconds: null,
    to_acknowledge_seconds: secondsAfter(alerted_at, acknowledged_at),
    to_mitigate_seconds: null,
    to_restore_seconds: restored_at === null ? null : openSeconds(problems),
  };
}

/** Returns when a person first began to work on it: the incident keeps only the newest acknowledgement. Null: nobody has. */
function acknowledgedAt({ incident, timeline }: Record, isWithin: (at: Timestamp) => boolean): Timestamp | null {
  const acting = incident.handling?.acknowledged?.at;
  return (
    timeline.find(({ entry: { kind, actor, at } }) => ACKNOWLEDGED.includes(kind) && !isSystem(actor) && isWithin(at))
      ?.entry.at ?? (acting !== undefined && isWithin(acting) ? acting : null)
  );
}

/** Returns when the newest mitigation of a problem was done. Null: none is known. */
const mitigatedAt = ({ timeline, effects }: Record, problem: AnyProblem): Timestamp | null =>
  timeline.findLast(({ entry }) => MITIGATED.includes(entry.kind) && isDuring(problem, entry.at))?.entry.at ??
  // A flag that a person changed (`flag.by`) is not an action of Firebreak.
  effects.findLast(
    ({ kind, state, flag, at: done }) =>
      MITIGATION_KINDS.has(kind) && state === 'succeeded' && flag?.by === undefined && isDuring(problem, done),
  )?.at ??
  null;

/** Returns when a problem was noticed: the start of its alert or, if health showed it before that, when Firebreak had read health. */
function alertedAt({ timeline, signals }: Record, problem: AnyProblem): Timestamp {
  const noticed = timeline.find(({ entry }) => entry.kind === 'incident.failing_again' && isDuring(problem, entry.at));
  if (noticed?.entry.actor !== 'firebreak' || problem.after_change !== undefined) return problem.at;
  return signals
    .map(({ startsAt }) => startsAt)
    .filter((at) => isDuring(problem, at))
    .reduce(earlier, noticed.entry.at);
}

/** Returns when the incident's last problem had ended. Null: nothing has shown its end. */
const restoredAt = (incident: IncidentRecord): Timestamp | null => endedProblemsOf(incident).at(-1)?.ended_at ?? null;

const earlier = (at: Timestamp, limit: Timestamp): Timestamp => (at < limit ? at : limit);

const secondsAfter = (from: Timestamp, to: Timestamp | null): number | null =>
  to === null ? null : Math.max(0, secondsBetween(from, to));
