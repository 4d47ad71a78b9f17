import type { ChatMessage } from '../../../core/domain/messages/chat-message.ts';
import { plainText } from '../../../core/domain/slack/commands/text.ts';
import type { ModalView } from '../../../core/domain/ports/slack.ts';
import type { SlashCommand } from '../../../schemas/slack/command.ts';
import { TYPED, verbOf } from '../commands/lookup.ts';
import { type Parsed, parseCommand } from '../commands/parse.ts';
import { EMPTY_CONTEXT, type ModalContext } from '../modals/form.ts';
import { modalOf, openModal } from '../modals/open.ts';
import { enqueueRequest } from './enqueue.ts';
import { helpMessage, usageMessage } from './help.ts';
import { type Answer, ephemeral, emptyAnswer } from './http.ts';
import { permissionsInTime, refusalOf } from './permissions.ts';
import { BRIEF_PATIENCE_MS } from './cached-reads.ts';
import { notStoredMessage, queuedMessage, withTyped } from './replies.ts';
import type { RequestContext } from '../request-context.ts';
import { whichIncident } from './which-incident.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

type ParsedCommand = Extract<Parsed, { kind: 'request' }>;

/** Responds to a slash command: immediately, with a modal, or by queuing it before the response. */
export async function answerCommand(context: RequestContext, command: SlashCommand): Promise<Answer> {
  const parsed = parseCommand(command.command, command.text);
  if (parsed.kind === 'help') return ephemeral(helpMessage(parsed.command));
  if (parsed.kind === 'usage') return ephemeral(await usageNow(context, parsed, command));
  const dialog = await dialogFor(context, parsed, command);
  if (dialog?.kind === 'refused') return ephemeral(withTyped(dialog.why, command.command, command.text));
  if (dialog?.kind === 'modal') {
    const failed = await openModal(context.deps, command.trigger_id, dialog.view);
    if (failed === null) return emptyAnswer();
    const reply: ChatMessage = { summary: failed, parts: [{ kind: 'text', text: [failed] }] };
    return ephemeral(withTyped(reply, command.command, command.text));
  }
  const verb = verbOf(parsed.request);
  const immediate = verb.command === undefined ? null : await verb.answerNow?.(context, command, parsed.incident);
  return immediate ? ephemeral(immediate) : enqueueCommand(context, command);
}

type Usage = Extract<Parsed, { kind: 'usage' }>;

/** Returns the usage error, or what the verb answers without arguments. */
async function usageNow(context: RequestContext, parsed: Usage, command: SlashCommand): Promise<ChatMessage> {
  const verb = command.text.trim() === '' && parsed.command !== null ? TYPED[parsed.command][0] : undefined;
  return (await verb?.withoutArguments?.(context, command)) ?? usageMessage(parsed);
}

const contextOfCommand = ({ channel_id: channel, response_url }: SlashCommand): ModalContext => ({
  ...EMPTY_CONTEXT,
  channel,
  response_url,
});

type DialogOutcome = { kind: 'modal'; view: ModalView } | { kind: 'refused'; why: ChatMessage };

/** Returns the modal that asks for missing input, or the refusal. Null: nothing is missing. */
async function dialogFor(
  context: RequestContext,
  { request, incident: named }: ParsedCommand,
  command: SlashCommand,
): Promise<DialogOutcome | null> {
  const { dialog, permission, ofIncident } = verbOf(request);
  if (dialog === undefined || !dialog.isNeededFor(request)) return null;
  const modalContext = contextOfCommand(command);
  const opened = { waiting: context, draft: request };
  const pendingPermissions = permissionsInTime(context, command);
  if (ofIncident !== true) {
    const [permissions] = await Promise.all([pendingPermissions, context.cachedReads.catalogue(BRIEF_PATIENCE_MS)]);
    const why = await refusalOf(context, permissions, permission, {});
    if (why !== null) return { kind: 'refused', why };
    return { kind: 'modal', view: await modalOf(dialog, { ...opened, modalContext, incidentFields: [] }) };
  }
  const chosen = await whichIncident(context, { pendingPermissions, permission, named, channel: command.channel_id });
  if (chosen.kind === 'none') return { kind: 'refused', why: chosen.why };
  const view = await modalOf(dialog, {
    ...opened,
    modalContext: { ...modalContext, incident: chosen.incident },
    incidentFields: chosen.blocks,
  });
  return { kind: 'modal', view };
}

/** Queues a command before the response. The response warns if the table can't be read, which delays the command. */
async function enqueueCommand(
  { deps, cachedReads: reads, trace }: RequestContext,
  command: SlashCommand,
): Promise<Answer> {
  const typed = truncated(plainText(`${command.command} ${command.text}`), 200);
  const [isQueued, open] = await Promise.all([
    enqueueRequest(deps, { kind: 'command', command }, trace),
    reads.openIncidents(),
  ]);
  return ephemeral(isQueued ? queuedMessage(typed, open?.fresh ?? false) : notStoredMessage(typed));
}
