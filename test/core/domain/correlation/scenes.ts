import { correlate, MIN_CONFIDENCE_TO_ACT } from '../../../../core/domain/correlation/correlate.ts';
import { type Correlation, type RankedSuspect } from '../../../../core/domain/correlation/ranking.ts';
import type { Curve, Evidence, Failing, RelatedChange } from '../../../../core/domain/correlation/evidence.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { ServiceName } from '../../../../schemas/config/names.ts';
import { millisOf, plusSeconds, type Timestamp, timestamp } from '../../../../schemas/time/time.ts';
import { before, change, INCIDENT, NOON } from '../../arbitraries.ts';

/** Evidence for checkout failing since noon, evaluated two minutes later, without other facts. */
export const scene = (more: Partial<Evidence> = {}): Evidence => ({
  incident_id: INCIDENT,
  service: 'checkout',
  environment: 'production',
  at: before(-2),
  onset: { alertStartedAt: NOON, rule: null },
  changes: [],
  health: null,
  traffic: null,
  by_version: null,
  alert_versions: [],
  failing: [],
  ...more,
});

/** Builds a change with the given seconds from its start and end to noon; negative: after noon. Null: no end yet. */
export const timed = (
  version: string,
  startedBefore: number,
  finishedBefore: number | null,
  more: Partial<Change> = {},
): Change => ({
  ...change(version, startedBefore / 60, more),
  finished_at: finishedBefore === null ? null : plusSeconds(NOON, -finishedBefore),
});

export const own = (one: Change): RelatedChange => ({ change: one, relation: 'same', distance: 0 });

export const of = (
  service: string,
  relation: Exclude<RelatedChange['relation'], 'same'>,
  one: Change,
  distance = 1,
): RelatedChange => ({
  change: { ...one, service: service as ServiceName },
  relation,
  distance,
});

/** Builds a deploy of v42 that took two minutes and finished a minute before noon. */
export const v42 = (more: Partial<Change> = {}): Change => timed('v42', 180, 60, more);

/** Builds evidence for a bad deploy. */
export const afterDeploy = (more: Partial<Evidence> = {}): Evidence => scene({ changes: [own(v42())], ...more });

/** Returns the suspect of this version. @throws if there is none */
export function suspectIn({ suspects }: Correlation, version = 'v42'): RankedSuspect {
  const found = suspects.find((suspect) => suspect.version === version);
  if (found === undefined) throw new Error(`${version} is no suspect`);
  return found;
}

export const confidence = (evidence: Evidence, version = 'v42'): number =>
  suspectIn(correlate(evidence), version).confidence;

/** Returns the weights by name. */
export const weights = (evidence: Evidence, version = 'v42'): Record<string, number> =>
  Object.fromEntries(suspectIn(correlate(evidence), version).factors.map(({ name, weight }) => [name, weight]));

/** Returns why a person decides about the suspect. */
export const approvalReasons = (evidence: Evidence, version = 'v42'): string[] =>
  suspectIn(correlate(evidence), version).approvalReasons.map(({ code, text }) => `${code}: ${text}`);

/** Returns whether the suspect is certain enough to act upon, if the policy permits its evidence. */
export const alone = (evidence: Evidence, version = 'v42'): boolean =>
  confidence(evidence, version) >= MIN_CONFIDENCE_TO_ACT && approvalReasons(evidence, version).length === 0;

/** Builds a curve with a sample every 30 seconds from two hours before noon to two minutes after; null is a gap. */
export function curve(value: (minutesBeforeNoon: number) => number | null): Curve {
  const samples: [Timestamp, number][] = [];
  for (let seconds = 7200; seconds >= -120; seconds -= 30) {
    const sample = value(seconds / 60);
    if (sample !== null) samples.push([plusSeconds(NOON, -seconds), sample]);
  }
  return samples;
}

/** Builds a version at this level since noon, at most at the usual level before, with its share of 100 requests per second. */
export const versionAt = (
  version: string,
  value: number,
  share: number | null = null,
): NonNullable<Evidence['by_version']>[number] => ({
  version,
  curve: curve((minutes) => (minutes > 0 ? Math.min(value, 0.001) : value)),
  traffic: share === null ? null : curve(() => 100 * share),
});

/** Builds an error ratio of each minute that jumps at noon; healthy up to 1 %. */
export const step = (from: number, to: number, max = 0.01): NonNullable<Evidence['health']> => ({
  max,
  window: 60,
  curve: curve((minutes) => (minutes > 0 ? from : to)),
});

export const failing = (
  service: string,
  relation: Failing['relation'],
  minutesBefore = 0,
  changedMinutesBefore: number | null = null,
): Failing => ({
  service,
  since: before(minutesBefore),
  relation,
  changed_at: changedMinutesBefore === null ? null : before(changedMinutesBefore),
});

/** Shifts all times of the evidence. */
export function shifted(evidence: Evidence, millis: number): Evidence {
  const later = (at: Timestamp): Timestamp => timestamp(millisOf(at) + millis);
  const move = (value: unknown): unknown => {
    if (typeof value === 'string') return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? later(value as Timestamp) : value;
    if (Array.isArray(value)) return value.map(move);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, move(inner)]));
  };
  return move(evidence) as Evidence;
}
