import type { Change } from '../../../schemas/changes/change.ts';
import type { ReasonCode } from '../../../schemas/incidents/reason.ts';
import { clearingOf, activeClearings } from '../changes/cleared-suspects.ts';
import { type Onset, onsetOf } from './onset.ts';
import { flagKeyOf, turnedFlagOff } from '../changes/flags.ts';
import { putsVersionLive, sameVersion } from '../changes/versions.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { changedMeanwhile, proofOf, type Weighed } from './approval-reasons.ts';
import { versionFactors } from './by-version.ts';
import { asCallersSee, comparedFor, type OfCallers } from './callers.ts';
import { canaryFactor, weighSteps } from './canary.ts';
import { hasBegunBefore, isVersionBadNow, notYetServing, othersServedUntil, shareSince } from './version-traffic.ts';
import { type Candidate, candidatesOf, lateRecordFactor, newestNotWeighed, timingFactor } from './candidates.ts';
import type { Evidence, Relation } from './evidence.ts';
import { onePerFlag } from './flips.ts';
import {
  applying,
  type Factor,
  type Features,
  gradedFactor,
  unweightedFactor,
  weightedFactor,
  withoutEffect,
} from './factor.ts';
import { hiddenGrowth } from './growth.ts';
import {
  type Course,
  courseOf,
  endedAt,
  endedTogether,
  falling,
  healthFactors,
  healthyNow,
  isRisenWithinLimit,
  MIN_BEFORE,
  MIN_SINCE,
  recurring,
  vanishedFactor,
} from './health.ts';
import {
  isConnected,
  namesOf,
  type Neighbours,
  neighbourFactors,
  neighboursOf,
  ownServiceFactor,
} from './neighbours.ts';
import { reportsAbsence } from './query.ts';
import { seriesOf } from './series.ts';
import { successionFactors } from './succession.ts';
import { isRiseOfRetries, trafficFactor } from './traffic.ts';
import { risenAgain } from './worsening.ts';
import { withZeros } from './zeros.ts';
import { aChange, list } from './words.ts';
import { type Correlation, doubtsOf, rankSuspects, verdictOf } from './ranking.ts';

export type { Proof } from './approval-reasons.ts';
export { CLOCK_TOLERANCE_SECONDS, LOOK_BACK_SECONDS } from './candidates.ts';
export { MIN_CONFIDENCE_TO_ACT, MIN_CONFIDENCE_TO_ASK } from './weights.ts';

/**
 * Determines which change caused the problem, with confidence and reasons. Each candidate gets the sum of its factors'
 * weights as log-odds. The candidates and "none of them", which has odds of 1, share a total probability of 1. So a
 * single plausible change is probable, and two plausible changes lower each other's confidence. Proof and reasons to ask
 * a person are determined apart from the confidence.
 *
 * @param undoneFor incident whose undone changes are no suspects. Absent: they are
 */
export function correlate(evidence: Evidence, undoneFor?: string): Correlation {
  const found = correlateOnce(evidence, undoneFor);
  const again = found.verdict === 'no_change' ? risenAgain(evidence, found.onset) : null;
  const second = again && correlateOnce(again, undoneFor);
  const hasRisen = second !== null && second.verdict !== 'no_change';
  return hasRisen || evidence.earlier_goes_on?.requests === true
    ? { ...(hasRisen ? second : found), risen_again: true }
    : found;
}

function correlateOnce(evidence: Evidence, undoneFor: string | undefined): Correlation {
  const { onset, neighbours, commonFactors, weighed } = weigh(evidence, undoneFor);
  const suspects = rankSuspects(weighed, ({ candidate }) => changedMeanwhile(evidence, candidate, onset));
  const newest = newestNotWeighed(evidence, onset);
  return {
    onset,
    suspects,
    verdict: verdictOf(suspects),
    doubts: doubtsOf(suspects, commonFactors, neighbours, {
      someCleared: activeClearings(evidence.cleared).length > 0,
      newest: newest === null ? '' : `; the newest one, ${newest}`,
    }),
  };
}

/**
 * Returns the feature vector of each candidate, from which weights can be fitted: the log-odds of a candidate are the
 * sum of its features times `WEIGHTS`, and those of "none of them" are 0.
 */
export const featuresOf = (evidence: Evidence): { change_id: string; features: Features }[] =>
  weigh(evidence).weighed.map(({ candidate: { change }, factors }) => {
    const features: Record<string, number> = {};
    for (const [name, value] of factors.flatMap((one) => Object.entries(one.features)))
      features[name] = (features[name] ?? 0) + value;
    return { change_id: change.id, features };
  });

