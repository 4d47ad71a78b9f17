import { metricsIn } from '../../../core/domain/correlation/query.ts';
import type { Deps } from '../ports.ts';
import type { NewExperiment } from '../experiment.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { noSuchMetric, queryOf, QUERY_TIMEOUT_MS, steadyStateStep } from '../steps/observe.ts';

export type UnmeasurableDeps = Pick<Deps, 'config' | 'judgeMetrics' | 'metricQueries' | 'clock'>;

/** Maximum number of metrics of a query that are searched. */
const SEARCHED_MAX = 5;

/**
 * Returns why checks of a new experiment cannot be measured: the service has no such metric, or Prometheus has had no sample
 * in the steady-state period, which is measured before a planned experiment starts. If Prometheus does not answer, or
 * answers incompletely, nothing is known.
 */
export async function unmeasurableChecks(deps: UnmeasurableDeps, input: NewExperiment): Promise<string[]> {
  const reasons = await Promise.all(
    input.checks.map(async (check): Promise<string[]> => {
      const query = await queryOf(deps, input, check);
      if (query === null) return [`${check.name}: ${noSuchMetric(check)}`];
      if (typeof query !== 'string' || input.status !== 'planned') return [];
      const why = await withoutSamples(deps, input, query);
      return why === null ? [] : [`${check.name}: ${why}`];
    }),
  );
  return reasons.flat();
}

/** Returns what is missing in Prometheus for this query. Null: nothing, or not known. */
async function withoutSamples(
  { metricQueries, clock }: UnmeasurableDeps,
  { steady_state_seconds: seconds }: NewExperiment,
  query: string,
): Promise<string | null> {
  const now = clock.now();
  const from = plusSeconds(now, -seconds);
  const answer = await metricQueries.range(query, from, now, steadyStateStep(seconds), QUERY_TIMEOUT_MS);
  if (answer?.kind !== 'series' || answer.series.length > 0) return null;
  const searched = await Promise.all(
    metricsIn(query)
      .slice(0, SEARCHED_MAX)
      .map(async (name): Promise<string[]> => {
        const found = await metricQueries.instant(`count({__name__="${name}"})`, now, QUERY_TIMEOUT_MS);
        return found?.kind === 'series' && found.series.length === 0 ? [name] : [];
      }),
  );
  const unknown = searched.flat();
  return unknown.length > 0
    ? `Prometheus has no series of ${unknown.join(', ')}`
    : `the query had no result in the last ${seconds} s`;
}
