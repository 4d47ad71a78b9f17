import type { Curve, Evidence, RelatedChange } from '../../../core/domain/correlation/evidence.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { millisOf, type Timestamp, timestamp } from '../../../schemas/time/time.ts';

/**
 * Numbers that a person can see in the evidence, for labels and for the report. Judges do not use them.
 */

const MINUTE = 60_000;

/** Maximum time between a deploy and a sudden problem that it can cause. */
export const SUSPECT_MINUTES = 30;

const RISEN = 1.5;
const VERSION_KINDS: ReadonlySet<string> = new Set(['deploy', 'hotfix', 'rollback']);
const IN_FORCE: ReadonlySet<string> = new Set(['started', 'succeeded']);

/**
 * Returns the onset in milliseconds since the Unix epoch: the first bad sample of the health query before the alert, else
 * the alert's start without the time for which its rule waits.
 */
export function onsetMillis({ onset, health }: Pick<Evidence, 'onset' | 'health'>): number {
  const { alertStartedAt, rule } = onset;
  const first = firstBad({ onset, health });
  if (first !== null) return millisOf(first);
  const waited = rule === null ? 0 : rule.forSeconds;
  return millisOf(alertStartedAt) - waited * 1000;
}

/** Returns the start of the run of bad samples that reaches the alert; null if the health query was not bad then. */
export function firstBad({ onset, health }: Pick<Evidence, 'onset' | 'health'>): Timestamp | null {
  if (health === null) return null;
  let first: Timestamp | null = null;
  for (let index = health.curve.length - 1; index >= 0; index -= 1) {
    const [at, value] = health.curve[index] ?? [onset.alertStartedAt, Number.NaN];
    if (at > onset.alertStartedAt) continue;
    if (value <= health.max) break;
    first = at;
  }
  return first;
}

/** The newest value of each version, with its share of the traffic. */
export type VersionNow = { version: string; value: number; share: number | null };

/** Returns the versions that have a value of at most a minute and a half ago. Null: not measured. */
export function versionsNow({ by_version: versions, at }: Pick<Evidence, 'by_version' | 'at'>): VersionNow[] | null {
  if (versions === null) return null;
  const newest = (curve: Curve): number | undefined =>
    valuesBetween(curve, millisOf(at) - 1.5 * MINUTE, millisOf(at)).at(-1);
  const rates = versions.map(({ traffic }) => (traffic === null ? null : (newest(traffic) ?? 0)));
  const all = rates.reduce<number>((sum, rate) => sum + (rate ?? 0), 0);
  return versions.flatMap(({ version, curve }, index) => {
    const [value, rate = null] = [newest(curve), rates[index]];
    return value === undefined ? [] : [{ version, value, share: rate === null || all === 0 ? null : rate / all }];
  });
}

/** Returns values of the samples after `from`, up to `to`; milliseconds since the epoch. */
export function valuesBetween(curve: Curve, from: number, to: number): number[] {
  const [after, until] = [timestamp(from), timestamp(to)]; // strings compare like times, and faster than parsing
  const values: number[] = [];
  for (const [at, value] of curve) if (at > after && at <= until) values.push(value);
  return values;
}

export const mean = (values: readonly number[]): number =>
  values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;

export const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;

export const putsVersionLive = (change: Change): boolean =>
  VERSION_KINDS.has(change.kind) && IN_FORCE.has(change.status);

/** Returns deploys of the service that are recorded before the onset, the newest first. */
export function ownDeploysBefore(evidence: Evidence): Change[] {
  const onset = onsetMillis(evidence);
  return evidence.changes
    .filter(({ change, relation }) => relation === 'same' && putsVersionLive(change))
    .map(({ change }) => change)
    .filter((change) => millisOf(change.started_at) <= onset)
    .toSorted((a, b) => millisOf(b.started_at) - millisOf(a.started_at));
}

/** Returns all changes since half an hour before the onset, except `change`. */
export function othersNear(evidence: Evidence, change: Change): RelatedChange[] {
  const from = onsetMillis(evidence) - SUSPECT_MINUTES * MINUTE;
  return evidence.changes.filter(
    (other) => other.change.id !== change.id && millisOf(other.change.started_at) >= from && touches(other.change),
  );
}

/** Returns whether a change can have had an effect: not if it was cancelled, but possibly if it failed. */
const touches = (change: Change): boolean => change.status !== 'cancelled';

/** Returns evidence that points to something other than a change of the service. */
export const TRACES = [
  'another_service_fails',
  'traffic_changed',
  'rose_before_onset',
  'earlier_excursions',
  'versions_alike',
  'over_by_itself',
] as const;
export type Trace = (typeof TRACES)[number];

export const tracesIn = (evidence: Evidence): Trace[] => TRACES.filter((trace) => SEEN[trace](evidence));

const SEEN: Record<Trace, (evidence: Evidence) => boolean> = {
  another_service_fails: (evidence) => evidence.failing.some((other) => !explained(evidence, other)),
  traffic_changed: (evidence) => trafficChange(evidence) > RISEN || trafficChange(evidence) < 1 / RISEN,
  rose_before_onset: (evidence) => roseBefore(evidence, onsetMillis(evidence) - 2 * MINUTE),
  earlier_excursions: (evidence) => badBefore(evidence, onsetMillis(evidence) - MINUTE),
  versions_alike: versionsAlike,
  over_by_itself: isOver,
};

