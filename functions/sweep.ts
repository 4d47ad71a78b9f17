import { deps } from '../aws/deps.ts';
import { sweep, type JobsInProgress } from '../jobs/sweep/sweep.ts';

const inProgress: JobsInProgress = new Set();

/** Runs all periodic jobs, each minute. */
export const handler = (): Promise<{ woken: number; revived: number }> => sweep(deps(), inProgress);
