import type { Config } from '../../schemas/config/config.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { isAtLeast } from '../../schemas/config/names.ts';
import type { Stakeholder } from '../../schemas/people/stakeholders.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { type ApprovalUrls, NO_APPROVAL_URLS } from '../incidents/approval-link.ts';
import { answerable } from './incident-buttons.ts';
import { decisionLines, linesOf } from './decision-lines.ts';
import { consoleLink, statusWords } from './incident-card.ts';
import { type ChatMessage, type ChatPart, type Span, type Text, utcWords } from './channels.ts';
import { minuteOf, serviceEnvironmentText, type Overview } from './story.ts';

/** The last notification to a stakeholder about an incident, possibly still being sent. */
export type LastNotification = {
  /** State whose changes are sent immediately. */
  about: string;
  at: Timestamp;
  /** The stakeholder has received a notification about this incident. */
  notified: boolean;
  /** The recipient was rejected: this notification is not repeated, but later changes are sent. */
  refused?: true | undefined;
  /** Number of consecutive failed attempts, and the earliest time of the next one. */
  again?: { at: Timestamp; tries: number } | undefined;
};

/** Notification channels; each can fail independently. */
export const NOTIFICATION_CHANNELS = ['mail', 'slack'] as const;
export type NotificationChannel = (typeof NOTIFICATION_CHANNELS)[number];

/** Pause of a channel until `until`, after consecutive failures. */
export type ChannelPause = { tries: number; until: Timestamp; detail: string };

/** Returns the state whose changes are sent immediately. */
export const notifiedStateOf = ({ status, severity, handling }: IncidentRecord): string =>
  JSON.stringify([status, severity, handling?.stakeholder_update?.at ?? null]);

type DueContext = {
  services: Config['services'];
  now: Timestamp;
  /** Factor by which Firebreak's own pauses are shortened. */ timeScale: number;
  /** For a parent incident: its children. */
  children?: readonly Pick<IncidentRecord, 'service'>[];
  /**
   * For a child incident: the stakeholder was notified about its parent, which replaces notifications about the child.
   */
  notifiedOfParent?: boolean;
};

/**
 * Returns whether a notification is due. A stakeholder who was never notified about an incident does not receive its
 * resolution.
 */
export function isDue(
  incident: IncidentRecord,
  stakeholder: Stakeholder,
  before: LastNotification | undefined,
  { services, now, timeScale, children: childIncidents = [], notifiedOfParent = false }: DueContext,
): boolean {
  // The parent's notifications replace those of the child; a stakeholder who was not notified about the parent in time
  // at least receives the child's resolution.
  if (incident.parent_id !== undefined && (incident.status !== 'resolved' || notifiedOfParent)) return false;
  if (before?.again !== undefined && now < before.again.at) return false;
  const isNews = before?.about !== notifiedStateOf(incident);
  if (before === undefined || !before.notified)
    return (
      isNews &&
      incident.status !== 'resolved' &&
      [incident, ...childIncidents].some(({ service }) =>
        concerns({ severity: incident.severity, service }, stakeholder, services),
      )
    );
  if (isNews) return true;
  if (incident.status === 'resolved' || stakeholder.everyMinutes === 'changes' || before.refused) return false;
  return secondsBetween(before.at, now) >= (stakeholder.everyMinutes * 60) / timeScale;
}

/** Records a notification before it is sent, so that a crash cannot cause repeated sending. */
export const notificationState = (incident: IncidentRecord, now: Timestamp): LastNotification => ({
  about: notifiedStateOf(incident),
  at: now,
  notified: true,
});

/** Restores the previous state after a notification that was certainly not sent. */
export const notSent = (before: LastNotification | undefined, now: Timestamp): LastNotification =>
  before ?? { about: '', at: now, notified: false };

/** Records that the notification can never be sent, because the recipient does not exist. */
export const neverNotified = (now: LastNotification, before: LastNotification | undefined): LastNotification => ({
  ...now,
  notified: before?.notified ?? false,
  refused: true,
});

/** Pauses in minutes before the second attempt and the maximum; each pause doubles the previous one. */
const RETRY_MINUTES = { first: 1, longest: 30 };

/** Schedules another attempt after a failure that may be temporary. */
export const sentLater = (
  before: LastNotification | undefined,
  { now, timeScale }: Pick<DueContext, 'now' | 'timeScale'>,
): LastNotification => {
  const tries = (before?.again?.tries ?? 0) + 1;
  const minutes = Math.min(RETRY_MINUTES.first * 2 ** (tries - 1), RETRY_MINUTES.longest);
  return { ...notSent(before, now), again: { at: plusSeconds(now, (minutes * 60) / timeScale), tries } };
};

function concerns(
  { severity, service }: Pick<IncidentRecord, 'severity' | 'service'>,
  stakeholder: Stakeholder,
  services: Config['services'],
): boolean {
  if (!isAtLeast(stakeholder.from, severity)) return false;
  if (stakeholder.services?.includes(service) === false) return false;
  const team = Object.hasOwn(services, service) ? services[service]?.team : undefined;
  return stakeholder.teams === undefined || (team !== undefined && stakeholder.teams.includes(team));
}

/**
 * Builds the summary for people who do not work on the incident: what is broken, since when, which actions were taken,
 * and who is in command.
 */
