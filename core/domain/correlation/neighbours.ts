import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { CLOCK_TOLERANCE_SECONDS, type Candidate, LOOK_BACK_SECONDS } from './candidates.ts';
import type { Evidence, Failing } from './evidence.ts';
import { type Factor, weightedFactor, gradedFactor, unweightedFactor } from './factor.ts';
import type { Onset } from './onset.ts';
import { list, formatDuration } from './words.ts';

/** A failing service: whether it may have failed first, and when it failed, as text. */
type OrderedFailing = Failing & { first: boolean; when: string };

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
  /** Unrelated services were not evaluated (`failTogether: ignore`). */
  ignored: boolean;
};

/**
 * Groups the other failing services. For other services, only the alerts are known for certain, so the order of failure
 * is read from the alerts, within clock tolerance. A longer waiting period (`for`) of another service's alert is not
 * visible here: the order is then doubtful, and a person decides.
 */
export function neighboursOf(evidence: Evidence, onset: Onset): Neighbours {
  const { failing, failing_unreadable: unreadable = false, strangers_ignored: ignored = false, service } = evidence;
  const { alertStartedAt } = evidence.onset;
  const others = failing.filter((other) => other.service !== service).toSorted(bySince);
  const withOrder = (other: Failing): OrderedFailing => ({
    ...other,
    first: mayHaveFailedFirst(other, alertStartedAt, onset),
    when: compared(other.since, onset.at),
  });
  const unrelated = others.filter((other) => other.relation === 'unrelated' && failedTogether(other, onset));
  return {
    dependents: others.filter(({ relation }) => relation === 'dependent').map(withOrder),
    dependencies: others.filter(({ relation }) => relation === 'dependency').map(withOrder),
    unexplained: unrelated.filter((other) => !explainsItself(other)),
    changed: unrelated.filter(explainsItself).map(withOrder),
    unreadable,
    ignored,
  };
}

/**
 * Returns whether another service may have failed first. Of one with only an alert, the alerts are compared: their rules
 * wait for similar times. Of a dependency, the bounds of both starts are compared: the samples of two services are taken
 * at different seconds, so the middle of its bounds may be later although both fail at once.
 */
function mayHaveFailedFirst(
  { measured, since, relation }: Failing,
  alertStartedAt: Timestamp,
  { latest }: Onset,
): boolean {
  if (measured === undefined) return secondsBetween(alertStartedAt, since) <= CLOCK_TOLERANCE_SECONDS;
  return (relation === 'dependency' ? measured.earliest : since) <= latest;
}

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
  switch (candidate.relation) {
    case 'same':
      return [
        ...dependenciesFail(neighbours),
        ...(proved ? [] : othersFail(neighbours)),
        ...dependentsFail(neighbours),
      ];
    case 'dependency':
      return [distanceFactor(candidate), itsOwnService(candidate, neighbours), ...othersFail(neighbours)];
    case 'shared':
      return [sharedFactor(candidate), commonCause(candidate, neighbours)];
    case 'caller':
      return [callerFactor(candidate), itsCallerFails(candidate, neighbours), ...othersFail(neighbours)];
    case 'undeclared':
      return [
        undeclaredFactor(candidate, isAlone),
        itFailsToo(candidate, neighbours),
        // What fails first, and is known to be a dependency, can be the cause of both failures.
        ...dependenciesFail(neighbours),
        ...othersFail(neighbours),
      ];
  }
}

/** Weighs failing dependencies, which may have caused the failure instead of the service itself. */
function dependenciesFail({ dependencies }: Neighbours): Factor[] {
  const [first] = dependencies;
  if (first === undefined) return [];
  const its = namesOf(dependencies).length > 1 ? 'its dependencies' : 'its dependency';
  const text = `${its} ${whoFail(dependencies)}, too, since ${first.when}`;
  return [first.first ? weightedFactor('dependency_failed_first', text) : weightedFactor('dependency_fails', text)];
}

function othersFail({ unexplained }: Neighbours): Factor[] {
  if (unexplained.length === 0) return [];
  const others = namesOf(unexplained).length;
  const own = others === 1 ? 'its own' : 'their own';
  const text = `${whoFail(unexplained)} at the same time, without a change of ${own} that explains it`;
  if (others === 1) return [weightedFactor('another_fails', text)];
  return [
    others === 2 ? gradedFactor('several_fail', text, { two_others_fail: 1 }) : weightedFactor('several_fail', text),
  ];
}

