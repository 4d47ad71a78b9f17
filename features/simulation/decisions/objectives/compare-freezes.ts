import type { Config } from '../../../../schemas/config/config.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { CountedDay, RecordedObjective } from '../../objective.ts';
import type { RecordedIncident } from '../../recording.ts';
import type { Slo, SloId } from '../../../../schemas/slo/slo.ts';
import { millisOf, minuteText, secondsBetween, type Timestamp, timestamp } from '../../../../schemas/time/time.ts';
import { serviceEntry } from '../../../../core/domain/catalogue/catalogue.ts';
import { type FreezePolicy, policyFor } from '../../../freeze/decisions/policy.ts';
import { countsNeeded, type ObjectiveFreeze, replayFreezes } from './replay-freezes.ts';
import { BUCKET_MS } from '../../../slo/decisions/history.ts';
import { historyOf } from './counts.ts';

/** What was recorded of an objective. */
export type ObjectiveRecord = RecordedObjective & { days: readonly CountedDay[] };

type FreezeTimes = { from: Timestamp; until: Timestamp | null };

/** A freeze by a budget or burn rate that only one of two policies has, or whose times differ. Null: not in force. */
export type ObjectiveDifference = {
  slo: SloId;
  service: string;
  environment: string;
  cause: ObjectiveFreeze['cause'];
  before: FreezeTimes | null;
  after: FreezeTimes | null;
  /** Recorded incidents of the service that were open during it. */
  incidents: readonly IncidentId[];
};

/** Number of freezes, and their total length within the period. */
type Total = { freezes: number; seconds: number };

export type ObjectiveComparison = {
  /** In the order of their starts. */
  differences: readonly ObjectiveDifference[];
  before: Total;
  after: Total;
  /** What the record cannot answer. */
  unknown: readonly string[];
};

export type Period = { from: Timestamp; until: Timestamp };

/** An objective whose freezes two policies can decide differently. Null: the policy does not have it. */
export type ChangedObjective = { id: SloId; before: Slo | null; after: Slo | null; countsFrom: Timestamp };

/** Returns the objectives whose definition or whose freeze policy differs between two policies. */
export function changedObjectives(before: Config, after: Config, { from }: Pick<Period, 'from'>): ChangedObjective[] {
  const ids = [...new Set([...before.slos, ...after.slos].map(({ id }) => id))].toSorted();
  return ids.flatMap((id): ChangedObjective[] => {
    const [a, b] = [before, after].map((config) => config.slos.find((slo) => slo.id === id) ?? null);
    if (a === undefined || b === undefined) return [];
    const relevant = (slo: Slo | null, config: Config): string =>
      JSON.stringify(slo && [inputsOf(slo), rulesOf(slo, config)]);
    if (relevant(a, before) === relevant(b, after)) return [];
    const needed = [a, b].flatMap((slo) => (slo === null ? [] : [countsNeeded(slo, from)]));
    return [{ id, before: a, after: b, countsFrom: timestamp(Math.min(...needed)) }];
  });
}

const inputsOf = ({ service, environment, target, window, budgeting, indicator }: Slo): unknown[] => [
  service,
  environment,
  target,
  window,
  budgeting,
  indicator,
];

/** Returns the part of the policy that opens and ends freezes. */
function rulesOf(slo: Slo, config: Config): unknown[] {
  const { budget, burn, minimumSeconds, stale } = policyOf(slo, config);
  return [budget && [budget.freeze, budget.liftBelow], burn, minimumSeconds, stale.afterSeconds];
}

function policyOf({ service, environment }: Slo, config: Config): FreezePolicy {
  const entry = serviceEntry(config.services, service);
  return policyFor(config.freeze, { service, environment, team: entry?.team ?? null, tier: entry?.tier ?? null });
}

/** Compares the freezes by budgets and burn rates under two policies, by the recorded counts. Pure. */
export function compareObjectives(
  before: Config,
  after: Config,
  {
    records,
    incidents,
    period,
  }: { records: readonly ObjectiveRecord[]; incidents: readonly RecordedIncident[]; period: Period },
): ObjectiveComparison {
  const compared = changedObjectives(before, after, period).map((changed) =>
    comparisonOf(changed, [before, after], { record: records.find(({ id }) => id === changed.id), incidents, period }),
  );
  const keyOf = ({ before: a, after: b, slo, cause }: ObjectiveDifference): string =>
    `${(a ?? b)?.from ?? ''} ${slo} ${cause}`;
  const total = (which: 'before' | 'after'): Total => {
    const all = compared.flatMap((objective) => objective[which]);
    return { freezes: all.length, seconds: all.reduce((sum, freeze) => sum + secondsWithin(freeze, period), 0) };
  };
  return {
    differences: compared.flatMap(({ differences }) => differences).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    before: total('before'),
    after: total('after'),
    unknown: compared.flatMap(({ unknown }) => unknown),
  };
}

const secondsWithin = ({ from, until }: FreezeTimes, period: Period): number => {
  const [start, end] = [from > period.from ? from : period.from, until ?? period.until];
  return Math.max(0, secondsBetween(start, end));
};

type ComparedObjective = {
  differences: ObjectiveDifference[];
  before: ObjectiveFreeze[];
  after: ObjectiveFreeze[];
  unknown: string[];
};

const NO_COMPARISON: ComparedObjective = { differences: [], before: [], after: [], unknown: [] };

