import { INCIDENT_PAGES } from '../../../features/names.ts';
import type { DecisionView, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Severity } from '../../../schemas/config/names.ts';
import { IncidentRole } from '../../../schemas/people/response-roles.ts';
import { suspectName } from '../changes/change-words.ts';
import { clearingsText, activeClearings } from '../changes/cleared-suspects.ts';
import { answerable, buttonsOf, decidingFor, decisionSuffix } from './incident-buttons.ts';
import { capitalized, decisionLines, type DecisionLines, linesOf } from './decision-lines.ts';
import { NO_APPROVAL_URLS, type ApprovalUrls } from '../incidents/approval-link.ts';
import { isAcknowledged } from '../paging/acknowledgement.ts';
import type { ChatMessage, ChatPart, Text } from './chat-message.ts';
import { currentDecisions, laterStart } from '../incidents/new-onset.ts';
import { incidentName, numberText } from '../incidents/incident-number.ts';
import { closedWords, resolverText } from '../incidents/closing.ts';
import { statusWords } from '../incidents/status-words.ts';
import { type AlertLine, alertLines } from './alert-lines.ts';
import { similarWords } from '../incidents/similar.ts';
import { contradictedMinutes } from '../incidents/page-contradiction.ts';
import { probability, suspectsToShow } from '../correlation/words.ts';
import { placedTitle } from './place-names.ts';
import type { Overview } from './story.ts';
import { cautionOf, incidentLines } from './incident-lines.ts';

/** Slack messages about an incident. Pure: the same input always gives the same card. */

const SUSPECTS_SHOWN = 3;
/** What the card has room for; the details have more. */
const ON_CARD = { alerts: 1, children: 10 };
const IN_DETAILS = { alerts: 12, children: 40 };

const MARKS: Record<Severity, string> = { critical: '🔴', warning: '🟠', info: '🔵' };

const markOf = (
  incident: Pick<IncidentRecord, 'status' | 'severity' | 'closed_as'> & Partial<Pick<IncidentRecord, 'resolved_by'>>,
): string =>
  closedWords({ resolved_by: null, ...incident })?.mark ??
  (incident.status === 'mitigated' ? '🟡' : MARKS[incident.severity]);

/** Returns the channel topic. */
export const channelTopic = ({ incident }: Overview): Text => [
  `${markOf(incident)} ${numberText(incident)}${incident.severity} · ${statusWords(incident)} · ${placedTitle(incident)}`,
];

/**
 * Builds the pinned summary. It is edited in place, so it shows the current state without history. It says what is broken,
 * what the reader should do, with one reason for and one against it, and what the status is; `detailsCard` has the rest.
 *
 * @param url of the incident's page in the console; absent: not known
 */
export function summaryCard(story: Overview, url?: string, urls: ApprovalUrls = NO_APPROVAL_URLS): ChatMessage {
  const { incident } = story;
  const title = placedTitle(incident);
  const { questions, more } = buttonsOf(story);
  return {
    summary: `${markOf(incident)} ${incident.severity}, ${statusWords(incident)}: ${title}`,
    parts: [
      { kind: 'header', text: `${markOf(incident)} ${numberText(incident)}${title}` },
      ...decisionParts(story, urls),
      ...questions,
      { kind: 'text', text: statusText(incident) },
      ...childRows(story, ON_CARD.children),
      ...alertsPart(story, ON_CARD.alerts),
      ...more,
      {
        kind: 'note',
        text: [
          `Incident ${incidentName(incident)}`,
          ...consoleLink(url),
          ...pageLinks(incident, url),
          ...mutedNote(incident),
          ...contradictionNote(incident),
        ],
      },
    ],
  };
}

/** @param url of the incident's page; undefined: not known */
export const consoleLink = (url: string | undefined): Text =>
  url === undefined ? [] : [' · ', { link: url, text: 'Open in the console' }];

/** Links to the other pages of a resolved incident. A child incident is described on those of its parent. */
const pageLinks = ({ status, parent_id }: IncidentRecord, url: string | undefined): Text =>
  url === undefined || status !== 'resolved' || parent_id !== undefined
    ? []
    : INCIDENT_PAGES.flatMap(({ path, text }) => [' · ', { link: `${url}/${path}`, text }]);

function statusText(incident: IncidentRecord): Text {
  const { severity, opened_at, resolved_at } = incident;
  const resolvedText: Text =
    resolved_at === null ? [] : [` · ${statusWords(incident)} `, { at: resolved_at }, resolverText(incident)];
  const people = peopleOf(incident).join(' · ');
  const later = laterStart(incident);
  return [
    { bold: `${severity} · ${statusWords(incident)}` },
    ' · opened ',
    { at: opened_at },
    ...(later === undefined ? [] : [' · present problem since ', { at: later }]),
    ...resolvedText,
    people === '' ? '' : `\n${people}`,
  ];
}

