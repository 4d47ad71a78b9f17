import type { EvidenceLevel } from '../../../schemas/config/config.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { finishedBefore, LOOK_BACK_SECONDS } from '../correlation/candidates.ts';
import { flagKeyOf } from '../changes/flags.ts';
import { putsVersionLive, sameVersion } from '../changes/versions.ts';
import { isKnownByInstance } from '../correlation/by-instance.ts';
import { speaksOnlyTime } from '../correlation/approval-reasons.ts';
import { haveRisenClearly } from '../correlation/health.ts';
import type { Proof } from '../correlation/correlate.ts';
import type { RankedSuspect } from '../correlation/ranking.ts';
import type { Evidence, LookEvidence } from '../correlation/evidence.ts';
import { formatDuration, list } from '../correlation/words.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';

/** Longest time between a change and the problem, in seconds, if only the time of the alert is known (`time`). */
const UNMEASURED_SECONDS = 5 * 60;

/** Greatest age of a sample that shows the present, in seconds. */
const FRESH_SECONDS = 60;

/** The evidence of a judgement, as far as the levels need it. */
type Judged = Pick<
  Evidence,
  'at' | 'health' | 'health_unreadable' | 'by_version' | 'by_version_window' | 'by_flag' | 'look'
>;

const BY: Readonly<Record<Proof, string>> = {
  version: 'its version fails, and others do not',
  canary: 'the canary fails, and its errors explain those of all',
  callers: 'requests of its callers to its version fail, and those to others do not',
  tested: 'of two fresh instances, only that of its version fails',
};

const NOT_TOLD_APART = '; its instances were not told apart';
const NONE_ABOVE = '; no single instance of it is above the limit';

const BY_PART = 'its version has a part of the traffic and fails, and its errors explain those of all';

/**
 * Returns what is missing for an automatic act against the suspect at this evidence level of the policy
 * (`autoRollback.evidence`). Null: nothing.
 */
export function missingEvidence(
  level: EvidenceLevel,
  suspect: RankedSuspect,
  judged: Judged,
  onset: Timestamp,
): string | null {
  const { proof } = suspect;
  switch (level) {
    case 'tested':
      return proof === 'tested' ? null : whyNotTested(suspect, judged);
    case 'proved':
      return proof === null ? `it is not proved: ${whyNotProved(suspect, judged)}` : null;
    case 'version':
      return proof !== null && proof !== 'callers'
        ? null
        : `it is not proved by version (evidence: version): ${proof === null ? whyNotProved(suspect, judged) : 'only its callers see it'}`;
    case 'time': {
      const why = proof === null ? whyNotByTime(suspect, judged, onset) : null;
      return why === null ? null : `even evidence: time is not met: ${why}`;
    }
  }
}

/** Returns why a person decides. Under `time`, a fresh sample far above the limit replaces more samples since the onset. */
export function approvalReasonsUnder(
  level: EvidenceLevel,
  { approvalReasons, change }: RankedSuspect,
  { at, health }: Judged,
): RankedSuspect['approvalReasons'] {
  if (level !== 'time' || health === null || !isHighSince(change, health, at)) return approvalReasons;
  return approvalReasons.filter(({ code }) => code !== 'errors_not_measured');
}

/** Describes the evidence on which an automatic act relies, and what it leaves open. */
export function reliesOn(
  level: EvidenceLevel,
  { proof, change }: Pick<RankedSuspect, 'proof' | 'change'>,
  evidence: Pick<Evidence, 'by_instance' | 'health'>,
): string {
  // A rollout in progress is proved like a canary, but nobody calls it so.
  const what =
    proof === null
      ? 'coincidence in time is enough here, without proof'
      : proof === 'canary' && change.canary_weight === null
        ? BY_PART
        : BY[proof];
  const isOpen =
    (proof === 'version' || proof === 'canary') &&
    putsVersionLive(change) &&
    !isKnownByInstance(evidence, change.version);
  const open = evidence.by_instance === undefined ? NOT_TOLD_APART : NONE_ABOVE;
  return `${what}${isOpen ? open : ''} (evidence: ${level})`;
}

function whyNotTested({ change, relation }: RankedSuspect, { look }: Judged): string {
  if (!putsVersionLive(change) || relation !== 'same')
    return 'it is not tested: a controlled look can only test a version of this service';
  return isAbout(look, change) ? look.text : 'it is not tested yet by a controlled look';
}

const isAbout = (look: LookEvidence | undefined, change: Change): look is LookEvidence =>
  look !== undefined && change.version !== null && sameVersion(look.suspect, change.version);

/** Confidence in a version that was tested. */
const TESTED_CONFIDENCE = 0.99;

/**
 * Returns the suspects with the result of the controlled look: a version that fails alone beside a fresh instance of the old
 * one is the cause, whatever else changed, except a flag since its deploy. Any other result is a reason to ask.
 */
