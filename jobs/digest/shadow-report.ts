import { sha256 } from '../../aws/hash.ts';
import { NOTIFICATION_CHANNELS, sentLater, type LastNotification } from '../../domain/messages/stakeholder-digest.ts';
import type { ChatMessage } from '../../domain/messages/channels.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { StoredNotification } from '../../domain/ports/messages.ts';
import { lastDue, shadowDigest } from '../../domain/automation/shadow-report-schedule.ts';
import type { Config } from '../../schemas/config/config.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import { type Deadline, pooled } from '../../actions/shared/concurrency.ts';
import { shadowReport } from '../../actions/reports/shadow-report.ts';
import { deliverTo, type Receiver, receiversOf } from './receivers.ts';
import type { RoundDeps } from './round.ts';

/** The period that the report covers. */
const REPORT_SECONDS = 30 * 24 * 3600;

/** How late a report may be sent. A later one is skipped, because the next report covers the same incidents. */
const LATE_SECONDS = 24 * 3600;

const AT_ONCE = 4;

export type ReportDeps = RoundDeps & Pick<Deps, 'config' | 'changes' | 'automation'>;

type Waiting = { receiver: Receiver; before: StoredNotification | undefined };

/**
 * Sends the weekly shadow report to receivers who have not got it yet. Each delivery is recorded before it is sent: a
 * crash in between may lose one, but none is sent twice.
 *
 * @returns how many were sent
 */
export async function sendShadowReport(deps: ReportDeps, config: Config, deadline: Deadline): Promise<number> {
  const { shadowReport: wanted } = config.response;
  if (wanted === undefined) return 0;
  const now = deps.clock.now();
  const due = lastDue(wanted, now);
  if (due < plusSeconds(now, -LATE_SECONDS)) return 0;
  const waiting = await waitingFor(deps, receiversOf(wanted), due, now);
  if (waiting.length === 0) return 0;
  const message = shadowDigest(await shadowReport(deps, { seconds: REPORT_SECONDS, of: {}, may: () => true }));
  let sent = 0;
  await pooled(waiting, AT_ONCE, async (one) => {
    if (deadline.left > 0 && (await sendOne(deps, one, { message, due }))) sent += 1;
  });
  return sent;
}

/** Returns the receivers who have not got the report of `due`, without those whose way is paused. */
async function waitingFor(
  { digests }: ReportDeps,
  receivers: readonly Receiver[],
  due: Timestamp,
  now: Timestamp,
): Promise<Waiting[]> {
  const [had, pauses] = await Promise.all([digests.read('shadow-report'), digests.pauses()]);
  const paused = NOTIFICATION_CHANNELS.filter((channel) => (pauses[channel]?.until ?? now) > now);
  return receivers
    .filter(({ channel }) => !paused.includes(channel))
    .map((receiver) => ({ receiver, before: had[receiver.name] }))
    .filter(({ before }) => before?.about !== due && (before?.again === undefined || before.again.at <= now));
}

async function sendOne(
  deps: ReportDeps,
  { receiver, before }: Waiting,
  { message, due }: { message: ChatMessage; due: Timestamp },
): Promise<boolean> {
  const { digests, clock, timeScale, log } = deps;
  const now = clock.now();
  const mine: LastNotification = { about: due, at: now, notified: true };
  const remembered = await digests.remember('shadow-report', receiver.name, mine, before);
  if (remembered === undefined) return false; // another run sends it
  const how = await deliverTo(deps, receiver, message, `shadow-report-${sha256(JSON.stringify([receiver.name, due]))}`);
  if (how.kind === 'done') return true;
  log.warn('the shadow report was not delivered', {
    receiver: receiver.name,
    delivery: how.kind,
    detail: how.detail,
  });
  if (how.kind === 'later' || how.kind === 'closed' || how.kind === 'off')
    await digests.remember('shadow-report', receiver.name, sentLater(before, { now, timeScale }), remembered);
  return false;
}