/** Shows the lines of each waiting decision, else those of the newest one; the first line is bold. */
function decisionParts(story: Overview, urls: ApprovalUrls): ChatPart[] {
  const asking = decidingFor(story);
  const questions = answerable(asking);
  const linesText = (lines: DecisionLines, suffix = ''): Text => {
    const [action = '', ...others] = linesOf(lines);
    return [{ bold: `${action}${suffix}` }, ...others.map((line) => `\n${line}`)];
  };
  if (questions.length === 0) return [{ kind: 'text', text: linesText(incidentLines(story)) }];
  const caution = cautionOf(story);
  // A part each, so that all remain in a message that has room for the beginning of each part.
  return questions.map((decision) => {
    const answer = urls.get(decision.id);
    return {
      kind: 'text',
      text: [
        ...linesText(decisionLines(decision, asking.incident), decisionSuffix(decision, questions)),
        approvalsText(decision),
        ...(caution === null ? [] : [`\n${caution}`]),
        ...(answer === undefined ? [] : ['\n', { link: answer, text: 'Approve or reject in the console' }]),
      ],
    };
  });
}

/** Builds what the card has no room for: all reasons, suspects, alerts, children, and similar incidents. */
export function detailsCard(story: Overview): ChatMessage {
  const { incident } = story;
  const asking = decidingFor(story);
  const questions = answerable(asking);
  const reasons =
    questions.length === 0
      ? incidentLines(story).details
      : questions.flatMap((decision) => decisionLines(decision, asking.incident).details);
  const parts = [
    ...(reasons.length === 0 ? [] : [listPart('Reasons and options', reasons)]),
    ...(incident.group_reason === undefined
      ? []
      : [listPart('Why grouped', [story.group?.words ?? incident.group_reason.text])]),
    ...childRows(story, IN_DETAILS.children),
    ...suspectsPart(story),
    ...alertsPart(story, IN_DETAILS.alerts),
    ...similarPart(story),
  ];
  return {
    summary: `Details of ${incidentName(incident)}`,
    parts: parts.length > 0 ? parts : [{ kind: 'text', text: ['There are no details yet.'] }],
  };
}

const listPart = (heading: string, lines: readonly string[]): ChatPart => ({
  kind: 'text',
  text: [{ bold: heading }, ...lines.map((line) => `\n• ${line}`)],
});

/** Explains the number of approvals, unless it is one. */
function approvalsText({ approvals: { needed, given } }: DecisionView): string {
  if (needed < 2) return '';
  const givenText = given.length === 0 ? 'none so far' : `${given.length} so far (${given.join(', ')})`;
  return `\nRequires the approval of ${needed} people: ${givenText}.`;
}

/** Roles in words, the same in every place. */
export const ROLE_NAMES = { commander: 'Commander', communications: 'Communications', scribe: 'Scribe' } as const;

/** Names people without mentioning them, because a mention would notify them at every redraw. */
function peopleOf(incident: IncidentRecord): string[] {
  const { roles = {}, handling, status } = incident;
  const roleTexts = IncidentRole.options.flatMap((role) =>
    roles[role] === undefined ? [] : [`${ROLE_NAMES[role]}: ${roles[role].shown}`],
  );
  const isUnassigned = roles.commander === undefined && status !== 'resolved';
  const by = isAcknowledged(incident) ? handling?.acknowledged?.by : undefined;
  const shown = Object.values(roles).find(({ name }) => name === by)?.shown ?? by;
  return [
    ...(isUnassigned ? [`${ROLE_NAMES.commander}: unassigned`] : []),
    ...roleTexts,
    ...(shown === undefined ? [] : [`Acknowledged by ${shown}`]),
  ];
}

/** @param max most children that are listed */
function childRows({ incident, children, childCount }: Overview, max: number): ChatPart[] {
  if (incident.group_reason === undefined) return [];
  const rows = children
    .slice(0, max)
    .flatMap((child): Text => [
      `\n${markOf(child)} `,
      { bold: `${numberText(child)}${child.service} ${child.environment}` },
      ` ${child.title} (${statusWords(child)}${child.asks ? ', needs approval' : ''})`,
    ]);
  const rest = childCount - Math.min(children.length, max);
  // A resolved parent may have open children; for children that are not loaded, only the number of open ones is known.
  const openLoaded = children.filter(({ status }) => status !== 'resolved').length;
  const open = childCount > children.length ? Math.max(openLoaded, incident.firing) : openLoaded;
  return [
    {
      kind: 'text',
      text: [
        { bold: 'Incidents' },
        ` ${open} of ${childCount} open`,
        ...rows,
        ...(rest > 0 ? [`\nand ${rest} more`] : []),
      ],
    },
  ];
}

