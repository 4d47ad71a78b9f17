import { sha256 } from '../../aws/hash.ts';
import { calendarAt } from '../../domain/freeze/calendar.ts';
import { freezesByAlert } from '../../domain/freeze/causes.ts';
import { latch, type LatchPlan } from '../../domain/freeze/latch.ts';
import type { FreezePolicy } from '../../domain/freeze/policy.ts';
import type { Deps } from '../../domain/ports.ts';
import type { HeardAlert } from '../../domain/slo/ports.ts';
import type { Config } from '../../schemas/config.ts';
import type { Standing } from './evaluator.ts';
import { policyOf } from './policy.ts';
import { pooled } from './pool.ts';

/** When much breaks at once, thousands of freezes begin together; those of one service wait for each other anyway. */
const AT_ONCE = 8;

type RecordDeps = Pick<Deps, 'freezes' | 'incidents' | 'sloAlerts' | 'log'>;

/** `failed`: what could not be put on record. It is tried again with the next evaluation. */
export type Recorded = { opened: number; ended: number; failed: unknown[] };

/** What an evaluation found, made freezes: those that it opens, and those whose cause is over. */
export async function recordFreezes(deps: RecordDeps, config: Config, standing: Standing): Promise<Recorded> {
  const [current, alerts, incidents] = await Promise.all([
    deps.freezes.current(),
    deps.sloAlerts.all(),
    deps.incidents.open(),
  ]);
  const plan = latch(
    {
      at: standing.at,
      objectives: config.slos.map((slo) => {
        const policy = policyOf(config, slo);
        return {
          slo,
          policy,
          status: standing.connected ? (standing.statuses.get(slo.id) ?? null) : null,
          alerting: isAlerting(alerts.get(slo.id) ?? [], policy),
        };
      }),
      incidents: incidents.map((incident) => ({ incident, policy: policyOf(config, incident) })),
      calendar: calendarAt(config.freeze.calendar, standing.at),
      current,
    },
    sha256,
  );
  return carryOut(deps, plan);
}

/** Whether one of those fires that freeze by policy. Null: none of them was ever heard of. */
function isAlerting(alerts: readonly HeardAlert[], policy: FreezePolicy): boolean | null {
  const counting = alerts.filter(({ severity }) => freezesByAlert(severity, policy));
  return counting.length === 0 ? null : counting.some(({ firing }) => firing);
}

/** One freeze that cannot be written keeps no other from it. */
async function carryOut({ freezes, log }: RecordDeps, { end, settle, revise, open }: LatchPlan): Promise<Recorded> {
  const recorded: Recorded = { opened: 0, ended: 0, failed: [] };
  const each = async <T extends { id: string }>(
    all: readonly T[],
    write: (one: T) => Promise<unknown>,
  ): Promise<void> =>
    pooled(all, AT_ONCE, async (one) => {
      try {
        await write(one);
      } catch (error) {
        recorded.failed.push(error);
        log.error('a freeze could not be put on record', { freeze: one.id, error: String(error) });
      }
    });
  await each(end, async ({ id, ...how }) => {
    await freezes.end(id, how);
    recorded.ended += 1;
    log.info('a freeze is over', { freeze: id, because: how.reason });
  });
  await each(settle, ({ id, at }) => freezes.settle(id, at));
  await each(revise, (revision) => freezes.revise(revision));
  await each(open, async (freeze) => {
    const { created } = await freezes.open(freeze);
    if (!created) return;
    recorded.opened += 1;
    const { id, cause, service, environment, reason } = freeze;
    log.info('deploys are frozen', { freeze: id, cause, service, environment, because: reason });
  });
  return recorded;
}
