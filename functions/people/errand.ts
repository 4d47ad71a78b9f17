import type { Ear } from '../../domain/outlets.ts';
import { parseCommand, type Wanted } from '../../domain/slack-commands.ts';
import { plainText } from '../../domain/slack-commands/text.ts';
import type { EnvironmentsOf } from '../../domain/slack-commands/wanted.ts';
import { type About, type Filled, readForm } from '../../domain/slack-forms.ts';
import type { SlackRequest } from '../../schemas/heard.ts';
import type { IncidentId, Severity } from '../../schemas/names.ts';
import { type Button, readButton } from '../../schemas/slack/button.ts';
import type { SlashCommand } from '../../schemas/slack/command.ts';
import type { EventCallback } from '../../schemas/slack/event.ts';
import type { BlockActions, Interaction, MessageAction, ViewSubmission } from '../../schemas/slack/interaction.ts';

/** A message of the chat that is to be on a timeline. `text` null: it has yet to be read. */
export type Pinned = { channel: string; ts: string; text: string | null; author: string | null };

/** What somebody wants, whichever of the ways they have said it in. */
export type Deed =
  | Exclude<Wanted, { act: 'severity' | 'declare' | 'handover' | 'update' | 'freeze_override' }>
  | { act: 'severity'; severity: Severity; note: string | null }
  | {
      act: 'declare';
      service: string;
      environment: string | null;
      severity: Severity;
      title: string;
      from: Pinned | null;
    }
  | { act: 'handover'; user: string; brief: string | null }
  | { act: 'update'; text: string }
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
  | { act: 'not_the_deploy'; change: string }
  | { act: 'switch'; action: 'pause' | 'resume' }
  | ({ act: 'roll_back' } & Omit<Extract<Button, { verb: 'rollback' }>, 'verb'>)
  | ({ act: 'pin' } & Pinned)
  | { act: 'so_far' };

/** Which incident it is about: by its id, or the one whose channel it was said in. */
export type Where = { incident: IncidentId | null; channel: { id: string; name: string | null } | null };

export type Errand = {
  user: string;
  /** Where they are to hear what came of it. */
  ear: Ear;
  where: Where;
  deed: Deed;
};

/** Undefined: nothing follows from it. */
export function errandOf(request: SlackRequest, environmentsOf: EnvironmentsOf): Errand | undefined {
  switch (request.kind) {
    case 'command':
      return ofCommand(request.command, environmentsOf);
    case 'interaction':
      return ofInteraction(request.interaction);
    case 'event':
      return ofEvent(request.callback);
  }
}

function ofCommand(command: SlashCommand, environmentsOf: EnvironmentsOf): Errand | undefined {
  const parsed = parseCommand(command.command, command.text, environmentsOf);
  const deed = parsed.kind === 'wanted' ? deedOfCommand(parsed.wanted) : undefined;
  if (deed === undefined) return undefined;
  const { user_id: user, channel_id: channel, channel_name: name, response_url: responseUrl } = command;
  return {
    user,
    ear: { user, channel, responseUrl },
    where: { incident: null, channel: { id: channel, name: name || null } },
    deed,
  };
}

/** Undefined: a modal asks for the rest of it. */
function deedOfCommand(wanted: Wanted): Deed | undefined {
  switch (wanted.act) {
    case 'declare':
      return undefined;
    case 'severity':
      return wanted.severity === null ? undefined : { ...wanted, severity: wanted.severity, note: null };
    case 'handover':
      return wanted.user === null ? undefined : { ...wanted, user: wanted.user };
    case 'update':
      return wanted.text === null ? undefined : { ...wanted, text: wanted.text };
    case 'freeze_override': {
      const { freeze, reason } = wanted;
      return freeze === null || reason === null ? undefined : { ...wanted, freeze, reason };
    }
    default:
      return wanted;
  }
}

function ofInteraction(interaction: Interaction): Errand | undefined {
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

function ofButton({ user, channel, actions, response_url }: BlockActions): Errand | undefined {
  const [acted] = actions;
  const button = acted && readButton(acted.action_id, acted.value ?? acted.selected_option?.value);
  const deed = button && deedOfButton(button);
  if (button === undefined || deed === undefined) return undefined;
  return {
    user: user.id,
    ear: { user: user.id, channel: channel?.id ?? null, responseUrl: response_url ?? null },
    where: {
      incident: 'incident' in button ? button.incident : null,
      channel: channel ? { id: channel.id, name: channel.name || null } : null,
    },
    deed,
  };
}

/** Undefined: a modal asks for the rest of it. */
function deedOfButton(button: Button): Deed | undefined {
  switch (button.verb) {
    case 'approve':
    case 'reject':
      return { act: 'answer', digest: button.digest, answer: button.verb === 'approve' ? 'approved' : 'rejected' };
    case 'acknowledge':
      return { act: 'acknowledge' };
    case 'take_command':
      return { act: 'take', role: 'commander' };
    case 'pause':
    case 'resume':
      return { act: 'switch', action: button.verb };
    case 'not_the_deploy':
      return { act: 'not_the_deploy', change: button.change };
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

function ofForm({ user, view }: ViewSubmission): Errand | undefined {
  const read = readForm(view);
  if (read?.ok !== true) return undefined;
  const { about, filled } = read;
  return {
    user: user.id,
    ear: { user: user.id, channel: about.channel, responseUrl: about.response_url },
    where: {
      incident: about.incident,
      channel: about.channel === null ? null : { id: about.channel, name: null },
    },
    deed: deedOfForm(filled, about),
  };
}

function deedOfForm(filled: Filled, about: About): Deed {
  switch (filled.form) {
    case 'declare': {
      const { form: _, ...declared } = filled;
      return { act: 'declare', ...declared, from: pinnedOf(about) };
    }
    case 'severity':
      return { act: 'severity', severity: filled.severity, note: filled.note };
    case 'update':
      return { act: 'update', text: filled.text };
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
  }
}

const pinnedOf = ({ channel, message }: About): Pinned | null =>
  channel === null || message === null ? null : { channel, ts: message.ts, text: message.text, author: null };

function ofMessage({ user, channel, message, response_url }: MessageAction): Errand {
  const { ts, text, user: author } = message;
  return {
    user: user.id,
    ear: { user: user.id, channel: channel.id, responseUrl: response_url ?? null },
    where: { incident: null, channel: { id: channel.id, name: channel.name || null } },
    deed: { act: 'pin', channel: channel.id, ts, text: plainText(text), author: author ?? null },
  };
}

/** Marks with which people put a message onto the timeline. */
const PINS: readonly string[] = ['pushpin', 'round_pushpin'];

function ofEvent({ event }: EventCallback): Errand | undefined {
  if (event.type === 'member_joined_channel') return inChannel(event.user, event.channel, { act: 'so_far' });
  if (event.type !== 'reaction_added' || !PINS.includes(event.reaction)) return undefined;
  const { channel, ts } = event.item;
  if (!channel || !ts) return undefined;
  return inChannel(event.user, channel, { act: 'pin', channel, ts, text: null, author: event.item_user ?? null });
}

const inChannel = (user: string, channel: string, deed: Deed): Errand => ({
  user,
  ear: { user, channel, responseUrl: null },
  where: { incident: null, channel: { id: channel, name: null } },
  deed,
});
