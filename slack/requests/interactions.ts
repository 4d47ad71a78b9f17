import { plainText } from '../../domain/slack/commands/text.ts';
import { ABOUT_NOTHING, type About } from '../../domain/slack/forms.ts';
import type { Interaction, MessageAction } from '../../schemas/slack/interaction.ts';
import type { Waiting } from './commands.ts';
import { catalogueOf, openFor, type Opening, passOn, refuseFor } from './conversation.ts';
import { type Answer, nothing } from './http.ts';
import { readerInTime, refusalOf } from './permissions.ts';
import { declareModal } from '../modals/declare.ts';
import { pinModal } from '../modals/incident.ts';
import { pressed } from './button-presses.ts';
import { callerOf } from './reader.ts';
import { submitted } from './modal-submissions.ts';
import { suggest } from './suggestions.ts';
import { whichIncident } from './which-incident.ts';

/** Values of `callback_id` of shortcuts, as in slack/manifest.yaml. */
export const SHORTCUTS = {
  declare: 'declare_incident',
  declareFromMessage: 'declare_from_message',
  addToTimeline: 'add_to_timeline',
} as const;

/** Maximum length of the message text in the metadata of a modal. */
const MESSAGE_MAX_CHARS = 1000;

/** Responds to an interaction while Slack waits. */
export async function answerInteraction(waiting: Waiting, interaction: Interaction): Promise<Answer> {
  switch (interaction.type) {
    case 'block_suggestion':
      return suggest(waiting, interaction);
    case 'view_submission':
      return submitted(waiting, interaction);
    case 'block_actions':
      return pressed(waiting, interaction);
    case 'message_action':
      return onMessage(waiting, interaction);
    case 'shortcut':
      return interaction.callback_id === SHORTCUTS.declare
        ? declaring(waiting, interaction, ABOUT_NOTHING, null)
        : nothing();
    case 'view_closed':
      return nothing();
  }
}

async function onMessage(waiting: Waiting, interaction: MessageAction): Promise<Answer> {
  const about = aboutMessage(interaction);
  if (interaction.callback_id === SHORTCUTS.addToTimeline) return addingToTimeline(waiting, interaction, about);
  if (interaction.callback_id !== SHORTCUTS.declareFromMessage) return nothing();
  const title = plainText(interaction.message.text).split('\n')[0]?.trim() || null;
  return declaring(waiting, interaction, about, title);
}

const aboutMessage = ({ channel, message, response_url }: MessageAction): About => ({
  ...ABOUT_NOTHING,
  channel: channel.id,
  message: {
    ts: message.ts,
    text: plainText(message.text).slice(0, MESSAGE_MAX_CHARS).toWellFormed(),
    author: message.user ?? null,
  },
  response_url: response_url ?? null,
});

type Asking = Extract<Interaction, { type: 'shortcut' | 'message_action' }>;

async function declaring(waiting: Waiting, by: Asking, about: About, title: string | null): Promise<Answer> {
  const [reader, catalogue] = await Promise.all([readerInTime(waiting, callerOf(by)), catalogueOf(waiting)]);
  const why = await refusalOf(waiting, reader, 'incidents:write', {});
  if (why !== null) return refuseFor(waiting, openingOf(by), why);
  return openFor(waiting, openingOf(by), declareModal(about, title, catalogue));
}

/** Adds a message to the timeline. Outside of an incident's channel, a modal asks for the incident. */
async function addingToTimeline(waiting: Waiting, by: MessageAction, about: About): Promise<Answer> {
  const reader = readerInTime(waiting, callerOf(by));
  const asked = { reader, action: 'incidents:write', named: null, channel: by.channel.id } as const;
  const which = await whichIncident(waiting, asked);
  if (which.kind === 'none') return refuseFor(waiting, openingOf(by), which.why);
  return which.ask.length === 0 ? passOn(waiting, by) : openFor(waiting, openingOf(by), pinModal(about, which.ask));
}

/** Global shortcuts have no response URL. */
const openingOf = (by: Asking): Opening => ({
  trigger_id: by.trigger_id,
  user: by.user,
  response_url: 'response_url' in by ? by.response_url : null,
});
