import type { Writable } from 'node:stream';
import type { Log } from '../core/domain/ports/system.ts';
import { isDiskFailure } from '../core/stores/storage-errors.ts';

/**
 * Logs promises that are rejected without a handler, instead of ending the process. All functions share it, so a defect in
 * one execution, which its replay repeats after each restart, would end paging for all incidents.
 *
 * @returns a function that restores Node's behavior
 */
export function surviveRejections(log: Log): () => void {
  const report = (error: unknown): void =>
    log.error('A promise was rejected without a handler; the process continues', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  process.on('unhandledRejection', report);
  return () => void process.off('unhandledRejection', report);
}

/** Loses what cannot be written to a log on a full disk, instead of ending the process: a restart would not help. */
export function surviveLostOutput(...outputs: readonly Writable[]): void {
  for (const output of outputs)
    output.on('error', (error) => {
      if (!isDiskFailure(error)) throw error;
    });
}
