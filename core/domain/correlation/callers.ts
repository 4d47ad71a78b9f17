import type { Change } from '../../../schemas/changes/change.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Proof } from './approval-reasons.ts';
import { wasWell } from './by-instance.ts';
import type { Curve, Evidence, VersionSeries } from './evidence.ts';
import { type Factor, type Features, gradedFactor, unweightedFactor } from './factor.ts';
import { onlyPodBad, podsOf } from './pods.ts';
import { pointsOf } from './samples.ts';
import { seriesOf } from './series.ts';
import { formatPercent } from './words.ts';
import { withZeros } from './zeros.ts';

/** Marks evidence that holds what callers of the service measure in the place of its own metrics. */
export type OfCallers = { isOfCallers?: true };

/** What proxies report as the version if they reached no instance. */
const NO_VERSION: ReadonlySet<string> = new Set(['', 'unknown']);

const named = (versions: readonly VersionSeries[]): VersionSeries[] =>
  versions.filter(({ version }) => !NO_VERSION.has(version));

/**
 * Returns the evidence as the callers of the service see it: requests that never reach it, or that it does not survive, are in
 * no metric of its own. Null: not measured, or the label has one value only, so that it tells no versions apart.
 */
export function asCallersSee({
  callers,
  by_instance: _instances,
  by_version_close: _close,
  health_unreadable: _unreadable,
  ...evidence
}: Evidence): (Evidence & OfCallers) | null {
  if (callers === undefined || named(callers.versions).length < 2) return null;
  const { max, whole, window, versions, close } = callers;
  const { requests, failures } = totalsOf(versions);
  const seen = withZeros({
    ...evidence,
    health: { max, whole, window, curve: failures },
    traffic: requests,
    by_version: named(versions),
    by_version_window: window,
    ...(close && { by_version_close: { ...close, versions: named(close.versions) } }),
  });
  return { ...seen, isOfCallers: true };
}

/** Returns the evidence whose versions were compared for a proof: what callers see if only they prove it. */
export const comparedFor = (proof: Proof | null, evidence: Evidence & OfCallers): Evidence & OfCallers =>
  (proof === 'callers' ? asCallersSee(evidence) : null) ?? evidence;

/**
 * Returns the requests per second to all versions, also to none that is known, and the share of them that fails. A version
 * without a value had no errors.
 */
function totalsOf(versions: readonly VersionSeries[]): { requests: Curve; failures: Curve } {
  const totals = new Map<Timestamp, { requests: number; failed: number }>();
  for (const { curve, traffic } of versions) {
    const shares = new Map(curve);
    for (const [at, rate] of traffic ?? []) {
      const { requests, failed } = totals.get(at) ?? { requests: 0, failed: 0 };
      totals.set(at, { requests: requests + rate, failed: failed + rate * (shares.get(at) ?? 0) });
    }
  }
  const all = [...totals].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    requests: all.map(([at, { requests }]) => [at, requests]),
    failures: all.flatMap(([at, { requests, failed }]) => (requests > 0 ? [[at, failed / requests] as const] : [])),
  };
}

/** What a comparison of versions finds that proves a version, and that clears it. */
export const BLAMES: ReadonlySet<string> = new Set(['only_its_version_bad', 'canary_bad']);
const CLEARS: ReadonlySet<string> = new Set(['all_versions_bad', 'some_other_version_bad', 'its_version_healthy']);

/**
 * Combines the comparison of versions by the service's own metrics with that by its callers. Callers count where the service
 * itself tells nothing. If one blames the version and the other one does not, each counts half, and nothing is proved.
 */
export function withCallers(own: Factor | null, callers: Factor | null): Factor | null {
  if (callers === null) return own;
  const [ownName, text] = [own?.name ?? '', `callers see: ${callers.text}`];
  const isBlamed = BLAMES.has(ownName) || ownName === 'only_it_seems_bad';
  const areOpposed =
    own !== null && ((isBlamed && CLEARS.has(callers.name)) || (CLEARS.has(ownName) && BLAMES.has(callers.name)));
  if (areOpposed)
    return gradedFactor('callers_disagree', `by its own metrics, ${own.text}, but ${text}`, {
      ...halfOf(own),
      ...halfOf(callers),
    });
  if (BLAMES.has(ownName)) return own;
  if (BLAMES.has(callers.name)) return gradedFactor('callers_see_only_it', text, { [callers.name]: 1 });
  if (CLEARS.has(callers.name) && !CLEARS.has(ownName) && ownName !== 'no_traffic')
    return gradedFactor('callers_see_others', text, { [callers.name]: 1 });
  if (own !== null) return own;
  // What callers do not send says nothing about the requests of others.
  return callers.name === 'only_it_seems_bad' ? { ...callers, text } : unweightedFactor('by_version', text);
}

const halfOf = ({ features }: Factor): Features =>
  Object.fromEntries(Object.entries(features).map(([name, value]) => [name, value / 2]));

/** Factor by which an instance can have more than its share of the requests. */
const UNEVEN = 1.5;

/** Instances of a version if their number is not known: the fewest of which one can fail alone. */
const INSTANCES_AT_LEAST = 2;

/**
 * Says that one instance can explain what callers see of a version: they do not tell its instances apart, and a failing machine
 * concerns one of them.
 *
 * @param seen evidence of callers
 * @returns null if more requests fail than one instance takes
 */
export function oneInstanceExplains(seen: Evidence, { version }: Pick<Change, 'version'>): string | null {
  const own = seriesOf(seen, { version });
  const newest = pointsOf(own?.curve ?? [], seen.at).at(-1);
  if (own === undefined || newest === undefined || seen.health === null) return null;
  const pods = podsOf(seen, { version })?.pods;
  if (pods === 1) return onlyPodBad(seen, { version });
  if (pods === undefined && wasWell(own, seen.health, seen.at))
    return `callers saw ${version} well at first, so if it has only one instance, its machine may have failed; with health.pods, their number is known`;
  const share = newest.value / (seen.health.whole ?? 1);
  return share > UNEVEN / (pods ?? INSTANCES_AT_LEAST)
    ? null
    : `callers do not tell instances apart, and a single one of ${version} can explain ${formatPercent(share)} failed requests${pods === undefined ? '; with health.pods, their number is known' : ''}`;
}
