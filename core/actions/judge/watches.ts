import { GIVE_UP_SECONDS } from '../changes/overdue-deploys.ts';
import { hasFailed } from '../failed-run.ts';
import { endedWatch, isReportedLate, isWatchOver, replacedBy, watchIdOf, newWatch } from '../../domain/judge/watch.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { WatchRecord } from '../../../schemas/judge/watch.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { endFindings } from '../../../workflows/steps/judge/report-findings.ts';
import { environmentEntry } from '../../domain/catalogue/catalogue.ts';

/** Newest changes among which the live version is searched. */
const CHANGES_READ = 50;

/** The maximum number of runs. A run that dies repeatedly is a bug that another run does not fix. */
const RUNS_MAX = 20;

export type WatchDeps = Pick<Deps, 'config' | 'changes' | 'watches' | 'runs' | 'clock' | 'log'>;

/** Starts to watch a change that has succeeded, if its service is watched. Idempotent: a change is watched once. */
export async function watchDeploy(deps: WatchDeps, change: Change): Promise<void> {
  const entry = environmentEntry((await deps.config.current()).services, change);
  if (entry?.watch === undefined) return;
  const recent = await deps.changes.recent(change, CHANGES_READ);
  const watch = newWatch(change, { config: entry.watch, recent, now: deps.clock.now() });
  if (watch === undefined || !(await deps.watches.begin(watch))) return;
  try {
    await deps.runs.watch.start(watch.id, watch.run);
  } catch (error) {
    deps.log.warn('a watch could not be started; the sweeper tries again', { watch: watch.id, error: String(error) });
  }
}

/**
 * Watches deploys whose report was interrupted, starts watches whose workflow is not started yet, replaces failed runs, and
 * ends the alerts of versions that are no longer live, each minute.
 */
export async function tendWatches(deps: WatchDeps & Pick<Deps, 'engine' | 'queue'>): Promise<void> {
  await watchMissedDeploys(deps).catch((error: unknown) =>
    deps.log.error('deploys that should be watched could not be read', { error: String(error) }),
  );
  for (const watch of await deps.watches.unfinished()) {
    try {
      await (isWatchOver(watch) ? endFindingsOfReplaced(deps, watch) : startOrReplaceRun(deps, watch));
    } catch (error) {
      deps.log.error('a watch could not be tended', { watch: watch.id, error: String(error) });
    }
  }
}

async function watchMissedDeploys(deps: WatchDeps): Promise<void> {
  const { services } = await deps.config.current();
  const isWatched = Object.values(services).some(({ environments }) =>
    Object.values(environments).some(({ watch }) => watch !== undefined),
  );
  if (!isWatched) return;
  const now = deps.clock.now();
  for (const change of await deps.changes.live()) {
    if (environmentEntry(services, change)?.watch === undefined || isReportedLate(change, now)) continue;
    if ((await deps.watches.get(watchIdOf(change.id))) === undefined) await watchDeploy(deps, change);
  }
}

async function startOrReplaceRun(deps: WatchDeps & Pick<Deps, 'engine'>, watch: WatchRecord): Promise<void> {
  const { id, run, execution } = watch;
  if (!(await hasFailed(deps, execution, () => deps.runs.watch.start(id, run)))) return;
  deps.log.error('the workflow of a watch has failed', { watch: id, run });
  if (run >= RUNS_MAX) {
    const stopped = endedWatch(watch, 'stopped', `its workflow has failed ${run} times`, deps.clock.now());
    await deps.watches.put({ ...stopped, findings: [], reported: [] });
  } else if (await deps.watches.put({ ...watch, run: run + 1, execution: null }))
    await deps.runs.watch.start(id, run + 1);
}

async function endFindingsOfReplaced(deps: WatchDeps & Pick<Deps, 'queue'>, watch: WatchRecord): Promise<void> {
  const newer = replacedBy(await deps.changes.recent(watch, CHANGES_READ), watch.change_id);
  const isOld = plusSeconds(watch.ended_at ?? watch.started_at, GIVE_UP_SECONDS) <= deps.clock.now();
  // Until the newer version is live, this one still serves. Without one, a finding ends like a failed deployment.
  if (isOld || newer?.status === 'succeeded') await deps.watches.put(await endFindings(deps, watch));
}
