import { compareIncidents } from './compare-incidents.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { plusSeconds, secondsBetween } from '../../schemas/time/time.ts';
import { startOrphanedCanaries } from '../../actions/canary/canaries.ts';
import { startOrphanedDrills } from '../../actions/automation/drills.ts';
import type { SweepDeps } from './deps.ts';
import { FEATURES } from '../../features/index.ts';
import { tendFlags } from '../../actions/incidents/tend-flags.ts';
import { tendWatches } from '../../actions/canary/watches.ts';
import { escalate } from '../../actions/paging/escalate.ts';
import { rollDeploys } from '../../actions/delivery/roll-deploys.ts';
import { applyUnmapped } from '../../actions/changes/report-change.ts';
import { endFailures } from '../../actions/changes/end-failures.ts';
import { followPages } from '../../actions/paging/follow-pages.ts';
import { answerWaitingDeployments } from '../../actions/freeze/protection/answer.ts';
import { findUndeliveredDeployments } from '../../actions/freeze/protection/undelivered.ts';
import { storeDueEvidence } from './evidence.ts';
import { mirrorMaintenance } from './mirror-maintenance.ts';
import { reportDrift } from '../../actions/slo/report-drift.ts';
import { remind } from './remind.ts';
import { settleOrphans } from './orphans.ts';
import { acknowledgeAllPages } from '../../actions/paging/acknowledge-pages.ts';
import { noteDecisionsAtPager } from '../../actions/paging/note-pages.ts';
import { identifyPagerUsers } from '../../actions/paging/identify-users.ts';
import { comparePages } from './compare-pages.ts';
import { readmitUnmuted, showMutes } from './mutes.ts';
import { acknowledgeGroups } from '../../actions/paging/acknowledge-group.ts';
import { reportOverdue } from '../../actions/changes/overdue-deploys.ts';
import { announceMaintenance } from '../../actions/status/subscriptions/announce-maintenance.ts';
import { recordRollouts } from '../../actions/changes/record-rollouts.ts';
import { wakeStale } from './wake-stale.ts';
import { pooled } from '../../actions/shared/concurrency.ts';
import { whileInProgress } from '../../actions/shared/input-in-progress.ts';
import { FAILED_RUNS_MAX, isGivenUp, mayRunAgain } from '../../domain/incidents/failed-runs.ts';
import { pageForFailedRuns, repeatPage } from '../../actions/paging/page-for-failed-runs.ts';
import { wake } from '../../workflows/wake.ts';

/** After this time, an incident has evidently missed its start or wake-up. */
const OVERDUE_SECONDS = 30;

type SweepJob = [name: string, job: () => Promise<unknown>];

/** The names of jobs that are in progress in this process, across sweeps. */
export type JobsInProgress = Set<string>;

/**
 * Runs all periodic jobs, each minute: wakes workflows that missed their wake-up, replaces failed workflows, and so on.
 * Jobs run in parallel, so that an unresponsive vendor delays only its own job; jobs that notify people come first.
 * Each job with calls to a vendor has its own time limit, well below that of a sweep. A job that is still in progress
 * is not started again.
 *
 * @throws Error if the table cannot be read
 */
export async function sweep(
  deps: SweepDeps,
  inProgress: JobsInProgress = new Set(),
): Promise<{ woken: number; revived: number }> {
  const [overdue, open] = await Promise.all([
    deps.incidents.pending(plusSeconds(deps.clock.now(), -OVERDUE_SECONDS)),
    deps.incidents.open(),
  ]);
  let [woken, revived] = [0, 0];
  const jobs: readonly SweepJob[] = [
    ['wake incidents', async () => (woken = await countDone(overdue, deps, (id) => wakeOne(deps, id)))],
    [
      'replace failed workflows',
      async () => (revived = await countDone(open, deps, (incident) => revive(deps, incident))),
    ],
    ['settle child incidents', () => settleOrphans(deps, open)],
    ['escalate unacknowledged pages', () => escalate(deps, open)],
    ['follow external pages', async () => ((await hasExternalPages(deps)) ? followPages(deps, open) : undefined)],
    ['admit muted alerts', () => readmitUnmuted(deps, 'sweep')],
    ['acknowledge pages at PagerDuty', () => acknowledgeAllPages(deps, open)],
    ['propagate acknowledgements', () => acknowledgeGroups(deps, open)],
    ['add notes at PagerDuty', () => noteDecisionsAtPager(deps, open)],
    ['identify PagerDuty users', () => identifyPagerUsers(deps, open)],
    ['answer waiting deployments', () => answerWaitingDeployments(deps)],
    ['find undelivered GitHub webhooks', () => findUndeliveredDeployments(deps)],
    ['send reminders', () => remind(deps, open)],
    ['compare with earlier incidents', () => compareIncidents(deps, open)],
    ['store evidence', () => storeDueEvidence(deps)],
    ['announce maintenance', () => announceMaintenance(deps)],
    ['mirror maintenance', () => mirrorMaintenance(deps)],
    ['wake projectors', () => wakeStale(deps, open)],
    ['report overdue deployments', () => reportOverdue(deps)],
    // These were reported before the catalogue named their services.
    ['apply rollouts that are mapped now', () => applyUnmapped(deps)],
    ['record rollouts of Deployments', () => recordRollouts(deps)],
    ['compare generated rules', () => reportDrift(deps)],
    ['end failed deployments', () => endFailures(deps)],
    ['roll up deployments', () => rollDeploys(deps)],
    ['start drills', () => startOrphanedDrills(deps)],
    ['start canaries', () => startOrphanedCanaries(deps)],
    ['tend watches', () => tendWatches(deps)],
    ...featureJobs(deps, open),
    ['tend requests for flags', () => tendFlags(deps)],
    ['show silences', () => showMutes(deps, open)],
    ['compare the status page with SLIs', () => comparePages(deps, open)],
    ['seal the audit log', () => deps.audit.seal()],
    ['audit the configuration', async () => deps.audit.configuration((await deps.config.current()).version)],
  ];
  await Promise.all(jobs.map(([name, job]) => runJob(deps, inProgress, name, job)));
  return { woken, revived };
}

