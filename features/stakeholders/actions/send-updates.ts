import { NOTIFICATION_CHANNELS } from '../../../core/domain/messages/notifications.ts';
import type { SendDue } from '../../../core/jobs/digest/deps.ts';
import { dueNotifications } from './due.ts';
import { Round } from './round.ts';

/** Sends the status updates that are due. Email and Slack do not delay each other. */
export const sendStatusUpdates: SendDue = async (deps, config, deadline) => {
  const due = await dueNotifications(deps, config);
  if (due.length === 0) return [];
  const pauses = await deps.digests.pauses();
  return Promise.allSettled(
    NOTIFICATION_CHANNELS.map((channel) =>
      new Round(deps, { channel, services: config.services, pause: pauses[channel], deadline }).send(
        due.filter(({ receiver }) => receiver.channel === channel),
      ),
    ),
  );
};
