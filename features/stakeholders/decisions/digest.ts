import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { isAtLeast } from '../../../schemas/config/names.ts';
import type { Stakeholder } from '../stakeholder.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { type ApprovalUrls, NO_APPROVAL_URLS } from '../../../domain/incidents/approval-link.ts';
import { answerable } from '../../../domain/messages/incident-buttons.ts';
import { decisionLines, linesOf } from '../../../domain/messages/decision-lines.ts';
import { consoleLink, statusWords } from '../../../domain/messages/incident-card.ts';
import type { ChatMessage, ChatPart } from '../../../domain/messages/channels.ts';
import type { LastNotification } from '../../../domain/messages/notifications.ts';
import { minuteOf, serviceEnvironmentText, type Overview } from '../../../domain/messages/story.ts';

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

/** Records that the notification can never be sent, because the recipient does not exist. */
export const neverNotified = (now: LastNotification, before: LastNotification | undefined): LastNotification => ({
  ...now,
  notified: before?.notified ?? false,
  refused: true,
});

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
