import { plainText } from '../../domain/slack-commands/text.ts';
import { ABOUT_NOTHING, type About } from '../../domain/slack-forms.ts';
import type { Interaction, MessageAction } from '../../schemas/slack/interaction.ts';
import type { Waiting } from './commands.ts';
import { catalogueOf, openFor, passOn } from './conversation.ts';
import { type Answer, nothing } from './http.ts';
import { declareModal } from './modals/declare.ts';
import { pressed } from './presses.ts';
import { submitted } from './submissions.ts';
import { suggest } from './suggestions.ts';

/** Shortcuts by their `callback_id`, as slack/manifest.yaml has them. */
export const SHORTCUTS = {
  declare: 'declare_incident',
  declareFromMessage: 'declare_from_message',
  addToTimeline: 'add_to_timeline',
} as const;

/** Of the message, that goes with the modal. */
const MESSAGE_MAX_CHARS = 1000;

/** What somebody does with what we show, answered while Slack waits. */
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
      if (interaction.callback_id !== SHORTCUTS.declare) return nothing();
      return openFor(waiting, interaction, declareModal(ABOUT_NOTHING, null, await catalogueOf(waiting)));
    case 'view_closed':
      return nothing();
  }
}

async function onMessage(waiting: Waiting, interaction: MessageAction): Promise<Answer> {
  if (interaction.callback_id === SHORTCUTS.addToTimeline) return passOn(waiting, interaction);
  if (interaction.callback_id !== SHORTCUTS.declareFromMessage) return nothing();
  const text = plainText(interaction.message.text);
  const about: About = {
    ...ABOUT_NOTHING,
    channel: interaction.channel.id,
    message: { ts: interaction.message.ts, text: text.slice(0, MESSAGE_MAX_CHARS).toWellFormed() },
    response_url: interaction.response_url ?? null,
  };
  const title = text.split('\n')[0]?.trim() || null;
  return openFor(waiting, interaction, declareModal(about, title, await catalogueOf(waiting)));
}
