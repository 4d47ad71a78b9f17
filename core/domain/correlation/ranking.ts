import type { Change } from '../../../schemas/changes/change.ts';
import type { Suspect } from '../../../schemas/incidents/incident.ts';
import type { Reason, ReasonCode } from '../../../schemas/incidents/reason.ts';
import { type Onset } from './onset.ts';
import { byStart } from '../changes/versions.ts';
import { approvalReasonsOf, type Proof, proofOf, sumOf, type Weighed } from './approval-reasons.ts';
import { type Timing } from './candidates.ts';
import type { Relation } from './evidence.ts';
import { type Factor } from './factor.ts';
import { namesOf, type Neighbours } from './neighbours.ts';
import { INSTANCE_AGAINST_VERSION, MIN_CONFIDENCE_TO_ASK } from './weights.ts';
import { list } from './words.ts';

export type RankedSuspect = Suspect & {
  change: Change;
  relation: Relation;
  timing: Timing;
  /** All evaluated factors, in order of evaluation. */
  factors: readonly Factor[];
  /** What proves the suspect beyond its timing. Null: nothing does. */
  proof: Proof | null;
  /** Why a person decides about it, however probable it is. Empty: the policy decides. */
  approvalReasons: readonly Reason[];
};

export type Correlation = {
  onset: Onset;
  /** Most probable first. The confidences sum to at most 1; the remainder is the probability of "none of them". */
  suspects: RankedSuspect[];
  /**
   * `change`: the first suspect is more probable than not. `unclear`: one of the suspects is the probable cause, but none is more
   * probable than not. `no_change`: probably no suspect is the cause.
   */
  verdict: 'change' | 'no_change' | 'unclear';
  /** Evidence against every change: for example, several services fail at once, or the dependency failed first. */
  doubts: Reason[];
  /**
   * The incident got worse, and the suspects, with `onset`, are those of this second rise or these later alerts: nothing explains
   * how it began. Absent: they are those of the problem itself.
   */
  risen_again?: true;
};

/**
 * Distributes the probability among the candidates, "none of them", which has odds of 1, and single instances that can explain the
 * errors of a candidate. More plausible candidates mean less confidence in each.
 */
export function rankSuspects(weighed: readonly Weighed[], meanwhileOf: (one: Weighed) => Change[]): RankedSuspect[] {
  const odds = weighed.map((one) => Math.exp(sumOf(one)));
  const all = weighed.reduce((sum, one, index) => sum + (odds[index] ?? 0) * (1 + oddsOfInstance(one)), 1);
  return weighed
    .map((one, index) => {
      const { change, relation, timing } = one.candidate;
      return {
        change_id: change.id,
        version: change.version,
        confidence: twoDigits((odds[index] ?? 0) / all),
        reasons: reasonsOf(one.factors),
        change,
        relation,
        timing,
        factors: one.factors,
        proof: proofOf(one.factors),
        approvalReasons: approvalReasonsOf(
          one,
          weighed.filter((other) => other !== one),
          meanwhileOf(one),
        ),
      };
    })
    .toSorted((a, b) => b.confidence - a.confidence || byStart(b.change, a.change));
}

/**
 * Returns the odds of an instance against its version, if it explains the errors of the version: what speaks for the version speaks
 * for a fault of that instance as well.
 */
const oddsOfInstance = ({ factors }: Weighed): number =>
  factors.some(({ name }) => name === 'one_instance') ? INSTANCE_AGAINST_VERSION : 0;

/** Begins a reason that speaks against a suspect. */
export const AGAINST = 'against it: ';

/** Returns the first reason, and the first one against the suspect: a list has no room for all. */
export const mainReasons = (reasons: readonly string[]): string[] => [
  ...new Set([...reasons.slice(0, 1), ...reasons.filter((text) => text.startsWith(AGAINST)).slice(0, 1)]),
];

/** Returns what speaks for the suspect, then what speaks against it, each by weight. */
function reasonsOf(factors: readonly Factor[]): string[] {
  // Missing samples say already that nothing is measured.
  const isMissing = factors.some(({ name }) => name === 'missing_samples');
  const told = factors.filter(
    ({ name, text }) => text !== '' && !(isMissing && (name === 'unmeasured' || name === 'too_few_samples')),
  );
  const given = told.toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  return [
    ...given.filter((one) => !speaksAgainst(one)).map(({ text }) => text),
    ...given
      .filter(speaksAgainst)
      .map((factor) => `${AGAINST}${factor.text}${isTime(factor) ? '; most bad changes show sooner' : ''}`),
  ];
}

/** Returns whether the factor is the distance in time between the change and the problem. */
const isTime = ({ name }: Factor): boolean => name === 'finished_before' || name === 'rolling_out';

/**
 * The time of a change alone speaks neither for it nor against it if it is a few minutes before the problem. After it, it speaks
 * against it.
 */
const speaksAgainst = (factor: Factor): boolean =>
  factor.name === 'clock_skew' || factor.weight < (isTime(factor) ? NEUTRAL_TIME : 0);
const NEUTRAL_TIME = -1;

/** Rounds down to two digits, so that no confidence is overstated and the sum stays within 1. */
const twoDigits = (value: number): number => Math.floor(value * 100 + 1e-9) / 100;

export function verdictOf(suspects: readonly RankedSuspect[]): Correlation['verdict'] {
  const first = suspects[0]?.confidence ?? 0;
  if (first >= MIN_CONFIDENCE_TO_ASK) return 'change';
  const all = suspects.reduce((sum, { confidence }) => sum + confidence, 0);
  return all >= MIN_CONFIDENCE_TO_ASK ? 'unclear' : 'no_change';
}

export function doubtsOf(
  suspects: readonly RankedSuspect[],
  commonFactors: readonly Factor<ReasonCode>[],
  { unexplained, dependencies }: Neighbours,
  { someCleared, newest }: { someCleared: boolean; newest: string },
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
      text: `no ${someCleared ? 'other ' : ''}change of the service, its dependencies, or shared services was rolling out or had finished shortly before the problem began${newest}`,
    });
  return doubts;
}

/** Codes of factors that describe how and where the errors occur, rather than one change. */
export const ERROR_CODES: readonly ReasonCode[] = [
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
