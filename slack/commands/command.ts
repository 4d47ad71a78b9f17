import type { ReplyTo } from '../../domain/messages/channels.ts';
import { parseCommand, type Wanted } from '../../domain/slack/commands.ts';
import { plainText } from '../../domain/slack/commands/text.ts';
import type { NamedIncident } from '../../domain/slack/commands/reference.ts';
import type { EnvironmentsOf, Parsed } from '../../domain/slack/commands/wanted.ts';
import { type About, type Filled, readForm } from '../../domain/slack/forms.ts';
import type { SlackRequest } from '../../schemas/messages/inbound-events.ts';
import type { IncidentId, Severity } from '../../schemas/config/names.ts';
import { type Button, readButton } from '../../schemas/slack/button.ts';
import type { SlashCommand } from '../../schemas/slack/command.ts';
import type { EventCallback } from '../../schemas/slack/event.ts';
import type { BlockActions, Interaction, MessageAction, ViewSubmission } from '../../schemas/slack/interaction.ts';

/** A chat message to add to a timeline. `text`: fallback if the message can't be read. */
export type Pinned = { channel: string; ts: string; text: string | null; author: string | null };

/** A requested action, from a command, button, modal, or event. */
export type ActionRequest =
  | Exclude<Wanted, { act: 'severity' | 'declare' | 'handover' | 'update' | 'freeze_override' | 'take' }>
  /** `vacant`: only if the role is unassigned. */
  | (Extract<Wanted, { act: 'take' }> & { vacant: boolean })
  | { act: 'severity'; severity: Severity; note: string | null }
  | {
      act: 'declare';
      /** Null: unknown. */
      service: string | null;
      environment: string | null;
      severity: Severity;
      title: string;
      from: Pinned | null;
    }
  | { act: 'handover'; user: string | null; called?: string; brief: string | null }
  /** `publish`: also approves the status page. */
  | { act: 'update'; text: string; publish: boolean }
  | {
      act: 'freeze_override';
      freeze: string;
      reason: string;
      uses: number | null;
      seconds: number | null;
      version: string | null;
    }
  | { act: 'approve_override'; freeze: string; override: string }
  | { act: 'answer'; digest: string; answer: 'approved' | 'rejected' }
  | { act: 'not_the_deploy' | 'suspect_again'; change: string }
  | { act: 'switch'; action: 'pause' | 'resume' }
  | ({ act: 'roll_back' } & Omit<Extract<Button, { verb: 'rollback' }>, 'verb'>)
  /** `asked`: by the shortcut, not only by a reaction, which people also use for other purposes. */
  | ({ act: 'pin'; asked: boolean } & Pinned)
  | { act: 'so_far' }
  /** A usage error that was found only with the catalogue. */
  | ({ act: 'usage' } & Pick<Extract<Parsed, { kind: 'usage' }>, 'because' | 'nearest'>);

/** Reference to the incident: its ID, its given name, or the channel of the request. */
export type Where = {
  incident: IncidentId | null;
  named: NamedIncident | null;
  channel: { id: string; name: string | null } | null;
};

export type Command = {
  user: string;
  /** Recipient of the answer. */
  ear: ReplyTo;
  where: Where;
  /** The command as it would be entered again. Null: it was not a command. */
  typed: Extract<Parsed, { kind: 'wanted' }>['typed'] | null;
  deed: ActionRequest;
};

/** Returns the action of a request. Undefined: the request requires none. */
export function errandOf(request: SlackRequest, environmentsOf: EnvironmentsOf): Command | undefined {
  switch (request.kind) {
    case 'command':
      return ofCommand(request.command, environmentsOf);
    case 'interaction':
      return ofInteraction(request.interaction);
    case 'event':
      return ofEvent(request.callback);
  }
}

function ofCommand(command: SlashCommand, environmentsOf: EnvironmentsOf): Command | undefined {
  const parsed = parseCommand(command.command, command.text, environmentsOf);
  if (parsed.kind === 'help') return undefined;
  const wanted = parsed.kind === 'wanted' ? parsed : null;
  const deed = parsed.kind === 'wanted' ? deedOfCommand(parsed.wanted) : usageOf(parsed);
  if (deed === undefined) return undefined;
  const { user_id: user, channel_id: channel, channel_name: name, response_url: responseUrl } = command;
  return {
    user,
    ear: { user, channel, responseUrl },
    where: { incident: null, named: wanted?.incident ?? null, channel: { id: channel, name: name || null } },
    typed: wanted?.typed ?? null,
    deed,
  };
}

const usageOf = ({ because, nearest }: Extract<Parsed, { kind: 'usage' }>): ActionRequest => ({
  act: 'usage',
  because,
  nearest,
});

/** Returns the action of a command. Undefined: a modal asks for missing input. */
function deedOfCommand(wanted: Wanted): ActionRequest | undefined {
  switch (wanted.act) {
    case 'declare':
      return undefined;
    case 'severity':
      return wanted.severity === null ? undefined : { ...wanted, severity: wanted.severity, note: null };
    case 'take':
      return { ...wanted, vacant: false };
    case 'handover':
      return wanted.user === null && wanted.called === undefined ? undefined : wanted;
    case 'update':
      return wanted.text === null ? undefined : { ...wanted, text: wanted.text, publish: false };
    case 'freeze_override': {
      const { freeze, reason } = wanted;
      return freeze === null || reason === null ? undefined : { ...wanted, freeze, reason };
    }
    default:
      return wanted;
  }
}

