import { Envelope, EventCallback, isEvent } from '../../../schemas/slack/event.ts';
import { PINS } from '../commands/timeline.ts';
import type { RequestContext } from '../request-context.ts';
import { type Answer, emptyAnswer, refused, text } from './http.ts';
import { enqueueRequest } from './enqueue.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/** Subtypes of messages that people write. Slack sends other subtypes for edits, joins, and so on. */
const PERSONAL_SUBTYPES: readonly string[] = ['thread_broadcast', 'file_share', 'me_message'];

/** Responds to a request of the Events API. `unreadable`: the payload does not have the format of its type. */
export async function answerEvent(context: RequestContext, payload: unknown): Promise<Answer | { unreadable: string }> {
  const envelope = Envelope.safeParse(payload);
  if (!envelope.success) return { unreadable: inputProblemText(envelope.error) };
  const { type, challenge, event, minute_rate_limited: minute } = envelope.data;
  if (type === 'url_verification')
    return challenge === undefined ? { unreadable: 'the challenge is missing' } : text(challenge);
  if (type === 'app_rate_limited') {
    context.deps.log.warn('Slack is dropping events: more than 30,000 within an hour', { minute });
    return emptyAnswer();
  }
  // Accept unknown events: Slack disables the subscription after too many failed deliveries.
  if (type !== 'event_callback' || event === undefined || !isEvent(event.type)) return emptyAnswer();
  const callback = EventCallback.safeParse(payload);
  if (!callback.success) return { unreadable: inputProblemText(callback.error) };
  if (!isOfInterest(callback.data)) return emptyAnswer();
  const isQueued = await enqueueRequest(context.deps, { kind: 'event', callback: callback.data }, context.trace);
  return isQueued ? emptyAnswer() : refused(503, 'unavailable', 'the event could not be stored; send it again');
}

/** Returns whether Firebreak handles the event. Events of bots, including its own, are ignored. */
function isOfInterest({ event, authorizations }: EventCallback): boolean {
  const bots = authorizations.flatMap(({ user_id, is_bot }) => (is_bot && user_id ? [user_id] : []));
  if (event.user && bots.includes(event.user)) return false;
  switch (event.type) {
    case 'message':
      return !event.bot_id && Boolean(event.user) && (!event.subtype || PERSONAL_SUBTYPES.includes(event.subtype));
    case 'reaction_added':
      return PINS.includes(event.reaction) && event.item.type === 'message';
    case 'member_joined_channel':
    case 'app_home_opened':
      return true;
  }
}
