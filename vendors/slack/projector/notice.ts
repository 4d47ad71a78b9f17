import * as z from 'zod';
import { type AlertNotices, noticeCard } from '../../../core/domain/messages/alert-notices.ts';
import { alertLinks } from '../../../core/domain/links/incident-links.ts';
import type { Chat } from '../../../core/domain/ports/chat.ts';
import { idOf, type Projections } from '../../../core/domain/incidents/projections.ts';
import type { ConfigSource } from '../../../core/domain/ports/config.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import type { SyncSession } from '../../../core/projectors/session.ts';
import { unansweredAfter, setAgainFrom, outcomeKnownFrom } from '../../../core/domain/messages/unclear.ts';
import { messageMark, postOnce } from './message.ts';
import { METHODS } from './methods.ts';

const NoticeState = z.object({
  /** Round of the notice that the message shows. A notice that starts again after its end has a new round and message. */
  round: z.number().default(0),
  shown: z.string().nullable().default(null),
  /** When an edit was last sent without a response; it may still be executed. */
  unsure: Timestamp.nullable().default(null),
});
type NoticeState = z.infer<typeof NoticeState>;

type Deps = { chat: Chat; projections: Projections; alertNotices: AlertNotices; config: ConfigSource };

/** Projects alerts without an incident as one message in a channel, which is edited when they change. */
export async function showNotice(deps: Deps, subject: Subject, session: SyncSession): Promise<void> {
  const notice = await deps.alertNotices.read(idOf(subject));
  if (notice?.kind !== 'notice') return;
  const state = NoticeState.parse((await deps.projections.read('slack', subject)) ?? {});
  const { round } = notice;
  const before = state.round === round ? state : NoticeState.parse({ round });
  const links = alertLinks(
    notice.serviceEnvironment,
    notice.alerts.map(({ signal }) => signal),
    { firstAt: notice.firstAt, endedAt: notice.firing === 0 ? notice.updatedAt : null, now: session.now() },
    await deps.config.current(),
  );
  const message = noticeCard(notice, links);
  const shown = JSON.stringify(message);
  // A late execution of an unanswered edit may overwrite a newer one, so the message is sent again afterwards.
  const sendAgainFrom = setAgainFrom(before.unsure);
  const began = session.now();
  if (before.shown === shown && sendAgainFrom === null) return;
  if (before.shown === shown && sendAgainFrom !== null && began < sendAgainFrom)
    return session.scheduleNext(sendAgainFrom);
  /** Stores state. Returns true, which lets an attempt start. */
  const save = async (change: Partial<NoticeState>): Promise<true> => {
    await session.checkLease();
    await deps.projections.write('slack', subject, { ...before, ...change });
    return true;
  };
  const recordRefusal = (code: string): void => {
    session.log.warn('Slack refused a notice', { channel: notice.channel, code });
    session.scheduleRetryAfterRefusal(notice.updatedAt);
  };
  const post = { subject, channel: notice.channel, key: `notice ${round}`, message };
  const posted = await postOnce(deps, post, session);
  if (posted?.kind === 'refused') return recordRefusal(posted.code);
  if (posted?.kind !== 'present') return;
  if (posted.fresh) return void (await save({ shown }));
  const response = await session.attempt(
    METHODS.edit,
    () => deps.chat.edit(posted.channel, posted.id, message, messageMark(post)),
    (at) => save({ unsure: at }),
  );
  if (response === undefined || response.kind === 'unclear') return;
  // A deleted message is not recreated.
  const done = response.kind === 'done' || (response.kind === 'refused' && response.code === 'message_not_found');
  const unansweredAt = unansweredAfter(before.unsure, done ? began : null);
  await save({ unsure: unansweredAt, ...(done && { shown }) });
  // A failed call is retried with its own delay.
  if (done && unansweredAt !== null) session.scheduleNext(outcomeKnownFrom(unansweredAt));
  if (response.kind === 'refused' && !done) recordRefusal(response.code);
}
