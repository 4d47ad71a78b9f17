import type { Product } from './product.ts';
import { digest } from '../../core/jobs/digest/digest.ts';
import { type JobsInProgress, sweep } from '../../core/jobs/sweep/sweep.ts';
import { emailsOf } from './emails.ts';

/**
 * Returns the job that runs all periodic checks. It does not start a check twice that has not ended. That it runs shows that
 * Firebreak does.
 */
export function sweepJob(deps: Product): () => Promise<void> {
  const inProgress: JobsInProgress = new Set();
  return async () => {
    await deps.intake.beat().catch((error: unknown) => deps.log.error('no beat was stored', { error: String(error) }));
    await sweep(deps, inProgress);
  };
}

/** Returns the job that sends the status updates and reports that are due. */
export function digestJob(deps: Product): () => Promise<{ sent: number }> {
  const emails = emailsOf(deps);
  return () => digest({ ...deps, emails });
}
