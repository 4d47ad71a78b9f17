import type { Engine, Started } from '../domain/ports/system.ts';

/**
 * Returns whether a run of a workflow has failed, so that the next run must replace it. Starts a run that has recorded no
 * execution, because that start may have been lost; or the run has failed before its first write, and is not started again.
 *
 * @param execution that the run has recorded
 * @param start starts the run; idempotent
 */
export async function hasFailed(
  { engine }: { engine: Pick<Engine, 'status'> },
  execution: string | null,
  start: () => Promise<Started>,
): Promise<boolean> {
  if (execution !== null) return ['failed', 'unknown'].includes(await engine.status(execution));
  const started = await start();
  // One that has just started may be unknown for a moment.
  return started !== undefined && (await engine.status(started)) === 'failed';
}
