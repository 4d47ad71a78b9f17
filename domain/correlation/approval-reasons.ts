import type { Change } from '../../schemas/changes/change.ts';
import type { Reason } from '../../schemas/incidents/reason.ts';
import { endOf } from '../changes/versions.ts';
import type { Candidate } from './candidates.ts';
import type { Factor } from './factor.ts';
import { type Course, MIN_SINCE } from './health.ts';
import { CONTRADICTION_WEIGHT } from './weights.ts';
import { IMPROBABLE, list, probability } from './words.ts';

/** What proves a suspect: its version fails and others do not, or it is a canary, and its errors explain those of all. */
export type Proof = 'version' | 'canary';

/** Log-odds above which a change, taken by itself, is plausible: more than one to two. */
const PLAUSIBLE_LOG_ODDS = -0.6;

/** Factors that prove a version, if monitoring distinguishes it from others that serve traffic at the same time. */
const PROOFS: ReadonlyMap<string, Proof> = new Map<string, Proof>([
  ['only_its_version_bad', 'version'],
  ['its_version_worse', 'version'],
  ['canary_bad', 'canary'],
]);

/** Factors that a proof outweighs: a bad version can also fail slowly, or while others fail. */
const OUTWEIGHED: ReadonlySet<string> = new Set([
  'slow_rise',
  'another_fails',
  'dependency_fails',
  'healthy_just_now',
  'being_replaced',
]);

export type Weighed = { candidate: Candidate; factors: readonly Factor[]; course: Course | null };

export const proofOf = (factors: readonly Factor[]): Proof | null =>
  factors.flatMap(({ name, weight }) => (weight > 0 ? (PROOFS.get(name) ?? []) : []))[0] ?? null;

/**
 * Returns why a person must decide about this suspect, however probable it is. Empty: Firebreak may act on it by itself
 * if the policy permits its evidence. Where errors are measured, they must support the change and no factor may
 * contradict it.
 */
export function approvalReasonsOf(own: Weighed, others: readonly Weighed[]): Reason[] {
  const proved = proofOf(own.factors) !== null;
  return [
    ...(proved ? builtOn(own, others) : rivals(own, others)),
    ...against(own, proved),
    ...notMeasured(own, proved),
    ...(proved ? [] : weak(own)),
  ];
}

/** Returns other plausible changes. Only a probable one is said to be a possible cause. */
function rivals(own: Weighed, others: readonly Weighed[]): Reason[] {
  const { candidate } = own;
  const plausible = others.filter(
    (other) =>
      other.candidate.change.kind !== 'rollback' &&
      // One rollback undoes all records of a version.
      !isSameVersion(other.candidate.change, candidate.change) &&
      sumOf(other) > PLAUSIBLE_LOG_ODDS &&
      // A change that began after the problem is a rival only of one that did, too.
      (other.candidate.timing !== 'clock_skew' || candidate.timing === 'clock_skew') &&
      // Callers fail as a consequence, too, so their earlier changes are none.
      (other.candidate.relation !== 'caller' || isNearer(other.candidate, candidate)),
  );
  if (plausible.length === 0) return [];
  const all = [own, ...others].reduce((sum, one) => sum + Math.exp(sumOf(one)), 1);
  const named = (some: readonly Weighed[]): string =>
    list(
      some.map((one) => {
        const { kind, version, service } = one.candidate.change;
        return `${kind} ${version} of ${service} (${probability(Math.exp(sumOf(one)) / all)})`;
      }),
    );
  const likely = plausible.filter((one) => Math.exp(sumOf(one)) / all >= IMPROBABLE);
  const text =
    likely.length > 0
      ? `${named(likely)} could also be the cause`
      : `${named(plausible)} changed as well, and cannot be excluded`;
  return [{ code: 'other_cause', text }];
}

const isSameVersion = (one: Change, other: Change): boolean =>
  one.service === other.service && one.version === other.version;

const isNearer = (one: Candidate, other: Candidate): boolean =>
  one.timing === 'rolling_out' || endOf(one.change) > endOf(other.change);

/**
 * Returns the deploys right before a proved version that have not taken traffic of their own: the proof shows that the
 * version fails, but not which of them brought the fault.
 */
function builtOn({ candidate: { change } }: Weighed, others: readonly Weighed[]): Reason[] {
  const before = others.filter(
    ({ candidate, factors }) =>
      candidate.relation === 'same' &&
      candidate.change.started_at < change.started_at &&
      sumOf({ factors: factors.filter(({ name }) => name !== 'no_traffic') }) > PLAUSIBLE_LOG_ODDS &&
      factors.some(({ name }) => name === 'no_traffic'),
  );
  const names = before.map(({ candidate }) => candidate.change.version);
  return names.length === 0
    ? []
    : [
        {
          code: 'other_cause',
          text: `${change.version} includes ${list(names)}, which had no traffic of its own, so the fault may be older`,
        },
      ];
}

/** Returns the factors that contradict the rest; without proof, each one against the change where errors are measured. */
function against({ factors, course }: Weighed, proved: boolean): Reason[] {
  const measured = course !== null && course.ratio !== null;
  const limit = measured && !proved ? 0 : CONTRADICTION_WEIGHT;
  return factors
    .filter(({ name, weight }) => weight < 0 && (weight <= limit || name === 'falling') && !ABOUT_ITSELF.test(name))
    .filter(({ name }) => !(proved && OUTWEIGHED.has(name)))
    .toSorted((a, b) => a.weight - b.weight)
    .map(({ text }): Reason => ({ code: 'evidence_against', text: `this speaks against it: ${text}` }));
}

/** Factors that describe the change itself and its time, rather than what was observed. */
const ABOUT_ITSELF =
  /^(?:rolling_out|finished_before|recorded_late|missing_samples|kind_\w+|dependency|shared|caller|undeclared|changed_\w+_is_well|failed)$/;

/** What the alert is about does not matter if errors are measured by version. */
const notMeasured = ({ factors, course }: Weighed, proved: boolean): Reason[] =>
  proved && course !== null && course.since.length >= MIN_SINCE
    ? []
    : factors.flatMap(({ name, text }): Reason[] =>
        name === 'unmeasured' || name === 'vanished' ? [{ code: 'errors_not_measured', text }] : [],
      );

function weak({ factors, course }: Weighed): Reason[] {
  if (course !== null && course.slope !== null)
    return [{ code: 'weak_evidence', text: 'a rise over hours can have other causes, such as growing load' }];
  if (course === null || course.ratio === null) return [];
  return factors.some(({ name, weight }) => name === 'step' && weight > 0)
    ? []
    : [{ code: 'weak_evidence', text: 'the measured errors do not support it' }];
}

export const sumOf = ({ factors }: Pick<Weighed, 'factors'>): number =>
  factors.reduce((total, { weight }) => total + weight, 0);
