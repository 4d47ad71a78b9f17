import { sha256 } from '../../stores/core/hash.ts';
import { calendarAt } from '../../domain/freeze/calendar.ts';
import { freezesByAlert } from '../../domain/freeze/causes.ts';
import { planFreezes, type FreezePlan } from '../../domain/freeze/budget/plan-freezes.ts';
import type { FreezePolicy } from '../../domain/freeze/policy.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { SeenAlert } from '../../domain/ports/slo.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { EvaluationState } from './evaluator.ts';
import { policyOf } from '../../actions/slo/policy.ts';
import { pooled } from '../../actions/shared/concurrency.ts';

/**
 * How many freezes are written in parallel. A large outage can open thousands; writes for one service conflict anyway.
 */
const AT_ONCE = 8;

type RecordDeps = Pick<Deps, 'freezes' | 'incidents' | 'sloAlerts' | 'log'>;

/** The recorded changes. `failed`: errors of failed writes, which the next evaluation retries. */
export type Recorded = { opened: number; ended: number; failed: unknown[] };

/** Opens and ends freezes according to an evaluation. */
export async function recordFreezes(deps: RecordDeps, config: Config, evaluation: EvaluationState): Promise<Recorded> {
  const [current, alerts, incidents] = await Promise.all([
    deps.freezes.current(),
    deps.sloAlerts.all(),
    deps.incidents.open(),
  ]);
  const plan = planFreezes(
    {
      at: evaluation.at,
      objectives: config.slos.map((slo) => {
        const policy = policyOf(config, slo);
        return {
          slo,
          policy,
          // Without Prometheus, there is no status.
          status: evaluation.connected ? (evaluation.statuses.get(slo.id) ?? null) : null,
          alerting: isAlerting(alerts.get(slo.id) ?? [], policy),
        };
      }),
      incidents: incidents.map((incident) => ({ incident, policy: policyOf(config, incident) })),
      calendar: calendarAt(config.freeze.calendar, evaluation.at),
      current,
    },
    sha256, // for the IDs of freezes
  );
  return store(deps, plan);
}

/** Returns whether an alert that freezes by policy is firing, or null if there has never been one. */
function isAlerting(alerts: readonly SeenAlert[], policy: FreezePolicy): boolean | null {
  const freezing = alerts.filter(({ severity }) => freezesByAlert(severity, policy));
  return freezing.length === 0 ? null : freezing.some(({ firing }) => firing);
}

/**
 * Writes the planned changes; a failed write does not stop the others. A freeze that a person lifted is settled when its
 * cause is over, so that the cause can freeze again. A freeze whose record is outdated is revised.
 */
async function store({ freezes, log }: RecordDeps, { end, settle, revise, open }: FreezePlan): Promise<Recorded> {
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
