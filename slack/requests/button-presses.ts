import { ABOUT_NOTHING, type About } from '../../domain/slack/forms.ts';
import type { ModalView } from '../../domain/slack/ports.ts';
import type { Action } from '../../schemas/access/access.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { type Button, isOurs, readButton } from '../../schemas/slack/button.ts';
import type { BlockActions } from '../../schemas/slack/interaction.ts';
import type { Waiting } from './commands.ts';
import { openFor, passOn, refuseFor } from './conversation.ts';
import { type Answer, nothing } from './http.ts';
import { readerInTime } from './permissions.ts';
import { severityModal, updateModal } from '../modals/incident.ts';
import { valueOf } from './enqueue.ts';
import { callerOf } from './reader.ts';
import { resolveForm } from './resolve-form.ts';
import { whyNotThis } from './which-incident.ts';

/** Responds to a pressed button, or to a selection in a message. */
export async function pressed(waiting: Waiting, interaction: BlockActions): Promise<Answer> {
  const [acted] = interaction.actions;
  // Slack also sends clicks on links, and on elements of other apps in forwarded messages.
  if (acted === undefined || !isOurs(acted.action_id)) return nothing();
  const button = readButton(acted.action_id, valueOf(acted));
  const form = button === undefined ? null : formOf(waiting, button);
  if (form === null) return passOn(waiting, interaction);
  const { incident, action, view } = form;
  const reader = await readerInTime(waiting, callerOf(interaction));
  const why = await whyNotThis(waiting, { reader, action, id: incident });
  if (why !== null) return refuseFor(waiting, interaction, why);
  return openFor(waiting, interaction, await view({ ...aboutPress(interaction), incident }));
}

const aboutPress = ({ channel, response_url }: BlockActions): About => ({
  ...ABOUT_NOTHING,
  channel: channel?.id ?? null,
  response_url: response_url ?? null,
});

type FormOf = { incident: IncidentId; action: Action; view: (about: About) => ModalView | Promise<ModalView> };

/** Returns the modal of a button that requires more input. Null: the button requires none. */
function formOf(waiting: Waiting, button: Button): FormOf | null {
  switch (button.verb) {
    case 'severity':
      return { incident: button.incident, action: 'incidents:write', view: severityModal };
    case 'publish':
      return { incident: button.incident, action: 'incidents:write', view: updateModal };
    case 'resolve':
      return { incident: button.incident, action: 'incidents:act', view: (about) => resolveForm(waiting, about) };
    default:
      return null;
  }
}