function ofInteraction(interaction: Interaction): Command | undefined {
  switch (interaction.type) {
    case 'block_actions':
      return ofButton(interaction);
    case 'view_submission':
      return ofForm(interaction);
    case 'message_action':
      return interaction.callback_id === 'add_to_timeline' ? ofMessage(interaction) : undefined;
    default:
      return undefined;
  }
}

function ofButton({ user, channel, actions, response_url }: BlockActions): Command | undefined {
  const [acted] = actions;
  const button = acted && readButton(acted.action_id, acted.value ?? acted.selected_option?.value);
  const deed = button && deedOfButton(button);
  if (button === undefined || deed === undefined) return undefined;
  return {
    user: user.id,
    ear: { user: user.id, channel: channel?.id ?? null, responseUrl: response_url ?? null },
    where: {
      incident: 'incident' in button ? button.incident : null,
      named: null,
      channel: channel ? { id: channel.id, name: channel.name || null } : null,
    },
    typed: null,
    deed,
  };
}

/** Returns the action of a button. Undefined: a modal asks for missing input. */
function deedOfButton(button: Button): ActionRequest | undefined {
  switch (button.verb) {
    case 'approve':
    case 'reject':
      return { act: 'answer', digest: button.digest, answer: button.verb === 'approve' ? 'approved' : 'rejected' };
    case 'acknowledge':
      return { act: 'acknowledge' };
    case 'take_command':
      return { act: 'take', role: 'commander', vacant: true };
    case 'pause':
    case 'resume':
      return { act: 'switch', action: button.verb };
    case 'not_the_deploy':
    case 'suspect_again':
      return { act: button.verb, change: button.change };
    case 'rollback': {
      const { verb: _, ...place } = button;
      return { act: 'roll_back', ...place };
    }
    case 'lift_freeze':
      return { act: 'freeze_lift', freeze: button.freeze, reason: '' };
    case 'approve_override':
      return { act: 'approve_override', freeze: button.freeze, override: button.override };
    case 'resolve':
    case 'publish':
    case 'severity':
      return undefined;
  }
}

function ofForm({ user, view }: ViewSubmission): Command | undefined {
  const read = readForm(view);
  if (read?.ok !== true) return undefined;
  const { about, filled, named } = read;
  const deed = deedOfForm(filled, about);
  if (deed === undefined) return undefined;
  return {
    user: user.id,
    ear: { user: user.id, channel: about.channel, responseUrl: about.response_url },
    where: {
      incident: about.incident,
      named,
      channel: about.channel === null ? null : { id: about.channel, name: null },
    },
    typed: null,
    deed,
  };
}

/** Returns the action of a modal. Undefined: its message is missing in the metadata. */
function deedOfForm(filled: Filled, about: About): ActionRequest | undefined {
  switch (filled.form) {
    case 'declare': {
      const { form: _, ...declared } = filled;
      return { act: 'declare', ...declared, from: pinnedOf(about) };
    }
    case 'severity':
      return { act: 'severity', severity: filled.severity, note: filled.note };
    case 'update':
      return { act: 'update', text: filled.text, publish: true };
    case 'handover':
      return { act: 'handover', user: filled.user, brief: filled.brief };
    case 'freeze': {
      const { targets, environment, seconds, reason } = filled;
      return { act: 'freeze_open', targets, environment, seconds, reason };
    }
    case 'override': {
      const { freeze, reason, uses, seconds } = filled;
      return { act: 'freeze_override', freeze, reason, uses, seconds, version: about.version };
    }
    case 'resolve':
      return { act: 'resolve', note: filled.note };
    case 'pin': {
      const message = pinnedOf(about);
      return message === null ? undefined : { act: 'pin', asked: true, ...message };
    }
  }
}

const pinnedOf = ({ channel, message }: About): Pinned | null =>
  channel === null || message === null
    ? null
    : { channel, ts: message.ts, text: message.text || null, author: message.author };

function ofMessage({ user, channel, message, response_url }: MessageAction): Command {
  const { ts, text, user: author } = message;
  return {
    user: user.id,
    ear: { user: user.id, channel: channel.id, responseUrl: response_url ?? null },
    where: { incident: null, named: null, channel: { id: channel.id, name: channel.name || null } },
    typed: null,
    deed: { act: 'pin', asked: true, channel: channel.id, ts, text: plainText(text) || null, author: author ?? null },
  };
}

/** Reactions that add a message to the timeline. */
const PINS: readonly string[] = ['pushpin', 'round_pushpin'];

function ofEvent({ event }: EventCallback): Command | undefined {
  if (event.type === 'member_joined_channel') return inChannel(event.user, event.channel, { act: 'so_far' });
  if (event.type !== 'reaction_added' || !PINS.includes(event.reaction)) return undefined;
  const { channel, ts } = event.item;
  if (!channel || !ts) return undefined;
  const author = event.item_user ?? null;
  return inChannel(event.user, channel, { act: 'pin', asked: false, channel, ts, text: null, author });
}

const inChannel = (user: string, channel: string, deed: ActionRequest): Command => ({
  user,
  ear: { user, channel, responseUrl: null },
  where: { incident: null, named: null, channel: { id: channel, name: null } },
  typed: null,
  deed,
});

/** Returns the text that the person wrote, which is stored nowhere else. Null: none. */
export function writtenFor(deed: ActionRequest): string | null {
  switch (deed.act) {
    case 'note':
    case 'update':
      return deed.text;
    case 'declare':
      return deed.title;
    case 'handover':
      return deed.brief ?? deed.called ?? null;
    case 'severity':
    case 'resolve':
      return deed.note;
    case 'freeze_open':
    case 'freeze_override':
    case 'freeze_lift':
      return deed.reason || null;
    default:
      return null;
  }
}
