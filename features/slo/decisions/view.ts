import type { Freeze } from '../../freeze/schemas/freeze.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import { type BurnRates, BurnWindow, type Forecast, type SloStatus } from '../../../schemas/slo/slo-status.ts';
import type { SloPoint, SloView } from '../schemas/slo-view.ts';
import { millisOf, timestamp, type Timestamp } from '../../../schemas/time/time.ts';
import { windowInWords } from '../../freeze/decisions/causes.ts';
import type { FreezePolicy } from '../../freeze/decisions/policy.ts';
import { isStale, unreadBudget } from '../../freeze/decisions/budget/spending.ts';
import { stateAt } from '../../freeze/decisions/state.ts';
import { spanOf } from './budget/period.ts';

export type ViewInputs = {
  slo: Slo;
  /** Undefined: not evaluated yet. */
  status: SloStatus | undefined;
  policy: Pick<FreezePolicy, 'budget' | 'stale'>;
  /** All freezes that are not over, possibly including those of other objectives. */
  freezes: readonly Freeze[];
  history: SloPoint[];
  evaluatedAt: Timestamp | null;
  at: Timestamp;
};

/** Builds the public view of an objective. */
export function sloView({ slo, status, policy, freezes, history, evaluatedAt, at }: ViewInputs): SloView {
  const { id, displayName, description, service, environment, target } = slo;
  return {
    id,
    name: displayName,
    description,
    service,
    environment,
    objective: target,
    window: windowView(slo, at),
    budget_remaining: status?.budget.remaining ?? null,
    spent_at_least: status?.budget.spent_at_least ?? null,
    coverage: status?.budget.coverage ?? null,
    events: status?.budget.events ?? null,
    errors: status?.budget.errors ?? null,
    significant: status?.budget.significant ?? null,
    corrected: status?.corrected ?? null,
    state: status?.state ?? 'unreadable',
    problem: status === undefined ? NOT_EVALUATED : problemOf(status, policy),
    burn_rates: status?.burn_rates ?? NO_RATES,
    burning: status?.burning ?? [],
    forecast: status?.forecast ?? NO_FORECAST,
    untouched: status?.untouched ?? null,
    data_at: status?.data_at ?? null,
    evaluated_at: evaluatedAt,
    stale: status === undefined || isStale(status, policy, at),
    source: status?.source ?? null,
    frozen_by: freezes
      .filter((freeze) => freeze.slo === id && stateAt(freeze, at) === 'in_force')
      .map((freeze) => freeze.id),
    history,
  };
}

function problemOf(status: SloStatus, policy: ViewInputs['policy']): string | null {
  const unread = unreadBudget(status, policy);
  return status.problem ?? (unread === null ? null : `its history could not be read: ${unread}`);
}

const NOT_EVALUATED = 'it has not been evaluated yet: objectives are evaluated every minute';

const NO_RATES = Object.fromEntries(BurnWindow.options.map((window) => [window, null])) as BurnRates;

const NO_FORECAST: Forecast = {
  spent_at: null,
  warns_at: null,
  freezes_at: null,
  burns_at: null,
  warning_ends_at: null,
  lifts_at: null,
  lifts_at_present_burn: null,
};

function windowView({ window }: Slo, at: Timestamp): SloView['window'] {
  const { from, until } = spanOf(window, millisOf(at));
  const times = { from: timestamp(from), until: timestamp(until), text: windowInWords(window) };
  return window.kind === 'rolling'
    ? { kind: 'rolling', days: window.seconds / 86_400, unit: null, count: null, time_zone: null, ...times }
    : { kind: 'calendar', days: null, unit: window.unit, count: window.count, time_zone: window.timeZone, ...times };
}
