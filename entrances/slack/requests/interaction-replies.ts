import type { ChatMessage } from '../../../core/domain/messages/chat-message.ts';
import type { ModalView } from '../../../core/domain/ports/slack.ts';
import type { Interaction } from '../../../schemas/slack/interaction.ts';
import type { RequestContext } from '../request-context.ts';
import { withDeadline } from './deadline.ts';
import { type Answer, emptyAnswer } from './http.ts';
import { openModal } from '../modals/open.ts';
import { enqueueRequest } from './enqueue.ts';

/** Maximum time in milliseconds to send a reply. */
const REPLY_PATIENCE_MS = 700;

export const NOT_STORED = 'The request could not be stored: nothing was done. Try again in a moment.';

export type ModalTrigger = { trigger_id: string; user: { id: string }; response_url?: string | null | undefined };

/** Opens a modal. The HTTP response is invisible to the user, so an error is sent as a message. */
export async function openModalFor(context: RequestContext, by: ModalTrigger, view: ModalView): Promise<Answer> {
  const failed = await openModal(context.deps, by.trigger_id, view);
  if (failed !== null) await reply(context, by, paragraph(failed));
  return emptyAnswer();
}

/** Sends the reason why no modal opens. */
export async function refuseFor(
  context: RequestContext,
  by: Omit<ModalTrigger, 'trigger_id'>,
  why: ChatMessage,
): Promise<Answer> {
  await reply(context, by, why);
  return emptyAnswer();
}

const paragraph = (text: string): ChatMessage => ({ summary: text, parts: [{ kind: 'text', text: [text] }] });

/** Queues an interaction before the response, and tells the user if that fails. */
export async function enqueueInteraction(
  context: RequestContext,
  interaction: Interaction & Pick<ModalTrigger, 'response_url'>,
): Promise<Answer> {
  if (!(await enqueueRequest(context.deps, { kind: 'interaction', interaction }, context.trace)))
    await reply(context, interaction, paragraph(NOT_STORED));
  return emptyAnswer();
}

async function reply(
  { deps }: RequestContext,
  to: Omit<ModalTrigger, 'trigger_id'>,
  message: ChatMessage,
): Promise<void> {
  const sent = deps.slack.sendEphemeral({ user: to.user.id, responseUrl: to.response_url ?? null }, message);
  await withDeadline(REPLY_PATIENCE_MS, sent).catch((error: unknown) => {
    deps.log.warn('a reply could not be delivered', { user: to.user.id, error: String(error) });
  });
}
