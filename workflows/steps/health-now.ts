import { healthOf, type HealthQuery, wholeOfHealth } from '../../core/domain/catalogue/health.ts';
import type { Evidence } from '../../core/domain/correlation/evidence.ts';
import { isQuantile, windowOf } from '../../core/domain/correlation/query.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { VerificationOutcome } from '../../schemas/incidents/inbox.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';

/** Seconds between two samples of health. */
export const HEALTH_STEP_SECONDS = 30;

/** What a health query shows, and what that means. `inconclusive`: it returned no data, or data that can't be read. */
export type Health = { query: HealthQuery; verdict: { outcome: VerificationOutcome; text: string } };

/** Measures the health of a service now. Null: there is no health query, or no Prometheus. */
export async function healthNow(
  { config, metrics }: Pick<Deps, 'config' | 'metrics'>,
  serviceEnvironment: ServiceEnvironment,
): Promise<Health | null> {
  const query = healthOf(await config.current(), serviceEnvironment);
  const measured = query === undefined ? null : await metrics.value(query.promql);
  return query === undefined || measured === null ? null : { query, verdict: verdictOn(query, measured) };
}

/** Seconds before the first sample of health whose traffic shows what chance explains. */
const USUAL_SECONDS = 1800;

/**
 * Measures health from then until now, the greatest value of each step. `health` is null without a Prometheus that responds.
 *
 * @param requests when to measure requests, too. `if_above`: a value is above the limit, which chance may explain
 */
export async function healthSamples(
  { metrics, clock, timeScale }: Pick<Deps, 'metrics' | 'clock' | 'timeScale'>,
  { promql, max, traffic: rate }: HealthQuery,
  from: Timestamp,
  requests: 'always' | 'if_above' = 'always',
): Promise<Pick<Evidence, 'health' | 'traffic' | 'at'>> {
  const at = clock.now();
  const stepSeconds = Math.max(1, Math.round(HEALTH_STEP_SECONDS / timeScale));
  const curve = await metrics.range(promql, from, at, 'max', { stepSeconds });
  const asks = requests === 'always' || curve?.some(([, value]) => value > max) === true;
  const traffic =
    rate === undefined || !asks ? null : await metrics.range(rate, plusSeconds(from, -USUAL_SECONDS), at, 'sum');
  const quantile = isQuantile(promql) && { quantile: true as const };
  return { health: curve && { max, curve, window: windowOf(promql), ...quantile }, traffic, at };
}

function verdictOn(
  query: HealthQuery,
  measured: NonNullable<Awaited<ReturnType<Deps['metrics']['value']>>>,
): Health['verdict'] {
  switch (measured.kind) {
    case 'value': {
      const whole = wholeOfHealth(query);
      const shown = (each: number): string =>
        whole === null ? String(each) : `${Number(((100 * each) / whole).toPrecision(12))} %`;
      const [value, max] = [shown(roundedValue(measured.value, query.max)), shown(query.max)];
      return measured.value <= query.max
        ? { outcome: 'passed', text: `Healthy: ${query.called} is ${value}, within the limit of ${max}` }
        : { outcome: 'failed', text: `Not healthy: ${query.called} is ${value}, above ${max}` };
    }
    case 'no_data':
      return { outcome: 'inconclusive', text: `Inconclusive: ${query.called} returned no data` };
    case 'unreadable':
      return { outcome: 'inconclusive', text: `Inconclusive: ${measured.detail}` };
  }
}

/** Rounds to three digits, unless the result would equal the limit. */
const roundedValue = (value: number, limit: number): number => {
  const rounded = Number(value.toPrecision(3));
  return rounded === limit ? value : rounded;
};