function suspectsPart(story: Overview): ChatPart[] {
  const { incident } = story;
  if (incident.group_reason !== undefined) return [];
  const cleared = activeClearings(incident.cleared);
  const clearedText: Text = cleared.length === 0 ? [] : [`\n${clearingsText(cleared)}`];
  const suspects = suspectsToShow(incident.suspects);
  if (suspects.length === 0) {
    const decisions = currentDecisions(story);
    const none = capitalized(noCauseText(decisions, cleared.length > 0));
    return decisions.length === 0 && cleared.length === 0
      ? []
      : [{ kind: 'text', text: [{ bold: 'Suspects' }, `\n${none}`, ...clearedText] }];
  }
  const rows = suspects.slice(0, SUSPECTS_SHOWN).flatMap((suspect): Text => [
    '\n• ',
    { bold: suspectName(suspect) },
    ` ${probability(suspect.confidence)}${suspect.reasons
      .slice(0, 1)
      .map((reason) => `: ${reason}`)
      .join('')}`,
  ]);
  return [{ kind: 'text', text: [{ bold: 'Suspects' }, ...rows, ...clearedText] }];
}

/**
 * Says why no suspect is shown. A decision that names a version to roll back speaks of a change, even if none is probable.
 *
 * @param decisions about the open problem
 */
export function noSuspectText(
  decisions: readonly Pick<DecisionView, 'from_version' | 'kind' | 'state'>[],
  { cleared: all }: Pick<Overview['incident'], 'cleared'>,
): string {
  if (decisions.length === 0) return 'not known yet';
  const cleared = activeClearings(all);
  return [noCauseText(decisions, cleared.length > 0), ...cleared.slice(-1).map((one) => clearingsText([one]))].join(
    '. ',
  );
}

/** Says that no change is the cause, or none besides those that were excluded or undone. */
export function noCauseText(
  decisions: readonly Pick<DecisionView, 'from_version' | 'kind' | 'state'>[],
  areSomeCleared: boolean,
): string {
  const named = isNamed(decisions);
  const areSomeUndone = !named && decisions.some(({ kind, state }) => kind === 'roll_back' || state === 'approved');
  return `no ${areSomeCleared || areSomeUndone ? 'other ' : ''}known change ${named ? 'is a probable cause' : 'could have caused this problem'}`;
}

/** Returns whether the last decision names a version to roll back. */
const isNamed = (decisions: readonly Pick<DecisionView, 'from_version'>[]): boolean =>
  decisions.at(-1)?.from_version != null;

/** @param max most alerts that are listed */
function alertsPart({ incident, signals }: Overview, max: number): ChatPart[] {
  const { group_reason, signal_count } = incident;
  if (signal_count === 0 || (group_reason !== undefined && signals.length === 0)) return [];
  const { rows: shown, countText: text } = alertLines({ incident, signals });
  const countText = group_reason === undefined ? ` ${text}` : '';
  const rows = shown
    .slice(0, max)
    .map((row) => `\n${ALERT_MARKS[row.state]} ${row.title}${row.note === null ? '' : ` (${row.note})`}`);
  const isWhole = incident.signal_count <= signals.length && shown.length <= max;
  const more = isWhole
    ? []
    : [`\n${incident.signal_count} ${incident.signal_count === 1 ? 'alert' : 'alerts'} in total`];
  return [{ kind: 'text', text: [{ bold: 'Alerts' }, countText, ...rows, ...more] }];
}

const ALERT_MARKS: Readonly<Record<AlertLine['state'], string>> = {
  firing: '🔥',
  last_seen: '⚪',
  event: '•',
  resolved: '✔️',
};

/** Lists earlier incidents that resemble this one, while it is open. Their ages are relative to its opening. */
const similarPart = ({ incident: { similar = [], status, opened_at } }: Overview): ChatPart[] =>
  similar.length === 0 || status === 'resolved'
    ? []
    : [
        {
          kind: 'text',
          text: [
            'Similar incidents:',
            ...similar.map(
              (decision) => `\n• ${incidentName(decision)} ${decision.title}: ${similarWords(decision, opened_at)}`,
            ),
          ],
        },
      ];

const mutedNote = ({ muted }: IncidentRecord): Text =>
  muted === undefined || muted === null ? [] : [` · ${muted.text}`];

/** Prints the minutes of an incident that is over: while it is open, messages say when a contradiction begins and ends. */
function contradictionNote({ status, page_contradiction }: IncidentRecord): Text {
  const minutes = contradictedMinutes(page_contradiction);
  return status !== 'resolved' || minutes === 0
    ? []
    : [` · Status page and SLI contradicted each other for ${minutes} min`];
}

/** Builds the one-line message in a team's own channel, which is edited in place. */
export function teamLine({ incident }: Overview, channel: string | null): ChatMessage {
  const title = placedTitle(incident);
  return {
    summary: `${markOf(incident)} ${title} (${statusWords(incident)})`,
    parts: [
      {
        kind: 'text',
        text: [
          `${markOf(incident)} `,
          { bold: title },
          ` · ${statusWords(incident)}`,
          ...(channel === null ? [] : [' · ', { channel }]),
        ],
      },
    ],
  };
}
