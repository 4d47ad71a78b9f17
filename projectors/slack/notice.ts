import { type Bulletins, noticeCard } from '../../domain/bulletins.ts';
import type { Chat } from '../../domain/outlets.ts';
import { idOf, type Projections } from '../../domain/projections.ts';
import { NoticeState, type Subject } from '../../schemas/projection.ts';
import type { Turn } from '../turn.ts';
import { markOf, postOnce } from './message.ts';
import { METHODS } from './methods.ts';

type Deps = { chat: Chat; projections: Projections; bulletins: Bulletins };

/** Alerts of a service that have no incident, as one message in a channel, edited as they come and go. */
export async function showNotice(deps: Deps, subject: Subject, turn: Turn): Promise<void> {
  const bulletin = await deps.bulletins.read(idOf(subject));
  if (bulletin?.kind !== 'notice') return;
  const before = NoticeState.parse((await deps.projections.read('slack', subject)) ?? {});
  const message = noticeCard(bulletin);
  const shown = JSON.stringify(message);
  if (before.round === bulletin.round && before.shown === shown) return;
  const key = `notice ${bulletin.round}`;
  const sent = await deps.projections.sent('slack', subject, key);
  const save = () => deps.projections.write('slack', subject, { round: bulletin.round, shown });
  if (sent?.state === 'done' && sent.channel !== null && sent.id !== null) {
    const { channel, id } = sent;
    const told = await turn.attempt(METHODS.edit, () => deps.chat.edit(channel, id, message, markOf({ subject, key })));
    // One that somebody has deleted is not missed.
    if (told?.kind === 'done' || told?.kind === 'refused') await save();
    return;
  }
  const posted = await postOnce(deps, { subject, channel: bulletin.channel, key, message }, turn);
  if (posted?.kind === 'there') await save();
  if (posted?.kind === 'refused')
    turn.log.warn('Slack refuses a notice', { channel: bulletin.channel, code: posted.code });
}