const dependentsFail = ({ dependents }: Neighbours): Factor[] =>
  dependents.length === 0
    ? []
    : [unweightedFactor('dependents_fail', `${whoFail(dependents)}, too, as expected of services that depend on it`)];

function distanceFactor({ change, distance }: Candidate): Factor {
  const steps = Math.max(0, distance - 1);
  return gradedFactor(
    'dependency',
    `it is a change of ${change.service}, ${steps > 0 ? `an indirect dependency (${distance} steps)` : 'a dependency'} of the service`,
    { dependency: 1, ...(steps > 0 && { dependency_step: steps }) },
  );
}

/** Says that a change of a dependency that fails is weighed by what is known of that dependency. */
export const ownServiceFactor = ({ change: { service }, relation }: Candidate): Factor =>
  unweightedFactor(
    relation === 'shared' ? 'shared' : 'dependency',
    `it is a change of ${service}, which the service depends on, and is weighed by the errors of ${service} itself`,
  );

/** Weighs a change of a caller, which can send bad requests, or more of them. */
function callerFactor({ change }: Candidate): Factor {
  return weightedFactor('caller', `it is a change of ${change.service}, which calls the service`);
}

/** Weighs whether the changed caller fails, too, and not later: one that fails later does so because the service fails. */
function itsCallerFails({ change }: Candidate, { dependents, unreadable }: Neighbours): Factor {
  const own = dependents.find(({ service }) => service === change.service);
  if (own !== undefined)
    return own.first
      ? weightedFactor('caller_fails_too', `${own.service} itself is failing, since ${own.when}`)
      : unweightedFactor('fails_at_another_time', `${own.service} itself is failing, but only since ${own.when}`);
  return unweightedFactor(
    'changed_caller_is_well',
    unreadable ? `the state of ${change.service} itself could not be read` : `${change.service} itself is not failing`,
  );
}

const undeclaredFactor = ({ change }: Candidate, isAlone: boolean): Factor =>
  gradedFactor(
    'undeclared',
    `it is a change of ${change.service}, for which the catalogue declares no relation to the service`,
    { undeclared: 1, ...(isAlone && { undeclared_alone: 1 }) },
  );

/**
 * Weighs when the undeclared neighbour began to fail: before the service, as a dependency does. Two services that each fail after
 * a change of their own are no relation, so a later one counts nothing.
 */
function itFailsToo({ change }: Candidate, { changed }: Neighbours): Factor {
  const own = changed.find(({ service }) => service === change.service);
  if (own === undefined)
    return weightedFactor('changed_service_is_well', `${change.service} does not fail since its change`);
  if (own.first) return weightedFactor('dependency_fails_too', `${own.service} is failing as well, since ${own.when}`);
  return unweightedFactor('fails_at_another_time', `${own.service} is failing as well, but only since ${own.when}`);
}

const sharedFactor = ({ change }: Candidate): Factor =>
  weightedFactor('shared', `it is a change of ${change.service}, which many services depend on`);

/** Weighs whether the changed dependency itself is known to fail. */
function itsOwnService({ change }: Candidate, { dependencies, unreadable }: Neighbours): Factor {
  const own = dependencies.find(({ service }) => service === change.service);
  if (own === undefined) {
    const text = unreadable
      ? `the state of ${change.service} itself could not be read`
      : `${change.service} itself is not failing`;
    return weightedFactor('changed_service_is_well', text);
  }
  return own.first
    ? weightedFactor('dependency_fails_too', `${own.service} itself is failing, since ${own.when}`)
    : weightedFactor('dependency_fails_later', `${own.service} itself is failing, but only since ${own.when}`);
}

/**
 * Weighs a change of a shared service, which explains that several services fail, most of all if the shared service
 * fails itself.
 */
function commonCause(candidate: Candidate, neighbours: Neighbours): Factor {
  const { dependencies, unexplained } = neighbours;
  if (dependencies.some(({ service }) => service === candidate.change.service))
    return itsOwnService(candidate, neighbours);
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