/** Returns the jobs of features. Each reads the configuration by itself, so that only it fails if that can't be read. */
const featureJobs = (deps: SweepDeps, open: readonly IncidentRecord[]): SweepJob[] =>
  FEATURES.flatMap(({ isConfigured, jobs = [] }) =>
    jobs.map(({ name, run }): SweepJob => [
      name,
      async () => (isConfigured(await deps.config.current()) ? run(deps, open) : undefined),
    ]),
  );

async function wakeOne(deps: SweepDeps, id: IncidentId): Promise<boolean> {
  const how = await wake(deps, id);
  if (how !== 'idle') deps.log.warn('the sweeper woke an incident that had missed its wake-up', { incident: id, how });
  return how !== 'idle';
}

/**
 * Starts a new run if the workflow of an open incident has failed. The new run continues from the table. After too many failed
 * runs in a row, pages a person, and tries again each hour.
 */
async function revive(deps: SweepDeps, incident: IncidentRecord): Promise<boolean> {
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
  // A run that has not started is not a failed one; `wake` starts it.
  const canHaveFailed = started_run === run && execution !== null && secondsBetween(opened_at, now) > OVERDUE_SECONDS;
  if (!canHaveFailed || !(await deps.engine.died(execution))) return false;
  const failedRuns = failedBefore + 1;
  if (failedRuns === FAILED_RUNS_MAX) await pageForFailedRuns(deps, incident, incident.pages + 1);
  if (isGivenUp(incident)) await repeatPage(deps, incident);
  if (!mayRunAgain(incident, now, deps.timeScale)) return false;
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
  return true;
}

/** Returns whether other tools may page. Searching for their pages costs a read per page of each open incident. */
async function hasExternalPages({ config }: Pick<Deps, 'config'>): Promise<boolean> {
  const { services, paging } = await config.current();
  return paging.mode === 'external' || Object.values(services).some((service) => service.paging === 'external');
}

/** Runs one job. Errors are logged, so that the other jobs continue. Skips a job that is still in progress. */
async function runJob(
  deps: SweepDeps,
  inProgress: JobsInProgress,
  name: string,
  job: () => Promise<unknown>,
): Promise<void> {
  if (inProgress.has(name))
    return deps.log.error('a job of the sweeper is still in progress from an earlier sweep and is not started again', {
      job: name,
    });
  inProgress.add(name);
  try {
    await whileInProgress(() => ({ kind: 'job', name }), job);
  } catch (error) {
    deps.log.error('a job of the sweeper failed', { job: name, error: String(error) });
  } finally {
    inProgress.delete(name);
  }
}

/**
 * How many incidents are processed in parallel. Each needs one or two calls to Lambda's API of tens of milliseconds. In
 * sequence, 1,000 open incidents would take the whole sweep; all in parallel, they would be throttled.
 */
const AT_ONCE = 8;

/** Returns for how many incidents `act` returned true. Errors are logged, so that the others are processed. */
async function countDone<T extends IncidentId | IncidentRecord>(
  all: readonly T[],
  deps: SweepDeps,
  act: (incident: T) => Promise<boolean>,
): Promise<number> {
  let done = 0;
  await pooled(all, AT_ONCE, async (item) => {
    try {
      if (await act(item)) done += 1;
    } catch (error) {
      const incident = typeof item === 'string' ? item : item.id;
      deps.log.error('the sweeper could not process an incident', { incident, error: String(error) });
    }
  });
  return done;
}
