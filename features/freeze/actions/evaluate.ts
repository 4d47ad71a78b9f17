import { randomUUID } from 'node:crypto';
import { counted } from '../../../core/domain/reports/words.ts';
import { pooled } from '../../../core/domain/concurrency.ts';
import { calendarAt } from '../decisions/calendar.ts';
import type { Evaluated } from '../decisions/budget/freeze-plan-inputs.ts';
import { type FreezePlan, planFreezes } from '../decisions/budget/plan-freezes.ts';
import { incidentsCanFreeze, policyOf } from '../decisions/policy.ts';
import { isComputed } from './record-freezes.ts';
import type { Deps } from '../ports.ts';
import type { ErrorBudgets } from '../../../core/domain/ports/error-budgets.ts';
import { loaded } from '../../../core/domain/ports/extensions.ts';
import { emptyConfig } from '../../../schemas/config/config.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { sha256 } from '../../../core/stores/hash.ts';

/** Seconds after which an evaluation is given up. */
export const EVALUATION_MAX_SECONDS = 45;

/** How long the lease is valid. Longer than an evaluation may take, so that only one instance evaluates. */
const LEASE_SECONDS = EVALUATION_MAX_SECONDS + 5;

/**
 * How many freezes are written in parallel. A large outage can open thousands; writes for one service conflict anyway.
 */
const AT_ONCE = 8;

export type EvaluateDeps = Pick<
  Deps,
  'clock' | 'config' | 'evaluationLease' | 'extensions' | 'freezes' | 'incidents' | 'log'
>;

/** A process that evaluates. `id`: as the holder of the lease. `busy`: its evaluation is in progress. */
export type Evaluating = { readonly id: string; busy: boolean };

/** Returns the job that evaluates. Features keep what they have counted between evaluations. */
export function evaluateJob(deps: EvaluateDeps): () => Promise<Evaluation> {
  const evaluating: Evaluating = { id: randomUUID(), busy: false };
  return () => evaluate(deps, evaluating);
}

/** Result of an evaluation. `held`: another evaluation is in progress. */
export type Evaluation = { evaluated: number; opened: number; ended: number } | 'held';

/**
 * Evaluates what freezes deploys, and opens and lifts freezes accordingly, each minute. After an interruption, the next
 * evaluation does all of it again.
 *
 * @throws AggregateError at the end, if freezes could not be stored
 */
export async function evaluate(deps: EvaluateDeps, evaluating: Evaluating): Promise<Evaluation> {
  if (evaluating.busy) return 'held';
  evaluating.busy = true;
  try {
    return await evaluateAlone(deps, evaluating.id);
  } finally {
    evaluating.busy = false;
  }
}

const NOTHING = { evaluated: 0, opened: 0, ended: 0 };

async function evaluateAlone(deps: EvaluateDeps, holder: string): Promise<Evaluation> {
  if ((await deps.config.current()).version === emptyConfig.version) {
    // Unlike a configuration without objectives, which ends the freezes of removed objectives.
    deps.log.warn('no configuration is published, so nothing is evaluated and all freezes stay in force');
    return NOTHING;
  }
  const sources = await loaded(deps.extensions.errorBudgets);
  if (await isIdle(deps, sources)) return NOTHING;
  const lease = await deps.evaluationLease.take(holder, LEASE_SECONDS);
  if (lease === 'held') return 'held';
  try {
    const config = await deps.config.current('anew').catch(() => deps.config.current());
    const at = deps.clock.now();
    const found = await Promise.all(sources.map((source) => source.evaluate(config, at, lease === 'taken')));
    const objectives = found.flatMap((one) =>
      one.objectives.map((objective) => ({ ...objective, policy: policyOf(config, objective.slo) })),
    );
    const { opened, ended, failed } = await recordFreezes(deps, at, objectives);
    await Promise.all(found.map((one) => one.complete()));
    if (failed.length > 0) throw new AggregateError(failed, `${counted(failed.length, 'freeze')} could not be stored`);
    return { evaluated: found.reduce((sum, { evaluated }) => sum + evaluated, 0), opened, ended };
  } finally {
    await deps.evaluationLease.release(holder);
  }
}

/**
 * Returns whether nothing can freeze and nothing is left from before. Most new installations are idle and need two
 * reads.
 */
async function isIdle(
  { config, freezes }: Pick<EvaluateDeps, 'config' | 'freezes'>,
  sources: readonly ErrorBudgets[],
): Promise<boolean> {
  const now = await config.current();
  if (now.slos.length > 0 || now.freeze.calendar.length > 0 || incidentsCanFreeze(now)) return false;
  if ((await freezes.current()).length > 0) return false;
  return (await Promise.all(sources.map((source) => source.all()))).flat().length === 0;
}

/** The recorded changes. `failed`: errors of failed writes, which the next evaluation retries. */
type Recorded = { opened: number; ended: number; failed: unknown[] };

/** Opens and ends freezes according to an evaluation. */
async function recordFreezes(
  deps: Pick<EvaluateDeps, 'config' | 'freezes' | 'incidents' | 'log'>,
  at: Timestamp,
  objectives: readonly Evaluated[],
): Promise<Recorded> {
  const [current, incidents] = await Promise.all([deps.freezes.current(), deps.incidents.open()]);
  // After the records, so that none goes back to a configuration that was edited during the evaluation.
  const config = await deps.config.current('anew').catch(() => null);
  const plan = planFreezes(
    {
      at,
      objectives,
      incidents: config === null ? [] : incidents.map((incident) => ({ incident, policy: policyOf(config, incident) })),
      calendar: calendarAt(config?.freeze.calendar ?? [], at),
      // Without a configuration, freezes of the calendar and of incidents stay as they are.
      current: config === null ? current.filter((freeze) => !isComputed(freeze)) : current,
    },
    sha256, // for the IDs of freezes
  );
  return store(deps, plan);
}

/**
 * Writes the planned changes; a failed write does not stop the others. A freeze that a person lifted is settled when its
 * cause is over, so that the cause can freeze again. A freeze whose record is outdated is revised.
 */
async function store(
  { freezes, log }: Pick<EvaluateDeps, 'freezes' | 'log'>,
  { end, settle, revise, open }: FreezePlan,
): Promise<Recorded> {
  const recorded: Recorded = { opened: 0, ended: 0, failed: [] };
  const writeAll = async <T extends { id: string }>(
    all: readonly T[],
    write: (item: T) => Promise<unknown>,
  ): Promise<void> =>
    pooled(all, AT_ONCE, async (item) => {
      try {
        await write(item);
      } catch (error) {
        recorded.failed.push(error);
        log.error('a freeze could not be stored; the next evaluation tries again', {
          freeze: item.id,
          error: String(error),
        });
      }
    });
  await writeAll(end, async ({ id, ...outcome }) => {
    await freezes.end(id, outcome);
    recorded.ended += 1;
    log.info('a freeze has ended', { freeze: id, because: outcome.reason });
  });
  await writeAll(settle, ({ id, at }) => freezes.settle(id, at));
  await writeAll(revise, (revision) => freezes.revise(revision));
  await writeAll(open, async (freeze) => {
    const { created } = await freezes.open(freeze);
    if (!created) return;
    recorded.opened += 1;
    const { id, cause, service, environment, reason } = freeze;
    log.info('deploys are frozen', { freeze: id, cause, service, environment, because: reason });
  });
  return recorded;
}
