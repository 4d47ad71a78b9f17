import { pooled } from '../../domain/concurrency.ts';
import { FAILED_RUNS_MAX, isGivenUp, mayRunAgain } from '../../domain/incidents/failed-runs.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { plusSeconds, secondsBetween } from '../../../schemas/time/time.ts';
import { wake } from '../../../workflows/wake.ts';
import { hasFailed } from '../../actions/failed-run.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { isQuietTrial } from '../../domain/automation/shadow-trial.ts';
import { needsPage, pageKey } from '../../domain/paging/pages.ts';
import { pageWithoutRun } from '../../../workflows/steps/page.ts';
import { settleChildren, type SettleDeps } from '../../../workflows/steps/settle-children.ts';

type RunDeps = Parameters<typeof wake>[0] &
  Parameters<typeof pageForFailedRuns>[0] &
  Pick<Deps, 'clock' | 'engine' | 'incidents' | 'log' | 'timeScale'>;

/** After this time, an incident has evidently missed its start or wake-up. */
const OVERDUE_SECONDS = 30;

/** Starts or wakes the workflows of incidents whose start or wake-up was lost. */
export async function wakeOverdue(deps: RunDeps): Promise<void> {
  const overdue = await deps.incidents.pending(plusSeconds(deps.clock.now(), -OVERDUE_SECONDS));
  await forEach(overdue, deps, async (id) => {
    const how = await wake(deps, id);
    if (how !== 'idle')
      deps.log.warn('the sweeper woke an incident that had missed its wake-up', { incident: id, how });
  });
}

/** Replaces the workflows of open incidents that have failed. */
export const reviveFailed = (deps: RunDeps, open: readonly IncidentRecord[]): Promise<void> =>
  forEach(open, deps, (incident) => revive(deps, incident));

/**
 * Starts a new run if the workflow of an open incident has failed, also before it recorded its start. The new run continues
 * from the table, also with the deadlines of the incident. After too many failed runs in a row, pages a person, and tries
 * again each hour.
 */
async function revive(deps: RunDeps, incident: IncidentRecord): Promise<void> {
  const {
    id,
    run,
    started_run,
    opened_at,
    execution,
    failed_runs: failedBefore = 0,
    unreadable,
    resolve_by,
  } = incident;
  const now = deps.clock.now();
  if (secondsBetween(opened_at, now) <= OVERDUE_SECONDS) return;
  const recorded = started_run === run ? execution : null;
  if (!(await hasFailed(deps, recorded, () => deps.engine.start(id, run)))) return;
  const failedRuns = failedBefore + 1;
  if (failedRuns === FAILED_RUNS_MAX) await pageForFailedRuns(deps, incident, incident.pages + 1);
  if (isGivenUp(incident)) await repeatPage(deps, incident);
  if (!mayRunAgain(incident, now, deps.timeScale)) return;
  const isLast = failedRuns >= FAILED_RUNS_MAX;
  deps.log.error('a workflow has failed; the next run takes over', { incident: id, run, failed: failedRuns });
  const text = isLast
    ? `Run ${run} of the workflow has failed, as ${failedBefore} runs before it: handle this incident by hand. Run ${run + 1} takes over; if it fails, Firebreak tries again each hour`
    : `Run ${run} of the workflow has failed; run ${run + 1} takes over`;
  await deps.incidents.handOver(id, run + 1, text, {
    failedRuns,
    ...(unreadable !== undefined && { unread: unreadable }),
    ...(resolve_by !== undefined && { resolveBy: resolve_by }),
  });
  await wake(deps, id);
}

/**
 * How many incidents are processed in parallel. Each needs one or two calls to Lambda's API of tens of milliseconds. In
 * sequence, 1,000 open incidents would take the whole sweep; all in parallel, they would be throttled.
 */
const AT_ONCE = 8;

/** Processes incidents. Errors are logged, so that the others are processed. */
async function forEach<T extends IncidentId | IncidentRecord>(
  all: readonly T[],
  { log }: Pick<Deps, 'log'>,
  act: (incident: T) => Promise<void>,
): Promise<void> {
  await pooled(all, AT_ONCE, async (item) => {
    try {
      await act(item);
    } catch (error) {
      const incident = typeof item === 'string' ? item : item.id;
      log.error('the sweeper could not process an incident', { incident, error: String(error) });
    }
  });
}

type PagingDeps = Omit<Parameters<typeof pageWithoutRun>[0], 'chat'>;

const CAUSES = [
  { text: `The workflow of this incident has failed ${FAILED_RUNS_MAX} times in a row. Handle the incident by hand` },
];

/** Pages without the workflow, because it keeps failing. Incidents that page nobody stay silent; their timeline shows it. */
async function pageForFailedRuns(deps: PagingDeps, incident: IncidentRecord, number: number): Promise<void> {
  if (!needsPage(incident) || isQuietTrial(incident, await deps.config.current(), 'page')) return;
  await pageWithoutRun({ ...deps, chat: null }, { incidentId: incident.id, number, causes: CAUSES });
}

/** Repeats the newest page if no pager has accepted it yet: no run of the workflow does. */
async function repeatPage(deps: PagingDeps, incident: IncidentRecord): Promise<void> {
  const { id, pages } = incident;
  if ((await deps.effects.get(id, pageKey(id, pages)))?.state === 'intended')
    await pageForFailedRuns(deps, incident, pages);
}

type OrphanDeps = SettleDeps & Pick<Deps, 'log'>;

/**
 * Settles child incidents whose parent is resolved, each minute: resolves them too, or lets them continue separately. The
 * parent's workflow does so, unless it fails at that moment; then no page would be sent for them. A failure for one parent
 * does not stop the others. No wait of a workflow: the parent's has ended, and each child would have to read its parent again
 * and again, while here the open incidents show it without a read.
 */
export async function settleOrphans(deps: OrphanDeps, open: readonly IncidentRecord[]): Promise<void> {
  const known = new Set(open.map(({ id }) => id));
  const parents = new Set(open.flatMap(({ parent_id }) => parent_id ?? []));
  for (const id of parents) {
    if (known.has(id)) continue;
    try {
      await settleChildren(deps, id); // checks the parent's status itself, because the list is eventually consistent
    } catch (error) {
      deps.log.error('the children of a resolved incident could not be settled', {
        incident: id,
        error: String(error),
      });
    }
  }
}