type WeighedAll = {
  onset: Onset;
  neighbours: Neighbours;
  commonFactors: Factor<ReasonCode>[];
  weighed: Weighed[];
};

/**
 * Weighs the candidates. A change of a dependency that fails is weighed by what is known of that dependency, as in its own
 * incident, so that it has the same log-odds in all incidents of one outage.
 */
function weigh({ related = [], ...evidence }: Evidence, undoneFor?: string): WeighedAll {
  const found = weighByOwn(evidence, undoneFor);
  const others = new Map(related.map((other) => [other.service, other]));
  const ownOf = new Map([...others].map(([service, other]) => [service, weighByOwn(other, undoneFor).weighed]));
  return {
    ...found,
    weighed: onePerFlag(
      found.weighed.flatMap((one): Weighed[] => {
        const { candidate } = one;
        const { service, id, version } = candidate.change;
        const knows = others.get(service)?.changes.some(({ change }) => change.id === id) === true;
        // The alert of this service distinguishes the versions of the other one.
        const isNamed = evidence.alert_versions.some((name) => sameVersion(name, version));
        if (!knows || isNamed || !BY_THEIR_SERVICE.has(candidate.relation)) return [one];
        const own = ownOf.get(service)?.find((other) => other.candidate.change.id === id);
        return own === undefined
          ? []
          : [
              {
                candidate: { ...candidate, timing: own.candidate.timing },
                course: own.course,
                factors: [ownServiceFactor(candidate), ...own.factors],
              },
            ];
      }),
    ),
  };
}

/**
 * Relations whose changes are weighed by their own service. A bad caller makes the services fail that it calls, and then
 * itself: its own evidence shows that its dependency failed first.
 */
const BY_THEIR_SERVICE: ReadonlySet<Relation> = new Set<Relation>(['dependency', 'shared']);

function weighByOwn(given: Omit<Evidence, 'related'>, undoneFor: string | undefined): WeighedAll {
  const own = withZeros(given);
  const evidence = withErrorsOfCallers(own);
  const onset = onsetOf(evidence);
  const neighbours = neighboursOf(evidence, onset);
  const commonFactors = applying<ReasonCode>([
    healthyNow(evidence, onset),
    falling(evidence, onset),
    recurring(evidence, onset),
    // Callers retry, so their requests are no evidence against a version.
    trafficFactor(own, onset),
    uselessRollback(evidence),
  ]);
  // A change that a person has cleared, or that the incident has undone, is neither a suspect nor a rival, but it still counts
  // as the successor of the version that it replaced.
  const candidates = candidatesOf(evidence, onset).filter(
    (candidate) =>
      isConnected(candidate, neighbours) &&
      clearingOf(evidence.cleared, candidate.change) === undefined &&
      (undoneFor === undefined || candidate.change.rolled_back_by !== undoneFor),
  );
  // An undeclared relation is more probable where nothing else explains the failure.
  const isAlone = evidence.health !== null && candidates.every(({ relation }) => relation !== 'same');
  const weighed = candidates.map((candidate): Weighed => {
    const aborted = abortedFactor(evidence, candidate);
    if (aborted !== null) return { candidate, course: null, factors: [weightedFactor('prior', ''), aborted] };
    const course = courseOf(evidence, candidate, onset);
    const vanished = vanishedFactor(evidence, candidate);
    const found = factorsOf(evidence, candidate, { neighbours, onset, course, isAlone });
    const proof = proofOf(found);
    const measured = comparedFor(proof, evidence);
    const common = isRisenWithinLimit(course)
      ? commonFactors.filter(({ name }) => !SAYS_WELL.has(name))
      : commonFactors;
    const factors = applying([
      found,
      vanished,
      common.map((one) =>
        // A caller's change can be what sends more requests.
        (one.name === 'traffic_rise' && candidate.relation === 'caller') ||
        // Clients retry the failed requests of a bad version.
        (one.name === 'traffic_rise' && proof !== null && isRiseOfRetries(own, onset)) ||
        // Errors of all also fall with the share of a version that keeps failing.
        (one.name === 'falling' && proof !== null && !isVersionFalling(measured, candidate.change, onset))
          ? withoutEffect(one)
          : one,
      ),
      missingSamples(evidence, course, vanished !== null),
    ]);
    const isOwnMeasured = isBadThoughAllIsWell(measured, candidate) && factors.some(isOfOnlyOne);
    const unmeasured = notMeasured(evidence, course, isOwnMeasured);
    return { candidate, course, factors: applying([isOwnMeasured ? spared(factors) : factors, unmeasured]) };
  });
  const said = evidence.isOfCallers === true ? ofCallers : (factors: readonly Factor[]) => factors;
  return {
    onset,
    neighbours,
    commonFactors,
    weighed: withFlags(weighed, evidence, onset).map((one) => ({ ...one, factors: said(one.factors) })),
  };
}

