import type { Change } from '../../../schemas/changes/change.ts';
import { type Version } from '../../../schemas/config/names.ts';
import { activeClearings } from '../changes/cleared-suspects.ts';
import { previousOf } from '../changes/rolled-back.ts';
import { newestLiveChange, byStart, sameVersion } from '../changes/versions.ts';
import { MIN_CONFIDENCE_TO_ASK } from '../correlation/correlate.ts';
import type { RankedSuspect } from '../correlation/ranking.ts';
import { called, newestNotWeighed } from '../correlation/candidates.ts';
import type { Evidence } from '../correlation/evidence.ts';
import type { Onset } from '../correlation/onset.ts';
import { type Known } from './guard.ts';
import { leadersOf } from './offers.ts';

/**
 * Maximum number of rollbacks and counted runbooks of one service and environment per hour; beyond it, a person is asked. A
 * runbook counts once, however many changes it makes.
 */
export const ROLLBACKS_PER_HOUR = 3;

/** Maximum for all services together: an error of Firebreak is more likely than so many bad deploys within an hour. */
export const ORGANISATION_ROLLBACKS_PER_HOUR = 10;

/** Maximum for alerts of one token, so that it can't use up the limit of all. */
export const SENDER_ROLLBACKS_PER_HOUR = 5;

export const serviceLimitText = (count: number): string =>
  `this service had ${count} rollbacks and runbooks in the last hour, and the limit without approval is ${ROLLBACKS_PER_HOUR}`;

export const RELATED: Readonly<Record<RankedSuspect['relation'], string>> = {
  same: 'the service itself',
  dependency: 'a dependency of this service',
  shared: 'a dependency of this service',
  caller: 'which calls this service',
  undeclared: 'which the catalogue declares neither as a dependency nor as a caller of this service',
};

export const CLOSED = 'the incident was resolved in the meantime';

/** Returns whether the incident has already led to a rollback, automatic or not. */
export const hasRolledBack = ({ evidence: { changes, incident_id } }: Known['judgement']): boolean =>
  changes.some(({ change }) => change.rolled_back_by === incident_id);

export const demotion = (service: string): string =>
  `automation of ${service} was wrong too often, and asks until a person sets its mode again`;

/**
 * Returns whether the leading suspects together are too improbable for a question, and less probable than "no change", unless
 * the policy accepts coincidence in time.
 */
export function isProbablyNone(known: Known['judgement']): boolean {
  if (known.request.by === 'person' || isByTime(known)) return false;
  const { verdict, suspects } = known.found;
  const none = suspects.reduce((left, { confidence }) => left - confidence, 1);
  const leading = leadersOf(suspects).reduce((sum, { confidence }) => sum + confidence, 0);
  return verdict === 'no_change' || leading < Math.min(none, MIN_CONFIDENCE_TO_ASK);
}

/**
 * Returns whether the policy accepts coincidence in time, however probable it is, and nothing else asks. That a caller fails because of the
 * service is no coincidence.
 */
export const isByTime = ({ target, top, suspect, lacking }: Known['judgement']): boolean =>
  target?.policy.evidence === 'time' &&
  top?.proof === null &&
  lacking === null &&
  !top.factors.some(({ name }) => name === 'fails_at_another_time') &&
  suspect?.approvalReasons.length === 0;

export const whyNoSuspect = (evidence: Evidence, onset: Onset): string => {
  const { changes, incident_id, cleared, earlier_problem: earlier } = evidence;
  const when = `was rolling out or had finished shortly before the ${earlier === undefined ? '' : 'new '}problem began`;
  const newest = newestNotWeighed(evidence, onset);
  const tried = changes
    .filter(({ change }) => change.rolled_back_by === incident_id)
    .toSorted((a, b) => byStart(a.change, b.change))
    .at(-1);
  if (tried !== undefined) {
    // A later problem has nothing to do with what was undone before it, so it is not named.
    const isOfEarlier = earlier !== undefined && tried.change.started_at <= earlier.until;
    const [undone, besides] = isOfEarlier
      ? ['', ' than the one that was rolled back']
      : [`${called(tried)} was already rolled back, and `, ''];
    return newest === null
      ? `${undone}no other change${besides} ${when}`
      : `${undone}the newest other change${besides}, ${newest}`;
  }
  if (newest !== null) return `no change of this service or its dependencies fits the time: the newest one, ${newest}`;
  return `no ${activeClearings(cleared).length > 0 ? 'other ' : ''}change of this service or its dependencies ${when}`;
};

export function replacing(changes: readonly Change[], suspect: Change): { live: Change; suspect: Version } | null {
  const live = replacement(changes, suspect);
  return live && { live, suspect: suspect.version };
}

/** Returns the newer deploy that replaced the suspect, which a rollback would remove as well. */
export function replacement(changes: readonly Change[], suspect: Change): Change | null {
  const live = newestLiveChange(changes);
  return live === undefined || live.version === suspect.version || byStart(live, suspect) < 0 ? null : live;
}

/** Returns whether the suspect's version was rolled back before, by Firebreak or by a recorded rollback. */
export const alreadyRolledBack = (
  changes: readonly Change[],
  { version }: RankedSuspect['change'],
  target: Version,
): boolean =>
  changes.some(
    (change) =>
      (change.version === version && change.rolled_back_by !== null) ||
      (change.kind === 'rollback' &&
        change.previous_version !== null &&
        (previousOf(changes, change)?.version === version || sameVersion(change.previous_version, version)) &&
        change.version === target &&
        change.status === 'succeeded'),
  );
