import { ABOUT_NOTHING, type About } from '../../domain/slack-forms.ts';
import type { ModalView } from '../../domain/slack-ports.ts';
import { type Button, isOurs, readButton } from '../../schemas/slack/button.ts';
import type { BlockActions } from '../../schemas/slack/interaction.ts';
import type { Waiting } from './commands.ts';
import { openFor, passOn } from './conversation.ts';
import { type Answer, nothing } from './http.ts';
import { resolveModal, severityModal, updateModal } from './modals/incident.ts';
import { valueOf } from './queue.ts';

/** A button of a message, or a choice in it. */
export async function pressed(waiting: Waiting, interaction: BlockActions): Promise<Answer> {
  const [acted] = interaction.actions;
  // Links are told, too, and the elements of other apps' messages that were forwarded.
  if (acted === undefined || !isOurs(acted.action_id)) return nothing();
  const button = readButton(acted.action_id, valueOf(acted));
  const view = button === undefined ? null : modalOf(button, aboutPress(interaction));
  return view === null ? passOn(waiting, interaction) : openFor(waiting, interaction, view);
}

const aboutPress = ({ channel, response_url }: BlockActions): About => ({
  ...ABOUT_NOTHING,
  channel: channel?.id ?? null,
  response_url: response_url ?? null,
});

/** Buttons that ask for more before anything is done. */
function modalOf(button: Button, about: About): ModalView | null {
  switch (button.verb) {
    case 'severity':
      return severityModal({ ...about, incident: button.incident });
    case 'publish':
      return updateModal({ ...about, incident: button.incident });
    case 'resolve':
      return resolveModal({ ...about, incident: button.incident });
    default:
      return null;
  }
}