function comparisonOf(
  { id, before, after, countsFrom }: ChangedObjective,
  [configBefore, configAfter]: readonly [Config, Config],
  {
    record,
    incidents,
    period,
  }: { record: ObjectiveRecord | undefined; incidents: readonly RecordedIncident[]; period: Period },
): ComparedObjective {
  const objective = after ?? before;
  if (objective === null) return NO_COMPARISON;
  if (record === undefined)
    return {
      ...NO_COMPARISON,
      unknown: [`cannot be known: the freezes of ${id}, because its counts were never recorded`],
    };
  const withOtherIndicator = [before, after].find(
    (slo) => slo !== null && JSON.stringify(slo.indicator) !== JSON.stringify(record.indicator),
  );
  if (withOtherIndicator != null)
    return {
      ...NO_COMPARISON,
      unknown: [`cannot be known: the freezes of ${id}, because it counts something else, which nobody has counted`],
    };
  const span = { from: millisOf(countsFrom), until: millisOf(period.until) };
  const inputs = { history: historyOf(record.days, span), recorded: record };
  const freezes = (slo: Slo | null, config: Config): ObjectiveFreeze[] =>
    slo === null ? [] : replayFreezes(slo, policyOf(slo, config), inputs, period);
  const [then, now] = [freezes(before, configBefore), freezes(after, configAfter)];
  const isDuring =
    ({ from, until }: FreezeTimes) =>
    (incident: RecordedIncident): boolean =>
      incident.service === objective.service &&
      incident.environment === objective.environment &&
      (until === null || incident.opened_at < until) &&
      (incident.resolved_at === null || incident.resolved_at > from);
  const ofSlo = { slo: id, service: objective.service, environment: objective.environment };
  return {
    before: then,
    after: now,
    differences: pairsOf(then, now).flatMap(([a, b]): ObjectiveDifference[] => {
      const either = b ?? a;
      if (either === null || (a?.from === b?.from && a?.until === b?.until)) return [];
      const during = incidents.filter(isDuring(either)).map((incident) => incident.id);
      return [
        {
          ...ofSlo,
          cause: either.cause,
          before: freezeTimesOf(a),
          after: freezeTimesOf(b),
          incidents: during.toSorted(),
        },
      ];
    }),
    unknown: [
      ...gapTexts(id, record.days, { span, period }),
      ...(before === null ? [] : notReplayedTexts(id, record, then, period)),
    ],
  };
}

const freezeTimesOf = (freeze: ObjectiveFreeze | null): FreezeTimes | null =>
  freeze && { from: freeze.from, until: freeze.until };

/** Pairs freezes of the same cause that overlap, each once. */
function pairsOf(
  before: readonly ObjectiveFreeze[],
  after: readonly ObjectiveFreeze[],
): [ObjectiveFreeze | null, ObjectiveFreeze | null][] {
  const rest = new Set(after);
  const pairs = before.map((freeze): [ObjectiveFreeze | null, ObjectiveFreeze | null] => {
    const same = [...rest].find((other) => other.cause === freeze.cause && isOverlapping(freeze, other)) ?? null;
    if (same !== null) rest.delete(same);
    return [freeze, same];
  });
  return [...pairs, ...[...rest].map((freeze): [null, ObjectiveFreeze] => [null, freeze])];
}

const isOverlapping = (a: FreezeTimes, b: FreezeTimes): boolean =>
  (a.until === null || b.from <= a.until) && (b.until === null || a.from <= b.until);

/** Says from when on counts are recorded, and how much of the period is missing. */
function gapTexts(
  id: SloId,
  days: readonly CountedDay[],
  { span, period }: { span: { from: number; until: number }; period: Period },
): string[] {
  const history = historyOf(days, span);
  const length = history.events.length;
  const isKnown = (n: number): boolean => !Number.isNaN(history.events[(history.oldest + n) % length]);
  const first = Array.from({ length }, (_, n) => n).find(isKnown);
  if (first === undefined) return [`cannot be known: the freezes of ${id}, because no counts of it are recorded`];
  const bucketStart = (n: number): Timestamp => timestamp((history.oldest + n) * BUCKET_MS);
  const periodStart =
    Array.from({ length }, (_, n) => n).find((n) => bucketStart(n) >= period.from && n >= first) ?? length;
  // The newest bucket is not closed yet, and the one before may not be stored yet.
  const within = Array.from({ length: Math.max(0, length - 2 - periodStart) }, (_, n) => periodStart + n);
  const missing = within.filter((n) => !isKnown(n)).length;
  return [
    ...(first === 0
      ? []
      : [`the counts of ${id} are recorded from ${minuteText(bucketStart(first))} on; earlier ones count as unknown`]),
    ...(missing === 0
      ? []
      : [
          `${Math.max(1, Math.round((missing * 100) / within.length))} % of the counts of ${id} in the period are unknown`,
        ]),
  ];
}

/** Names recorded freezes that the first policy does not give again, because something else decided about them. */
const notReplayedTexts = (
  id: SloId,
  { freezes }: ObjectiveRecord,
  replayed: readonly ObjectiveFreeze[],
  { from }: Period,
): string[] =>
  freezes
    .filter(
      ({ cause, starts_at, ended_at }) =>
        starts_at >= from &&
        replayed.every(
          (freeze) => freeze.cause !== cause || !isOverlapping({ from: starts_at, until: ended_at }, freeze),
        ),
    )
    .map(
      ({ cause, starts_at }) =>
        `the freeze by ${CAUSES[cause]} of ${id} from ${minuteText(starts_at)} was opened by an alert, or under another policy; it is not compared`,
    );

export const CAUSES = { budget: 'the budget', burn: 'the burn rate' } as const;
