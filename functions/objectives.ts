import { isStale, unreadBudget } from '../domain/freeze/spending.ts';
import type { Deps } from '../domain/ports.ts';
import type { Config } from '../schemas/config.ts';
import type { Slo } from '../schemas/slo.ts';
import type { SloStatus } from '../schemas/slo-status.ts';
import { secondsBetween, type Timestamp } from '../schemas/time.ts';
import { policyOf } from './evaluation/policy.ts';

/** An evaluation begins each minute, and takes up to half of one. */
const OVERDUE_SECONDS = 5 * 60;

/** When Prometheus is gone, all of them have the same trouble. */
const SHOWN_MAX = 20;

/** Of an objective of which something is not known. `since`: what is known ends then; null: nothing ever was. */
export type ObjectiveTrouble = {
  id: string;
  service: string;
  environment: string;
  problem: string;
  since: Timestamp | null;
};

export type ObjectivesState = {
  configured: number;
  evaluated_at: Timestamp | null;
  /** Why nothing is known as it is now. Null: they are evaluated. */
  problem: string | null;
  /** How many have one; at most 20 of them are shown. */
  troubled: number;
  troubles: ObjectiveTrouble[];
};

/** Whether objectives are evaluated, and those of which there are no data. */
export async function objectivesState(deps: Pick<Deps, 'clock' | 'config' | 'sloStatuses'>): Promise<ObjectivesState> {
  const config = await deps.config.current();
  const [statuses, evaluatedAt] = await Promise.all([deps.sloStatuses.all(), deps.sloStatuses.evaluatedAt()]);
  const at = deps.clock.now();
  const byName = new Map(statuses.map((status) => [nameOf(status), status]));
  const troubles = config.slos.flatMap((slo) => troubleOf(config, slo, byName.get(nameOf(slo)), at) ?? []);
  return {
    configured: config.slos.length,
    evaluated_at: evaluatedAt,
    problem: config.slos.length === 0 ? null : evaluationProblem(evaluatedAt, at),
    troubled: troubles.length,
    troubles: troubles.slice(0, SHOWN_MAX),
  };
}

const nameOf = ({ id, service, environment }: Pick<Slo, 'id' | 'service' | 'environment'>): string =>
  JSON.stringify([id, service, environment]);

function evaluationProblem(evaluatedAt: Timestamp | null, at: Timestamp): string | null {
  if (evaluatedAt === null) return 'no evaluation has come to its end yet; one begins each minute';
  const seconds = secondsBetween(evaluatedAt, at);
  if (seconds <= OVERDUE_SECONDS) return null;
  return `the last evaluation that came to its end began at ${evaluatedAt}, and one should each minute: its log says why`;
}

function troubleOf(
  config: Config,
  slo: Slo,
  status: SloStatus | undefined,
  at: Timestamp,
): ObjectiveTrouble | undefined {
  const { id, service, environment } = slo;
  const trouble = (problem: string): ObjectiveTrouble => ({
    id,
    service,
    environment,
    problem,
    since: status?.data_at ?? null,
  });
  if (status === undefined) return trouble('it was not evaluated yet');
  if (status.problem !== null) return trouble(status.problem);
  const policy = policyOf(config, slo);
  const unread = unreadBudget(status, policy);
  if (unread !== null) return trouble(`its past could not be read: ${unread}`);
  return isStale(status, policy, at) ? trouble('what is known of it is too old') : undefined;
}
