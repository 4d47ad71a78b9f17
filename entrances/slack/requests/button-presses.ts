import { type Button, isFirebreakAction, readButton } from '../../../schemas/slack/button.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { BlockActions } from '../../../schemas/slack/interaction.ts';
import { requestOfButton } from '../commands/lookup.ts';
import { EMPTY_CONTEXT, type ModalContext } from '../modals/form.ts';
import { detailsModal, modalOf } from '../modals/open.ts';
import type { RequestContext } from '../request-context.ts';
import { openModalFor, enqueueInteraction, refuseFor } from './interaction-replies.ts';
import { valueOf } from './enqueue.ts';
import { type Answer, emptyAnswer } from './http.ts';
import { withDeadline } from './deadline.ts';
import { permissionsInTime, refusalOf } from './permissions.ts';
import { requestingUserOf } from './caller-permissions.ts';
import { whyNotThis } from './which-incident.ts';

/** Responds to a pressed button, or to a selection in a message. */
export async function respondToButton(context: RequestContext, interaction: BlockActions): Promise<Answer> {
  const [action] = interaction.actions;
  // Slack also sends clicks on links, and on elements of other apps in forwarded messages.
  if (action === undefined || !isFirebreakAction(action.action_id)) return emptyAnswer();
  const button = readButton(action.action_id, valueOf(action));
  if (button?.verb === 'details') return showDetails(context, interaction, button.incident);
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

/** Maximum time in milliseconds to read the details. Afterwards, there must be enough time to open the modal. */
const DETAILS_PATIENCE_MS = 1000;

/** Opens the details of an incident. If they or the permission can't be read in time, they come later, as a message. */
async function showDetails(context: RequestContext, interaction: BlockActions, id: IncidentId): Promise<Answer> {
  const [permissions, details] = await Promise.all([
    permissionsInTime(context, requestingUserOf(interaction), DETAILS_PATIENCE_MS),
    withDeadline(DETAILS_PATIENCE_MS, context.deps.details(id)).catch((error: unknown) => {
      context.deps.log.warn('the details of an incident could not be read within the time limit of Slack', {
        incident: id,
        error: String(error),
      });
    }),
  ]);
  if (details === undefined) return enqueueInteraction(context, interaction);
  const { service, environment } = details;
  const why = await refusalOf(context, permissions, 'incidents:read', { service, environment });
  if (why !== null) return refuseFor(context, interaction, why);
  const mayRead = permissions.kind === 'known' && permissions.may('incidents:read', { service, environment });
  return mayRead ? openModalFor(context, interaction, detailsModal(details)) : enqueueInteraction(context, interaction);
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
