import { whileInProgress } from '../../actions/input-in-progress.ts';
import { JOBS, type SweepDeps } from './jobs.ts';

/** The names of jobs that are in progress in this process, across sweeps. */
export type JobsInProgress = Set<string>;

/**
 * Runs all periodic jobs, each minute, in parallel, so that an unresponsive vendor delays only its own job. Each job with
 * calls to a vendor has its own time limit, well below that of a sweep. A job that is still in progress is not started again.
 *
 * @throws Error if the table cannot be read
 */
export async function sweep(deps: SweepDeps, inProgress: JobsInProgress = new Set()): Promise<void> {
  const open = await deps.incidents.open();
  await Promise.all(JOBS.map((job) => runJob(deps, inProgress, job.name, () => job.run(deps, open))));
}

/** Runs one job. Errors are logged, so that the other jobs continue. Skips a job that is still in progress. */
async function runJob(
  deps: Pick<SweepDeps, 'log'>,
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
