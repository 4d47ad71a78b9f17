import type { ChatMessage } from '../../../core/domain/messages/chat-message.ts';
import type { Chat } from '../../../core/domain/ports/chat.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import type { Projections } from '../../../core/domain/incidents/projections.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import type { SyncSession } from '../../../core/projectors/session.ts';
import { outcomeKnownFrom } from '../../../core/domain/messages/unclear.ts';
import { METHODS } from './methods.ts';

/** Maximum clock difference. The search for a message starts this long before its intent. */
const CLOCK_DIFFERENCE_MAX_SECONDS = 120;

export type ChannelPost = { subject: Subject; channel: string; key: string; message: ChatMessage };

/**
 * The message exists, or Slack refused it. Null: not yet; another session is scheduled. `fresh`: the message has the
 * current text; one that was sent before may be outdated.
 */
export type PostResult =
  | { kind: 'present'; channel: string; id: string; fresh: boolean }
  | { kind: 'refused'; code: string }
  | null;

type Deps = { chat: Chat; projections: Projections };

/** Returns the mark that identifies the message in a channel. */
export const messageMark = ({ subject, key }: Pick<ChannelPost, 'subject' | 'key'>): string => `${subject} ${key}`;

/**
 * Sends a message exactly once. The intent is recorded first; if an intent has no outcome, the message is searched for
 * before it is sent again, because Slack supports no idempotency key.
 */
export async function postOnce(deps: Deps, post: ChannelPost, session: SyncSession): Promise<PostResult> {
  const { subject, key } = post;
  const mark = messageMark(post);
  const before = await deps.projections.sent('slack', subject, key);
  if (before?.state === 'done')
    return { kind: 'present', channel: before.channel ?? post.channel, id: before.id ?? '', fresh: false };
  if (before?.state === 'intended') {
    const found = await findPosted(deps, post, before.at, session);
    if (found !== 'missing') return found;
  }
  let intended = session.now();
  const response = await session.attempt(
    METHODS.post(post.channel),
    () => deps.chat.post(post.channel, post.message, mark),
    async (at) => {
      intended = at;
      return deps.projections.intend('slack', subject, key, at, before);
    },
  );
  if (response === undefined || response.kind === 'unclear') return null;
  const end =
    response.kind === 'done'
      ? { state: 'done' as const, ...response.value }
      : { state: 'free' as const, ...NO_MESSAGE };
  await deps.projections.conclude('slack', subject, key, { at: intended, ...end });
  if (response.kind === 'done') return { kind: 'present', ...response.value, fresh: true };
  return response.kind === 'refused' ? { kind: 'refused', code: response.code } : null;
}

const NO_MESSAGE = { channel: null, id: null };

async function findPosted(
  { chat, projections }: Deps,
  post: ChannelPost,
  at: Timestamp,
  session: SyncSession,
): Promise<PostResult | 'missing'> {
  const { subject, channel, key } = post;
  const since = session.now();
  const channelId = await channelIdOf(chat, channel, session);
  if (channelId?.kind === 'refused') return { kind: 'refused', code: channelId.code };
  if (channelId?.kind !== 'done') return null;
  const id = channelId.value;
  if (id === null) return 'missing'; // the channel does not exist
  const response = await session.attempt(METHODS.history, () =>
    chat.findPost(id, messageMark(post), plusSeconds(at, -CLOCK_DIFFERENCE_MAX_SECONDS)),
  );
  if (response?.kind === 'refused') return { kind: 'refused', code: response.code };
  if (response?.kind !== 'done') return null;
  if (response.value !== null) {
    await projections.conclude('slack', subject, key, { state: 'done', at, channel: id, id: response.value.id });
    return { kind: 'present', channel: id, id: response.value.id, fresh: false };
  }
  const knownFrom = outcomeKnownFrom(at);
  if (since >= knownFrom) return 'missing';
  session.scheduleNext(knownFrom);
  return null;
}

/** Returns the ID of a channel. Null: there is none. */
async function channelIdOf(
  chat: Chat,
  channel: string,
  session: SyncSession,
): Promise<VendorResponse<string | null> | undefined> {
  if (!channel.startsWith('#')) return { kind: 'done', value: channel };
  const response = await session.attempt(METHODS.list, () => chat.findChannel(channel.slice(1)));
  return response?.kind === 'done' ? { kind: 'done', value: response.value?.id ?? null } : response;
}
