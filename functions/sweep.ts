import { deps } from '../aws/deps.ts';
import { sweep, type JobsInProgress } from '../jobs/sweep/sweep.ts';

/** Jobs of an earlier invocation that have not ended yet; they are not started twice. */
const inProgress: JobsInProgress = new Set();

/** Runs all periodic jobs, each minute. Returns the numbers of incidents woken and of failed workflows replaced. */
export const handler = (): Promise<{ woken: number; revived: number }> => sweep(deps(), inProgress);
