import { Deadline, type Elapsed } from '../../domain/concurrency.ts';
import { FEATURES } from '../../../features/index.ts';
import type { DigestDeps } from './deps.ts';
import { sendShadowReport } from './shadow-report.ts';

/** The time limit for starting messages. Even the slowest email then ends within the function's time-out. */
const ROUND_MS = 30_000;

/**
 * Sends the status updates of features and the weekly shadow report, each minute. Runs in its own function, so that a
 * hanging mail server delays only emails.
 *
 * @throws AggregateError after all channels have finished, if a channel failed completely, for example because the table is
 *   unavailable
 */
export async function digest(deps: DigestDeps, elapsed: Elapsed = () => performance.now()): Promise<{ sent: number }> {
  const config = await deps.config.current();
  const deadline = new Deadline(elapsed, ROUND_MS);
  const updates = FEATURES.flatMap(({ isConfigured, sendDue }) =>
    sendDue !== undefined && isConfigured(config) ? [sendDue(deps, config, deadline)] : [],
  );
  const result = [
    ...(await Promise.all(updates)).flat(),
    // After the status updates, which are more urgent.
    ...(await Promise.allSettled([sendShadowReport(deps, config, deadline)])),
  ];
  const failed = result.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  if (failed.length > 0) throw new AggregateError(failed, 'stakeholders could not be notified');
  return { sent: result.reduce((sum, outcome) => sum + (outcome.status === 'fulfilled' ? outcome.value : 0), 0) };
}
