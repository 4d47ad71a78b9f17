import { freezesByAlert } from '../../freeze/decisions/causes.ts';
import { type FreezePolicy, policyOf } from '../../freeze/decisions/policy.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { BudgetEvaluation } from '../../../core/domain/ports/error-budgets.ts';
import { pooled } from '../../../core/domain/concurrency.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Deps } from '../ports.ts';
import type { SeenAlert } from '../types.ts';
import type { Evaluator } from './evaluator.ts';

const STORE_AT_ONCE = 16;

type EvaluateDeps = Pick<Deps, 'sloAlerts' | 'sloStatuses'>;

/**
 * Evaluates all objectives, and stores their statuses. After an interruption, the next evaluation does all of it again.
 *
 * @param evaluator shared by all evaluations of this process
 */
export async function evaluateObjectives(
  { sloAlerts, sloStatuses }: EvaluateDeps,
  evaluator: Evaluator,
  config: Config,
  at: Timestamp,
): Promise<BudgetEvaluation> {
  const { statuses, connected } = await evaluator.evaluate(config, at);
  await storeStatuses(sloStatuses, [...statuses.values()]);
  const alerts = await sloAlerts.all();
  return {
    evaluated: statuses.size,
    objectives: config.slos.map((slo) => {
      const policy = policyOf(config, slo);
      return {
        slo,
        // Without Prometheus, there is no status.
        status: connected ? (statuses.get(slo.id) ?? null) : null,
        alerting: isAlerting(alerts.get(slo.id) ?? [], policy),
      };
    }),
    async complete() {
      await sloStatuses.setEvaluatedAt(at);
      await evaluator.backfill();
    },
  };
}

/** Returns whether an alert that freezes by policy is firing, or null if there has never been one. */
function isAlerting(alerts: readonly SeenAlert[], policy: FreezePolicy): boolean | null {
  const freezing = alerts.filter(({ severity }) => freezesByAlert(severity, policy));
  return freezing.length === 0 ? null : freezing.some(({ firing }) => firing);
}

/** Stores the statuses by service and environment, and removes those without objectives. */
async function storeStatuses(sloStatuses: EvaluateDeps['sloStatuses'], statuses: readonly SloStatus[]): Promise<void> {
  const serviceEnvironments = new Map<string, { serviceEnvironment: ServiceEnvironment; statuses: SloStatus[] }>();
  const groupFor = ({ service, environment }: SloStatus) => {
    const name = JSON.stringify([service, environment]);
    const found = serviceEnvironments.get(name) ?? { serviceEnvironment: { service, environment }, statuses: [] };
    serviceEnvironments.set(name, found);
    return found;
  };
  for (const previous of await sloStatuses.all()) groupFor(previous);
  for (const status of statuses) groupFor(status).statuses.push(status);
  await pooled([...serviceEnvironments.values()], STORE_AT_ONCE, (group) =>
    sloStatuses.put(group.serviceEnvironment, group.statuses),
  );
}
