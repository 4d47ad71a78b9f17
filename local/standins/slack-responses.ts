import { flag, isObject, text } from './slack-arguments.ts';
import type { Channel } from './slack-channels.ts';
import { givenContent, mustShow } from './slack-content.ts';
import { BOT } from './slack-directory.ts';
import { POST_TEXT_MAX_CHARS } from './slack-limits.ts';
import type { Content } from './slack-messages.ts';
import { Refused, type Fields } from './slack-refusal.ts';
import type { ResponsePlace } from './slack-response-urls.ts';
import { say, whisper, type Workspace } from './slack-workspace.ts';

/**
 * What an app answers to an act of somebody, by its `response_url` or, to a command, at once: a message in the channel,
 * for all or, unless it says so, for who acted alone; or in place of the message in which it was done.
 *
 * @param at milliseconds since the Unix epoch
 * @see https://docs.slack.dev/interactivity/handling-user-interaction (read 2026-11), "Message responses"
 * @throws Refused when the message is none that Slack takes
 */
export function respond(workspace: Workspace, place: ResponsePlace, answer: Fields, at: number): void {
  const channel = workspace.channels.bySeq(place.channel);
  if (!channel) throw new Refused('channel_not_found');
  if (flag(answer, 'delete_original')) return erase(workspace, channel, place);

  const given = givenContent(answer, POST_TEXT_MAX_CHARS);
  mustShow(given);
  const content: Content = { text: '', ...given };
  if (flag(answer, 'replace_original')) return replace(workspace, channel, place, content, at);
  if (text(answer, 'response_type') === 'in_channel') {
    if (channel.archived) throw new Refused('channel_is_archived');
    say(workspace, channel, { user: BOT.id, subtype: 'bot_message', thread_ts: null, content }, at);
  } else {
    whisper(workspace, channel, { user: place.user, author: 'app', content }, at);
  }
}

function erase({ ephemerals, messages, marks }: Workspace, { seq }: Channel, { ts, ephemeral }: ResponsePlace): void {
  if (ts === null) return;
  if (ephemeral) return ephemerals.remove(seq, ts);
  messages.remove(seq, ts);
  marks.clear(seq, ts);
}

/** Where there is nothing to replace, it is a message for who acted. */
function replace(workspace: Workspace, channel: Channel, place: ResponsePlace, content: Content, at: number): void {
  const { ts, ephemeral, user } = place;
  if (ts !== null && ephemeral) return workspace.ephemerals.edit(channel.seq, ts, content);
  if (ts !== null && workspace.messages.get(channel.seq, ts)) {
    return workspace.messages.edit(channel.seq, ts, content, Math.floor(at) * 1000);
  }
  whisper(workspace, channel, { user, author: 'app', content }, at);
}

/** @throws Refused `invalid_payload` when it is no JSON object */
export function answerOf(body: string): Fields {
  try {
    const json: unknown = JSON.parse(body);
    if (isObject(json)) return json;
  } catch {
    // said below, the same
  }
  throw new Refused('invalid_payload');
}
