import { setTimeout as sleep } from 'node:timers/promises';
import { cachedMonths } from '../actions/status/cached-months.ts';
import type { Deps } from '../domain/ports/deps.ts';
import { snapshotFiles } from '../http/status/snapshot/files.ts';
import { digest } from '../jobs/digest/digest.ts';
import { type Evaluation, evaluate } from '../jobs/slo-evaluation/evaluate.ts';
import { Evaluator } from '../jobs/slo-evaluation/evaluator.ts';
import { takeSnapshots } from '../jobs/status-snapshot/take-snapshot.ts';
import { type JobsInProgress, sweep } from '../jobs/sweep/sweep.ts';
import { sha256 } from '../stores/core/hash.ts';
import { emailsOf } from './emails.ts';

/** Returns the job that runs all periodic checks. It does not start a check twice that has not ended. */
export function sweepJob(deps: Deps): () => Promise<{ woken: number; revived: number }> {
  const inProgress: JobsInProgress = new Set();
  return () => sweep(deps, inProgress);
}

/** Returns the job that evaluates all SLOs. It keeps what it has counted. */
export function evaluateJob(deps: Deps): () => Promise<Evaluation> {
  const evaluator = new Evaluator(deps);
  return () => evaluate(deps, evaluator);
}

/** Returns the job that sends the status updates and reports that are due. */
export function digestJob(deps: Deps): () => Promise<{ sent: number }> {
  const emails = emailsOf(deps);
  return () => digest({ ...deps, emails });
}

/** Returns the job that writes the public status pages every 30 seconds for a static host. It caches past months. */
export function snapshotJob(deps: Deps): () => Promise<{ written: number }> {
  const { config, publicIncidents, publicUrl } = deps;
  const readersOf = cachedMonths(publicIncidents);
  return () =>
    takeSnapshots(deps, {
      files: (at) => snapshotFiles({ config, publicIncidents: readersOf(at), publicUrl }, at),
      hashOf: (body) => sha256(body).slice(0, 16),
      pause: async (milliseconds) => sleep(milliseconds),
      elapsed: () => performance.now(),
    });
}
