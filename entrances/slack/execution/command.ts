import { plainText } from '../../../core/domain/slack/commands/text.ts';
import type { SlackRequest } from '../../../schemas/messages/inbound-events.ts';
import { readButton } from '../../../schemas/slack/button.ts';
import type { SlashCommand } from '../../../schemas/slack/command.ts';
import type { EventCallback } from '../../../schemas/slack/event.ts';
import type { BlockActions, Interaction, MessageAction, ViewSubmission } from '../../../schemas/slack/interaction.ts';
import { type ActionRequest, requestOfButton, verbOf } from '../commands/lookup.ts';
import { type Parsed, parseCommand } from '../commands/parse.ts';
import { type Message, PINS } from '../commands/timeline.ts';
import type { EnvironmentsOf, CommandOrigin } from '../commands/verb.ts';
import { readSubmission } from '../modals/submission.ts';

/** A request of a person, whatever they used: a command, a button, a dialog, a shortcut, or an event. */
export type Command = CommandOrigin & {
  user: string;
  /** The command as it would be entered again. Null: it was not a command. */
  typed: Extract<Parsed, { kind: 'request' }>['typed'] | null;
  request: ActionRequest;
};

/** Returns the command of a request. Undefined: the request requires no action. */
export function commandOf(request: SlackRequest, environmentsOf: EnvironmentsOf): Command | undefined {
  switch (request.kind) {
    case 'command':
      return fromSlashCommand(request.command, environmentsOf);
    case 'interaction':
      return fromInteraction(request.interaction);
    case 'event':
      return fromEvent(request.callback);
  }
}

function fromSlashCommand(command: SlashCommand, environmentsOf: EnvironmentsOf): Command | undefined {
  const parsed = parseCommand(command.command, command.text, environmentsOf);
  if (parsed.kind === 'help') return undefined;
  const { user_id: user, channel_id: channel, channel_name: name, response_url: responseUrl } = command;
  const common = { user, replyTo: { user, channel, responseUrl } };
  const typedIn = { incident: null, channel: { id: channel, name: name || null } };
  if (parsed.kind === 'usage')
    return { ...common, where: { ...typedIn, named: null }, typed: null, request: { act: 'usage', ...parsed } };
  const { request, incident: named, typed } = parsed;
  // An incomplete command has opened a dialog, whose submission is the request.
  if (verbOf(request).isComplete?.(request) === false) return undefined;
  return { ...common, where: { ...typedIn, named }, typed, request };
}

function fromInteraction(interaction: Interaction): Command | undefined {
  switch (interaction.type) {
    case 'block_actions':
      return fromButton(interaction);
    case 'view_submission':
      return fromSubmission(interaction);
    case 'message_action':
      return interaction.callback_id === 'add_to_timeline' ? fromMessageShortcut(interaction) : undefined;
    case 'block_suggestion':
    case 'shortcut':
    case 'view_closed':
      return undefined;
  }
}

function fromButton({ user, channel, actions, response_url }: BlockActions): Command | undefined {
  const [action] = actions;
  const button = action && readButton(action.action_id, action.value ?? action.selected_option?.value);
  const requested = button && requestOfButton(button);
  // A button without a request has opened a dialog.
  if (button === undefined || requested === undefined || !('request' in requested)) return undefined;
  return {
    user: user.id,
    replyTo: { user: user.id, channel: channel?.id ?? null, responseUrl: response_url ?? null },
    where: {
      incident: 'incident' in button ? button.incident : null,
      named: null,
      channel: channel ? { id: channel.id, name: channel.name || null } : null,
    },
    typed: null,
    request: requested.request,
  };
}

function fromSubmission({ user, view }: ViewSubmission): Command | undefined {
  const read = readSubmission(view);
  if (read?.ok !== true) return undefined;
  const { modalContext, request, named } = read;
  if (request === undefined) return undefined;
  return {
    user: user.id,
    replyTo: { user: user.id, channel: modalContext.channel, responseUrl: modalContext.response_url },
    where: {
      incident: modalContext.incident,
      named,
      channel: modalContext.channel === null ? null : { id: modalContext.channel, name: null },
    },
    typed: null,
    request,
  };
}

function fromMessageShortcut({ user, channel, message, response_url }: MessageAction): Command {
  const { ts, text, user: author } = message;
  const marked: Message = { channel: channel.id, ts, text: plainText(text) || null, author: author ?? null };
  return {
    user: user.id,
    replyTo: { user: user.id, channel: channel.id, responseUrl: response_url ?? null },
    where: { incident: null, named: null, channel: { id: channel.id, name: channel.name || null } },
    typed: null,
    request: { act: 'pin', ...marked },
  };
}

function fromEvent({ event }: EventCallback): Command | undefined {
  if (event.type === 'member_joined_channel') return fromChannelEvent(event.user, event.channel, { act: 'so_far' });
  if (event.type !== 'reaction_added' || !PINS.includes(event.reaction)) return undefined;
  const { channel, ts } = event.item;
  if (!channel || !ts) return undefined;
  const marked: Message = { channel, ts, text: null, author: event.item_user ?? null };
  return fromChannelEvent(event.user, channel, { act: 'pin_reaction', ...marked });
}

const fromChannelEvent = (user: string, channel: string, request: ActionRequest): Command => ({
  user,
  replyTo: { user, channel, responseUrl: null },
  where: { incident: null, named: null, channel: { id: channel, name: null } },
  typed: null,
  request,
});
