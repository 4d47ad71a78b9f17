import { type Button, isFirebreakAction, readButton } from '../../schemas/slack/button.ts';
import type { BlockActions } from '../../schemas/slack/interaction.ts';
import { requestOfButton } from '../commands/lookup.ts';
import { EMPTY_CONTEXT, type ModalContext } from '../modals/form.ts';
import { modalOf } from '../modals/open.ts';
import type { RequestContext } from '../request-context.ts';
import { openModalFor, enqueueInteraction, refuseFor } from './interaction-replies.ts';
import { valueOf } from './enqueue.ts';
import { type Answer, emptyAnswer } from './http.ts';
import { permissionsInTime } from './permissions.ts';
import { requestingUserOf } from './caller-permissions.ts';
import { whyNotThis } from './which-incident.ts';

/** Responds to a pressed button, or to a selection in a message. */
export async function respondToButton(context: RequestContext, interaction: BlockActions): Promise<Answer> {
  const [action] = interaction.actions;
  // Slack also sends clicks on links, and on elements of other apps in forwarded messages.
  if (action === undefined || !isFirebreakAction(action.action_id)) return emptyAnswer();
  const button = readButton(action.action_id, valueOf(action));
  const opens = button === undefined ? null : dialogOf(button);
  if (opens === null) return enqueueInteraction(context, interaction);
  const { incident, dialog, permission } = opens;
  const permissions = await permissionsInTime(context, requestingUserOf(interaction));
  const why = await whyNotThis(context, { permissions, permission, id: incident });
  if (why !== null) return refuseFor(context, interaction, why);
  const modalContext = { ...contextOfPress(interaction), incident };
  return openModalFor(
    context,
    interaction,
    await modalOf(dialog, { modalContext, draft: null, incidentFields: [], waiting: context }),
  );
}

const contextOfPress = ({ channel, response_url }: BlockActions): ModalContext => ({
  ...EMPTY_CONTEXT,
  channel: channel?.id ?? null,
  response_url: response_url ?? null,
});

/** Returns the dialog of a button that requires more input. Null: the button requires none. */
function dialogOf(button: Button) {
  const requested = requestOfButton(button);
  if (!('dialogOf' in requested) || !('incident' in button)) return null;
  const { dialog, permission } = requested.dialogOf;
  return dialog === undefined ? null : { incident: button.incident, dialog, permission };
}
