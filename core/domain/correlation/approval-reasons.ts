import type { Change } from '../../../schemas/changes/change.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { clearingOf } from '../changes/cleared-suspects.ts';
import { byStart, endOf, putsVersionLive } from '../changes/versions.ts';
import type { Candidate } from './candidates.ts';
import type { Evidence } from './evidence.ts';
import type { Factor } from './factor.ts';
import { type Course, haveRisenClearly, MIN_SINCE } from './health.ts';
import type { Onset } from './onset.ts';
import { CONTRADICTION_WEIGHT } from './weights.ts';
import { IMPROBABLE, list, probability } from './words.ts';

/**
 * What proves a suspect: its version fails and others do not, it is a canary and its errors explain those of all, a
 * controlled look has tested it, or only requests of callers to its version fail (`callers`).
 */
export type Proof = 'version' | 'canary' | 'tested' | 'callers';

/** Log-odds above which a change, taken by itself, is plausible: more speaks for it than against it. */
const PLAUSIBLE_LOG_ODDS = 0;

/** Factors that prove a version, if monitoring distinguishes it from others that serve traffic at the same time. */
const PROOFS: ReadonlyMap<string, Proof> = new Map<string, Proof>([
  ['only_its_version_bad', 'version'],
  ['canary_bad', 'canary'],
  ['callers_see_only_it', 'callers'],
]);

