import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { CLOCK_TOLERANCE_SECONDS, type Candidate, LOOK_BACK_SECONDS } from './candidates.ts';
import type { Evidence, Failing } from './evidence.ts';
import { applying, type Factor, weightedFactor, gradedFactor, unweightedFactor } from './factor.ts';
import type { Onset } from './onset.ts';
import { list, formatDuration } from './words.ts';

/** A failing service: whether it may have failed first, whether it certainly failed later, and when it failed, as text. */
type OrderedFailing = Failing & { first: boolean; later: boolean; when: string };

/** Other failing services, grouped by what they imply for the cause of this incident. */
export type Neighbours = {
  /** Services that depend on the failing service, which explains their failure. */
  dependents: readonly OrderedFailing[];
  /** Sorted by start of failure. */
  dependencies: readonly OrderedFailing[];
  /** Unrelated services whose failure no change of their own explains. */
  unexplained: readonly Failing[];
  /** Unrelated services that fail since a change of their own: they may be dependencies or callers that nobody declared. */
  changed: readonly OrderedFailing[];
  /** The other failing services could not be read. */
  unreadable: boolean;
  /** Dependencies and dependents without a sample since the problem began. */
  unmeasured: readonly string[];
  /** Unrelated services were not evaluated (`failTogether: ignore`). */
  ignored: boolean;
};

/**
 * Groups the other failing services. For other services, only the alerts are known for certain, so the order of failure
 * is read from the alerts, within clock tolerance. A longer waiting period (`for`) of another service's alert is not
 * visible here: the order is then doubtful, and a person decides.
 */
export function neighboursOf(evidence: Evidence, onset: Onset): Neighbours {
  const { failing, failing_unreadable: unreadable = false, strangers_ignored: ignored = false } = evidence;
  const { service, unmeasured = [] } = evidence;
  const { alertStartedAt } = evidence.onset;
  const others = failing.filter((other) => other.service !== service).toSorted(bySince);
  const withOrder = (other: Failing): OrderedFailing => ({
    ...other,
    first: mayHaveFailedFirst(other, alertStartedAt, onset),
    later: failedLater(other, alertStartedAt, onset),
    when: compared(other.since, onset.at),
  });
  const unrelated = others.filter((other) => other.relation === 'unrelated' && failedTogether(other, onset));
  return {
    dependents: others.filter(({ relation }) => relation === 'dependent').map(withOrder),
    dependencies: others.filter(({ relation }) => relation === 'dependency').map(withOrder),
    unexplained: unrelated.filter((other) => !explainsItself(other)),
    changed: unrelated.filter(explainsItself).map(withOrder),
    unreadable,
    unmeasured,
    ignored,
  };
}

/**
 * Returns whether another service may have failed first. Of one with only an alert, the alerts are compared: their rules
 * wait for similar times. Of a dependency, the bounds of both starts are compared: the samples of two services are taken
 * at different seconds, so the middle of its bounds may be later although both fail at once. A service that depends on the
 * failing one fails because of it, unless it certainly failed before.
 */
function mayHaveFailedFirst(
  { measured, since, relation }: Failing,
  alertStartedAt: Timestamp,
  { earliest, latest }: Onset,
): boolean {
  if (relation === 'dependent')
    return measured === undefined
      ? secondsBetween(since, alertStartedAt) > CLOCK_TOLERANCE_SECONDS
      : measured.latest < earliest;
  if (measured === undefined) return secondsBetween(alertStartedAt, since) <= CLOCK_TOLERANCE_SECONDS;
  return (relation === 'dependency' ? measured.earliest : since) <= latest;
}

/** Returns whether another service certainly failed after the failing one. */
const failedLater = ({ measured, since }: Failing, alertStartedAt: Timestamp, { latest }: Onset): boolean =>
  measured === undefined ? secondsBetween(alertStartedAt, since) > CLOCK_TOLERANCE_SECONDS : measured.earliest > latest;

/** Time in seconds within which failures that one cause explains begin; a dependency that nobody declared fails first. */
const BEFORE_SECONDS = 300;
const AFTER_SECONDS = 120;

/** Returns whether a measured failure began near the onset. An alert alone was compared when the evidence was read. */
function failedTogether({ measured }: Failing, { earliest, latest }: Onset): boolean {
  if (measured === undefined) return true;
  return (
    secondsBetween(measured.latest, earliest) <= BEFORE_SECONDS &&
    secondsBetween(latest, measured.earliest) <= AFTER_SECONDS
  );
}