/** Returns whether the service's own failure explains that of another service, which depends on it and did not fail earlier. */
const explained = (evidence: Evidence, other: { relation: string; since: Timestamp }): boolean =>
  other.relation === 'dependent' && millisOf(other.since) >= onsetMillis(evidence) - MINUTE;

/** Returns traffic as a multiple of the half hour before the onset; 1 if unknown. */
export function trafficChange({
  onset,
  health,
  traffic,
  at,
}: Pick<Evidence, 'onset' | 'health' | 'traffic' | 'at'>): number {
  if (traffic === null) return 1;
  const since = onsetMillis({ onset, health });
  const before = mean(valuesBetween(traffic, since - 30 * MINUTE, since - MINUTE));
  const after = mean(valuesBetween(traffic, since, millisOf(at)));
  return before > 0 && after >= 0 ? after / before : 1;
}

/** Returns whether the six minutes before `until` were already clearly worse than the hour before them. */
function roseBefore({ health }: Evidence, until: number): boolean {
  if (health === null) return false;
  const long = valuesBetween(health.curve, until - 70 * MINUTE, until - 8 * MINUTE);
  const short = valuesBetween(health.curve, until - 6 * MINUTE, until);
  return mean(short) > 2 * mean(long) && mean(short) > health.max / 4;
}

/** Returns whether a sample at or before `until` is above the limit. */
export function badBefore({ health }: Evidence, until: number): boolean {
  return health !== null && valuesBetween(health.curve, 0, until).some((value) => value > health.max);
}

/** Returns whether a running version other than the newest also fails: at least half as often as the worst. */
export function versionsAlike(evidence: Evidence): boolean {
  const [versions, { health }] = [versionsNow(evidence), evidence];
  if (versions === null || versions.length < 2) return false;
  const [first = 0, second = 0] = versions.map(({ value }) => value).toSorted((a, b) => b - a);
  return second > (health?.max ?? 0) && second >= first / 2;
}

/** Returns whether the last minute and a half was healthy, without a change since the onset. */
export function isOver({ health, at, changes, onset }: Evidence): boolean {
  if (health === null) return false;
  const last = valuesBetween(health.curve, millisOf(at) - 1.5 * MINUTE, millisOf(at));
  const since = onsetMillis({ onset, health });
  const acted = changes.some(({ change }) => millisOf(change.started_at) > since);
  return !acted && last.length >= 2 && last.every((value) => value <= health.max);
}

/**
 * Returns the only failing version, if monitoring distinguishes versions and all others with traffic are healthy: now, or
 * over the time since the onset.
 */
export function singledOut(evidence: Evidence): string | null {
  const { health, by_version: versions, at } = evidence;
  if (versions === null || health === null) return null;
  const from = onsetMillis(evidence) - MINUTE;
  const since = versions.flatMap(({ version, curve }) => {
    const values = valuesBetween(curve, from, millisOf(at));
    return values.length < 2 ? [] : [{ version, value: middle(values) }];
  });
  const only = (measured: readonly { version: string; value: number }[]): string | null => {
    const bad = measured.filter(({ value }) => value > health.max);
    return measured.length > 1 && bad.length === 1 ? (bad[0]?.version ?? null) : null;
  };
  return only(versionsNow(evidence) ?? []) ?? only(since);
}

/** Returns evidence against a deploy of the service as the cause. */
export type Against =
  | Exclude<Trace, 'rose_before_onset' | 'earlier_excursions'>
  | 'too_long_before'
  | 'another_change'
  | 'bad_before_it_began'
  | 'rose_before_it_began'
  | 'version_well'
  | 'version_without_traffic'
  | 'alert_names_others';

const SPEAKS_AGAINST: Record<Against, (evidence: Evidence, change: Change, began: number) => boolean> = {
  another_service_fails: SEEN.another_service_fails,
  traffic_changed: SEEN.traffic_changed,
  versions_alike: SEEN.versions_alike,
  over_by_itself: SEEN.over_by_itself,
  too_long_before: (evidence, _change, began) => onsetMillis(evidence) - began > SUSPECT_MINUTES * MINUTE,
  another_change: (evidence, change) => othersNear(evidence, change).length > 0,
  bad_before_it_began: (evidence, _change, began) => badBefore(evidence, began),
  rose_before_it_began: (evidence, _change, began) => roseBefore(evidence, began),
  version_well: (evidence, { version }) =>
    (versionsNow(evidence) ?? []).some(
      (other) => other.version === version && other.value <= (evidence.health?.max ?? -Infinity),
    ),
  version_without_traffic: (evidence, { version }) => {
    const versions = versionsNow(evidence) ?? [];
    return versions.length > 0 && versions.every((other) => other.version !== version);
  },
  alert_names_others: ({ alert_versions: named }, { version }) => named.some((other) => other !== version),
};

const ALL_AGAINST = Object.keys(SPEAKS_AGAINST) as Against[];

export function against(evidence: Evidence, change: Change): Against[] {
  const began = millisOf(change.started_at);
  return ALL_AGAINST.filter((name) => SPEAKS_AGAINST[name](evidence, change, began));
}
