import { gauge, type Metric, sampleOf } from '../../entrances/http/routes/metrics/exposition.ts';
import { BurnWindow, type SloStatus } from '../../schemas/slo/slo-status.ts';
import { millisOf } from '../../schemas/time/time.ts';
import type { FeatureMetrics } from '../manifest.ts';
import { type SloPorts, withPorts } from './ports.ts';

/** Metrics of objectives. */
export const metrics: FeatureMetrics = { current: async (deps) => objectiveMetrics(withPorts(deps)) };

/** Returns the metrics of the last evaluation of objectives. */
async function objectiveMetrics({ sloStatuses }: Pick<SloPorts, 'sloStatuses'>): Promise<Metric[]> {
  const [statuses, evaluatedAt] = await Promise.all([sloStatuses.all(), sloStatuses.evaluatedAt()]);
  const labels = ({ id, service, environment }: SloStatus) => ({ slo: id, service, environment });
  return [
    gauge(
      'firebreak_slo_budget_remaining_ratio',
      'Remaining error budget: 1 is the whole budget, below 0 is overspent; absent if there is not enough data',
      statuses.flatMap((status) => sampleOf(labels(status), status.budget.remaining)),
    ),
    gauge(
      'firebreak_slo_uncorrected_budget_remaining_ratio',
      'Remaining error budget if corrected periods count; absent without corrections, or if there is not enough data',
      statuses.flatMap((status) => sampleOf(labels(status), status.corrected?.uncorrected.budget.remaining ?? null)),
    ),
    gauge(
      'firebreak_slo_coverage_ratio',
      "Share of the objective's window that has data",
      statuses.flatMap((status) => sampleOf(labels(status), status.budget.coverage)),
    ),
    gauge(
      'firebreak_slo_burn_rate',
      'Burn rate of the error budget, by window: 1 spends exactly the budget; absent if there were no events',
      statuses.flatMap((status) =>
        BurnWindow.options.flatMap((window) => sampleOf({ ...labels(status), window }, status.burn_rates[window])),
      ),
    ),
    gauge(
      'firebreak_slo_evaluation_timestamp_seconds',
      'When the last completed evaluation of objectives started, in seconds since the epoch',
      sampleOf({}, evaluatedAt === null ? null : millisOf(evaluatedAt) / 1000),
    ),
  ];
}