export function digestOf(story: Overview, url?: string, urls: ApprovalUrls = NO_APPROVAL_URLS): ChatMessage {
  const { incident, effects, decisions, children, childCount } = story;
  const { severity, opened_at, resolved_at, roles, handling } = incident;
  const title = `${serviceEnvironmentText(incident)}: ${incident.title}`;
  const statusText = statusWords(incident);
  const shadowDecision = decisions.findLast((decision) => decision.would !== undefined);
  const done = effects.filter(({ kind, state }) => kind === 'roll-back' && state === 'succeeded');
  return {
    summary: `${resolved_at === null ? '' : 'Resolved: '}${title} (${severity}, ${statusText})`,
    parts: [
      { kind: 'header', text: title },
      {
        kind: 'fields',
        fields: [
          { name: 'Status', value: [statusText] },
          { name: 'Severity', value: [severity] },
          { name: 'Since', value: [minuteOf(opened_at)] },
          ...(resolved_at === null ? [] : [{ name: 'Resolved', value: [minuteOf(resolved_at)] }]),
          { name: 'Commander', value: [roles?.commander?.shown ?? 'none'] },
        ],
      },
      ...(handling?.stakeholder_update?.text === undefined
        ? []
        : [
            {
              kind: 'text' as const,
              text: [
                { bold: `Latest update, ${minuteOf(handling.stakeholder_update.at)}` },
                `\n${handling.stakeholder_update.text}`,
              ],
            },
          ]),
      ...childrenPart(children, childCount),
      ...(done.length === 0
        ? []
        : [
            {
              kind: 'text' as const,
              text: [{ bold: 'Actions' }, ...done.map(({ detail, at }) => `\n${minuteOf(at)}: ${detail}`)],
            },
          ]),
      ...questionPart(story, urls),
      ...(shadowDecision === undefined
        ? []
        : [
            {
              kind: 'text' as const,
              text: [
                { bold: 'What automation would have done' },
                `\n${linesOf(decisionLines(shadowDecision, incident)).join('\n')}`,
              ],
            },
          ]),
      { kind: 'note', text: [`Incident ${incident.id}`, ...consoleLink(url)] },
    ],
  };
}

/** The open question, for readers who may answer it: the page behind the link asks who they are. */
function questionPart(story: Pick<Overview, 'incident' | 'decisions'>, urls: ApprovalUrls): ChatPart[] {
  const question = answerable(story).at(-1);
  const link = urls.get(question?.id ?? '');
  if (question === undefined || link === undefined) return [];
  const text = [
    { bold: 'Waits for an approval' },
    `\n${linesOf(decisionLines(question, story.incident)).join('\n')}\n`,
    { link, text: 'Approve or reject' },
  ];
  return [{ kind: 'text', text }];
}

const CHILDREN_SHOWN_MAX = 20;

/** Lists the children, for readers who were notified about one of them. */
function childrenPart(children: Overview['children'], count: number): ChatPart[] {
  if (children.length === 0) return [];
  const rows = children
    .slice(0, CHILDREN_SHOWN_MAX)
    .map(({ service, environment, title, status }) => `\n${service} ${environment}: ${title} (${status})`);
  const more = count - rows.length;
  return [
    {
      kind: 'text',
      text: [{ bold: 'Child incidents' }, ...rows, ...(more > 0 ? [`\nand ${more} more`] : [])],
    },
  ];
}

/** Pauses of a channel in minutes after the first failure and the maximum; each pause doubles the previous one. */
const PAUSE_MINUTES = { first: 1, longest: 5 };

/** @param afterSeconds delay requested by the other side; null: none */
export function pauseAfter(
  before: ChannelPause | undefined,
  { detail, afterSeconds }: { detail: string; afterSeconds: number | null },
  { now, timeScale }: Pick<DueContext, 'now' | 'timeScale'>,
): ChannelPause {
  const tries = (before?.tries ?? 0) + 1;
  const minutes = Math.min(PAUSE_MINUTES.first * 2 ** (tries - 1), PAUSE_MINUTES.longest);
  return { tries, until: plusSeconds(now, Math.max((minutes * 60) / timeScale, afterSeconds ?? 0)), detail };
}

/** Formats a message as plain text for email. */
export const emailTextOf = ({ parts }: ChatMessage): string => `${parts.map(paragraph).filter(Boolean).join('\n\n')}\n`;

function paragraph(part: ChatPart): string {
  switch (part.kind) {
    case 'header':
      return `${part.text}\n${'='.repeat(Math.min([...part.text].length, 72))}`;
    case 'fields':
      return part.fields.map(({ name, value }) => `${name}: ${emailSpans(value)}`).join('\n');
    case 'text':
    case 'note':
      return emailSpans(part.text);
    case 'line':
      return '-'.repeat(8);
    case 'buttons':
      return '';
  }
}

const emailSpans = (text: Text): string => text.map(emailSpan).join('').trim();

function emailSpan(span: Span): string {
  if (typeof span === 'string') return span;
  if ('bold' in span) return span.bold;
  if ('code' in span) return span.code;
  if ('at' in span) return utcWords(span);
  if ('link' in span) return `${span.text} <${span.link}>`;
  if ('channel' in span) return `#${span.channel}`;
  return `@${'user' in span ? span.user : span.group}`;
}
