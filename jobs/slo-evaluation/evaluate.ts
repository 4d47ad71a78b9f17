import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { emptyConfig } from '../../schemas/config/config.ts';
import type { SloStatus } from '../../schemas/slo/slo-status.ts';
import type { Evaluator } from './evaluator.ts';
import { pooled } from '../../actions/shared/concurrency.ts';
import { recordFreezes } from './record.ts';

/** Seconds after which an evaluation is given up. */
export const EVALUATION_MAX_SECONDS = 45;

/** How long the lease is valid. Longer than an evaluation may take, so that only one instance evaluates. */
const LEASE_SECONDS = EVALUATION_MAX_SECONDS + 5;

const STORE_AT_ONCE = 16;

export type EvaluateDeps = Pick<
  Deps,
  | 'clock'
  | 'config'
  | 'freezes'
  | 'incidents'
  | 'log'
  | 'sloAlerts'
  | 'sloCorrections'
  | 'sloDays'
  | 'sloLease'
  | 'sloMetrics'
  | 'sloStatuses'
>;

/** Result of an evaluation. `held`: another evaluation is in progress. */
export type Evaluation = { evaluated: number; opened: number; ended: number } | 'held';

/**
 * Evaluates all objectives, and opens and lifts freezes accordingly, each minute. After an interruption, the next
 * evaluation does all of it again.
 *
 * @param evaluator shared by all evaluations of this process
 * @throws AggregateError at the end, if freezes could not be stored
 */
export async function evaluate(deps: EvaluateDeps, evaluator: Evaluator): Promise<Evaluation> {
  if (evaluator.busy) return 'held';
  evaluator.busy = true;
  try {
    return await evaluateAlone(deps, evaluator);
  } finally {
    evaluator.busy = false;
  }
}

const NOTHING = { evaluated: 0, opened: 0, ended: 0 };

async function evaluateAlone(deps: EvaluateDeps, evaluator: Evaluator): Promise<Evaluation> {
  if ((await deps.config.current()).version === emptyConfig.version) {
    // Unlike a configuration without objectives, which ends the freezes of removed objectives.
    deps.log.warn('no configuration is published, so nothing is evaluated and all freezes stay in force');
    return NOTHING;
  }
  if (await isIdle(deps)) return NOTHING;
  const lease = await deps.sloLease.take(evaluator.id, LEASE_SECONDS);
  if (lease === 'held') return 'held';
  if (lease === 'taken') evaluator.forget();
  try {
    const config = await deps.config.current();
    const evaluation = await evaluator.evaluate(config);
    await storeStatuses(deps, [...evaluation.statuses.values()]);
    const { opened, ended, failed } = await recordFreezes(deps, config, evaluation);
    await deps.sloStatuses.setEvaluatedAt(evaluation.at);
    await evaluator.backfill();
    if (failed.length > 0) throw new AggregateError(failed, `${failed.length} freezes could not be stored`);
    return { evaluated: evaluation.statuses.size, opened, ended };
  } finally {
    await deps.sloLease.release(evaluator.id);
  }
}

/**
 * Returns whether nothing can freeze and nothing is left from before. Most new installations are idle and need two
 * reads.
 */
async function isIdle({ config, freezes, sloStatuses }: EvaluateDeps): Promise<boolean> {
  const { slos, freeze } = await config.current();
  const byIncidents = [freeze.defaults, ...freeze.policies].some(({ incidents = 'off' }) => incidents !== 'off');
  if (slos.length > 0 || freeze.calendar.length > 0 || byIncidents) return false;
  return (await freezes.current()).length === 0 && (await sloStatuses.all()).length === 0;
}

/** Stores the statuses by service and environment, and removes those without objectives. */
async function storeStatuses(
  { sloStatuses }: Pick<Deps, 'sloStatuses'>,
  statuses: readonly SloStatus[],
): Promise<void> {
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
