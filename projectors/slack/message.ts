import type { Chat, ChatMessage, VendorResponse } from '../../domain/messages/channels.ts';
import type { Projections } from '../../domain/incidents/projections.ts';
import type { Subject } from '../../schemas/incidents/projection.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import type { SyncSession } from '../sync/session.ts';
import { sureFrom } from '../sync/unclear.ts';
import { METHODS } from './methods.ts';

/** Maximum clock difference. The search for a message starts this long before its intent. */
const CLOCKS_DIFFER_SECONDS = 120;

export type Post = { subject: Subject; channel: string; key: string; message: ChatMessage };

/**
 * The message exists, or Slack refused it. Null: not yet; another turn is scheduled. `fresh`: the message has the
 * current text; one that was sent before may be outdated.
 */
export type Posted =
  | { kind: 'there'; channel: string; id: string; fresh: boolean }
  | { kind: 'refused'; code: string }
  | null;

type Deps = { chat: Chat; projections: Projections };

/** Returns the mark that identifies the message in a channel. */
export const markOf = ({ subject, key }: Pick<Post, 'subject' | 'key'>): string => `${subject} ${key}`;

/**
 * Sends a message exactly once. The intent is recorded first; if an intent has no outcome, the message is searched for
 * before it is sent again, because Slack supports no idempotency key.
 */
export async function postOnce(deps: Deps, post: Post, turn: SyncSession): Promise<Posted> {
  const { subject, key } = post;
  const mark = markOf(post);
  const before = await deps.projections.sent('slack', subject, key);
  if (before?.state === 'done')
    return { kind: 'there', channel: before.channel ?? post.channel, id: before.id ?? '', fresh: false };
  if (before?.state === 'intended') {
    const found = await lookFor(deps, post, before.at, turn);
    if (found !== 'not_there') return found;
  }
  let intended = turn.now();
  const told = await turn.attempt(
    METHODS.post(post.channel),
    () => deps.chat.post(post.channel, post.message, mark),
    async (at) => {
      intended = at;
      return deps.projections.intend('slack', subject, key, at, before);
    },
  );
  if (told === undefined || told.kind === 'unclear') return null;
  const end = told.kind === 'done' ? { state: 'done' as const, ...told.value } : { state: 'free' as const, ...NOWHERE };
  await deps.projections.conclude('slack', subject, key, { at: intended, ...end });
  if (told.kind === 'done') return { kind: 'there', ...told.value, fresh: true };
  return told.kind === 'refused' ? { kind: 'refused', code: told.code } : null;
}

const NOWHERE = { channel: null, id: null };

async function lookFor(
  { chat, projections }: Deps,
  post: Post,
  at: Timestamp,
  turn: SyncSession,
): Promise<Posted | 'not_there'> {
  const { subject, channel, key } = post;
  const since = turn.now();
  const there = await idOf(chat, channel, turn);
  if (there?.kind === 'refused') return { kind: 'refused', code: there.code };
  if (there?.kind !== 'done') return null;
  const id = there.value;
  if (id === null) return 'not_there'; // the channel does not exist
  const told = await turn.attempt(METHODS.history, () =>
    chat.findPost(id, markOf(post), plusSeconds(at, -CLOCKS_DIFFER_SECONDS)),
  );
  if (told?.kind === 'refused') return { kind: 'refused', code: told.code };
  if (told?.kind !== 'done') return null;
  if (told.value !== null) {
    await projections.conclude('slack', subject, key, { state: 'done', at, channel: id, id: told.value.id });
    return { kind: 'there', channel: id, id: told.value.id, fresh: false };
  }
  const sure = sureFrom(at);
  if (since >= sure) return 'not_there';
  turn.comeAgain(sure);
  return null;
}

/** Returns the ID of a channel. Null: there is none. */
async function idOf(
  chat: Chat,
  channel: string,
  turn: SyncSession,
): Promise<VendorResponse<string | null> | undefined> {
  if (!channel.startsWith('#')) return { kind: 'done', value: channel };
  const told = await turn.attempt(METHODS.list, () => chat.findChannel(channel.slice(1)));
  return told?.kind === 'done' ? { kind: 'done', value: told.value?.id ?? null } : told;
}
