import type { Slo, SloWindow } from '../../../schemas/slo/slo.ts';
import type { Problem } from '../../runbooks/problem.ts';
import { warningAt, type LocatedSlo } from '../source-locations.ts';

const DAY_SECONDS = 24 * 3600;

/** Minimum length in days of each calendar unit. */
const UNIT_DAYS = { day: 1, week: 7, month: 28, quarter: 90, year: 365 } as const;

/** Minimum budget in seconds of full outage: a shorter outage is over before anyone can react. */
const BUDGET_MIN_SECONDS = 60;

/** A lower target is probably a mistake. */
const TARGET_MIN = 0.5;

const SUGGESTED_WINDOW = 'use four weeks (28d), which are long enough and always have the same number of weekends';

/** Checks the target and the window of an objective. */
export function lintTarget({ slo, target, window }: LocatedSlo): Problem[] {
  const problems: Problem[] = [];
  const seconds = secondsOf(slo.window);
  const budget = (1 - slo.target) * seconds;
  if (slo.target < TARGET_MIN) problems.push(warningAt(target, `the target ${percent(slo)} is low`, suggestion(slo)));
  if (budget < BUDGET_MIN_SECONDS) {
    const message = `the whole budget is ${budget.toPrecision(2)} s of outage: it is spent before a person can act`;
    problems.push(warningAt(target, message, 'lower the target, or use a longer window'));
  }
  if (seconds < DAY_SECONDS)
    problems.push(warningAt(window, 'a window shorter than a day forgets an outage within hours', SUGGESTED_WINDOW));
  return problems;
}

const secondsOf = (window: SloWindow): number =>
  window.kind === 'rolling' ? window.seconds : window.count * UNIT_DAYS[window.unit] * DAY_SECONDS;

const percent = ({ target }: Slo): string => `${Number((target * 100).toPrecision(12))} %`;

/** Suggests the likely target: a common mistake is `targetPercent: 0.999`. */
const suggestion = ({ target }: Slo): string | null =>
  target < 0.01 ? `did you mean target: ${Number((target * 100).toPrecision(12))}?` : null;
