import type { Chat, ChatMessage } from '../../domain/outlets.ts';
import type { Projections } from '../../domain/projections.ts';
import type { Subject } from '../../schemas/projection.ts';
import { plusSeconds, secondsBetween } from '../../schemas/time.ts';
import type { Turn } from '../turn.ts';
import { METHODS } from './methods.ts';

/**
 * A message whose answer was lost may still arrive: so long after the attempt it is looked for before it is sent again.
 * Our time limit for a call, and a minute on Slack's side.
 */
const UNCLEAR_SECONDS = 75;

/** Clocks differ: a message is looked for from a little before its intent. */
const CLOCKS_DIFFER_SECONDS = 120;

export type Post = { subject: Subject; channel: string; key: string; message: ChatMessage };

/** A message is there; it could not be sent and never will; or not yet, and the turn comes again. */
export type Posted = { kind: 'there'; channel: string; id: string } | { kind: 'refused'; code: string } | null;

type Deps = { chat: Chat; projections: Projections };

/** By which the message is known in a channel where there are those of others. */
export const markOf = ({ subject, key }: Pick<Post, 'subject' | 'key'>): string => `${subject} ${key}`;

/**
 * Sends a message once, whatever happens around it: its intent is recorded before, and where an intent has no outcome
 * the message is looked for before it is sent again. Slack has no key of its own for that.
 */
export async function postOnce(deps: Deps, post: Post, turn: Turn): Promise<Posted> {
  const { subject, key } = post;
  const mark = markOf(post);
  const before = await deps.projections.sent('slack', subject, key);
  if (before?.state === 'done') return { kind: 'there', channel: before.channel ?? post.channel, id: before.id ?? '' };
  if (before?.state === 'given_up') return { kind: 'refused', code: 'given_up' };
  if (before?.state === 'intended') {
    const found = await lookFor(deps, post, before.at, turn);
    if (found !== 'not_there') return found;
  }
  const method = METHODS.post(post.channel);
  let refused: Posted = null;
  const told = await turn.attempt(method, async () => {
    const at = turn.now();
    if (!(await deps.projections.intend('slack', subject, key, at, before)))
      return { kind: 'unclear', detail: 'somebody else is sending it' };
    const answer = await deps.chat.post(post.channel, post.message, mark);
    const settled = { at, channel: null, id: null };
    if (answer.kind === 'done')
      await deps.projections.conclude('slack', subject, key, {
        state: 'done',
        at,
        channel: answer.value.channel,
        id: answer.value.id,
      });
    else if (answer.kind !== 'unclear')
      await deps.projections.conclude('slack', subject, key, { ...settled, state: 'free' });
    if (answer.kind === 'refused') refused = { kind: 'refused', code: answer.code };
    return answer;
  });
  return told?.kind === 'done' ? { kind: 'there', ...told.value } : refused;
}

async function lookFor(
  { chat, projections }: Deps,
  post: Post,
  at: Parameters<typeof plusSeconds>[0],
  turn: Turn,
): Promise<Posted | 'not_there'> {
  const { subject, channel, key } = post;
  const id = await idOf(chat, channel, turn);
  if (id === undefined) return null;
  if (id === null) return 'not_there'; // there is no such channel, so nothing is in it
  const told = await turn.attempt(METHODS.history, () =>
    chat.findPost(id, markOf(post), plusSeconds(at, -CLOCKS_DIFFER_SECONDS)),
  );
  if (told?.kind === 'refused') return { kind: 'refused', code: told.code };
  if (told?.kind !== 'done') return null;
  if (told.value !== null) {
    await projections.conclude('slack', subject, key, { state: 'done', at, channel: id, id: told.value.id });
    return { kind: 'there', channel: id, id: told.value.id };
  }
  if (secondsBetween(at, turn.now()) >= UNCLEAR_SECONDS) return 'not_there';
  turn.comeAgain(plusSeconds(at, UNCLEAR_SECONDS));
  return null;
}

/** Undefined: not now. Null: there is none. */
async function idOf(chat: Chat, channel: string, turn: Turn): Promise<string | null | undefined> {
  if (!channel.startsWith('#')) return channel;
  const told = await turn.attempt(METHODS.list, () => chat.findChannel(channel.slice(1)));
  return told?.kind === 'done' ? (told.value?.id ?? null) : undefined;
}
