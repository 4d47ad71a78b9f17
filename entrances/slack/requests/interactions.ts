import { visibleText } from '../../../schemas/parsing/free-text.ts';
import { plainText } from '../../../core/domain/slack/commands/text.ts';
import type { Interaction, MessageAction, BlockSuggestion } from '../../../schemas/slack/interaction.ts';
import type { RequestContext, CallerPermissions } from '../request-context.ts';
import { openModalFor, type ModalTrigger, enqueueInteraction, refuseFor } from './interaction-replies.ts';
import { type Answer, emptyAnswer, json } from './http.ts';
import { permissionsInTime, refusalOf } from './permissions.ts';
import { VERBS } from '../commands/index.ts';
import { EMPTY_CONTEXT, type ModalContext, FIELDS } from '../modals/form.ts';
import { modalOf } from '../modals/open.ts';
import { respondToButton } from './button-presses.ts';
import { requestingUserOf } from './caller-permissions.ts';
import { BRIEF_PATIENCE_MS } from './cached-reads.ts';
import { respondToSubmission } from './modal-submissions.ts';
import { whichIncident } from './which-incident.ts';
import { option, OPTION_VALUE_MAX, OPTIONS_MAX } from '../modals/blocks.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** Values of `callback_id` of shortcuts, as in entrances/slack/manifest.yaml. */
export const SHORTCUTS = {
  declare: 'declare_incident',
  declareFromMessage: 'declare_from_message',
  addToTimeline: 'add_to_timeline',
} as const;

/** Maximum length of the message text in the metadata of a modal. */
const MESSAGE_MAX_CHARS = 1000;

/** Responds to an interaction while Slack waits. */
export async function answerInteraction(context: RequestContext, interaction: Interaction): Promise<Answer> {
  switch (interaction.type) {
    case 'block_suggestion':
      return suggestServices(context, interaction);
    case 'view_submission':
      return respondToSubmission(context, interaction);
    case 'block_actions':
      return respondToButton(context, interaction);
    case 'message_action':
      return respondToMessageShortcut(context, interaction);
    case 'shortcut':
      return interaction.callback_id === SHORTCUTS.declare
        ? openDeclareDialog(context, interaction, EMPTY_CONTEXT, null)
        : emptyAnswer();
    case 'view_closed':
      return emptyAnswer();
  }
}

async function respondToMessageShortcut(context: RequestContext, interaction: MessageAction): Promise<Answer> {
  const modalContext = contextOfMessage(interaction);
  if (interaction.callback_id === SHORTCUTS.addToTimeline) return addToTimeline(context, interaction, modalContext);
  if (interaction.callback_id !== SHORTCUTS.declareFromMessage) return emptyAnswer();
  const title = visibleText(plainText(interaction.message.text).split('\n')[0] ?? '') || null;
  return openDeclareDialog(context, interaction, modalContext, title);
}

const contextOfMessage = ({ channel, message, response_url }: MessageAction): ModalContext => ({
  ...EMPTY_CONTEXT,
  channel: channel.id,
  message: {
    ts: message.ts,
    text: truncated(plainText(message.text), MESSAGE_MAX_CHARS),
    author: message.user ?? null,
  },
  response_url: response_url ?? null,
});

type Shortcut = Extract<Interaction, { type: 'shortcut' | 'message_action' }>;

async function openDeclareDialog(
  context: RequestContext,
  by: Shortcut,
  modalContext: ModalContext,
  title: string | null,
): Promise<Answer> {
  const { dialog, permission } = VERBS.declare;
  const pendingPermissions = permissionsInTime(context, requestingUserOf(by));
  const [permissions] = await Promise.all([pendingPermissions, context.cachedReads.catalogue(BRIEF_PATIENCE_MS)]);
  const why = await refusalOf(context, permissions, permission, {});
  if (why !== null) return refuseFor(context, triggerOf(by), why);
  const view = await modalOf(dialog, { modalContext, draft: { title }, incidentFields: [], waiting: context });
  return openModalFor(context, triggerOf(by), view);
}

/** Adds a message to the timeline. Outside of an incident's channel, a modal asks for the incident. */
async function addToTimeline(context: RequestContext, by: MessageAction, modalContext: ModalContext): Promise<Answer> {
  const { dialog, permission } = VERBS.pin;
  const pendingPermissions = permissionsInTime(context, requestingUserOf(by));
  const chosen = await whichIncident(context, { pendingPermissions, permission, named: null, channel: by.channel.id });
  if (chosen.kind === 'none') return refuseFor(context, triggerOf(by), chosen.why);
  if (chosen.blocks.length === 0) return enqueueInteraction(context, by);
  return openModalFor(
    context,
    triggerOf(by),
    await modalOf(dialog, { modalContext, draft: null, incidentFields: chosen.blocks, waiting: context }),
  );
}

/** Global shortcuts have no response URL. */
const triggerOf = (by: Shortcut): ModalTrigger => ({
  trigger_id: by.trigger_id,
  user: by.user,
  response_url: 'response_url' in by ? by.response_url : null,
});

/** Maximum time in milliseconds to identify the user. */
const USER_PATIENCE_MS = 1000;

/** Suggests services that contain the typed text; those that begin with it come first. */
async function suggestServices(context: RequestContext, suggestion: BlockSuggestion): Promise<Answer> {
  const { action_id, value } = suggestion;
  if (action_id !== FIELDS.service) return json({ options: [] });
  const [catalogue, permissions] = await Promise.all([
    context.cachedReads.catalogue(),
    permissionsInTime(context, requestingUserOf(suggestion), USER_PATIENCE_MS),
  ]);
  const services = Object.keys(catalogue?.value.services ?? {}).filter((service) => mayDeclare(permissions, service));
  const typed = value.trim().toLowerCase();
  const positionIn = (name: string): number => name.toLowerCase().indexOf(typed);
  const found = services
    .filter((name) => positionIn(name) >= 0 && name.length <= OPTION_VALUE_MAX)
    .toSorted((a, b) => Math.sign(positionIn(a)) - Math.sign(positionIn(b)) || (a < b ? -1 : 1));
  return json({ options: found.slice(0, OPTIONS_MAX).map((name) => option(name)) });
}

/** Returns whether to offer a service. Users who could not be identified in time see all services. */
const mayDeclare = (permissions: CallerPermissions, service: string): boolean =>
  permissions.kind === 'unknown' ||
  (permissions.kind === 'known' && (permissions.mayHaveMore || permissions.may('incidents:write', { service })));
