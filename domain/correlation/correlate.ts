import type { Change } from '../../schemas/change.ts';
import type { Reason, Suspect } from '../../schemas/incident.ts';
import { clearingOf, inForce } from '../cleared.ts';
import { type Onset, onsetOf } from '../onset.ts';
import type { Timestamp } from '../../schemas/time.ts';
import { byStart } from '../versions.ts';
import { isProven, type Weighed, whyNotAlone } from './alone.ts';
import { versionFactors } from './by-version.ts';
import { type Candidate, candidatesOf, type Timing, timingFactor } from './candidates.ts';
import type { Evidence, Relation } from './evidence.ts';
import { type Factor, factor } from './factor.ts';
import { canaryFactors, type Course, courseOf, healthFactors, healthyNow, roseSlowlySince } from './health.ts';
import { namesOf, type Neighbours, neighbourFactors, neighboursOf } from './neighbours.ts';
import { successionFactors } from './succession.ts';
import { trafficFactor } from './traffic.ts';
import { ASK_AT_MOST, CONTRADICTS, KIND_WEIGHTS, MIN_CONFIDENCE, TELL_AT_MOST, WEIGHTS } from './weights.ts';
import { aChange, list } from './words.ts';

export type { Timing } from './candidates.ts';
export type { Factor } from './factor.ts';
export { CLOCK_TOLERANCE_SECONDS, LOOK_BACK_SECONDS } from './candidates.ts';
export { CONFIDENT, MIN_CONFIDENCE } from './weights.ts';

export type RankedSuspect = Suspect & {
  change: Change;
  relation: Relation;
  timing: Timing;
  /** All that was weighed, in the order in which it was looked at. */
  factors: readonly Factor[];
  /** More than its time speaks for it: monitoring tells its version from others. */
  proven: boolean;
};

export type Correlation = {
  onset: Onset;
  /** Most probable first. Their confidences sum to at most 1; what is missing from 1 is "none of them". */
  suspects: RankedSuspect[];
  /**
   * `change`: the first suspect is more probable than not. `no_change`: that none of them is the cause is. `unclear`:
   * it probably was a change, but not which one.
   */
  verdict: 'change' | 'no_change' | 'unclear';
  /** What speaks against every change: several fail at once, the dependency failed first, and so on. */
  doubts: Reason[];
};

/**
 * Which change caused the problem, how sure that is, and why. Each change that can be the cause by its times gets the
 * sum of its factors' weights as log-odds; together with "none of them", which has odds of 1, they share a probability
 * of 1. So one plausible change alone is probable, and two keep each other in doubt.
 */
export function correlate(evidence: Evidence): Correlation {
  const onset = onsetOf(evidence.onset);
  const neighbours = neighboursOf(evidence, onset.at);
  const everywhere = [healthyNow(evidence, onset.at), trafficFactor(evidence, onset.at), unmeasured(evidence)].filter(
    (one) => one !== null,
  );
  // What they have cleared is no suspect and no rival; what it has replaced, it has replaced all the same.
  const candidates = candidatesOf(evidence, onset.at).filter(
    ({ change }) => clearingOf(evidence.cleared, change) === undefined,
  );
  const scored = candidates.flatMap((candidate) => {
    const course = courseOf(evidence, candidate, onset.at);
    const factors = factorsOf(evidence, candidate, neighbours, onset, course);
    return factors === null ? [] : [{ candidate, course, factors: [...factors, ...everywhere] }];
  });
  const suspects = compete(scored, onset.at);
  return {
    onset,
    suspects,
    verdict: verdictOf(suspects),
    doubts: doubtsOf(suspects, everywhere, neighbours, inForce(evidence.cleared).length > 0),
  };
}

/** It should be known how errors went, and is not. */
const unmeasured = ({ health_unreadable: why }: Evidence): Factor | null =>
  why === undefined ? null : factor('unmeasured', 0, `the health query could not be read: ${why}`);

