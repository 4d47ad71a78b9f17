import { sha256 } from '../../../core/stores/hash.ts';
import { shadowDigest } from '../../domain/automation/shadow-report-message.ts';
import {
  isPaused,
  isRetriedLater,
  NOTIFICATION_CHANNELS,
  sentLater,
  type LastNotification,
} from '../../domain/messages/notifications.ts';
import type { ChatMessage } from '../../domain/messages/chat-message.ts';
import { lastDue } from '../../domain/messages/weekly-schedule.ts';
import type { StoredNotification } from '../../domain/ports/messages.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { type Deadline, pooled } from '../../domain/concurrency.ts';
import { shadowReport } from '../../actions/reports/shadow-report.ts';
import type { DigestDeps } from './deps.ts';
import { deliverTo, type Receiver, receiversOf } from './receivers.ts';

/** The period that the report covers. */
const REPORT_SECONDS = 30 * 24 * 3600;

/** How late a report may be sent. A later one is skipped, because the next one covers much of the same. */
const DELAY_MAX_SECONDS = 24 * 3600;

const AT_ONCE = 4;

const NAME = 'shadow-report';

/** A receiver to send to. `before`: its last report. */
type Waiting = { receiver: Receiver; before: StoredNotification | undefined };

/**
 * Sends the weekly shadow report to receivers who have not got it yet. Each delivery is recorded before it is sent: a
 * crash in between may lose one, but none is sent twice.
 *
 * @returns how many were sent
 */
export async function sendShadowReport(deps: DigestDeps, config: Config, deadline: Deadline): Promise<number> {
  const { shadowReport: settings } = config.response;
  if (settings === undefined) return 0;
  const now = deps.clock.now();
  const due = lastDue(settings, now);
  if (due < plusSeconds(now, -DELAY_MAX_SECONDS)) return 0;
  const waiting = await waitingFor(deps, receiversOf(settings), { due, now });
  if (waiting.length === 0) return 0;
  const message = shadowDigest(await shadowReport(deps, { seconds: REPORT_SECONDS, scope: {}, isVisible: () => true }));
  let sent = 0;
  await pooled(waiting, AT_ONCE, async (waitingReceiver) => {
    if (deadline.left > 0 && (await sendOne(deps, waitingReceiver, { message, due }))) sent += 1;
  });
  return sent;
}

/**
 * Returns the receivers who have not got the report of `due`, without those whose channel is paused or whose next
 * attempt is later. `about` of a stored report is the time at which it was due.
 */
async function waitingFor(
  { digests }: DigestDeps,
  receivers: readonly Receiver[],
  { due, now }: { due: Timestamp; now: Timestamp },
): Promise<Waiting[]> {
  const [sent, pauses] = await Promise.all([digests.read(NAME), digests.pauses()]);
  const paused = NOTIFICATION_CHANNELS.filter((channel) => isPaused(pauses[channel], now));
  return receivers
    .filter(({ channel }) => !paused.includes(channel))
    .map((receiver) => ({ receiver, before: sent[receiver.name] }))
    .filter(({ before }) => before?.about !== due && (before === undefined || !isRetriedLater(before, now)));
}

async function sendOne(
  deps: DigestDeps,
  { receiver, before }: Waiting,
  { message, due }: { message: ChatMessage; due: Timestamp },
): Promise<boolean> {
  const { digests, clock, timeScale, log } = deps;
  const now = clock.now();
  const notification: LastNotification = { about: due, at: now, notified: true };
  const remembered = await digests.remember(NAME, receiver.name, notification, before);
  if (remembered === undefined) return false; // another run sends it
  const idempotencyKey = `${NAME}-${sha256(JSON.stringify([NAME, receiver.name, due]))}`;
  const delivered = await deliverTo(deps, receiver, message, idempotencyKey);
  if (delivered.kind === 'done') return true;
  log.warn('the weekly shadow report was not delivered', {
    receiver: receiver.name,
    delivery: delivered.kind,
    detail: delivered.detail,
  });
  // Retried only if it was certainly not delivered and can still be.
  if (delivered.kind === 'later' || delivered.kind === 'closed' || delivered.kind === 'off')
    await digests.remember(NAME, receiver.name, sentLater(before, { now, timeScale }), remembered);
  return false;
}