export function withLook(suspects: readonly RankedSuspect[], look: LookEvidence | undefined): RankedSuspect[] {
  if (look === undefined) return [...suspects];
  const after = suspects.map((suspect): RankedSuspect => {
    if (suspect.relation !== 'same' || !putsVersionLive(suspect.change) || !isAbout(look, suspect.change))
      return suspect;
    const reasons = [look.text, ...suspect.reasons];
    return look.verdict === 'only_suspect'
      ? {
          ...suspect,
          reasons,
          confidence: Math.max(suspect.confidence, TESTED_CONFIDENCE),
          proof: 'tested',
          approvalReasons: flagsSince(suspect, suspects),
        }
      : {
          ...suspect,
          reasons,
          proof: null,
          approvalReasons: [{ code: 'evidence_against', text: look.text }, ...suspect.approvalReasons],
        };
  });
  return after.toSorted((a, b) => Number(b.proof === 'tested') - Number(a.proof === 'tested'));
}

/** A fresh instance of the new version can fail only because of a flag that its code reads. Then the flag is to be turned off. */
function flagsSince({ change }: RankedSuspect, suspects: readonly RankedSuspect[]): Reason[] {
  const flags = suspects.filter(
    (one) => one.relation === 'same' && one.change.kind === 'flag' && one.change.started_at >= change.started_at,
  );
  return flags.length === 0
    ? []
    : [
        {
          code: 'other_cause',
          text: `${list(flags.map((one) => `flag ${flagKeyOf(one.change)}`))} changed after the deploy of ${change.version}, and may act on its code only`,
        },
      ];
}

/** Factors of a comparison of versions that proves nothing. */
const COMPARISONS: ReadonlySet<string> = new Set([
  'only_it_seems_bad',
  'by_version',
  'no_version_bad',
  'all_versions_bad',
  'some_other_version_bad',
  'its_version_healthy',
  'callers_disagree',
  'callers_see_others',
  'no_traffic',
]);

function whyNotProved(
  { change, relation, factors }: RankedSuspect,
  { by_version, by_version_window: window, by_flag }: Judged,
): string {
  const compared = factors.find(({ name }) => COMPARISONS.has(name));
  if (compared !== undefined) return compared.missing ?? compared.text;
  const isTimeOnly = speaksOnlyTime(factors);
  if (!putsVersionLive(change)) {
    if (change.kind === 'flag' && by_flag?.some(({ flag }) => flag === flagKeyOf(change)))
      return 'the metrics by variant do not show that only one variant of the flag fails';
    return isTimeOnly ? 'only its time speaks for it' : 'nothing that speaks for it is a proof';
  }
  const lacks =
    relation !== 'same'
      ? 'metrics by version compare only versions of this service'
      : by_version !== null
        ? null
        : window === undefined
          ? 'there are no metrics by version (health.byVersion)'
          : 'the metrics by version (health.byVersion) could not be read';
  return lacks === null
    ? `the metrics by version do not show that only ${change.version} fails`
    : `${lacks}${isTimeOnly ? ', so only its time speaks for it' : ''}`;
}

/** Applies the rule "errors up within 30 minutes of a deploy". */
function whyNotByTime(
  { change, timing, factors, version }: RankedSuspect,
  { at, health, health_unreadable }: Judged,
  onset: Timestamp,
): string | null {
  const finished = finishedBefore(change, onset) ?? 0;
  if (finished > LOOK_BACK_SECONDS)
    return `${version} finished ${formatDuration(finished)} before the problem began, more than ${formatDuration(LOOK_BACK_SECONDS)}`;
  if (health_unreadable !== undefined) return 'the health query could not be read';
  if (health === null) {
    const seconds = timing === 'rolling_out' ? secondsBetween(change.started_at, onset) : finished;
    return seconds <= UNMEASURED_SECONDS
      ? null
      : `there is no health query, and the problem began ${formatDuration(seconds)} after ${version}, more than ${formatDuration(UNMEASURED_SECONDS)}`;
  }
  if (factors.some(({ name }) => name === 'healthy_now' || name === 'healthy_just_now'))
    return 'the health query is within its limit now';
  return haveRisenClearly(factors) || isHighSince(change, health, at)
    ? null
    : `the health query does not show that errors rose clearly above their limit since ${version}`;
}

/**
 * Returns whether the newest sample is above the limit and at least twice as high as usual before the change. Without
 * samples from before it, the limit decides: the series is as new as the version.
 */
function isHighSince({ started_at }: Change, { curve, max }: NonNullable<Evidence['health']>, now: Timestamp): boolean {
  const newest = curve.at(-1);
  const before = curve.filter(([at]) => at < started_at).map(([, value]) => value);
  const usual = before.toSorted((a, b) => a - b)[Math.floor(before.length / 2)];
  if (newest === undefined) return false;
  const [at, value] = newest;
  return at > started_at && secondsBetween(at, now) <= FRESH_SECONDS && value > max && value >= 2 * (usual ?? 0);
}

/** Warning about the level `time`, after the key that sets it. */
export const ON_TIME_ALONE =
  'is "time", so Firebreak rolls back the last deploy although nothing proves it to be the cause, and some rollbacks will be wrong; leave it out (evidence: proved) and configure health.byVersion: "firebreak doctor" proposes the query';
