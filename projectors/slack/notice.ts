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
  const save = async () => {
    await turn.stillOurs();
    await deps.projections.write('slack', subject, { round: bulletin.round, shown });
  };
  const refused = (code: string): void => {
    turn.log.warn('Slack refuses a notice', { channel: bulletin.channel, code });
    turn.afterRefusal(bulletin.heardAt);
  };
  const posted = await postOnce(deps, { subject, channel: bulletin.channel, key, message }, turn);
  if (posted?.kind === 'refused') return refused(posted.code);
  if (posted?.kind !== 'there') return;
  if (posted.fresh) return save();
  const { channel, id } = posted;
  const told = await turn.attempt(METHODS.edit, () => deps.chat.edit(channel, id, message, markOf({ subject, key })));
  // One that somebody has deleted is not missed.
  if (told?.kind === 'done' || (told?.kind === 'refused' && told.code === 'message_not_found')) await save();
  else if (told?.kind === 'refused') refused(told.code);
}
