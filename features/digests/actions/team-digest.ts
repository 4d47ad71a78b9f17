import { serviceEntry } from '../../../domain/catalogue/catalogue.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { StoredActionItem } from '../../../domain/ports/action-items.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import { configured } from '../../../domain/ports/extensions.ts';
import { covers } from '../../../domain/freeze/state.ts';
import { withoutCredentials } from '../../../domain/redaction/credentials.ts';
import { type DigestRecords, teamDigest, TREND_WEEKS, WEEK_SECONDS } from '../decisions/team-digest.ts';
import type { Action } from '../../../schemas/access/access.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Freeze } from '../../../schemas/freeze/freeze.ts';
import type { TeamDigest } from '../digest.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { deliveryReport } from '../../../actions/delivery/report.ts';
import { spentBudgets } from '../../../actions/slo/spent-budgets.ts';
import { collectPages } from '../../../actions/shared/collect-pages.ts';
import { pooled } from '../../../actions/shared/concurrency.ts';
import { alertReview, REVIEW_DAYS } from '../../../actions/reports/alert-review.ts';
import { doneTasks } from './done-tasks.ts';

export type TeamDigestDeps = Pick<
  Deps,
  | 'attributions'
  | 'changes'
  | 'clock'
  | 'code'
  | 'config'
  | 'deployHistory'
  | 'extensions'
  | 'freezes'
  | 'incidents'
  | 'log'
  | 'runbooks'
  | 'sloDays'
  | 'sloStatuses'
>;

export type TeamDigestRequest = {
  /** Absent: all services. */
  team?: string;
  /** Returns whether the reader may do this with a service and environment. */
  isAllowed: (action: Action, of: Partial<ServiceEnvironment>) => boolean;
};

/** Incidents of the week that a digest reads at most. */
const INCIDENTS_MAX = 500;
/** Freezes in one page of their list, and pages that are read at most. */
const PAGE = 200;
const PAGES_MAX = 10;
const AT_ONCE = 8;

/** Computes the digest of the seven days up to now for the console, without credentials, because it shows the words of many records together. */
export async function readTeamDigest(
  deps: TeamDigestDeps,
  { team, isAllowed }: TeamDigestRequest,
): Promise<TeamDigest> {
  const config = await deps.config.current();
  const until = deps.clock.now();
  const from = plusSeconds(until, -WEEK_SECONDS);
  const { environments } = config.delivery;
  const belongsToTeam = (service: string): boolean =>
    team === undefined || serviceEntry(config.services, service)?.team === team;
  const inScope = (one: ServiceEnvironment): boolean =>
    belongsToTeam(one.service) && environments.includes(one.environment);
  const canSee = (action: Action) => (one: ServiceEnvironment) => inScope(one) && isAllowed(action, one);

  const report = (seconds: number) =>
    deliveryReport(deps, {
      seconds,
      scope: team === undefined ? {} : { team },
      isVisible: (one) => isAllowed('deployments:read', one) && isAllowed('incidents:read', one),
    });
  const [week, month, recent, statuses, freezes, review, overdue] = await Promise.all([
    report(WEEK_SECONDS),
    report(TREND_WEEKS * WEEK_SECONDS),
    deps.incidents.recent({ since: from, limit: INCIDENTS_MAX }),
    deps.sloStatuses.all(),
    freezesSince(deps, from),
    alertReview(deps, canSee('incidents:read')),
    overdueItems(deps, config, canSee('incidents:read')),
  ]);
  const incidents = recent.items.filter((one) => one.group_reason === undefined && canSee('incidents:read')(one));
  const budgets = statuses.filter(canSee('slos:read'));
  const records: DigestRecords = {
    team: team ?? null,
    until,
    environments,
    complete: month.complete && recent.isComplete && review.isComplete,
    week: week.figures,
    deploys: month.deploys,
    incidents: month.incidents,
    severities: new Map(incidents.map(({ id, severity }) => [id, severity])),
    tasks: await doneTasks(deps, incidents),
    rollbacksOutside: await rollbacksOutside(deps, week.deploys),
    budgets: await withSpent(deps, config, budgets, { from, until }),
    freezes: freezes.filter((one) => concerns(one, config, canSee('freezes:read'))),
    noisy: { days: REVIEW_DAYS, items: review.noisy },
    overdue,
  };
  return withoutCredentials(
    teamDigest(records, { delivery: config.delivery, toilMinutes: config.response.toilMinutes }),
  );
}

/** Returns freezes that can have been in force since then. */
async function freezesSince({ freezes }: Pick<Deps, 'freezes'>, since: Timestamp): Promise<Freeze[]> {
  const wasInForce = ({ ended_at: ended, until }: Freeze): boolean =>
    (ended === null || ended > since) && (until === null || until > since);
  const current = await freezes.current();
  const listed = await collectPages((cursor) => freezes.list({ limit: PAGE, ...cursor }, wasInForce), PAGES_MAX);
  const found = new Map([...current, ...listed].map((one) => [one.id, one]));
  return [...found.values()].filter(wasInForce);
}

/** Returns whether a freeze applies to a service that the digest covers. */
const concerns = (freeze: Freeze, { services }: Config, canSee: (one: ServiceEnvironment) => boolean): boolean =>
  Object.entries(services).some(([service, { team, environments }]) =>
    (Object.keys(environments) as ServiceEnvironment['environment'][]).some((environment) => {
      const serviceEnvironment = { service: service as ServiceEnvironment['service'], environment };
      return canSee(serviceEnvironment) && covers(freeze, { ...serviceEnvironment, team: team ?? null });
    }),
  );

async function overdueItems(
  { extensions }: Pick<Deps, 'extensions'>,
  config: Config,
  canSee: (one: ServiceEnvironment) => boolean,
): Promise<StoredActionItem[]> {
  const lists = await configured(extensions.actionItems, config);
  const isVisible = ({ service, environment }: StoredActionItem): boolean =>
    canSee({ service, environment } as ServiceEnvironment);
  return (await Promise.all(lists.map((list) => list.overdue(isVisible)))).flat();
}

/** Counts rollbacks that Firebreak did not do. */
async function rollbacksOutside(
  { changes }: Pick<Deps, 'changes'>,
  deploys: readonly { id: Parameters<Deps['changes']['get']>[0]; kind: string; status: string }[],
): Promise<number> {
  let count = 0;
  const rollbacks = deploys.filter(({ kind, status }) => kind === 'rollback' && status === 'succeeded');
  await pooled(rollbacks, AT_ONCE, async ({ id }) => {
    const change = await changes.get(id);
    if (change !== undefined && change.made_for === null) count += 1;
  });
  return count;
}

async function withSpent(
  deps: Pick<Deps, 'sloDays' | 'log'>,
  config: Config,
  statuses: DigestRecords['budgets'][number]['status'][],
  window: { from: Timestamp; until: Timestamp },
): Promise<DigestRecords['budgets']> {
  const groups = [
    ...Map.groupBy(statuses, ({ service, environment }) => JSON.stringify([service, environment])).values(),
  ];
  const spent = new Map<string, number | null>();
  await pooled(groups, AT_ONCE, async ([first]) => {
    if (first === undefined) return;
    for (const one of await spentBudgets(deps, config, first, window)) spent.set(one.id, one.share);
  });
  return statuses.map((status) => ({ status, spent: spent.get(status.id) ?? null }));
}
