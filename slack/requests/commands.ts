import type { ChatMessage } from '../../domain/messages/channels.ts';
import { plainText } from '../../domain/slack/commands/text.ts';
import type { ModalView } from '../../domain/slack/ports.ts';
import type { SlashCommand } from '../../schemas/slack/command.ts';
import { TYPED, verbOf } from '../commands/lookup.ts';
import { type Parsed, parseCommand } from '../commands/parse.ts';
import { ABOUT_NOTHING, type About } from '../modals/form.ts';
import { modalOf, openModal } from '../modals/open.ts';
import { handOn } from './enqueue.ts';
import { helpMessage, usageMessage } from './help.ts';
import { type Answer, ephemeral, nothing } from './http.ts';
import { readerInTime, refusalOf } from './permissions.ts';
import { BRIEF_PATIENCE_MS } from './reading.ts';
import { notTakenMessage, takenMessage, withTyped } from './replies.ts';
import type { Waiting } from '../waiting.ts';
import { whichIncident } from './which-incident.ts';

type ParsedCommand = Extract<Parsed, { kind: 'request' }>;

/** Responds to a slash command: immediately, with a modal, or by queuing it before the response. */
export async function answerCommand(waiting: Waiting, command: SlashCommand): Promise<Answer> {
  const parsed = parseCommand(command.command, command.text);
  if (parsed.kind === 'help') return ephemeral(helpMessage(parsed.of));
  if (parsed.kind === 'usage') return ephemeral(await usageNow(waiting, parsed, command));
  const dialog = await dialogFor(waiting, parsed, command);
  if (dialog?.kind === 'refused') return ephemeral(withTyped(dialog.why, command.command, command.text));
  if (dialog?.kind === 'modal') {
    const failed = await openModal(waiting.deps, command.trigger_id, dialog.view);
    if (failed === null) return nothing();
    const said: ChatMessage = { summary: failed, parts: [{ kind: 'text', text: [failed] }] };
    return ephemeral(withTyped(said, command.command, command.text));
  }
  const verb = verbOf(parsed.request);
  const now = verb.command === undefined ? null : await verb.answerNow?.(waiting, command, parsed.incident);
  return now ? ephemeral(now) : passOn(waiting, command);
}

type Usage = Extract<Parsed, { kind: 'usage' }>;

/** Returns the usage error, or what the verb answers without arguments. */
async function usageNow(waiting: Waiting, parsed: Usage, command: SlashCommand): Promise<ChatMessage> {
  const verb = command.text.trim() === '' && parsed.of !== null ? TYPED[parsed.of][0] : undefined;
  return (await verb?.withoutArguments?.(waiting, command)) ?? usageMessage(parsed);
}

const aboutCommand = ({ channel_id: channel, response_url }: SlashCommand): About => ({
  ...ABOUT_NOTHING,
  channel,
  response_url,
});

type Dialog = { kind: 'modal'; view: ModalView } | { kind: 'refused'; why: ChatMessage };

/** Returns the modal that asks for missing input, or the refusal. Null: nothing is missing. */
async function dialogFor(
  waiting: Waiting,
  { request, incident: named }: ParsedCommand,
  command: SlashCommand,
): Promise<Dialog | null> {
  const { dialog, permission, ofIncident } = verbOf(request);
  if (dialog === undefined || !dialog.asks(request)) return null;
  const about = aboutCommand(command);
  const opened = { waiting, draft: request };
  const reader = readerInTime(waiting, command);
  if (ofIncident !== true) {
    const [who] = await Promise.all([reader, waiting.known.catalogue(BRIEF_PATIENCE_MS)]);
    const why = await refusalOf(waiting, who, permission, {});
    if (why !== null) return { kind: 'refused', why };
    return { kind: 'modal', view: await modalOf(dialog, { ...opened, about, which: [] }) };
  }
  const which = await whichIncident(waiting, { reader, permission, named, channel: command.channel_id });
  if (which.kind === 'none') return { kind: 'refused', why: which.why };
  const view = await modalOf(dialog, {
    ...opened,
    about: { ...about, incident: which.incident },
    which: which.ask,
  });
  return { kind: 'modal', view };
}

/** Queues a command before the response. The response warns if the table can't be read, which delays the command. */
async function passOn({ deps, known, trace }: Waiting, command: SlashCommand): Promise<Answer> {
  const typed = plainText(`${command.command} ${command.text}`).slice(0, 200);
  const [taken, open] = await Promise.all([handOn(deps, { kind: 'command', command }, trace), known.openIncidents()]);
  return ephemeral(taken ? takenMessage(typed, open?.fresh ?? false) : notTakenMessage(typed));
}
