import type { Slo } from '../../../../schemas/slo/slo.ts';
import { badShare, rateOf } from '../../../../core/domain/monitoring/rates.ts';
import { allowedShare } from '../../../../core/domain/monitoring/rounding.ts';
import { ERRORS } from './names.ts';

/**
 * Returns the recorded expressions of an objective: events and errors per second. For time-based indicators, each
 * second is an event.
 */
export function recordedExpressions(slo: Slo): { events: string; errors: string } {
  const { indicator } = slo;
  if (indicator.kind !== 'ratio') {
    const bad = badShare(indicator);
    return { events: `(${bad}) * 0 + 1`, errors: bad };
  }
  const total = rateOf(indicator.total, indicator.counter);
  const numerator = rateOf(indicator.numerator, indicator.counter);
  // Error series often start with the first error: no series means no errors.
  if (indicator.of === 'bad') return { events: total, errors: `(${numerator}) or 0 * (${total})` };
  return {
    events: total,
    // If there are no good events now but there were lately, all events are bad. If there never were any, no errors are
    // reported.
    errors: `clamp_min((${total}) - (${numerator}), 0)\nor\n(${total}) and on() last_over_time(${ERRORS}${labelsOf(slo)}[1d])`,
  };
}

/** Returns the subquery step for a window: one minute for hours, five minutes for days. */
const stepOf = (seconds: number): { text: string; seconds: number } =>
  seconds <= 6 * 3600 ? { text: '1m', seconds: 60 } : { text: '5m', seconds: 300 };

/**
 * Returns the numbers of events and errors in a whole window, by the objective's own queries; seconds for time slices.
 */
export function rawIncreases(slo: Slo, window: string, seconds: number): { events: string; errors: string } {
  const { indicator, budgeting } = slo;
  if (indicator.kind === 'ratio' && budgeting.kind === 'occurrences') {
    const step = stepOf(seconds).text;
    const total = `${rateOf(indicator.total, indicator.counter, window, step)} * ${seconds}`;
    const part = `${rateOf(indicator.numerator, indicator.counter, window, step)} * ${seconds}`;
    return {
      events: total,
      errors: indicator.of === 'bad' ? `${part}\nor\n${total} * 0` : `clamp_min(${total} - ${part}, 0)`,
    };
  }
  const step = budgeting.kind === 'timeslices' ? stepOf(Infinity) : stepOf(seconds);
  const bad =
    budgeting.kind === 'timeslices' ? `${badNow(slo)} > bool ${allowedShare(budgeting.sliceTarget)}` : badNow(slo);
  return {
    events: `count_over_time((${bad})[${window}:${step.text}]) * ${step.seconds}`,
    errors: `sum_over_time((${bad})[${window}:${step.text}]) * ${step.seconds}`,
  };
}

/** Returns the bad share in the five minutes up to each moment. */
function badNow({ indicator }: Slo): string {
  if (indicator.kind !== 'ratio') return badShare(indicator);
  const total = rateOf(indicator.total, indicator.counter);
  const part = rateOf(indicator.numerator, indicator.counter);
  return indicator.of === 'bad' ? `((${part}) or 0 * (${total})) / (${total})` : `1 - (${part}) / (${total})`;
}

/** Returns the label matchers for the recorded series of one objective. */
export const labelsOf = ({ id, service, environment }: Slo): string =>
  `{slo=${quoted(id)}, service=${quoted(service)}, environment=${quoted(environment)}}`;

/**
 * Quotes a string literal.
 * @see https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
 */
const quoted = (text: string): string => JSON.stringify(text);
