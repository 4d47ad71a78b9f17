import { byThemselves } from '../../domain/parts.ts';
import type { ChatMessage, ChatPart, Text } from '../../domain/outlets.ts';
import { type CommandName, helpOf, type Parsed } from '../../domain/slack-commands.ts';
import { plainText } from '../../domain/slack-commands/text.ts';
import { millisOf, type Timestamp } from '../../schemas/time.ts';
import type { OpenIncident, SlackDeps } from '../../domain/slack-ports.ts';
import type { Known } from './known.ts';

/** What is answered at once, in words. */

const LISTED_MAX = 20;

const MARKS: Record<OpenIncident['severity'], string> = { critical: '🔴', warning: '🟠', info: '🔵' };

const paragraph = (text: Text): ChatPart => ({ kind: 'text', text });
const smallPrint = (text: Text): ChatPart => ({ kind: 'note', text });

const ELSEWHERE = smallPrint([
  'Elsewhere than in its channel, name the incident first, by its channel or its id: ',
  { code: '/incident ack #incident-2611201' },
]);

/** Characters. Slack takes 3,000 in a line, escaped. */
const TYPED_MAX = 2000;

/** Nothing was done: what somebody has typed is gone from where they have typed it. @param typed without the command */
export const withTyped = (message: ChatMessage, command: string, typed: string): ChatMessage =>
  /\s/.test(typed.trim())
    ? {
        ...message,
        parts: [
          ...message.parts,
          smallPrint(['You typed ', { code: `${command} ${plainText(typed)}`.slice(0, TYPED_MAX).toWellFormed() }]),
        ],
      }
    : message;

export function helpMessage(command: CommandName): ChatMessage {
  const lines = helpOf(command).flatMap(({ typed, says }): Text => [{ code: typed.trim() }, ` ${says}\n`]);
  const parts = [paragraph(lines), ...(command === 'incident' || command === 'firebreak' ? [ELSEWHERE] : [])];
  return { summary: `How to use /${command}`, parts };
}

export function usageMessage({ because, nearest, of }: Extract<Parsed, { kind: 'usage' }>): ChatMessage {
  const meant: Text = nearest === null ? [] : [' Did you mean ', { code: nearest }, '?'];
  const more: Text = of === null ? [] : ['All of it: ', { code: `/${of} help` }];
  return {
    summary: because,
    parts: [
      paragraph([`${because.slice(0, 1).toUpperCase()}${because.slice(1)}. Nothing was done.`, ...meant]),
      ...(more.length > 0 ? [smallPrint(more)] : []),
    ],
  };
}

/** How many failing services are named. */
const FAILING_MAX = 5;

/** A rollback without a service: what fails now, with the command for each. */
export function rollbackChoice(typed: string, failing: readonly OpenIncident[]): ChatMessage {
  const because = 'Say which service. Nothing was done.';
  const rows = failing
    .slice(0, FAILING_MAX)
    .flatMap(({ service, environment, title }): Text => [
      '\n• ',
      { code: `${typed} ${quotedName(service)} ${quotedName(environment)}` },
      `: ${title}`,
    ]);
  const more = failing.length - FAILING_MAX;
  return {
    summary: because,
    parts: [
      paragraph([`${because} Failing now:`, ...rows, ...(more > 0 ? [`\nand ${more} more`] : [])]),
      smallPrint([{ code: '/deploys SERVICE' }, ' shows what changed lately. All of it: ', { code: '/rollback help' }]),
    ],
  };
}

const quotedName = (name: string): string => (/\s/.test(name) ? `"${name}"` : name);

const channelOf = ({ channel, channel_id: id }: OpenIncident): Text =>
  id === undefined ? (channel === undefined ? [] : [` in ${channel}`]) : [' in ', { channel: id }];

const incidentLine = (incident: OpenIncident): Text => [
  `${MARKS[incident.severity]} `,
  { bold: `${incident.service} in ${incident.environment}` },
  `: ${incident.title} (${incident.status}, since `,
  { at: incident.opened_at },
  ...channelOf(incident),
  ')\n',
];

/** Parts of another one that is open are told with it. */
export function listMessage(known: Known<readonly OpenIncident[]>, now: Timestamp): ChatMessage {
  const incidents = byThemselves(known.value);
  const count = incidents.length === 0 ? 'No incident is open' : `${incidents.length} open`;
  const more = incidents.length - LISTED_MAX;
  return {
    summary: count,
    parts: [
      paragraph(incidents.length === 0 ? [`${count}.`] : incidents.slice(0, LISTED_MAX).flatMap(incidentLine)),
      ...(more > 0 ? [smallPrint([`And ${more} more.`])] : []),
      ...ageOf(known, now),
    ],
  };
}

export function statusMessage(known: Known<OpenIncident>, now: Timestamp): ChatMessage {
  const { value: incident } = known;
  return {
    summary: `${incident.severity}, ${incident.status}: ${incident.title}`,
    parts: [
      paragraph(incidentLine(incident)),
      smallPrint([`Incident ${incident.id}. All of it is pinned in the channel.`]),
      ...ageOf(known, now),
    ],
  };
}

type Switch = Known<Awaited<ReturnType<SlackDeps['automation']>>>;

export function productMessage(
  automation: Switch | null,
  open: Known<readonly OpenIncident[]> | null,
  now: Timestamp,
): ChatMessage {
  const parts = [paragraph(switchWords(automation)), ...(automation === null ? [] : ageOf(automation, now))];
  const list =
    open === null ? [paragraph(['Which incidents are open cannot be read now.'])] : listMessage(open, now).parts;
  return { summary: 'Firebreak', parts: [...parts, ...list] };
}

function switchWords(known: Switch | null): Text {
  if (known === null) return ['Whether automation acts cannot be read now: as long as that is so, it does not.'];
  const { paused, reason, by, mode } = known.value;
  if (paused)
    return ['⏸️ ', { bold: 'Automation is paused' }, ` by ${by ?? 'somebody'}: ${reason || 'no reason given'}`];
  return [mode === null ? 'Automation is on, as each service says.' : `Automation is on, at most up to "${mode}".`];
}

/** Where it is old, how old. */
function ageOf({ at, fresh }: Pick<Known<unknown>, 'at' | 'fresh'>, now: Timestamp): ChatPart[] {
  return fresh ? [] : [smallPrint([`⚠️ Our records cannot be read now. This is what was known ${ago(at, now)}.`])];
}

function ago(at: Timestamp, now: Timestamp): string {
  const seconds = Math.max(0, Math.round((millisOf(now) - millisOf(at)) / 1000));
  return seconds < 120 ? `${seconds} seconds ago` : `${Math.round(seconds / 60)} minutes ago`;
}

/** Of what is done by somebody else, in a moment. @param readable whether our records could be read just now */
export function takenMessage(typed: string, readable: boolean): ChatMessage {
  const taken = paragraph([{ code: typed }, ' is being looked at; the answer comes here.']);
  if (readable) return { summary: 'Taken', parts: [taken] };
  const warning = smallPrint([
    '⚠️ Our records cannot be read now, so it may take a while. It is not lost, and need not be typed again.',
  ]);
  return { summary: 'Taken', parts: [taken, warning] };
}

export function notTakenMessage(typed: string): ChatMessage {
  return {
    summary: 'Not taken',
    parts: [
      paragraph([{ code: typed }, ' could not be taken: ', { bold: 'nothing was done' }, '. Try again in a moment.']),
    ],
  };
}