/** Returns whether the service's own newest change came shortly before it started to fail. */
function explainsItself({ changed_at, since }: Failing): boolean {
  if (changed_at === null) return false;
  const seconds = secondsBetween(changed_at, since);
  return seconds >= -CLOCK_TOLERANCE_SECONDS && seconds <= LOOK_BACK_SECONDS;
}

/**
 * Returns whether anything connects a change to the failing service: a declared relation, or that the changed service fails at the
 * same time, since then. A caller that failed later fails because the service does, and one that failed before its change for another reason.
 */
export function isConnected(
  { change, relation }: Candidate,
  { changed, dependents }: Pick<Neighbours, 'changed' | 'dependents'>,
): boolean {
  const isOwn = ({ service }: Failing): boolean => service === change.service;
  if (relation === 'undeclared') return changed.some((other) => isOwn(other) && !failedBefore(other, change));
  const own = relation === 'caller' ? dependents.find(isOwn) : undefined;
  return own === undefined || !(own.later || failedBefore(own, change));
}

/** Returns whether a service failed before a change of it, for another reason. */
const failedBefore = ({ since }: Failing, { started_at }: Candidate['change']): boolean =>
  secondsBetween(since, started_at) > CLOCK_TOLERANCE_SECONDS;

function compared(since: Timestamp, onset: Timestamp): string {
  const seconds = Math.round(secondsBetween(since, onset));
  if (seconds === 0) return 'the moment the problem began';
  return seconds > 0
    ? `${formatDuration(seconds)} before the problem began`
    : `${formatDuration(-seconds)} after the problem began`;
}

/**
 * Weighs how closely the change is related and which other services fail.
 * @param proved only its version fails, which unrelated services that fail do not explain
 * @param isAlone health is measured, and the failing service has no change of its own that can be the cause
 */
export function neighbourFactors(
  candidate: Candidate,
  neighbours: Neighbours,
  { proved, isAlone }: { proved: boolean; isAlone: boolean },
): Factor[] {
  const { relation } = candidate;
  if (relation === 'same')
    return applying([dependenciesFail(neighbours), proved ? null : othersFail(neighbours), dependentsFail(neighbours)]);
  return applying([
    relationFactor(candidate, isAlone),
    relation === 'shared' ? commonCause(candidate, neighbours) : changedServiceFails(candidate, neighbours),
    // What fails first, and is known to be a dependency, can be the cause of both failures.
    relation === 'undeclared' ? dependenciesFail(neighbours) : null,
    relation === 'shared' ? null : othersFail(neighbours),
  ]);
}

/** Weighs failing dependencies, which may have caused the failure instead of the service itself. */
function dependenciesFail({ dependencies }: Neighbours): Factor | null {
  const [first] = dependencies;
  if (first === undefined) return null;
  const its = namesOf(dependencies).length > 1 ? 'its dependencies' : 'its dependency';
  const text = `${its} ${whoFail(dependencies)}, too, since ${first.when}`;
  return weightedFactor(first.first ? 'dependency_failed_first' : 'dependency_fails', text);
}

function othersFail({ unexplained }: Neighbours): Factor | null {
  if (unexplained.length === 0) return null;
  const others = namesOf(unexplained).length;
  const own = others === 1 ? 'its own' : 'their own';
  const text = `${whoFail(unexplained)} at the same time, without a change of ${own} that explains it`;
  if (others === 1) return weightedFactor('another_fails', text);
  return others === 2
    ? gradedFactor('several_fail', text, { two_others_fail: 1 })
    : weightedFactor('several_fail', text);
}

const dependentsFail = ({ dependents }: Neighbours): Factor | null =>
  dependents.length === 0
    ? null
    : unweightedFactor('dependents_fail', `${whoFail(dependents)}, too, as expected of services that depend on it`);

