import type { ConfiguredSystems } from '../../../core/domain/ports/extensions.ts';
import { compareGenerated } from './compare-generated.ts';
import { isStale, unreadBudget } from '../../freeze/decisions/budget/spending.ts';
import type { Deps } from '../ports.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { policyOf } from '../../freeze/decisions/policy.ts';

/** When evaluations count as overdue. One starts each minute and takes up to 30 seconds. */
const OVERDUE_SECONDS = 5 * 60;

/** How many problems are returned. If Prometheus is down, all objectives have the same problem. */
const SHOWN_MAX = 20;

/** An objective with missing data. `since`: the time of the newest data, or null if there has never been any. */
export type ObjectiveError = {
  id: string;
  service: string;
  environment: string;
  problem: string;
  since: Timestamp | null;
};

export type ObjectivesState = {
  configured: number;
  evaluated_at: Timestamp | null;
  /** Why the objectives are not evaluated, or null. */
  problem: string | null;
  /** The number of objectives with problems. `errors` has at most 20 of them. */
  failing: number;
  errors: ObjectiveError[];
};

/** Returns whether objectives are evaluated, and which ones lack data. */
export async function objectivesState(deps: Pick<Deps, 'clock' | 'config' | 'sloStatuses'>): Promise<ObjectivesState> {
  const config = await deps.config.current();
  const [statuses, evaluatedAt] = await Promise.all([deps.sloStatuses.all(), deps.sloStatuses.evaluatedAt()]);
  const at = deps.clock.now();
  const byName = new Map(statuses.map((status) => [keyOf(status), status]));
  const errors = config.slos.flatMap((slo) => errorOf(config, slo, byName.get(keyOf(slo)), at) ?? []);
  return {
    configured: config.slos.length,
    evaluated_at: evaluatedAt,
    problem: config.slos.length === 0 ? null : evaluationProblem(evaluatedAt, at),
    failing: errors.length,
    errors: errors.slice(0, SHOWN_MAX),
  };
}

const keyOf = ({ id, service, environment }: Pick<Slo, 'id' | 'service' | 'environment'>): string =>
  JSON.stringify([id, service, environment]);

function evaluationProblem(evaluatedAt: Timestamp | null, at: Timestamp): string | null {
  if (evaluatedAt === null) return 'no evaluation has completed yet; one starts each minute';
  const seconds = secondsBetween(evaluatedAt, at);
  if (seconds <= OVERDUE_SECONDS) return null;
  return `the last completed evaluation started at ${evaluatedAt}, but one should complete each minute; see the log of the evaluation`;
}

function errorOf(config: Config, slo: Slo, status: SloStatus | undefined, at: Timestamp): ObjectiveError | undefined {
  const { id, service, environment } = slo;
  const error = (problem: string): ObjectiveError => ({
    id,
    service,
    environment,
    problem,
    since: status?.data_at ?? null,
  });
  if (status === undefined) return error('it has not been evaluated yet');
  if (status.problem !== null) return error(status.problem);
  const policy = policyOf(config, slo);
  const unread = unreadBudget(status, policy);
  if (unread !== null) return error(`its history could not be read: ${unread}`);
  return isStale(status, policy, at) ? error('its newest data is too old') : undefined;
}

/** Returns what the check of all connections shows of objectives. */
export const measuredSystems = (
  deps: Parameters<typeof objectivesState>[0] & Parameters<typeof compareGenerated>[0],
): ConfiguredSystems => ({
  async measured() {
    const [objectives, generated] = await Promise.all([objectivesState(deps), compareGenerated(deps)]);
    return { objectives, generated };
  },
});
