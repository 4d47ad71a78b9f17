import { deps as productionDeps } from '../aws/deps.ts';
import type { Deps } from '../domain/ports.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import type { IncidentId } from '../schemas/names.ts';
import { plusSeconds, secondsBetween } from '../schemas/time.ts';
import { careForDrills } from './drills.ts';
import { escalate } from './escalate.ts';
import { endFailures } from './end-failures.ts';
import { followPages } from './follow-pages.ts';
import { answerWaitingGates, type GateDeps } from './freeze/gates/answer.ts';
import { findLostGates } from './freeze/gates/lost.ts';
import { nudge } from './nudge.ts';
import { settleOrphans } from './orphans.ts';
import { acknowledgeAll } from './pagerduty/acknowledge-pages.ts';
import { noteAll } from './pagerduty/note-pages.ts';
import { recognise } from './pagerduty/recognise.ts';
import { endQuiet, showQuiet } from './quiet.ts';
import { seeTogether } from './pagerduty/together.ts';
import { reportOverdue } from './overdue.ts';
import { rouse } from './rouse.ts';
import { pooled } from './evaluation/pool.ts';
import { wake } from '../workflows/wake.ts';

/** What has been waiting for this long was forgotten by whoever should have started or rung it. */
const OVERDUE_SECONDS = 30;

/** A workflow that dies again and again is a bug that another run does not mend; people see it on the timeline. */
const RUNS_MAX = 20;

export type SweepDeps = GateDeps &
  Pick<
    Deps,
    | 'incidents'
    | 'crowds'
    | 'decisions'
    | 'engine'
    | 'clock'
    | 'log'
    | 'projections'
    | 'config'
    | 'silences'
    | 'bulletins'
    | 'effects'
    | 'externalPager'
    | 'onCall'
    | 'pager'
    | 'fallbackPager'
    | 'alerts'
    | 'changes'
    | 'queue'
    | 'timeScale'
    | 'drills'
    | 'drillRuns'
    | 'freezes'
    | 'sloAlerts'
    | 'audit'
  >;

/** What a sweep has begun and has not come to its end, by the names of the jobs: of this process, over its sweeps. */
export type UnderWay = Set<string>;

/**
 * Each minute: starts or rings whatever waits longer than it should, replaces workflows that have died, and does all else
 * that goes by the clock. All of it side by side, so that a vendor who does not answer holds up nothing but what is about
 * him; what wakes people comes first. Each job that calls somebody has a time of its own, well below that of a sweep. One
 * that goes on nevertheless is not begun again beside itself.
 *
 * @throws when the table cannot be read
 */
export async function sweep(
  deps: SweepDeps,
  underWay: UnderWay = new Set(),
): Promise<{ woken: number; revived: number }> {
  const [overdue, open] = await Promise.all([
    deps.incidents.pending(plusSeconds(deps.clock.now(), -OVERDUE_SECONDS)),
    deps.incidents.open(),
  ]);
  let [woken, revived] = [0, 0];
  const jobs: readonly [name: string, job: () => Promise<unknown>][] = [
    ['incidents that nobody has woken', async () => (woken = await count(overdue, deps, (id) => wakeOne(deps, id)))],
    ['workflows that have died', async () => (revived = await count(open, deps, (one) => revive(deps, one)))],
    ['parts of what is over', () => settleOrphans(deps, open)],
    ['pages that nobody acknowledges', () => escalate(deps, open)],
    ['pages of others', async () => ((await othersPage(deps)) ? followPages(deps, open) : undefined)],
    ['what was kept quiet', () => endQuiet(deps, 'sweep')],
    ['pages that are acknowledged here', () => acknowledgeAll(deps, open)],
    ['pages of what belongs together', () => seeTogether(deps, open)],
    ['decisions that are newer than the page', () => noteAll(deps, open)],
    ['people whom the pager has not told', () => recognise(deps, open)],
    ['deployments that wait', () => answerWaitingGates(deps)],
    ['deployments that were not told of', () => findLostGates(deps)],
    ['reminders', () => nudge(deps, open)],
    ['projections', () => rouse(deps, open)],
    ['deploys that do not end', () => reportOverdue(deps)],
    ['deploys that have failed', () => endFailures(deps)],
    ['drills', () => careForDrills(deps)],
    ['silences', () => showQuiet(deps, open)],
    ['the sealed log', () => deps.audit.seal()],
    ['the configuration', async () => deps.audit.configuration((await deps.config.current()).version)],
  ];
  await Promise.all(jobs.map(([name, job]) => apart(deps, underWay, name, job)));
  return { woken, revived };
}

async function wakeOne(deps: SweepDeps, id: IncidentId): Promise<boolean> {
  const how = await wake(deps, id);
  if (how !== 'idle') deps.log.warn('an incident had to be woken by the sweeper', { incident: id, how });
  return how !== 'idle';
}

/** An incident must not stay open with nobody behind it. The next run goes on from the table. */
async function revive(
  deps: SweepDeps,
  { id, run, started_run, opened_at, execution }: IncidentRecord,
): Promise<boolean> {
  const settled =
    started_run === run && execution !== null && secondsBetween(opened_at, deps.clock.now()) > OVERDUE_SECONDS;
  if (!settled || run >= RUNS_MAX || !(await deps.engine.died(execution))) return false;
  deps.log.error('a workflow has died; the next run takes over', { incident: id, run });
  await deps.incidents.handOver(id, run + 1, `Run ${run} of the workflow has died; run ${run + 1} takes over`);
  await wake(deps, id);
  return true;
}

/** Whether there may be pages to follow: to look for them costs a read for each page of each open incident. */
async function othersPage({ config }: Pick<Deps, 'config'>): Promise<boolean> {
  const { services, paging } = await config.current();
  return paging.mode === 'external' || Object.values(services).some((service) => service.paging === 'external');
}

/** One job that fails, or goes on, must not keep the others from being done. */
async function apart(deps: SweepDeps, underWay: UnderWay, name: string, job: () => Promise<unknown>): Promise<void> {
  if (underWay.has(name))
    return deps.log.error('a job of the sweeper is under way since an earlier one, and is not begun again', {
      job: name,
    });
  underWay.add(name);
  try {
    await job();
  } catch (error) {
    deps.log.error('a job of the sweeper failed', { job: name, error: String(error) });
  } finally {
    underWay.delete(name);
  }
}

/**
 * Incidents looked after at once: each costs a call or two of Lambda's API, of which one takes tens of milliseconds. In
 * sequence a thousand open incidents would take the whole sweep; all at once they would be throttled.
 */
const AT_ONCE = 8;

/** How many of them it was true for. One that fails must not keep the others asleep. */
async function count<T>(all: readonly T[], deps: SweepDeps, act: (one: T) => Promise<boolean>): Promise<number> {
  let done = 0;
  await pooled(all, AT_ONCE, async (one) => {
    try {
      if (await act(one)) done += 1;
    } catch (error) {
      deps.log.error('the sweeper could not look after an incident', { incident: one, error: String(error) });
    }
  });
  return done;
}

const underWay: UnderWay = new Set();

export const handler = (): Promise<{ woken: number; revived: number }> => sweep(productionDeps(), underWay);
