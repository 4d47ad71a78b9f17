import { sha256 } from '../../aws/hash.ts';
import { NOTIFICATION_CHANNELS, sentLater, type LastNotification } from '../../domain/messages/stakeholder-digest.ts';
import type { ChatMessage } from '../../domain/messages/channels.ts';
import type { StoredNotification, WeeklyMessage } from '../../domain/ports/messages.ts';
import { lastDue } from '../../domain/messages/weekly-schedule.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import { type Deadline, pooled } from '../../actions/shared/concurrency.ts';
import { deliverTo, type Receiver } from './receivers.ts';
import type { RoundDeps } from './round.ts';

/** How late a message may be sent. A later one is skipped, because the next one covers much of the same. */
const DELAY_MAX_SECONDS = 24 * 3600;

const AT_ONCE = 4;

/** A receiver to send to. `before`: its last message of this kind. */
type Waiting = { receiver: Receiver; before: StoredNotification | undefined };

type Weekly = {
  messageName: WeeklyMessage;
  schedule: Parameters<typeof lastDue>[0];
  receivers: readonly Receiver[];
  /** Builds the message. Called only if a receiver waits for it. */
  message: () => Promise<ChatMessage>;
};

/**
 * Sends a weekly message to receivers who have not got it yet. Each delivery is recorded before it is sent: a crash in
 * between may lose one, but none is sent twice.
 *
 * @returns how many were sent
 */
export async function sendWeekly(
  deps: RoundDeps,
  { messageName, schedule, receivers, message: build }: Weekly,
  deadline: Deadline,
): Promise<number> {
  const now = deps.clock.now();
  const due = lastDue(schedule, now);
  if (due < plusSeconds(now, -DELAY_MAX_SECONDS)) return 0;
  const waiting = await waitingFor(deps, { messageName, receivers, due, now });
  if (waiting.length === 0) return 0;
  const message = await build();
  let sent = 0;
  await pooled(waiting, AT_ONCE, async (waitingReceiver) => {
    if (deadline.left > 0 && (await sendOne(deps, waitingReceiver, { messageName, message, due }))) sent += 1;
  });
  return sent;
}

/**
 * Returns the receivers who have not got the message of `due`, without those whose channel is paused or whose next
 * attempt is later. `about` of a stored weekly message is the time at which it was due.
 */
async function waitingFor(
  { digests }: RoundDeps,
  { messageName, receivers, due, now }: Pick<Weekly, 'messageName' | 'receivers'> & { due: Timestamp; now: Timestamp },
): Promise<Waiting[]> {
  const [sent, pauses] = await Promise.all([digests.read(messageName), digests.pauses()]);
  const paused = NOTIFICATION_CHANNELS.filter((channel) => (pauses[channel]?.until ?? now) > now);
  return receivers
    .filter(({ channel }) => !paused.includes(channel))
    .map((receiver) => ({ receiver, before: sent[receiver.name] }))
    .filter(({ before }) => before?.about !== due && (before?.again === undefined || before.again.at <= now));
}

async function sendOne(
  deps: RoundDeps,
  { receiver, before }: Waiting,
  { messageName, message, due }: { messageName: WeeklyMessage; message: ChatMessage; due: Timestamp },
): Promise<boolean> {
  const { digests, clock, timeScale, log } = deps;
  const now = clock.now();
  const notification: LastNotification = { about: due, at: now, notified: true };
  const remembered = await digests.remember(messageName, receiver.name, notification, before);
  if (remembered === undefined) return false; // another run sends it
  const idempotencyKey = `${messageName.split(':')[0]}-${sha256(JSON.stringify([messageName, receiver.name, due]))}`;
  const delivered = await deliverTo(deps, receiver, message, idempotencyKey);
  if (delivered.kind === 'done') return true;
  log.warn('a weekly message was not delivered', {
    message: messageName,
    receiver: receiver.name,
    delivery: delivered.kind,
    detail: delivered.detail,
  });
  // Retried only if it was certainly not delivered and can still be.
  if (delivered.kind === 'later' || delivered.kind === 'closed' || delivered.kind === 'off')
    await digests.remember(messageName, receiver.name, sentLater(before, { now, timeScale }), remembered);
  return false;
}
