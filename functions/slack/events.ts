import { Envelope, EventCallback, isEvent } from '../../schemas/slack/event.ts';
import * as z from 'zod';
import type { Waiting } from './commands.ts';
import { type Answer, nothing, refused, text } from './http.ts';
import { handOn } from './queue.ts';

/** Marks with which people put a message onto the timeline. */
const PINS: readonly string[] = ['pushpin', 'round_pushpin'];

/** Messages as people write them; others tell of edits, joins and the like. */
const WRITTEN: readonly string[] = ['thread_broadcast', 'file_share', 'me_message'];

/** What Slack tells by its Events API; undefined: it has not the form of what it says that it is. */
export async function answerEvent(waiting: Waiting, payload: unknown): Promise<Answer | { unreadable: string }> {
  const envelope = Envelope.safeParse(payload);
  if (!envelope.success) return { unreadable: z.prettifyError(envelope.error) };
  const { type, challenge, event, minute_rate_limited: minute } = envelope.data;
  if (type === 'url_verification') return challenge === undefined ? { unreadable: 'no challenge' } : text(challenge);
  if (type === 'app_rate_limited') {
    waiting.deps.log.warn('Slack holds events back: more than 30,000 came within an hour', { minute });
    return nothing();
  }
  // What is told and was not asked for is no mistake: an answer that is none would make Slack switch all events off.
  if (type !== 'event_callback' || event === undefined || !isEvent(event.type)) return nothing();
  const callback = EventCallback.safeParse(payload);
  if (!callback.success) return { unreadable: z.prettifyError(callback.error) };
  if (!isOfInterest(callback.data)) return nothing();
  const taken = await handOn(waiting.deps, { kind: 'event', callback: callback.data }, waiting.trace);
  return taken ? nothing() : refused(503, 'unavailable', 'this could not be taken; send it again');
}

/** What we and other robots say is not told to us by a person. */
function isOfInterest({ event, authorizations }: EventCallback): boolean {
  const robots = authorizations.flatMap(({ user_id, is_bot }) => (is_bot && user_id ? [user_id] : []));
  if (event.user && robots.includes(event.user)) return false;
  switch (event.type) {
    case 'message':
      return !event.bot_id && Boolean(event.user) && (!event.subtype || WRITTEN.includes(event.subtype));
    case 'reaction_added':
      return PINS.includes(event.reaction) && event.item.type === 'message';
    case 'member_joined_channel':
    case 'app_home_opened':
      return true;
  }
}
