import * as z from 'zod';
import type { Freeze } from '../../../freeze/schemas/freeze.ts';
import type { RecordedObjective } from '../../objective.ts';
import type { Slo } from '../../../../schemas/slo/slo.ts';
import type { SloStatus } from '../../../../schemas/slo/slo-status.ts';
import { millisOf, type Timestamp, timestamp } from '../../../../schemas/time/time.ts';
import { planFreezes } from '../../../freeze/decisions/budget/plan-freezes.ts';
import type { FreezePolicy } from '../../../freeze/decisions/policy.ts';
import { accountIn, historySeconds } from '../../../slo/decisions/budget/account.ts';
import { budgetOf } from '../../../slo/decisions/budget/budget.ts';
import { burnRatesOf, reachedAlerts } from '../../../slo/decisions/budget/burn.ts';
import { type Span, spanOf } from '../../../slo/decisions/budget/period.ts';
import { spansOf } from '../../../slo/decisions/corrections.ts';
import { BUCKET_MS, type History } from '../../../slo/decisions/history.ts';
import { CountsOverTime } from './counts.ts';

/** A freeze by an objective. `until` null: it is still in force at the end of the period. */
export type ObjectiveFreeze = { cause: 'budget' | 'burn'; from: Timestamp; until: Timestamp | null };

/** How long before a period its replay begins, so that it knows the freezes that are in force when the period begins. */
const LEAD_MS = 7 * 86_400_000;

/** Returns how far the counts of an objective are needed for a period, in milliseconds since the Unix epoch. */
export const countsNeeded = (slo: Slo, from: Timestamp): number =>
  millisOf(from) - LEAD_MS - historySeconds(slo) * 1000;

/**
 * Replays the evaluations of an objective every five minutes, as its counts are stored, with the functions of the
 * evaluation. Corrections apply from when they were recorded, and a freeze ends when a person lifted one. Pure.
 *
 * @returns the freezes that were in force in the period, oldest first
 */
export function replayFreezes(
  slo: Slo,
  policy: FreezePolicy,
  { history, recorded }: { history: History; recorded: RecordedObjective },
  period: { from: Timestamp; until: Timestamp },
): ObjectiveFreeze[] {
  if (policy.budget === null && policy.burn === 'off') return [];
  const correctedCounts = new CorrectedCounts(slo, history, recorded);
  const lifts = recorded.freezes.filter(({ lifted, ended_at: at }) => lifted && at !== null);
  const all: Freeze[] = [];
  let current: Freeze[] = [];
  let span: Span | null = null;
  let dataAt: Timestamp | null = null;
  const begin = Math.max(history.oldest * BUCKET_MS, millisOf(period.from) - LEAD_MS);
  for (let now = Math.ceil(begin / BUCKET_MS) * BUCKET_MS; now <= millisOf(period.until); now += BUCKET_MS) {
    const at = timestamp(now);
    const before = timestamp(now - BUCKET_MS);
    for (const { cause, ended_at: ended } of lifts)
      if (ended !== null && ended > before && ended <= at)
        for (const freeze of current) if (freeze.cause === cause && freeze.ended_at === null) freeze.ended_at = ended;
    if (slo.window.kind === 'rolling' || span === null || now >= span.until) span = spanOf(slo.window, now);
    const { counts, excluded } = correctedCounts.at(at);
    const isKnown = counts.isKnownBefore(now);
    if (isKnown) dataAt = at;
    const account = accountIn(slo, counts.at(now), span, excluded);
    const rates = burnRatesOf(account);
    const status: SloStatus = {
      ...NOT_FORECAST,
      id: slo.id,
      service: slo.service,
      environment: slo.environment,
      state: isKnown ? 'ok' : 'unreadable',
      data_at: dataAt,
      budget: budgetOf(account),
      burn_rates: rates,
      burning: reachedAlerts(account, rates),
    };
    const objectives = [{ slo, status, policy, alerting: null }];
    const plan = planFreezes(
      { at, objectives, incidents: [], calendar: { at, until: null, spans: [] }, current },
      readableId,
    );
    for (const { id, at: endedAt } of plan.end)
      for (const freeze of current) if (freeze.id === id) freeze.ended_at = endedAt;
    const settled = new Set([...plan.end, ...plan.settle].map(({ id }) => id));
    all.push(...plan.open);
    current = [...current.filter(({ id }) => !settled.has(id)), ...plan.open];
  }
  return all.flatMap(({ cause, starts_at: from, ended_at: until }): ObjectiveFreeze[] =>
    (cause !== 'budget' && cause !== 'burn') || (until !== null && until <= period.from)
      ? []
      : [{ cause, from, until }],
  );
}

/** Returns an ID without a hash: cause and start identify a freeze of one objective. */
const readableId = (text: string): string => {
  const [cause, , startsAt] = z.array(z.string()).parse(JSON.parse(text));
  return `${cause} ${startsAt}`;
};

const NOT_FORECAST = {
  problem: null,
  unread: null,
  corrected: null,
  forecast: { spent_at: null, lifts_at: null, lifts_at_present_burn: null },
  untouched: false,
  source: 'own',
} as const;

/** Counts under the corrections that were known at each time. */
class CorrectedCounts {
  readonly #slo: Slo;
  readonly #history: History;
  readonly #corrections: readonly { from: Timestamp; until: Timestamp | null; spans: readonly Span[] }[];
  /** When the corrections in force change next. Null: never. Empty: not computed yet. */
  #until: Timestamp | null = '' as Timestamp;
  #current: { counts: CountsOverTime; excluded: readonly Span[] } | null = null;

  constructor(slo: Slo, history: History, { corrections }: RecordedObjective) {
    this.#slo = slo;
    this.#history = history;
    const from = history.oldest * BUCKET_MS;
    const within = { from, until: from + history.events.length * BUCKET_MS };
    this.#corrections = corrections.map(({ created_at, withdrawn_at, ...correction }) => ({
      from: created_at,
      until: withdrawn_at,
      spans: spansOf(correction, within),
    }));
  }

  /** Returns the counts and the excluded periods. @param now must not decrease from call to call */
  at(now: Timestamp): { counts: CountsOverTime; excluded: readonly Span[] } {
    if (this.#current !== null && (this.#until === null || now < this.#until)) return this.#current;
    const excluded = this.#corrections
      .filter(({ from, until }) => from <= now && (until === null || until > now))
      .flatMap(({ spans }) => spans);
    this.#current = { counts: new CountsOverTime(this.#slo, this.#history, excluded), excluded };
    const changes = this.#corrections.flatMap(({ from, until }) => [from, ...(until === null ? [] : [until])]);
    this.#until = changes.filter((change) => change > now).toSorted()[0] ?? null;
    return this.#current;
  }
}
