import { correlate, type Correlation, type RankedSuspect } from '../../../domain/correlation/correlate.ts';
import type { Curve, Evidence, Failing, RelatedChange } from '../../../domain/correlation/evidence.ts';
import type { Change } from '../../../schemas/change.ts';
import type { ServiceName } from '../../../schemas/names.ts';
import { millisOf, plusSeconds, type Timestamp, timestamp } from '../../../schemas/time.ts';
import { before, change, INCIDENT, NOON } from '../arbitraries.ts';

/** Checkout fails since noon, which is looked at two minutes later. Nothing else is known. */
export const scene = (more: Partial<Evidence> = {}): Evidence => ({
  incident_id: INCIDENT,
  service: 'checkout',
  environment: 'production',
  at: before(-2),
  onset: { alertStartedAt: NOON, rule: null, firstBadAt: null },
  changes: [],
  health: null,
  traffic: null,
  by_version: null,
  alert_versions: [],
  failing: [],
  ...more,
});

/** A change with so many seconds between its start, or its end, and noon; negative: after it. Null: no end yet. */
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

export const of = (service: string, relation: 'dependency' | 'shared', one: Change, distance = 1): RelatedChange => ({
  change: { ...one, service: service as ServiceName },
  relation,
  distance,
});

/** A deploy of v42 that took two minutes and had finished a minute before noon. */
export const v42 = (more: Partial<Change> = {}): Change => timed('v42', 180, 60, more);

/** A bad deploy, with whatever else is known. */
export const afterDeploy = (more: Partial<Evidence> = {}): Evidence => scene({ changes: [own(v42())], ...more });

/** The suspect of this version. @throws when there is none */
export function suspectIn({ suspects }: Correlation, version = 'v42'): RankedSuspect {
  const found = suspects.find((suspect) => suspect.version === version);
  if (found === undefined) throw new Error(`${version} is no suspect`);
  return found;
}

export const confidence = (evidence: Evidence, version = 'v42'): number =>
  suspectIn(correlate(evidence), version).confidence;

/** What weighs something, by name. */
export const weights = (evidence: Evidence, version = 'v42'): Record<string, number> =>
  Object.fromEntries(
    suspectIn(correlate(evidence), version)
      .factors.filter(({ name }) => name !== 'for_a_person')
      .map(({ name, weight }) => [name, weight]),
  );

/** A curve of a sample every 30 seconds from two hours before noon to two minutes after; null is a gap. */
export function curve(value: (minutesBeforeNoon: number) => number | null): Curve {
  const samples: [Timestamp, number][] = [];
  for (let seconds = 7200; seconds >= -120; seconds -= 30) {
    const sample = value(seconds / 60);
    if (sample !== null) samples.push([plusSeconds(NOON, -seconds), sample]);
  }
  return samples;
}

/** An error ratio that jumps at noon; healthy up to 1 %. */
export const step = (from: number, to: number, max = 0.01): NonNullable<Evidence['health']> => ({
  max,
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

/** All times of the evidence, so much later. */
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
