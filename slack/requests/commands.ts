import type { ChatMessage } from '../../domain/messages/channels.ts';
import { type Parsed, parseCommand, type Wanted } from '../../domain/slack/commands.ts';
import type { NamedIncident } from '../../domain/slack/commands/reference.ts';
import { UNMATCHED } from '../../schemas/config/names.ts';
import { plainText } from '../../domain/slack/commands/text.ts';
import { ABOUT_NOTHING, type About } from '../../domain/slack/forms.ts';
import type { Action } from '../../schemas/access/access.ts';
import type { SlashCommand } from '../../schemas/slack/command.ts';
import type { ModalView, OpenIncident, SlackDeps } from '../../domain/slack/ports.ts';
import { catalogueOf } from './conversation.ts';
import { type Answer, ephemeral, nothing } from './http.ts';
import { BRIEF_PATIENCE_MS, type Known, type Knowledge } from './reading.ts';
import { readerInTime, refusalOf } from './permissions.ts';
import type { Block } from '../modals/blocks.ts';
import { declareModal } from '../modals/declare.ts';
import { freezeModal, overrideModal } from '../modals/freeze.ts';
import { handoverModal, severityModal, updateModal } from '../modals/incident.ts';
import { openModal } from '../modals/open.ts';
import { handOn } from './enqueue.ts';
import type { Reader, ReaderOf } from './reader.ts';
import { resolveForm } from './resolve-form.ts';
import { whichIncident } from './which-incident.ts';
import {
  helpMessage,
  listMessage,
  notTakenMessage,
  productMessage,
  deployedLately,
  rollbackChoice,
  statusMessage,
  takenMessage,
  usageMessage,
  withTyped,
} from './replies.ts';

/** Dependencies and cached data for responses while Slack waits. */
export type Waiting = { deps: SlackDeps; known: Knowledge; readerOf: ReaderOf; trace: string };

type ParsedCommand = Extract<Parsed, { kind: 'wanted' }>;

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
  const read = await answerNow(waiting, parsed, command);
  return read === null ? passOn(waiting, command) : ephemeral(read);
}

type Usage = Extract<Parsed, { kind: 'usage' }>;

/** Returns the usage error. For a rollback without a service, it lists failing and recently deployed services. */
async function usageNow(waiting: Waiting, parsed: Usage, command: SlashCommand): Promise<ChatMessage> {
  if (parsed.of !== 'rollback' || command.text.trim() !== '') return usageMessage(parsed);
  const { deps, known } = waiting;
  const [reader, open, changes] = await Promise.all([
    readerInTime(waiting, command, READ_PATIENCE_MS),
    known.openIncidents(READ_PATIENCE_MS),
    known.recentChanges(READ_PATIENCE_MS),
  ]);
  if (reader.kind !== 'known') return usageMessage(parsed);
  const failing = (open?.value ?? []).filter(
    ({ service, environment }) => service !== UNMATCHED && reader.may('incidents:read', { service, environment }),
  );
  const deployed = deployedLately(changes?.value ?? [], deps.clock.now()).filter(
    ({ service, environment }) =>
      reader.may('deployments:read', { service, environment }) &&
      !failing.some((one) => one.service === service && one.environment === environment),
  );
  if (failing.length + deployed.length === 0) return usageMessage(parsed);
  return rollbackChoice(command.command, { failing, deployed });
}

const aboutCommand = ({ channel_id: channel, response_url }: SlashCommand): About => ({
  ...ABOUT_NOTHING,
  channel,
  response_url,
});

type Dialog = { kind: 'modal'; view: ModalView } | { kind: 'refused'; why: ChatMessage };

/** Returns the modal that asks for missing input, or the refusal. Null: nothing is missing. */
async function dialogFor(waiting: Waiting, parsed: ParsedCommand, command: SlashCommand): Promise<Dialog | null> {
  const form = formFor(parsed.wanted);
  if (form === null) return null;
  const about = aboutCommand(command);
  const reader = readerInTime(waiting, command);
  if (!form.ofIncident) {
    const [who] = await Promise.all([reader, waiting.known.catalogue(BRIEF_PATIENCE_MS)]);
    const why = await refusalOf(waiting, who, form.action, {});
    return why === null ? { kind: 'modal', view: await form.view(waiting, about) } : { kind: 'refused', why };
  }
  const asked = { reader, action: form.action, named: parsed.incident, channel: command.channel_id };
  const which = await whichIncident(waiting, asked);
  return which.kind === 'none'
    ? { kind: 'refused', why: which.why }
    : { kind: 'modal', view: await form.view({ ...about, incident: which.incident }, which.ask, waiting) };
}

