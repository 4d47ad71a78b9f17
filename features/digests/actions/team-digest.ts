import { isSingle } from '../../../core/domain/incidents/figures.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { StoredActionItem } from '../../../core/domain/ports/action-items.ts';
import type { Deps } from '../../freeze/ports.ts';
import type { ErrorBudgets } from '../../../core/domain/ports/error-budgets.ts';
import { configured, type DigestScope, type DigestSection, loaded } from '../../../core/domain/ports/extensions.ts';
import { covers } from '../../freeze/decisions/state.ts';
import { withoutCredentials } from '../../../core/domain/redaction/credentials.ts';
import { type DigestRecords, teamDigest, TREND_WEEKS, WEEK_SECONDS } from '../decisions/team-digest.ts';
import type { Action } from '../../../schemas/access/access.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Freeze } from '../../freeze/schemas/freeze.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { TeamDigest } from '../digest.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { collectPages } from '../../../core/actions/collect-pages.ts';
import { pooled } from '../../../core/domain/concurrency.ts';
import { alertReview, REVIEW_DAYS } from '../../../core/actions/reports/alert-review.ts';
import { doneTasks } from './done-tasks.ts';

export type TeamDigestDeps = Pick<
  Deps,
  'changes' | 'clock' | 'config' | 'effects' | 'extensions' | 'freezes' | 'incidents' | 'log' | 'runbooks'
>;

/** Incidents of four weeks that a digest reads at most, and those of the last week of which it counts the tasks. */
const INCIDENTS_MAX = 20_000;
const COUNTED_MAX = 500;
/** Freezes and changes in one page of their list, and pages that are read at most. */
const PAGE = 200;
const FREEZE_PAGES_MAX = 10;
const CHANGE_PAGES_MAX = 50;
const AT_ONCE = 8;

/** Computes the digest of the seven days up to now for the console, without credentials, because it shows the words of many records together. */
export async function readTeamDigest(deps: TeamDigestDeps, { team, isAllowed }: DigestScope): Promise<TeamDigest> {
  const config = await deps.config.current();
  const until = deps.clock.now();
  const from = plusSeconds(until, -WEEK_SECONDS);
  const { environments } = config.delivery;
  const belongsToTeam = (service: string): boolean =>
    team === undefined || serviceEntry(config.services, service)?.team === team;
  const inScope = (one: ServiceEnvironment): boolean =>
    belongsToTeam(one.service) && environments.includes(one.environment);
  const canSee = (action: Action) => (one: ServiceEnvironment) => inScope(one) && isAllowed(action, one);

  const canSeeDeploys = (one: ServiceEnvironment): boolean =>
    canSee('deployments:read')(one) && isAllowed('incidents:read', one);
  const sources = await loaded(deps.extensions.errorBudgets);
  const [month, changes, statuses, freezes, review, overdue, ofFeatures] = await Promise.all([
    deps.incidents.recent({ since: plusSeconds(until, -TREND_WEEKS * WEEK_SECONDS), limit: INCIDENTS_MAX }),
    changesSince(deps, from),
    Promise.all(sources.map((source) => source.all())),
    freezesSince(deps, from),
    alertReview(deps, canSee('incidents:read')),
    overdueItems(deps, config, canSee('incidents:read')),
    sectionsOfFeatures(deps, config, { ...(team !== undefined && { team }), isAllowed }),
  ]);
  const week = month.items.filter(({ opened_at }) => opened_at >= from);
  const weekIsComplete = month.isComplete || week.length < month.items.length;
  const budgets = statuses.flat().filter(canSee('slos:read'));
  const records: DigestRecords = {
    team: team ?? null,
    until,
    environments,
    incomplete: [
      // Incidents are read from the newest one on.
      ...(weekIsComplete ? [] : (['incidents'] as const)),
      ...(month.isComplete ? [] : (['restore'] as const)),
      ...(weekIsComplete && week.length <= COUNTED_MAX && changes.isComplete ? [] : (['toil'] as const)),
      ...(review.isComplete ? [] : (['noisy'] as const)),
    ],
    incidents: month.items.filter((one) => isSingle(one) && canSeeDeploys(one)).toSorted(newestFirst),
    tasks: await doneTasks(
      deps,
      week.slice(0, COUNTED_MAX).filter((one) => isSingle(one) && canSee('incidents:read')(one)),
    ),
    rollbacksOutside: changes.items.filter((one) => isRollbackOutside(one) && canSeeDeploys(one)).length,
    budgets: await withSpent(sources, config, budgets, { from, until }),
    freezes: freezes.filter((one) => concerns(one, config, canSee('freezes:read'))),
    noisy: { days: REVIEW_DAYS, items: review.noisy },
    overdue,
    ofFeatures,
  };
  return withoutCredentials(teamDigest(records, config.response.toilMinutes));
}

const newestFirst = (a: IncidentRecord, b: IncidentRecord): number =>
  a.opened_at === b.opened_at ? (a.id < b.id ? 1 : -1) : a.opened_at < b.opened_at ? 1 : -1;

async function sectionsOfFeatures(
  { extensions }: Pick<Deps, 'extensions'>,
  config: Config,
  scope: DigestScope,
): Promise<DigestSection[]> {
  const parts = await configured(extensions.digestSections, config);
  return (await Promise.all(parts.map((part) => part.ofLastWeek(scope)))).flat();
}

/** Returns freezes that can have been in force since then. */
async function freezesSince({ freezes }: Pick<Deps, 'freezes'>, since: Timestamp): Promise<Freeze[]> {
  const wasInForce = ({ ended_at: ended, until }: Freeze): boolean =>
    (ended === null || ended > since) && (until === null || until > since);
  const current = await freezes.current();
  const listed = await collectPages((cursor) => freezes.list({ limit: PAGE, ...cursor }, wasInForce), FREEZE_PAGES_MAX);
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

/** Reads the changes that started since then. `isComplete`: false if there are too many. */
export async function changesSince(
  { changes }: Pick<Deps, 'changes'>,
  since: Timestamp,
): Promise<{ items: Change[]; isComplete: boolean }> {
  const items: Change[] = [];
  let cursor: string | undefined;
  for (let n = 0; n < CHANGE_PAGES_MAX; n += 1) {
    const page = await changes.list({ limit: PAGE, ...(cursor !== undefined && { cursor }) });
    const recent = page.items.filter(({ started_at: at }) => at >= since);
    items.push(...recent);
    if (page.next_cursor === null || recent.length < page.items.length) return { items, isComplete: true };
    cursor = page.next_cursor;
  }
  return { items, isComplete: false };
}

/** Returns whether a change is a rollback that Firebreak did not do. */
export const isRollbackOutside = ({ kind, status, made_for }: Change): boolean =>
  kind === 'rollback' && status === 'succeeded' && made_for === null;

async function withSpent(
  sources: readonly ErrorBudgets[],
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
    for (const source of sources)
      for (const one of await source.spent(config, first, window)) spent.set(one.id, one.share);
  });
  return statuses.map((status) => ({ status, spent: spent.get(status.id) ?? null }));
}
