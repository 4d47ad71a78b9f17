import type { Change } from '../../schemas/changes/change.ts';
import type { Suspect } from '../../schemas/incidents/incident.ts';
import type { Reason, ReasonCode } from '../../schemas/incidents/reason.ts';
import { clearingOf, activeClearings } from '../changes/cleared-suspects.ts';
import { type Onset, onsetOf } from './onset.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { byStart } from '../changes/versions.ts';
import { isProven, type Weighed, whyPersonDecides } from './alone.ts';
import { versionFactors } from './by-version.ts';
import { type Candidate, candidatesOf, type Timing, timingFactor } from './candidates.ts';
import type { Evidence, Relation } from './evidence.ts';
import { type Factor, factor } from './factor.ts';
import { canaryFactors, type Course, courseOf, healthFactors, healthyNow, roseSlowlySince } from './health.ts';
import { namesOf, type Neighbours, neighbourFactors, neighboursOf } from './neighbours.ts';
import { successionFactors } from './succession.ts';
import { trafficFactor } from './traffic.ts';
import {
  ASK_MAX_LOG_ODDS,
  CONTRADICTION_WEIGHT,
  KIND_WEIGHTS,
  MIN_CONFIDENCE_TO_ASK,
  REPORT_MAX_LOG_ODDS,
  WEIGHTS,
} from './weights.ts';
import { aChange, list } from './words.ts';

export type { Timing } from './candidates.ts';
export type { Factor } from './factor.ts';
export { CLOCK_TOLERANCE_SECONDS, LOOK_BACK_SECONDS } from './candidates.ts';
export { MIN_CONFIDENCE_TO_ACT, MIN_CONFIDENCE_TO_ASK } from './weights.ts';

export type RankedSuspect = Suspect & {
  change: Change;
  relation: Relation;
  timing: Timing;
  /** All evaluated factors, in order of evaluation. */
  factors: readonly Factor[];
  /** More than timing supports the suspect: monitoring distinguishes its version from others. */
  proven: boolean;
};

export type Correlation = {
  onset: Onset;
  /** Most probable first. The confidences sum to at most 1; the remainder is the probability of "none of them". */
  suspects: RankedSuspect[];
  /**
   * `change`: the first suspect is more probable than not. `no_change`: it is more probable that no suspect is the
   * cause. `unclear`: a change is the probable cause, but no single suspect reaches the threshold.
   */
  verdict: 'change' | 'no_change' | 'unclear';
  /** Evidence against every change: for example, several services fail at once, or the dependency failed first. */
  doubts: Reason[];
};

/**
 * Determines which change caused the problem, with confidence and reasons. Each candidate gets the sum of its factors'
 * weights as log-odds. The candidates and "none of them", which has odds of 1, share a total probability of 1. So a
 * single plausible change is probable, and two plausible changes lower each other's confidence.
 */
export function correlate(evidence: Evidence): Correlation {
  const onset = onsetOf(evidence.onset);
  const neighbours = neighboursOf(evidence, onset.at);
  const commonFactors = [healthyNow(evidence, onset.at), trafficFactor(evidence, onset.at)].filter(
    (one) => one !== null,
  );
  // A change that a person has cleared is neither a suspect nor a rival, but it still counts as the successor of the
  // version that it replaced.
  const candidates = candidatesOf(evidence, onset.at).filter(
    ({ change }) => clearingOf(evidence.cleared, change) === undefined,
  );
  const scored = candidates.flatMap((candidate) => {
    const course = courseOf(evidence, candidate, onset.at);
    const factors = factorsOf(evidence, candidate, neighbours, onset, course);
    return factors === null
      ? []
      : [{ candidate, course, factors: [...factors, ...commonFactors, ...unreadableHealthFactors(evidence)] }];
  });
  const suspects = rankSuspects(scored, onset.at);
  return {
    onset,
    suspects,
    verdict: verdictOf(suspects),
    doubts: doubtsOf(suspects, commonFactors, neighbours, activeClearings(evidence.cleared).length > 0),
  };
}

/** Returns a factor without weight if the health query is configured but could not be read. */
const unreadableHealthFactors = ({ health_unreadable: why }: Evidence): Factor[] =>
  why === undefined ? [] : [factor('unmeasured', 0, `the health query could not be read: ${why}`)];

/** @returns null if nothing connects the change with the problem */
function factorsOf(
  evidence: Evidence,
  candidate: Candidate,
  neighbours: Neighbours,
  { at }: Onset,
  course: Course | null,
): Factor[] | null {
  const connectedBySlowRise = candidate.relation === 'same' && course !== null && roseSlowlySince(course, candidate);
  if (candidate.longAgo && !connectedBySlowRise) return null;
  const { kind, status } = candidate.change;
  return [
    factor('prior', WEIGHTS.prior, ''),
    timingFactor(candidate, at),
    ...(KIND_WEIGHTS[kind] === 0 ? [] : [factor(`kind_${kind}`, KIND_WEIGHTS[kind], `it is ${aChange(kind)}`)]),
    ...(status === 'failed' ? [factor('failed', WEIGHTS.failed, 'it failed, so it may not have taken effect')] : []),
    ...neighbourFactors(candidate, neighbours),
    ...(course === null ? [] : healthFactors(course, candidate, at)),
    ...canaryFactors(course, candidate),
    ...successionFactors(evidence, candidate, at),
    ...versionFactors(evidence, candidate),
  ];
}

