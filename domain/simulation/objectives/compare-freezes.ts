import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { CountedDay, RecordedObjective } from '../../../schemas/simulation/objective.ts';
import type { RecordedIncident } from '../../../schemas/simulation/recording.ts';
import type { Slo, SloId } from '../../../schemas/slo/slo.ts';
import { millisOf, secondsBetween, type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { serviceEntry } from '../../catalogue/catalogue.ts';
import { type FreezePolicy, policyFor } from '../../freeze/policy.ts';
import { countsNeeded, type ObjectiveFreeze, replayFreezes } from './replay-freezes.ts';
import { historyOf } from './counts.ts';

/** What was recorded of an objective. */
export type ObjectiveRecord = RecordedObjective & { days: readonly CountedDay[] };

type Length = { from: Timestamp; until: Timestamp | null };

/** A freeze by a budget or burn rate that only one of two policies has, or whose times differ. Null: not in force. */
export type ObjectiveDifference = {
  slo: SloId;
  service: string;
  environment: string;
  cause: ObjectiveFreeze['cause'];
  before: Length | null;
  after: Length | null;
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
  const found = changedObjectives(before, after, period).map((changed) =>
    comparisonOf(changed, [before, after], { record: records.find(({ id }) => id === changed.id), incidents, period }),
  );
  const keyOf = ({ before: a, after: b, slo, cause }: ObjectiveDifference): string =>
    `${(a ?? b)?.from ?? ''} ${slo} ${cause}`;
  const total = (which: 'before' | 'after'): Total => {
    const all = found.flatMap((one) => one[which]);
    return { freezes: all.length, seconds: all.reduce((sum, one) => sum + secondsWithin(one, period), 0) };
  };
  return {
    differences: found.flatMap(({ differences }) => differences).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    before: total('before'),
    after: total('after'),
    unknown: found.flatMap(({ unknown }) => unknown),
  };
}

const secondsWithin = ({ from, until }: Length, period: Period): number => {
  const [start, end] = [from > period.from ? from : period.from, until ?? period.until];
  return Math.max(0, secondsBetween(start, end));
};

type Found = {
  differences: ObjectiveDifference[];
  before: ObjectiveFreeze[];
  after: ObjectiveFreeze[];
  unknown: string[];
};

const NOTHING: Found = { differences: [], before: [], after: [], unknown: [] };

function comparisonOf(
  { id, before, after, countsFrom }: ChangedObjective,
  [configBefore, configAfter]: readonly [Config, Config],
  {
    record,
    incidents,
    period,
  }: { record: ObjectiveRecord | undefined; incidents: readonly RecordedIncident[]; period: Period },
): Found {
  const known = after ?? before;
  if (known === null) return NOTHING;
  if (record === undefined)
    return { ...NOTHING, unknown: [`cannot be known: the freezes of ${id}, because its counts were never recorded`] };
  const other = [before, after].find(
    (slo) => slo !== null && JSON.stringify(slo.indicator) !== JSON.stringify(record.indicator),
  );
  if (other != null)
    return {
      ...NOTHING,
      unknown: [`cannot be known: the freezes of ${id}, because it counts something else, which nobody has counted`],
    };
  const span = { from: millisOf(countsFrom), until: millisOf(period.until) };
  const inputs = { history: historyOf(record.days, span), recorded: record };
  const freezes = (slo: Slo | null, config: Config): ObjectiveFreeze[] =>
    slo === null ? [] : replayFreezes(slo, policyOf(slo, config), inputs, period);
  const [then, now] = [freezes(before, configBefore), freezes(after, configAfter)];
  const isDuring =
    ({ from, until }: Length) =>
    (one: RecordedIncident): boolean =>
      one.service === known.service &&
      one.environment === known.environment &&
      (until === null || one.opened_at < until) &&
      (one.resolved_at === null || one.resolved_at > from);
  const ofSlo = { slo: id, service: known.service, environment: known.environment };
  return {
    before: then,
    after: now,
    differences: pairsOf(then, now).flatMap(([a, b]): ObjectiveDifference[] => {
      const some = b ?? a;
      if (some === null || (a?.from === b?.from && a?.until === b?.until)) return [];
      const during = incidents.filter(isDuring(some)).map((one) => one.id);
      return [{ ...ofSlo, cause: some.cause, before: lengthOf(a), after: lengthOf(b), incidents: during.toSorted() }];
    }),
    unknown: [
      ...gapsOf(id, record.days, { span, period }),
      ...(before === null ? [] : notGivenAgain(id, record, then, period)),
    ],
  };
}

const lengthOf = (freeze: ObjectiveFreeze | null): Length | null =>
  freeze && { from: freeze.from, until: freeze.until };

/** Pairs freezes of the same cause that overlap, each once. */
function pairsOf(
  before: readonly ObjectiveFreeze[],
  after: readonly ObjectiveFreeze[],
): [ObjectiveFreeze | null, ObjectiveFreeze | null][] {
  const rest = new Set(after);
  const pairs = before.map((one): [ObjectiveFreeze | null, ObjectiveFreeze | null] => {
    const same = [...rest].find((other) => other.cause === one.cause && isOverlapping(one, other)) ?? null;
    if (same !== null) rest.delete(same);
    return [one, same];
  });
  return [...pairs, ...[...rest].map((one): [null, ObjectiveFreeze] => [null, one])];
}

const isOverlapping = (a: Length, b: Length): boolean =>
  (a.until === null || b.from <= a.until) && (b.until === null || a.from <= b.until);

/** Says from when on counts are recorded, and how much of the period is missing. */
function gapsOf(
  id: SloId,
  days: readonly CountedDay[],
  { span, period }: { span: { from: number; until: number }; period: Period },
): string[] {
  const history = historyOf(days, span);
  const length = history.events.length;
  const isKnown = (n: number): boolean => !Number.isNaN(history.events[(history.oldest + n) % length]);
  const first = Array.from({ length }, (_, n) => n).find(isKnown);
  if (first === undefined) return [`cannot be known: the freezes of ${id}, because no counts of it are recorded`];
  const at = (n: number): Timestamp => timestamp((history.oldest + n) * 300_000);
  const begin = Array.from({ length }, (_, n) => n).find((n) => at(n) >= period.from && n >= first) ?? length;
  // The newest bucket is not closed yet, and the one before may not be stored yet.
  const within = Array.from({ length: Math.max(0, length - 2 - begin) }, (_, n) => begin + n);
  const missing = within.filter((n) => !isKnown(n)).length;
  return [
    ...(first === 0
      ? []
      : [`the counts of ${id} are recorded from ${clock(at(first))} on; earlier ones count as unknown`]),
    ...(missing === 0
      ? []
      : [
          `${Math.max(1, Math.round((missing * 100) / within.length))} % of the counts of ${id} in the period are unknown`,
        ]),
  ];
}

/** Names recorded freezes that the first policy does not give again, because something else decided about them. */
const notGivenAgain = (
  id: SloId,
  { freezes }: ObjectiveRecord,
  replayed: readonly ObjectiveFreeze[],
  { from }: Period,
): string[] =>
  freezes
    .filter(
      ({ cause, starts_at, ended_at }) =>
        starts_at >= from &&
        replayed.every((one) => one.cause !== cause || !isOverlapping({ from: starts_at, until: ended_at }, one)),
    )
    .map(
      ({ cause, starts_at }) =>
        `the freeze by ${CAUSES[cause]} of ${id} from ${clock(starts_at)} was opened by an alert, or under another policy; it is not compared`,
    );

export const CAUSES = { budget: 'the budget', burn: 'the burn rate' } as const;

/** Formats a time as `2026-11-20 14:03 UTC`. */
const clock = (at: Timestamp): string => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