/** Says whose measurements these are. */
const ofCallers = (factors: readonly Factor[]): Factor[] =>
  factors.map((one) => ({ ...one, text: one.text.replace('the health query', 'the error ratio of callers') }));

/** Returns what callers measure if they see the problem, and the service's own health does not: it crashes, or is not reached. */
export function withErrorsOfCallers(evidence: Evidence): Evidence & OfCallers {
  const seen = onsetOf(evidence).from === 'health' ? null : asCallersSee(evidence);
  return seen !== null && onsetOf(seen).from === 'health' ? seen : evidence;
}

/**
 * Weighs for a flag that was changed around a rollout what proves the version: code behind the flag can exist in that version
 * only. Variants that are measured decide instead.
 */
function withFlags(weighed: readonly Weighed[], evidence: Evidence, onset: Onset): Weighed[] {
  const proved = weighed.filter(({ factors }) => proofOf(factors) !== null);
  const measured = new Set(evidence.by_flag?.map(({ flag }) => flag));
  return weighed.map((one) => {
    const { change } = one.candidate;
    const isFlag = change.kind === 'flag' && !turnedFlagOff(change) && !measured.has(flagKeyOf(change));
    const of = isFlag
      ? proved.find(({ candidate }) => changedMeanwhile(evidence, candidate, onset).some(({ id }) => id === change.id))
      : undefined;
    if (of === undefined) return one;
    const text = `only ${of.candidate.change.version} fails, and the flag can concern the code of that version only`;
    const factor = gradedFactor('flag_of_version', text, { only_its_version_bad: 1 });
    return { ...one, factors: [...one.factors, factor] };
  });
}

/**
 * Weighs the judge's proof against the version of an aborted canary. What is measured since says nothing about it: the
 * version has had no traffic.
 */
function abortedFactor({ aborted_canary: aborted }: Evidence, { change }: Candidate): Factor | null {
  return aborted === undefined || aborted.change_id !== change.id
    ? null
    : weightedFactor('canary_aborted', `Firebreak aborted the canary of ${aborted.version}: ${aborted.reason}`);
}

/**
 * Weighs what the watch of the change found: evidence for its version, and no proof.
 * @param isProved the versions side by side are weighed already
 */
function watchFactor({ degraded_version: found }: Evidence, { change }: Candidate, isProved: boolean): Factor | null {
  if (found === undefined || found.change_id !== change.id) return null;
  const isBeside = found.comparison === 'beside';
  const other = isBeside ? 'the version that served beside it' : 'what had served before it';
  const text = `the watch of its deploy found ${found.version} worse than ${other}: ${found.reason}`;
  const factor = weightedFactor(isBeside ? 'watch_degraded_beside' : 'watch_degraded', text);
  return isBeside && isProved ? withoutEffect(factor) : factor;
}

/** Returns whether the errors of a version itself fall. */
function isVersionFalling(evidence: Evidence, change: Change, onset: Onset): boolean {
  const { health, at } = evidence;
  const own = seriesOf(evidence, change);
  if (own === undefined || health === null) return true;
  return falling({ health: { ...health, curve: own.curve }, at, traffic: own.traffic }, onset) !== null;
}

/** Factors about the health of the whole service, which a version with a small share of the traffic does not show in. */
const OF_ALL: ReadonlySet<string> = new Set(['healthy_now', 'healthy_just_now', 'no_step', 'small_step']);

/** Says that the health of the whole service is within its limit now. */
const SAYS_WELL: ReadonlySet<string> = new Set(['healthy_now', 'healthy_just_now']);

const isBadThoughAllIsWell = (evidence: Evidence, { change, relation }: Candidate): boolean =>
  relation === 'same' && putsVersionLive(change) && isVersionBadNow(evidence, change);

/** Takes the effect from what the health of the whole service says, if a version alone fails. */
const spared = (factors: readonly Factor[]): readonly Factor[] =>
  factors.map((one) => (OF_ALL.has(one.name) ? withoutEffect(one) : one));

const isOfOnlyOne = ({ name, weight }: Factor): boolean => weight > 0 && ONLY_ONE.has(name);

const ONLY_ONE: ReadonlySet<string> = new Set([
  'only_its_version_bad',
  'canary_bad',
  'callers_see_only_it',
  'only_it_seems_bad',
]);

/**
 * Weighs missing samples, unless errors have risen: monitoring fails more often than a service vanishes. Either the alert
 * reports them, or the samples of the health query have ended.
 * @param hasVanished the samples ended with the change
 */
