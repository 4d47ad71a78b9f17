import { deps as productionDeps } from '../aws/deps.ts';
import { EVALUATE_TIMEOUT_SECONDS } from '../aws/resources.ts';
import type { Deps, Place } from '../domain/ports.ts';
import { emptyConfig } from '../schemas/config.ts';
import type { SloStatus } from '../schemas/slo-status.ts';
import { Evaluator } from './evaluation/evaluator.ts';
import { pooled } from './evaluation/pool.ts';
import { recordFreezes } from './evaluation/record.ts';

/** Longer than an evaluation may take, so that whoever has the lease is the only one who counts. */
const LEASE_SECONDS = EVALUATE_TIMEOUT_SECONDS + 5;

const STORE_AT_ONCE = 16;

export type EvaluateDeps = Pick<
  Deps,
  | 'clock'
  | 'config'
  | 'freezes'
  | 'incidents'
  | 'log'
  | 'sloAlerts'
  | 'sloDays'
  | 'sloLease'
  | 'sloMetrics'
  | 'sloStatuses'
>;

/** `held`: one is under way, here or elsewhere. */
export type Evaluation = { evaluated: number; opened: number; ended: number } | 'held';

/**
 * Each minute: how every objective stands, and what that freezes or lifts. Whatever it is interrupted at, the next one
 * does all of it.
 *
 * @param evaluator the same for all of them
 * @throws AggregateError when freezes could not be put on record, after all else is done
 */
export async function evaluate(deps: EvaluateDeps, evaluator: Evaluator): Promise<Evaluation> {
  if (evaluator.busy) return 'held';
  evaluator.busy = true;
  try {
    return await alone(deps, evaluator);
  } finally {
    evaluator.busy = false;
  }
}

const NOTHING = { evaluated: 0, opened: 0, ended: 0 };

async function alone(deps: EvaluateDeps, evaluator: Evaluator): Promise<Evaluation> {
  if ((await deps.config.current()).version === emptyConfig.version) {
    // Not the same as a configuration without objectives, which ends what those that are gone have frozen.
    deps.log.warn('no configuration is published, so nothing is evaluated and all freezes stay');
    return NOTHING;
  }
  if (await isIdle(deps)) return NOTHING;
  const lease = await deps.sloLease.take(evaluator.id, LEASE_SECONDS);
  if (lease === 'held') return 'held';
  if (lease === 'taken') evaluator.forget();
  try {
    const config = await deps.config.current();
    const standing = await evaluator.evaluate(config);
    await keepStatuses(deps, [...standing.statuses.values()]);
    const { opened, ended, failed } = await recordFreezes(deps, config, standing);
    await deps.sloStatuses.setEvaluatedAt(standing.at);
    await evaluator.backfill();
    if (failed.length > 0) throw new AggregateError(failed, `${failed.length} freezes could not be put on record`);
    return { evaluated: standing.statuses.size, opened, ended };
  } finally {
    await deps.sloLease.release(evaluator.id);
  }
}

/** Nothing is configured that could freeze, and nothing is left of what was: most begin so, and it costs them two reads. */
async function isIdle({ config, freezes, sloStatuses }: EvaluateDeps): Promise<boolean> {
  const { slos, freeze } = await config.current();
  const byIncidents = [freeze.defaults, ...freeze.policies].some(({ incidents = 'off' }) => incidents !== 'off');
  if (slos.length > 0 || freeze.calendar.length > 0 || byIncidents) return false;
  return (await freezes.current()).length === 0 && (await sloStatuses.all()).length === 0;
}

/** By place, and those of places that have none any more are taken away. */
async function keepStatuses({ sloStatuses }: Pick<Deps, 'sloStatuses'>, statuses: readonly SloStatus[]): Promise<void> {
  const places = new Map<string, { place: Place; statuses: SloStatus[] }>();
  const at = ({ service, environment }: SloStatus) => {
    const name = JSON.stringify([service, environment]);
    const found = places.get(name) ?? { place: { service, environment }, statuses: [] };
    places.set(name, found);
    return found;
  };
  for (const gone of await sloStatuses.all()) at(gone);
  for (const status of statuses) at(status).statuses.push(status);
  await pooled([...places.values()], STORE_AT_ONCE, (one) => sloStatuses.put(one.place, one.statuses));
}

let evaluator: Evaluator | undefined;

export const handler = (): Promise<Evaluation> =>
  evaluate(productionDeps(), (evaluator ??= new Evaluator(productionDeps())));
