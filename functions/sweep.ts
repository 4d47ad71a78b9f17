import { deps as productionDeps } from '../aws/deps.ts';
import type { Mail } from '../domain/outlets.ts';
import type { Deps } from '../domain/ports.ts';
import { smtpMail } from '../integrations/mail.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import { plusSeconds, secondsBetween } from '../schemas/time.ts';
import { digest } from './digest.ts';
import { careForDrills } from './drills.ts';
import { escalate } from './escalate.ts';
import { endFailures } from './end-failures.ts';
import { followPages } from './follow-pages.ts';
import { answerWaitingGates, type GateDeps } from './freeze/gates/answer.ts';
import { findLostGates } from './freeze/gates/lost.ts';
import { nudge } from './nudge.ts';
import { acknowledgeAll } from './pagerduty/acknowledge-pages.ts';
import { endQuiet, showQuiet } from './quiet.ts';
import { reportOverdue } from './overdue.ts';
import { rouse } from './rouse.ts';
import { wake } from '../workflows/wake.ts';

/** What has been waiting for this long was forgotten by whoever should have started or rung it. */
const OVERDUE_SECONDS = 30;

/** A workflow that dies again and again is a bug that another run does not mend; people see it on the timeline. */
const RUNS_MAX = 20;

type SweepDeps = GateDeps &
  Pick<
    Deps,
    | 'incidents'
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
    | 'digests'
    | 'chat'
  > & {
    /** Nobody else writes any, and what sends them is large: the others are without it. */
    letters: Mail;
  };

/** Each minute: starts or rings whatever waits longer than it should, and replaces workflows that have died. */
export async function sweep(deps: SweepDeps): Promise<{ woken: number; revived: number }> {
  const overdue = await deps.incidents.pending(plusSeconds(deps.clock.now(), -OVERDUE_SECONDS));
  const woken = await count(overdue, deps, async (id) => {
    const how = await wake(deps, id);
    if (how !== 'idle') deps.log.warn('an incident had to be woken by the sweeper', { incident: id, how });
    return how !== 'idle';
  });
  const open = await deps.incidents.open();
  const revived = await count(open, deps, (incident) => revive(deps, incident));
  const jobs = [
    ['projections', () => rouse(deps, open)],
    ['what was kept quiet', () => endQuiet(deps, 'sweep')],
    ['deploys that do not end', () => reportOverdue(deps)],
    ['deploys that have failed', () => endFailures(deps)],
    ['drills', () => careForDrills(deps)],
    ['the sealed log', () => deps.audit.seal()],
    ['silences', () => showQuiet(deps, open)],
    ['deployments that were not told of', () => findLostGates(deps)],
    ['reminders', () => nudge(deps, open)],
    ['stakeholders', () => digest(deps, open)],
    ['deployments that wait', () => answerWaitingGates(deps)],
    ['pages that are acknowledged here', () => acknowledgeAll(deps, open)],
    ['pages that nobody acknowledges', () => escalate(deps, open)],
    ['pages of others', async () => ((await othersPage(deps)) ? followPages(deps, open) : undefined)],
  ] as const;
  for (const [name, job] of jobs) await apart(deps, name, job);
  return { woken, revived };
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

/** One job that fails must not keep the others from being done. */
async function apart(deps: SweepDeps, name: string, job: () => Promise<unknown>): Promise<void> {
  try {
    await job();
  } catch (error) {
    deps.log.error('a job of the sweeper failed', { job: name, error: String(error) });
  }
}

/** How many of them it was true for. One that fails must not keep the others asleep. */
async function count<T>(all: readonly T[], deps: SweepDeps, act: (one: T) => Promise<boolean>): Promise<number> {
  let done = 0;
  for (const one of all) {
    try {
      if (await act(one)) done += 1;
    } catch (error) {
      deps.log.error('the sweeper could not look after an incident', { incident: one, error: String(error) });
    }
  }
  return done;
}

export const handler = (): Promise<{ woken: number; revived: number }> => sweep(withLetters(productionDeps()));

const withLetters = (deps: Deps): SweepDeps => ({
  ...deps,
  letters: smtpMail({ url: () => deps.secrets.get('SMTP_URL'), from: () => deps.secrets.get('MAIL_FROM') }),
});