/** A modal for missing input, with the permission that it requires. */
type FormFor =
  | {
      ofIncident: true;
      action: Action;
      view: (about: About, which: Block[], waiting: Waiting) => ModalView | Promise<ModalView>;
    }
  | { ofIncident: false; action: Action; view: (waiting: Waiting, about: About) => ModalView | Promise<ModalView> };

/** Returns the modal for a command. Null: nothing is missing. */
function formFor(wanted: Wanted): FormFor | null {
  switch (wanted.act) {
    case 'declare':
      return {
        ofIncident: false,
        action: 'incidents:write',
        view: async (waiting, about) => declareModal(about, wanted.title, await catalogueOf(waiting)),
      };
    case 'severity':
      return wanted.severity === null ? { ofIncident: true, action: 'incidents:write', view: severityModal } : null;
    case 'update':
      return wanted.text === null ? { ofIncident: true, action: 'incidents:write', view: updateModal } : null;
    case 'handover':
      if (wanted.called !== undefined || (wanted.user !== null && wanted.brief !== null)) return null;
      return {
        ofIncident: true,
        action: 'incidents:write',
        view: (about, which) => handoverModal(about, wanted.user, which),
      };
    case 'resolve':
      if (wanted.note !== null) return null;
      return {
        ofIncident: true,
        action: 'incidents:act',
        view: (about, which, waiting) => resolveForm(waiting, about, which),
      };
    case 'freeze_open': {
      const isWhole = wanted.targets.length > 0 || wanted.environment !== null;
      if (isWhole && wanted.reason !== null) return null;
      return { ofIncident: false, action: 'freezes:write', view: (_, about) => freezeModal(about, wanted) };
    }
    case 'freeze_override':
      if (wanted.freeze !== null && wanted.reason !== null && wanted.seconds !== null) return null;
      return {
        ofIncident: false,
        action: 'freezes:override',
        view: (_, about) => overrideModal({ ...about, version: wanted.version }, wanted),
      };
    default:
      return null;
  }
}

/** Maximum time in milliseconds for reads. Afterwards, there must be enough time to queue the command. */
const READ_PATIENCE_MS = 1400;

const READS = ['list', 'status', 'firebreak_status'] as const;
const isRead = (act: Wanted['act']): act is (typeof READS)[number] => READS.some((one) => one === act);

/** Answers a read-only command. Null: the queue consumer answers it, which has more time. */
async function answerNow(waiting: Waiting, { wanted, incident }: ParsedCommand, command: SlashCommand) {
  const { deps, known } = waiting;
  if (!isRead(wanted.act)) return null;
  const [open, automation, reader] = await Promise.all([
    known.openIncidents(),
    wanted.act === 'firebreak_status' ? known.automation() : null,
    // Identifying the user takes two consecutive reads.
    readerInTime(waiting, command, READ_PATIENCE_MS),
  ]);
  if (reader.kind === 'unknown') return null;
  if (reader.kind === 'refused') return refusalOf(waiting, reader, 'incidents:read', {});
  const now = deps.clock.now();
  const seen = open && visible(open, reader);
  if (wanted.act === 'firebreak_status') return productMessage(mayAsk(reader) ? automation : null, seen, now);
  if (seen === null) return null;
  if (wanted.act === 'list') return listMessage(seen, now);
  const meant = incident ?? { channel: command.channel_id, name: command.channel_name };
  const one = seen.value.find((each) => isCalled(each, meant));
  return one === undefined ? null : statusMessage({ ...seen, value: one }, now);
}

const isCalled = ({ id, channel, channel_id }: OpenIncident, named: NamedIncident): boolean =>
  'id' in named
    ? id === named.id
    : channel === `#${named.name ?? ''}` || (channel_id !== undefined && channel_id === named.channel);

type KnownReader = Extract<Reader, { kind: 'known' }>;

const mayAsk = ({ may }: KnownReader): boolean => may('automation:read', {});

const visible = (open: Known<OpenIncident[]>, { may }: KnownReader): Known<OpenIncident[]> => ({
  ...open,
  value: open.value.filter(({ service, environment }) => may('incidents:read', { service, environment })),
});

/** Queues a command before the response. The response warns if the table can't be read, which delays the command. */
async function passOn({ deps, known, trace }: Waiting, command: SlashCommand): Promise<Answer> {
  const typed = plainText(`${command.command} ${command.text}`).slice(0, 200);
  const [taken, open] = await Promise.all([handOn(deps, { kind: 'command', command }, trace), known.openIncidents()]);
  return ephemeral(taken ? takenMessage(typed, open?.fresh ?? false) : notTakenMessage(typed));
}
