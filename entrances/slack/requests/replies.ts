import { automationText as settingsText } from '../../../core/domain/automation/automation.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { presentSince } from '../../../core/domain/incidents/new-onset.ts';
import { statusWords } from '../../../core/domain/incidents/status-words.ts';
import { capitalized } from '../../../core/domain/messages/decision-lines.ts';
import { withoutChildren } from '../../../core/domain/incidents/children.ts';
import type { ChatMessage, ChatPart, Text } from '../../../core/domain/messages/chat-message.ts';
import { plainText } from '../../../core/domain/slack/commands/text.ts';
import { putsVersionLive } from '../../../core/domain/changes/versions.ts';
import { millisOf, plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import type { OpenIncident, RecentChange, SlackDeps } from '../../../core/domain/ports/slack.ts';
import type { Cached } from '../request-context.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** Texts of immediate answers. */

/** Number of incidents in a list. */
const LISTED_MAX = 20;

const SEVERITY_MARKS: Record<OpenIncident['severity'], string> = { critical: '🔴', warning: '🟠', info: '🔵' };

export const paragraph = (text: Text): ChatPart => ({ kind: 'text', text });
export const smallPrint = (text: Text): ChatPart => ({ kind: 'note', text });

/** Maximum number of characters. Slack accepts 3,000 in a line, escaped. */
const TYPED_MAX = 2000;

/**
 * Adds the entered text to a refusal, because Slack has removed it from the input.
 * @param typed text after the command
 */
export const withTyped = (message: ChatMessage, command: string, typed: string): ChatMessage =>
  /\s/.test(typed.trim())
    ? {
        ...message,
        parts: [
          ...message.parts,
          smallPrint(['You entered ', { code: truncated(`${command} ${plainText(typed)}`, TYPED_MAX) }]),
        ],
      }
    : message;

/** Maximum number of failing, and of recently deployed, services in a list. */
const CHOICES_MAX = 5;

/** Maximum age in seconds of a recent deploy. */
const LATELY_SECONDS = 2 * 3600;

/** Returns the newest deploy of each service and environment if it is recent and still running, newest first. */
export function deployedLately(changes: readonly RecentChange[], now: Timestamp): RecentChange[] {
  const newest = new Map<string, RecentChange>();
  for (const change of changes.filter(putsVersionLive).toSorted((a, b) => (a.started_at < b.started_at ? 1 : -1))) {
    const key = JSON.stringify([change.service, change.environment]);
    if (!newest.has(key)) newest.set(key, change);
  }
  return [...newest.values()].filter(
    ({ kind, status, started_at, rolled_back_by }) =>
      kind !== 'rollback' &&
      (status === 'started' || status === 'succeeded') &&
      rolled_back_by === null &&
      started_at >= plusSeconds(now, -LATELY_SECONDS),
  );
}

/**
 * Answers a rollback without a service: lists the failing and recently deployed services, with the command for each.
 */
export function rollbackChoice(
  typed: string,
  { failing, deployed }: { failing: readonly OpenIncident[]; deployed: readonly RecentChange[] },
): ChatMessage {
  const because = 'The service is missing. Nothing was done.';
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
      paragraph([because, ...choices('Failing now', failingRows), ...choices('Recently deployed', deployedRows)]),
      smallPrint([{ code: '/deploys SERVICE' }, ' shows older changes. Help: ', { code: '/rollback help' }]),
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
  `${SEVERITY_MARKS[incident.severity]} `,
  { bold: `${incident.service} in ${incident.environment}` },
  `: ${incident.title} (${statusWords(incident)}, since `,
  { at: presentSince(incident) },
  ...channelOf(incident),
  ')\n',
];

/** Lists open incidents. Children of an open incident are omitted. */
export function listMessage(cached: Cached<readonly OpenIncident[]>, now: Timestamp): ChatMessage {
  const incidents = withoutChildren(cached.value);
  const count = incidents.length === 0 ? 'No incident is open' : `Open incidents: ${incidents.length}`;
  const more = incidents.length - LISTED_MAX;
  return {
    summary: count,
    parts: [
      paragraph(incidents.length === 0 ? [`${count}.`] : incidents.slice(0, LISTED_MAX).flatMap(incidentLine)),
      ...(more > 0 ? [smallPrint([`And ${more} more.`])] : []),
      ...ageOf(cached, now),
    ],
  };
}

export function statusMessage(cached: Cached<OpenIncident>, now: Timestamp): ChatMessage {
  const { value: incident } = cached;
  return {
    summary: `${incident.severity}, ${statusWords(incident)}: ${incident.title}`,
    parts: [
      paragraph(incidentLine(incident)),
      smallPrint([`Incident ${incidentName(incident)}. The summary is pinned in its channel.`]),
      ...ageOf(cached, now),
    ],
  };
}

type AutomationState = Cached<Awaited<ReturnType<SlackDeps['automation']>>>;

export function productMessage(
  automation: AutomationState | null,
  open: Cached<readonly OpenIncident[]> | null,
  now: Timestamp,
): ChatMessage {
  const parts = [paragraph(automationText(automation)), ...(automation === null ? [] : ageOf(automation, now))];
  const list =
    open === null ? [paragraph(['The open incidents cannot be read at the moment.'])] : listMessage(open, now).parts;
  return { summary: 'Firebreak', parts: [...parts, ...list] };
}

function automationText(cached: AutomationState | null): Text {
  if (cached === null)
    return ['The state of automation cannot be read at the moment. Until it can be read, automation does not act.'];
  return [`${cached.value.paused ? '⏸️ ' : ''}${capitalized(settingsText(cached.value))}.`];
}

/** Returns a note with the age of cached data. */
function ageOf({ at, fresh }: Pick<Cached<unknown>, 'at' | 'fresh'>, now: Timestamp): ChatPart[] {
  return fresh
    ? []
    : [smallPrint([`⚠️ Firebreak cannot read its data at the moment. The data shown is from ${ago(at, now)}.`])];
}

function ago(at: Timestamp, now: Timestamp): string {
  const seconds = Math.max(0, Math.round((millisOf(now) - millisOf(at)) / 1000));
  return seconds < 120 ? `${seconds} seconds ago` : `${Math.round(seconds / 60)} minutes ago`;
}

/** Confirms a queued command. @param readable whether the table could be read just now */
export function queuedMessage(typed: string, readable: boolean): ChatMessage {
  const taken = paragraph(['Working on ', { code: typed }, '…']);
  if (readable) return { summary: 'Working on it…', parts: [taken] };
  const warning = smallPrint([
    '⚠️ Firebreak cannot read its data at the moment, so this can take a while. The command is stored: do not enter it again.',
  ]);
  return { summary: 'Working on it…', parts: [taken, warning] };
}

export function notStoredMessage(typed: string): ChatMessage {
  return {
    summary: 'Not stored',
    parts: [
      paragraph([{ code: typed }, ' could not be stored: ', { bold: 'nothing was done' }, '. Try again in a moment.']),
    ],
  };
}