/**
 * Distributes the probability among the candidates and "none of them", which has odds of 1. More plausible candidates
 * mean less confidence in each.
 */
function rankSuspects(weighed: readonly Weighed[], onset: Timestamp): RankedSuspect[] {
  const scored = weighed.map((one): Weighed & { limit: number } => {
    const others = weighed.filter((other) => other !== one);
    const why = whyPersonDecides(one, others, onset);
    const personFactor = why === null ? [] : [factor('for_a_person', 0, why)];
    return { ...one, factors: [...one.factors, ...personFactor], limit: why === null ? Infinity : ASK_MAX_LOG_ODDS };
  });
  const odds = scored.map((one) => Math.exp(Math.min(scoreOf(one), one.limit)));
  const all = odds.reduce((sum, each) => sum + each, 1);
  return scored
    .map(({ candidate: { change, relation, timing }, factors }, index) => ({
      change_id: change.id,
      version: change.version,
      confidence: twoDigits((odds[index] ?? 0) / all),
      reasons: reasonsOf(factors),
      change,
      relation,
      timing,
      factors,
      proven: isProven(factors),
    }))
    .toSorted((a, b) => b.confidence - a.confidence || byStart(b.change, a.change));
}

/**
 * Returns the log-odds, capped where a higher value would permit an automatic action based on contradictory evidence or
 * on clocks that differ.
 */
function scoreOf({ candidate, factors }: Weighed): number {
  const sum = factors.reduce((total, { weight }) => total + weight, 0);
  if (candidate.longAgo) return Math.min(sum, REPORT_MAX_LOG_ODDS);
  const contradicted = factors.some(({ weight }) => weight <= CONTRADICTION_WEIGHT);
  return contradicted || candidate.timing === 'clock_skew' ? Math.min(sum, ASK_MAX_LOG_ODDS) : sum;
}

/** Puts the timing first, then the other reasons by weight. */
function reasonsOf(factors: readonly Factor[]): string[] {
  const [first, ...others] = factors.filter(({ text }) => text !== '');
  const rest = others.toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  return [...(first === undefined ? [] : [first]), ...rest].map(({ text }) => text);
}

/** Rounds down to two digits, so that no confidence is overstated and the sum stays within 1. */
const twoDigits = (value: number): number => Math.floor(value * 100 + 1e-9) / 100;

function verdictOf(suspects: readonly RankedSuspect[]): Correlation['verdict'] {
  if ((suspects[0]?.confidence ?? 0) >= MIN_CONFIDENCE_TO_ASK) return 'change';
  return suspects.reduce((sum, { confidence }) => sum + confidence, 0) >= MIN_CONFIDENCE_TO_ASK
    ? 'unclear'
    : 'no_change';
}

function doubtsOf(
  suspects: readonly RankedSuspect[],
  commonFactors: readonly Factor<ReasonCode>[],
  { unexplained, dependencies }: Neighbours,
  someCleared: boolean,
): Reason[] {
  const doubts = [
    ...commonFactors.flatMap(({ name: code, weight, text }): Reason[] => (weight < 0 ? [{ code, text }] : [])),
    ...commonReasons(suspects),
  ];
  const hasSharedSuspect = suspects.some(({ relation }) => relation === 'shared');
  // A single other failure can be a coincidence.
  if (namesOf(unexplained).length > 1 && !hasSharedSuspect)
    doubts.push({
      code: 'several_fail',
      text: `${list(namesOf(unexplained))} failed at the same time, and no change of a shared service is known`,
    });
  const changed = new Set(suspects.map(({ change }) => change.service as string));
  const failedFirst = dependencies.filter((other) => other.first && !changed.has(other.service));
  if (failedFirst.length > 0)
    doubts.push({
      code: 'dependency_failed_first',
      text: `dependencies that failed first or at the same time: ${list(namesOf(failedFirst))}`,
    });
  if (suspects.length === 0)
    doubts.push({
      code: 'no_change_near',
      text: `no ${someCleared ? 'other ' : ''}change of the service, its dependencies, or shared services was rolling out or had finished shortly before`,
    });
  return doubts;
}

/** Codes of factors that describe how and where the errors occur, rather than one change. */
const ERROR_CODES: readonly ReasonCode[] = [
  'bad_before',
  'bad_earlier',
  'rising_before',
  'slow_rise',
  'no_step',
  'all_versions_bad',
  'no_version_bad',
  'alert_names_others',
  'alert_names_others_too',
];

/** Returns the factors about the errors that all suspects have in common, as the first suspect has them. */
const commonReasons = ([first, ...others]: readonly RankedSuspect[]): Reason[] =>
  (first?.factors ?? []).flatMap(({ name, text }) => {
    const code = ERROR_CODES.find((each) => each === name);
    const common = others.every(({ factors }) => factors.some((other) => other.name === name));
    return code !== undefined && common ? [{ code, text }] : [];
  });