function missingSamples(evidence: Evidence, course: Course | null, hasVanished: boolean): Factor | null {
  const { health, at } = evidence;
  if (course !== null && course.level > course.max) return null;
  if (isAboutAbsence(evidence))
    return weightedFactor('missing_samples', 'the alert reports missing samples, and no errors are measured');
  if (health === null || hasVanished || endedAt(health.curve, at) === null) return null;
  const others = endedTogether(evidence);
  const what =
    others.length === 0
      ? 'the health query has no samples any more'
      : `the samples of ${list(others)} ended at the same time, so monitoring has a gap`;
  return weightedFactor('missing_samples', `${what}, and no errors are measured`);
}

/** Returns whether the alert is about missing samples. */
const isAboutAbsence = ({ onset: { rule } }: Evidence): boolean =>
  rule?.expression != null && reportsAbsence(rule.expression);

/**
 * Returns a factor without effect if errors should be measured but are not, or if the alert is about missing samples.
 * @param isOwnMeasured the version's own samples show that it alone is bad
 */
function notMeasured(evidence: Evidence, course: Course | null, isOwnMeasured: boolean): Factor | null {
  const { health, health_unreadable: why } = evidence;
  if (why !== undefined) return unweightedFactor('unmeasured', `the health query could not be read: ${why}`);
  if (isAboutAbsence(evidence))
    return unweightedFactor(
      'unmeasured',
      'the alert reports missing samples or failing scrapes, which may be only a failure of monitoring',
    );
  return health !== null && course !== null && course.since.length < MIN_SINCE && !isOwnMeasured
    ? unweightedFactor(
        'too_few_samples',
        `the health query has too few samples since the problem began (${course.since.length})`,
      )
    : null;
}

/**
 * Weighs rollbacks of other failing services that have not helped: their cause is none of their changes. That says nothing
 * about a service that they depend on.
 */
function uselessRollback({ failing }: Evidence): Factor<'rollback_did_not_help'> | null {
  const tried = failing.filter((other) => other.rolled_back === true && other.relation !== 'dependent');
  return tried.length === 0
    ? null
    : weightedFactor(
        'rollback_did_not_help',
        `${list(namesOf(tried))} failed as well, was rolled back, and still fails`,
      );
}

type Situation = { neighbours: Neighbours; onset: Onset; course: Course | null; isAlone: boolean };

function factorsOf(
  evidence: Evidence,
  candidate: Candidate,
  { neighbours, onset, course, isAlone }: Situation,
): Factor[] {
  const { kind, status } = candidate.change;
  const versions = versionFactors(evidence, candidate, onset, course);
  const isProved = proofOf(versions) !== null;
  const measured = isMeasured(evidence, course, candidate);
  const steps = weighSteps(evidence, candidate, course, onset);
  const late = isProved
    ? null
    : lateRecordFactor(candidate, evidence, onset, {
        isMeasured: measured,
        isSeen: hasBegunBefore(evidence, candidate, onset),
      });
  const canary = canaryFactor(course, candidate, evidence, {
    onset,
    measured: shareSince(evidence, candidate.change, millisOf(onset.latest)),
  });
  return applying([
    weightedFactor('prior', ''),
    timingFactor(candidate, onset, {
      isMeasured: measured,
      hidden: hiddenGrowth(evidence, onset),
      tookOver: othersServedUntil(evidence, candidate),
      isStepped: steps.fits,
    }),
    // The start of the problem can be that of noise before.
    isProved ? null : notYetServing(evidence, candidate, onset),
    late,
    kind === 'rollback'
      ? weightedFactor('kind_rollback', `${aChange(kind)} is the cause less often than a deploy`)
      : null,
    status === 'failed' ? weightedFactor('failed', 'it failed, so it may not have taken effect') : null,
    watchFactor(evidence, candidate, isProved),
    neighbourFactors(candidate, neighbours, { proved: isProved, isAlone }),
    course && healthFactors(course, candidate, onset),
    // The share is that of the start. If other versions are known to be well, it has been raised.
    isProved && canary?.name === 'beyond_canary' ? null : canary,
    // A proof compares the versions themselves.
    isProved ? null : steps.factor,
    successionFactors(evidence, candidate, onset),
    versions,
  ]);
}

/**
 * Returns whether health was measured before the change, so that the distance in time is known: not if the samples ended
 * with it.
 */
const isMeasured = (evidence: Evidence, course: Course | null, candidate: Candidate): boolean =>
  course !== null && course.before.length >= MIN_BEFORE && vanishedFactor(evidence, candidate) === null;
