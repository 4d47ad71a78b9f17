import { flag, isObject, text } from './arguments.ts';
import type { Channel } from '../channels.ts';
import { givenContent, requireContent } from '../blocks/content.ts';
import { BOT } from '../directory.ts';
import { POST_TEXT_MAX_CHARS } from './limits.ts';
import type { Content } from '../messages.ts';
import { Refused, type Fields } from './refusal.ts';
import type { ResponseTarget } from './response-urls.ts';
import { addMessage, addEphemeral, type Workspace } from '../workspace.ts';

/**
 * Applies an app's response to an interaction, sent to its `response_url` or, for a command, as the immediate response.
 * It is a message in the channel (ephemeral by default), or replaces the message with the interaction.
 *
 * @param at milliseconds since the Unix epoch
 * @see https://docs.slack.dev/interactivity/handling-user-interaction (read 2026-11), "Message responses"
 * @throws Refused if Slack does not accept the message
 */
export function respond(workspace: Workspace, target: ResponseTarget, answer: Fields, at: number): void {
  const channel = workspace.channels.bySeq(target.channel);
  if (!channel) throw new Refused('channel_not_found');
  if (flag(answer, 'delete_original')) return erase(workspace, channel, target);

  const given = givenContent(answer, POST_TEXT_MAX_CHARS);
  requireContent(given);
  const content: Content = { text: '', ...given };
  if (flag(answer, 'replace_original')) return replace(workspace, channel, target, content, at);
  if (text(answer, 'response_type') === 'in_channel') {
    if (channel.archived) throw new Refused('channel_is_archived');
    addMessage(workspace, channel, { user: BOT.id, subtype: 'bot_message', thread_ts: null, content }, at);
  } else {
    addEphemeral(workspace, channel, { user: target.user, author: 'app', content }, at);
  }
}

function erase({ ephemerals, messages, marks }: Workspace, { seq }: Channel, { ts, ephemeral }: ResponseTarget): void {
  if (ts === null) return;
  if (ephemeral) return ephemerals.remove(seq, ts);
  messages.remove(seq, ts);
  marks.clear(seq, ts);
}

/** Replaces the message. Without a message to replace, shows an ephemeral message. */
function replace(workspace: Workspace, channel: Channel, target: ResponseTarget, content: Content, at: number): void {
  const { ts, ephemeral, user } = target;
  if (ts !== null && ephemeral) return workspace.ephemerals.edit(channel.seq, ts, content);
  if (ts !== null && workspace.messages.get(channel.seq, ts)) {
    return workspace.messages.edit(channel.seq, ts, content, Math.floor(at) * 1000);
  }
  addEphemeral(workspace, channel, { user, author: 'app', content }, at);
}

/** @throws Refused `invalid_payload` if the body is not a JSON object */
export function answerOf(body: string): Fields {
  try {
    const json: unknown = JSON.parse(body);
    if (isObject(json)) return json;
  } catch {
    // Throws the same error below.
  }
  throw new Refused('invalid_payload');
}
