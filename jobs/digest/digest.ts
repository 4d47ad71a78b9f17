import { NOTIFICATION_CHANNELS } from '../../domain/messages/stakeholder-digest.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Config } from '../../schemas/config/config.ts';
import { Deadline, type Elapsed } from '../../actions/shared/concurrency.ts';
import { dueNotifications } from './due.ts';
import { Round } from './round.ts';
import { type ReportDeps, sendShadowReport } from './shadow-report.ts';

/** The time limit for starting messages. Even the slowest email then ends within the function's time-out. */
const ROUND_MS = 30_000;

type DigestDeps = ReportDeps & Pick<Deps, 'incidentGroups'>;

/**
 * Sends status updates to stakeholders, each minute. Runs in its own function, so that a hanging mail server delays
 * only emails. Email and Slack do not delay each other.
 *
 * @throws AggregateError after all channels have finished, if a channel failed completely, for example because the table is
 *   unavailable
 */
export async function digest(deps: DigestDeps, elapsed: Elapsed = () => performance.now()): Promise<{ sent: number }> {
  const config = await deps.config.current();
  const deadline = new Deadline(elapsed, ROUND_MS);
  const result = [
    ...(await sendStatusUpdates(deps, config, deadline)),
    // After the status updates, which are more urgent.
    ...(await Promise.allSettled([sendShadowReport(deps, config, deadline)])),
  ];
  const failed = result.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  if (failed.length > 0) throw new AggregateError(failed, 'stakeholders could not be notified');
  return { sent: result.reduce((sum, outcome) => sum + (outcome.status === 'fulfilled' ? outcome.value : 0), 0) };
}

async function sendStatusUpdates(
  deps: DigestDeps,
  config: Config,
  deadline: Deadline,
): Promise<PromiseSettledResult<number>[]> {
  if (config.response.stakeholders.length === 0) return [];
  const due = await dueNotifications(deps, config);
  if (due.length === 0) return [];
  const pauses = await deps.digests.pauses();
  return Promise.allSettled(
    NOTIFICATION_CHANNELS.map((channel) =>
      new Round(deps, { channel: channel, services: config.services, pause: pauses[channel], deadline }).send(
        due.filter(({ receiver }) => receiver.channel === channel),
      ),
    ),
  );
}