/** Weighs how a change of another service is related. Null: it is a change of the failing service itself. */
function relationFactor({ change: { service }, relation, distance }: Candidate, isAlone: boolean): Factor | null {
  const its = `it is a change of ${service},`;
  const steps = Math.max(0, distance - 1);
  switch (relation) {
    case 'same':
      return null;
    case 'dependency':
      return gradedFactor(
        'dependency',
        `${its} ${steps > 0 ? `an indirect dependency (${distance} steps)` : 'a dependency'} of the service`,
        { dependency: 1, ...(steps > 0 && { dependency_step: steps }) },
      );
    case 'shared':
      return weightedFactor('shared', `${its} which many services depend on`);
    // It can send bad requests, or more of them.
    case 'caller':
      return weightedFactor('caller', `${its} which calls the service`);
    case 'undeclared':
      return gradedFactor('undeclared', `${its} for which the catalogue declares no relation to the service`, {
        undeclared: 1,
        ...(isAlone && { undeclared_alone: 1 }),
      });
  }
}

/** Says that a change of a dependency that fails is weighed by what is known of that dependency. */
export const ownServiceFactor = ({ change: { service }, relation }: Candidate): Factor =>
  unweightedFactor(
    relation === 'shared' ? 'shared' : 'dependency',
    `it is a change of ${service}, which the service depends on, and is weighed by the errors of ${service} itself`,
  );

/**
 * Weighs whether the changed service fails itself, and when it began: before the service, as a dependency does. Two services that each fail
 * after a change of their own are no relation. What failed before the change fails for another reason, and a caller that may have failed at
 * the same time can be a consequence.
 */
function changedServiceFails(
  { change, relation }: Candidate,
  { dependencies, dependents, changed, unreadable, unmeasured }: Neighbours,
): Factor {
  const { service } = change;
  const [isCaller, isUndeclared] = [relation === 'caller', relation === 'undeclared'];
  const failing = isCaller ? dependents : isUndeclared ? changed : dependencies;
  const own = failing.find((other) => other.service === service);
  if (own === undefined && unmeasured.includes(service))
    return unweightedFactor('changed_service_unmeasured', `${service} itself has no sample since the problem began`);
  if (own === undefined) {
    const text = unreadable ? `the state of ${service} itself could not be read` : `${service} itself is not failing`;
    return isCaller
      ? unweightedFactor('changed_caller_is_well', text)
      : weightedFactor('changed_service_is_well', text);
  }
  const fails = isUndeclared ? `${service} is failing as well` : `${service} itself is failing`;
  if (failedBefore(own, change))
    return unweightedFactor('fails_at_another_time', `${fails}, since ${own.when}: before this change`);
  if (own.first)
    return weightedFactor(isCaller ? 'caller_fails_too' : 'dependency_fails_too', `${fails}, since ${own.when}`);
  if (isCaller)
    return unweightedFactor(
      'fails_at_another_time',
      `${fails}, since ${own.when}, as expected of a service that depends on it`,
    );
  const text = `${fails}, but only since ${own.when}`;
  return isUndeclared
    ? unweightedFactor('fails_at_another_time', text)
    : weightedFactor('dependency_fails_later', text);
}

/**
 * Weighs a change of a shared service, which explains that several services fail, most of all if the shared service
 * fails itself.
 */
function commonCause(candidate: Candidate, neighbours: Neighbours): Factor {
  const { dependencies, unexplained } = neighbours;
  if (dependencies.some(({ service }) => service === candidate.change.service))
    return changedServiceFails(candidate, neighbours);
  const others = [...unexplained, ...dependencies.filter((other) => !explainsItself(other))];
  if (others.length === 0) return weightedFactor('changed_service_is_well', sharersIn(neighbours));
  return weightedFactor('common_cause', `${whoFail(others)} at the same time, which a shared cause explains`);
}

/** Describes the state of the services that share the changed one, if none of them is known to fail. */
function sharersIn({ unreadable, ignored }: Neighbours): string {
  if (unreadable) return 'the state of other services that share it could not be read';
  return ignored
    ? 'other services that share it were not checked, as the configuration says'
    : 'no other service that shares it is failing';
}

export const namesOf = (failing: readonly Failing[]): string[] =>
  [...new Set(failing.map(({ service }) => service))].toSorted();

const whoFail = (failing: readonly Failing[]): string => {
  const names = namesOf(failing);
  return `${list(names)} ${names.length > 1 ? 'are failing' : 'is failing'}`;
};

const bySince = (a: Failing, b: Failing): number =>
  a.since === b.since ? (a.service < b.service ? -1 : Number(a.service > b.service)) : a.since < b.since ? -1 : 1;
