import { byThemselves } from '../../domain/parts.ts';
import type { ChatMessage, ChatPart, Text } from '../../domain/outlets.ts';
import { type CommandName, helpOf, type Parsed } from '../../domain/slack-commands.ts';
import { plainText } from '../../domain/slack-commands/text.ts';
import { putsVersionLive } from '../../domain/versions.ts';
import { millisOf, plusSeconds, type Timestamp } from '../../schemas/time.ts';
import type { OpenIncident, RecentChange, SlackDeps } from '../../domain/slack-ports.ts';
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

/** How many services are named that fail, or that were deployed lately. */
const CHOICES_MAX = 5;

/** How long ago a deploy may be to be offered. */
const LATELY_SECONDS = 2 * 3600;

/** Returns the newest deploy of each service and environment of the last two hours that still runs, newest first. */
export function deployedLately(changes: readonly RecentChange[], now: Timestamp): RecentChange[] {
  const newest = new Map<string, RecentChange>();
  for (const change of changes.filter(putsVersionLive).toSorted((a, b) => (a.started_at < b.started_at ? 1 : -1))) {
    const place = JSON.stringify([change.service, change.environment]);
    if (!newest.has(place)) newest.set(place, change);
  }
  return [...newest.values()].filter(
    ({ kind, status, started_at, rolled_back_by }) =>
      kind !== 'rollback' &&
      (status === 'started' || status === 'succeeded') &&
      rolled_back_by === null &&
      started_at >= plusSeconds(now, -LATELY_SECONDS),
  );
}

/** A rollback without a service: what fails now and what was deployed lately, with the command for each. */
export function rollbackChoice(
  typed: string,
  { failing, deployed }: { failing: readonly OpenIncident[]; deployed: readonly RecentChange[] },
): ChatMessage {
  const because = 'Say which service. Nothing was done.';
  const command = ({ service, environment }: { service: string; environment: string }) => ({
    code: `${typed} ${quotedName(service)} ${quotedName(environment)}`,
  });
  const failingRows = failing.map((one): Text => ['\n• ', command(one), `: ${one.title}`]);
  const deployedRows = deployed.map((one): Text => [
    '\n• ',
    command(one),
    `: ${one.version}, deployed `,
    { at: one.started_at },
  ]);
  return {
    summary: because,
    parts: [
      paragraph([because, ...choices('Failing now', failingRows), ...choices('Deployed lately', deployedRows)]),
      smallPrint([{ code: '/deploys SERVICE' }, ' shows older changes. All of it: ', { code: '/rollback help' }]),
    ],
  };
}

function choices(title: string, rows: readonly Text[]): Text {
  if (rows.length === 0) return [];
  const more = rows.length - CHOICES_MAX;
  return [`\n${title}:`, ...rows.slice(0, CHOICES_MAX).flat(), ...(more > 0 ? [`\nand ${more} more`] : [])];
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
