import type { Change } from '../../schemas/changes/change.ts';
import { secondsBetween } from '../../schemas/time/time.ts';
import { putsVersionLive } from '../changes/versions.ts';
import type { Candidate } from './candidates.ts';
import type { Evidence } from './evidence.ts';
import { type Factor, factor } from './factor.ts';
import { WEIGHTS } from './weights.ts';
import { amount, list, percent } from './words.ts';

/**
 * Minimum share of traffic, 0 to 1. A smaller share counts as no traffic: health probes, or the remainder of a
 * roll-out.
 */
const SOME_TRAFFIC = 0.01;

/** Usual maximum window of `rate()` queries: a value can include samples this old. */
const WINDOW_SECONDS = 600;
const REAL_TRAFFIC = 0.05;

/** Factor by which a version must be worse than the others when the limit is unknown. */
const WORSE = 2;

type Measured = { version: string; value: number; share: number | null };

/**
 * Returns factors that compare the versions in service. Empty unless the change puts a version of the failing service
 * live.
 */
export function versionFactors(evidence: Evidence, candidate: Candidate): Factor[] {
  if (candidate.relation !== 'same' || !putsVersionLive(candidate.change)) return [];
  const { change } = candidate;
  return [byVersion(evidence, candidate), byAlert(evidence.alert_versions, change, candidate.timing)].filter(
    (one) => one !== null,
  );
}

function byVersion({ by_version, changes, health, at }: Evidence, { change, timing }: Candidate): Factor | null {
  const measured = (by_version ?? []).filter(({ value }) => Number.isFinite(value)).toSorted(byName);
  if (measured.length === 0) return null;
  const mine = measured.filter(({ version }) => sameVersion(version, change.version));
  const others = measured.filter((one) => !sameVersion(one.version, change.version) && takesTraffic(one));
  const { version } = change;
  if (mine.length === 0) {
    const known = changes.some((other) => measured.some((one) => sameVersion(one.version, other.change.version)));
    return known
      ? factor('no_traffic', WEIGHTS.no_traffic, `${version} is not among the versions that receive traffic`)
      : factor('by_version', 0, `monitoring reports no version named ${version}`);
  }
  if (!mine.some(takesTraffic))
    return factor('no_traffic', WEIGHTS.no_traffic, `${version} receives almost no traffic`);
  const own = Math.max(...mine.map(({ value }) => value));
  if (others.length === 0)
    return factor('by_version', 0, `${version} receives all traffic, so it cannot be compared with other versions`);
  const max = health !== null && Number.isFinite(health.max) ? health.max : null;
  const both = serveBeside({ at, timing, change }, others);
  return max === null ? withoutLimit(version, own, others, both) : withLimit(version, own, others, max, both);
}

/**
 * Returns whether other versions have served traffic at the same time since the onset. A version that was replaced just
 * before the onset still has a value for a while, which describes the healthy time before it.
 */
function serveBeside(
  { at, timing, change }: Pick<Evidence, 'at'> & Pick<Candidate, 'timing' | 'change'>,
  others: readonly Measured[],
): boolean {
  if (timing === 'rolling_out') return true;
  const settled = change.finished_at !== null && secondsBetween(change.finished_at, at) >= WINDOW_SECONDS;
  return settled && others.some(({ share }) => share !== null && share >= REAL_TRAFFIC);
}

function withLimit(version: string, own: number, others: readonly Measured[], max: number, both: boolean): Factor {
  const bad = others.filter(({ value }) => value > max);
  const text = compared(version, own, others);
  if (own <= max)
    return bad.length > 0
      ? factor('its_version_healthy', WEIGHTS.its_version_healthy, `${text}: it is healthy, and others are not`)
      : factor('no_version_bad', WEIGHTS.no_version_bad, `${text}: no version is bad`);
  if (bad.length === 0)
    return both
      ? factor('only_its_version_bad', WEIGHTS.only_its_version_bad, text)
      : factor('only_it_seems_bad', WEIGHTS.only_it_seems_bad, `${text}, possibly measured before the problem`);
  return bad.length === others.length
    ? factor('all_versions_bad', WEIGHTS.all_versions_bad, `${text}: all versions are bad`)
    : factor('some_other_version_bad', WEIGHTS.some_other_version_bad, `${text}: it is not the only bad version`);
}

function withoutLimit(version: string, own: number, others: readonly Measured[], both: boolean): Factor {
  const worst = Math.max(...others.map(({ value }) => value));
  const text = compared(version, own, others);
  if (own > 0 && own >= WORSE * worst)
    return both
      ? factor('its_version_worse', WEIGHTS.its_version_worse, text)
      : factor('only_it_seems_bad', WEIGHTS.only_it_seems_bad, `${text}, possibly measured before the problem`);
  return worst >= WORSE * own && worst > 0
    ? factor('its_version_healthy', WEIGHTS.its_version_healthy, `${text}: other versions are worse`)
    : factor('all_versions_bad', WEIGHTS.all_versions_bad, `${text}: all versions are similar`);
}

function compared(version: string, own: number, others: readonly Measured[]): string {
  const words = others.map(
    ({ version: name, value, share }) =>
      `${name} at ${amount(value)}${share === null ? '' : ` (${percent(share)} of traffic)`}`,
  );
  return `by version: ${version} is at ${amount(own)}, ${list(words)}`;
}

/** Weighs the versions named in the labels of the alerts. */
function byAlert(named: readonly string[], { version }: Change, timing: Candidate['timing']): Factor | null {
  if (named.length === 0) return null;
  const others = [...new Set(named.filter((name) => !sameVersion(name, version)))].toSorted();
  if (others.length === 0)
    // Once the version takes all traffic, every alert names it, whatever the cause.
    return factor(
      'alert_names_it',
      timing === 'rolling_out' ? WEIGHTS.alert_names_it : 0,
      `the alerts name ${version} and no other version`,
    );
  return others.length < new Set(named).size
    ? factor(
        'alert_names_others_too',
        WEIGHTS.alert_names_others_too,
        `the alerts name ${list(others)} as well as ${version}`,
      )
    : factor('alert_names_others', WEIGHTS.alert_names_others, `the alerts name ${list(others)}, not ${version}`);
}

/** Treats an unknown share as traffic: the query would return no value for the version otherwise. */
const takesTraffic = ({ share }: Measured): boolean => share === null || !(share < SOME_TRAFFIC);

/** Compares versions without a leading `v`: tools write the same version as `v42` or `42`. */
const sameVersion = (a: string, b: string): boolean => bare(a) === bare(b);
const bare = (version: string): string => version.replace(/^v(?=\d)/i, '');

const byName = (a: Measured, b: Measured): number =>
  a.version === b.version ? a.value - b.value : a.version < b.version ? -1 : 1;
