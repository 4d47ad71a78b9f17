import type { ChatMessage } from '../../domain/outlets.ts';
import { parseCommand, type Wanted } from '../../domain/slack-commands.ts';
import { plainText } from '../../domain/slack-commands/text.ts';
import { ABOUT_NOTHING, type About } from '../../domain/slack-forms.ts';
import type { SlashCommand } from '../../schemas/slack/command.ts';
import type { ModalView, OpenIncident, SlackDeps } from '../../domain/slack-ports.ts';
import { type Answer, ephemeral, nothing, word } from './http.ts';
import { within } from './deadline.ts';
import { BRIEF_PATIENCE_MS, type Known, type Knowledge } from './known.ts';
import { declareModal } from './modals/declare.ts';
import { freezeModal, overrideModal } from './modals/freeze.ts';
import { handoverModal, resolveModal, severityModal, updateModal } from './modals/incident.ts';
import { openModal } from './modals/open.ts';
import { handOn } from './queue.ts';
import type { Reader, ReaderOf } from './reader.ts';
import {
  helpMessage,
  listMessage,
  notTakenMessage,
  productMessage,
  statusMessage,
  takenMessage,
  usageMessage,
} from './words.ts';

/** What answers while Slack waits, and what it has seen of the world. */
export type Waiting = { deps: SlackDeps; known: Knowledge; readerOf: ReaderOf; trace: string };

/** One slash command: answered at once, by a modal, or handed on before anything is answered. */
export async function answerCommand(waiting: Waiting, command: SlashCommand): Promise<Answer> {
  const parsed = parseCommand(command.command, command.text);
  if (parsed.kind === 'help') return ephemeral(helpMessage(parsed.of));
  if (parsed.kind === 'usage') return ephemeral(usageMessage(parsed));
  const view = await modalFor(waiting, parsed.wanted, aboutCommand(command));
  if (view !== null) {
    const failed = await openModal(waiting.deps, command.trigger_id, view);
    return failed === null ? nothing() : word(failed);
  }
  const read = await answerNow(waiting, parsed.wanted, command);
  return read === null ? passOn(waiting, command) : ephemeral(read);
}

const aboutCommand = ({ channel_id: channel, response_url }: SlashCommand): About => ({
  ...ABOUT_NOTHING,
  channel,
  response_url,
});

/** Where something is missing that has to be said. Null: nothing is. */
async function modalFor({ known }: Waiting, wanted: Wanted, about: About): Promise<ModalView | null> {
  switch (wanted.act) {
    case 'declare':
      return declareModal(about, wanted.title, (await known.catalogue(BRIEF_PATIENCE_MS))?.value ?? null);
    case 'severity':
      return wanted.severity === null ? severityModal(about) : null;
    case 'update':
      return wanted.text === null ? updateModal(about) : null;
    case 'handover':
      return wanted.user === null || wanted.brief === null ? handoverModal(about, wanted.user) : null;
    case 'resolve':
      return wanted.note === null ? resolveModal(about) : null;
    case 'freeze_open':
      return wanted.targets.length === 0 || wanted.reason === null ? freezeModal(about, wanted) : null;
    case 'freeze_override':
      return wanted.freeze === null || wanted.reason === null || wanted.seconds === null
        ? overrideModal({ ...about, version: wanted.version }, wanted)
        : null;
    default:
      return null;
  }
}

/** Milliseconds; handing on what cannot be answered by then has to fit in as well. */
const READ_PATIENCE_MS = 1400;

const READS = ['list', 'status', 'firebreak_status'] as const;
const isRead = (act: Wanted['act']): act is (typeof READS)[number] => READS.some((one) => one === act);

/** What can be told without changing anything. Null: somebody else tells it, who has more time. */
async function answerNow({ deps, known, readerOf }: Waiting, wanted: Wanted, command: SlashCommand) {
  if (!isRead(wanted.act)) return null;
  const [open, automation, reader] = await Promise.all([
    known.openIncidents(),
    wanted.act === 'firebreak_status' ? known.automation() : null,
    // Who that is takes two reads, one after the other.
    within(READ_PATIENCE_MS, readerOf(command)).catch((): Reader => ({ kind: 'unknown' })),
  ]);
  if (reader.kind === 'unknown') return null;
  if (reader.kind === 'refused') return refusal(reader.because);
  const now = deps.clock.now();
  const seen = open && visible(open, reader);
  if (wanted.act === 'firebreak_status') return productMessage(mayAsk(reader) ? automation : null, seen, now);
  if (seen === null) return null;
  if (wanted.act === 'list') return listMessage(seen, now);
  const here = seen.value.find(({ channel }) => channel === `#${command.channel_name}`);
  return here === undefined ? null : statusMessage({ ...seen, value: here }, now);
}

type KnownReader = Extract<Reader, { kind: 'known' }>;

const mayAsk = ({ may }: KnownReader): boolean => may('automation:read', {});

const visible = (open: Known<OpenIncident[]>, { may }: KnownReader): Known<OpenIncident[]> => ({
  ...open,
  value: open.value.filter(({ service, environment }) => may('incidents:read', { service, environment })),
});

const refusal = (because: string): ChatMessage => ({
  summary: because,
  parts: [{ kind: 'text', text: [`${because}. Nothing was done.`] }],
});

/** It is durable before it is answered, and what is known of the world beside it tells how soon it will be done. */
async function passOn({ deps, known, trace }: Waiting, command: SlashCommand): Promise<Answer> {
  const typed = plainText(`${command.command} ${command.text}`).slice(0, 200);
  const [taken, open] = await Promise.all([handOn(deps, { kind: 'command', command }, trace), known.openIncidents()]);
  return ephemeral(taken ? takenMessage(typed, open?.fresh ?? false) : notTakenMessage(typed));
}