/** Factors that a proof outweighs: a bad version can also fail slowly, or while others fail. What rose before fails no more. */
const OUTWEIGHED: ReadonlySet<string> = new Set([
  'rising_before',
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
 *
 * @param meanwhile other changes of its service that its new instances can have read (`changedMeanwhile`)
 */
export function approvalReasonsOf(
  own: Weighed,
  others: readonly Weighed[],
  meanwhile: readonly Change[] = [],
): Reason[] {
  const proof = proofOf(own.factors);
  const proved = proof !== null;
  // What changed in the callers can be what they see.
  const ofCallers =
    proof === 'callers' ? plausibleBeside(own, others).filter(({ candidate }) => candidate.relation === 'caller') : [];
  const plausible = proved ? [] : plausibleBeside(own, others);
  return [
    ...(proved ? [...builtOn(own, others), ...rivals(own, others, ofCallers)] : rivals(own, others, plausible)),
    ...readAtStart(
      own,
      meanwhile.filter(({ id }) => plausible.every(({ candidate }) => candidate.change.id !== id)),
    ),
    ...ofInstances(own),
    ...(proved ? [] : onlyByRecord(own)),
    ...against(own, proved),
    ...notMeasured(own, proved),
    ...(proved ? [] : weak(own)),
  ];
}

/** Time in seconds before a rollout in which another change of the service shows first in the new instances. */
const BEFORE_ROLLOUT_SECONDS = 120;

/**
 * Returns the other changes of the service that took effect between two minutes before the rollout and the onset, such as of
 * its configuration, flags, image base, scale, or nodes: new instances differ from old ones in them, too.
 */
export function changedMeanwhile(
  { changes, cleared }: Pick<Evidence, 'changes' | 'cleared'>,
  { change }: Candidate,
  { latest }: Onset,
): Change[] {
  if (!putsVersionLive(change)) return [];
  const from = plusSeconds(change.started_at, -BEFORE_ROLLOUT_SECONDS);
  return changes
    .map((related) => related.change)
    .filter((other) => other.service === change.service && !putsVersionLive(other) && other.status !== 'cancelled')
    .filter((other) => other.started_at <= latest && endOf(other) >= from)
    .filter((other) => clearingOf(cleared, other) === undefined)
    .toSorted(byStart);
}

/** A comparison of versions does not tell their code from what their instances read at their start. */
const readAtStart = ({ candidate: { change } }: Weighed, meanwhile: readonly Change[]): Reason[] =>
  meanwhile.length === 0
    ? []
    : [
        {
          code: 'other_cause',
          text: `${list(meanwhile.map(({ kind, version, service }) => `${kind} ${version} of ${service}`))} changed around the rollout of ${change.version}, so its new instances differ in that as well`,
        },
      ];

/** Returns the other changes that are plausible by themselves. */
const plausibleBeside = ({ candidate }: Weighed, others: readonly Weighed[]): Weighed[] =>
  others.filter(
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

/** Names other plausible changes. Only a probable one is said to be a possible cause. */
function rivals(own: Weighed, others: readonly Weighed[], plausible: readonly Weighed[]): Reason[] {
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

/** What fails in one instance only, or only while instances are new, is no fault of the version. */
const ofInstances = ({ factors }: Weighed): Reason[] =>
  factors.flatMap(({ name, text }): Reason[] =>
    name === 'one_instance' || name === 'warming_up'
      ? [{ code: name, text }]
      : name === 'too_young'
        ? [{ code: 'warming_up', text }]
        : [],
  );

/** What speaks for a change besides its time: a difference of versions, or that the changed service fails itself. */
const BESIDES_TIME: ReadonlySet<string> = new Set([
  'alert_names_it',
  'caller_fails_too',
  'cannot_start',
  'common_cause',
  'dependency_fails_later',
  'dependency_fails_too',
  'flag_of_version',
  'watch_degraded_beside',
]);

/** Returns whether nothing but its time speaks for a change. */
export const speaksOnlyTime = (factors: readonly Factor[]): boolean =>
  !factors.some(({ name, weight }) => weight > 0 && BESIDES_TIME.has(name));

/** A change that was recorded after the onset, and for which only its time speaks, may be a note about the problem, or a fix. */
const onlyByRecord = ({ factors }: Weighed): Reason[] =>
  speaksOnlyTime(factors)
    ? factors.flatMap(({ name, text }): Reason[] =>
        name === 'recorded_after' ? [{ code: 'recorded_late', text: `${text}; nothing else speaks for it` }] : [],
      )
    : [];

/** Returns the factors that contradict the rest; without proof, each one against the change where errors are measured. */
function against({ factors, course }: Weighed, proved: boolean): Reason[] {
  const measured = course !== null && course.ratio !== null;
  const limit = measured && !proved ? 0 : CONTRADICTION_WEIGHT;
  return factors
    .filter(
      ({ name, weight }) =>
        name === 'callers_disagree' ||
        (weight < 0 && (weight <= limit || name === 'falling') && !ABOUT_ITSELF.test(name)),
    )
    .filter(({ name }) => !(proved && OUTWEIGHED.has(name)))
    .toSorted((a, b) => a.weight - b.weight)
    .map(({ text }): Reason => ({ code: 'evidence_against', text: `this speaks against it: ${text}` }));
}

/** Factors that describe the change itself and its time, rather than what was observed. */
const ABOUT_ITSELF =
  /^(?:rolling_out|finished_before|recorded_late|recorded_after|missing_samples|kind_rollback|dependency|shared|caller|undeclared|changed_\w+_is_well|failed)$/;

const UNMEASURED: ReadonlySet<string> = new Set(['unmeasured', 'too_few_samples', 'vanished']);

/** What the alert is about does not matter if errors are measured by version. */
const notMeasured = ({ factors, course }: Weighed, proved: boolean): Reason[] =>
  proved && course !== null && course.since.length >= MIN_SINCE
    ? []
    : factors.flatMap(({ name, text }): Reason[] =>
        UNMEASURED.has(name) ? [{ code: 'errors_not_measured', text }] : [],
      );

function weak({ factors, course }: Weighed): Reason[] {
  if (course !== null && course.slope !== null)
    return [{ code: 'weak_evidence', text: 'a rise over hours can have other causes, such as growing load' }];
  if (course === null || course.ratio === null) return [];
  return haveRisenClearly(factors) ? [] : [{ code: 'weak_evidence', text: 'the measured errors do not support it' }];
}

export const sumOf = ({ factors }: Pick<Weighed, 'factors'>): number =>
  factors.reduce((total, { weight }) => total + weight, 0);