/** @returns null where nothing connects the change with the problem */
function factorsOf(
  evidence: Evidence,
  candidate: Candidate,
  neighbours: Neighbours,
  { at }: Onset,
  course: Course | null,
): Factor[] | null {
  const leadsBack = candidate.relation === 'same' && course !== null && roseSlowlySince(course, candidate);
  if (candidate.longAgo && !leadsBack) return null;
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

/** The more is plausible, the less each of it. "None of them" competes with odds of 1. */
function compete(weighed: readonly Weighed[], onset: Timestamp): RankedSuspect[] {
  const scored = weighed.map((one): Weighed & { limit: number } => {
    const others = weighed.filter((other) => other !== one);
    const why = whyNotAlone(one, others, onset);
    const said = why === null ? [] : [factor('for_a_person', 0, why)];
    return { ...one, factors: [...one.factors, ...said], limit: why === null ? Infinity : ASK_AT_MOST };
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
 * Log-odds, limited where more would allow to act upon evidence that contradicts itself, or rests on clocks that
 * differ.
 */
function scoreOf({ candidate, factors }: Weighed): number {
  const sum = factors.reduce((total, { weight }) => total + weight, 0);
  if (candidate.longAgo) return Math.min(sum, TELL_AT_MOST);
  const contradicted = factors.some(({ weight }) => weight <= CONTRADICTS);
  return contradicted || candidate.timing === 'clock_skew' ? Math.min(sum, ASK_AT_MOST) : sum;
}

/** When it was made comes first, then what weighs most. */
function reasonsOf(factors: readonly Factor[]): string[] {
  const [first, ...others] = factors.filter(({ text }) => text !== '');
  const rest = others.toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  return [...(first === undefined ? [] : [first]), ...rest].map(({ text }) => text);
}

/** Down, so that nothing is surer than it is and all together stay within 1. */
const twoDigits = (value: number): number => Math.floor(value * 100 + 1e-9) / 100;

function verdictOf(suspects: readonly RankedSuspect[]): Correlation['verdict'] {
  if ((suspects[0]?.confidence ?? 0) >= MIN_CONFIDENCE) return 'change';
  return suspects.reduce((sum, { confidence }) => sum + confidence, 0) >= MIN_CONFIDENCE ? 'unclear' : 'no_change';
}

function doubtsOf(
  suspects: readonly RankedSuspect[],
  everywhere: readonly Factor[],
  { unexplained, dependencies }: Neighbours,
  someCleared: boolean,
): Reason[] {
  const doubts: Reason[] = [...everywhere.filter(({ weight }) => weight < 0), ...againstAll(suspects)].map(
    ({ name, text }) => ({ code: name, text }),
  );
  const common = suspects.some(({ relation }) => relation === 'shared');
  // One may be a coincidence.
  if (namesOf(unexplained).length > 1 && !common)
    doubts.push({
      code: 'several_fail',
      text: `${list(namesOf(unexplained))} failed at the same time, and no change of what they share is known`,
    });
  const changed = new Set(suspects.map(({ change }) => change.service as string));
  const first = dependencies.filter((other) => other.first && !changed.has(other.service));
  if (first.length > 0)
    doubts.push({
      code: 'dependency_failed_first',
      text: `${list(namesOf(first))}, which it depends on, failed not later than it`,
    });
  if (suspects.length === 0)
    doubts.push({
      code: 'no_change_near',
      text: `no ${someCleared ? 'other ' : ''}change of it, of what it depends on or of what is shared was rolling out or had finished shortly before`,
    });
  return doubts;
}

/** What is not about one change, but about how and where the errors show. */
const OF_THE_ERRORS: ReadonlySet<string> = new Set([
  'bad_before',
  'bad_earlier',
  'rising_before',
  'slow_rise',
  'no_step',
  'all_versions_bad',
  'no_version_bad',
  'alert_names_others',
  'alert_names_others_too',
]);

/** Such factors that all suspects have, as the first of them has them. */
const againstAll = ([first, ...others]: readonly RankedSuspect[]): Factor[] =>
  (first?.factors ?? []).filter(
    ({ name }) =>
      OF_THE_ERRORS.has(name) && others.every(({ factors }) => factors.some((other) => other.name === name)),
  );
