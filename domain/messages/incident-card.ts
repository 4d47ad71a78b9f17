import { INCIDENT_PAGES } from '../../features/names.ts';
import type { DecisionView, Effect, IncidentRecord, TimelineEntry } from '../../schemas/incidents/incident.ts';
import type { Severity } from '../../schemas/config/names.ts';
import { IncidentRole } from '../../schemas/people/response-roles.ts';
import { clearingsText, activeClearings } from '../changes/cleared-suspects.ts';
import { answerable, buttonsOf, decidingFor, decisionSuffix } from './incident-buttons.ts';
import { decisionLines, type DecisionLines, linesOf, placeText, subjectOf } from './decision-lines.ts';
import { NO_APPROVAL_URLS, type ApprovalUrls } from '../incidents/approval-link.ts';
import { failedRollback, type FailedRollback } from '../rollback/failed-rollback.ts';
import { isAcknowledged } from '../paging/acknowledgement.ts';
import type { ChatMessage, ChatPart, Text } from './channels.ts';
import { numberOf } from '../rollback/question-names.ts';
import { remediesOf } from '../rollback/remedies.ts';
import { beganAfterMitigation, currentDecisions } from '../incidents/new-onset.ts';
import { similarWords } from '../incidents/similar.ts';
import { contradictedMinutes } from '../status/contradictions.ts';
import { probability } from '../correlation/words.ts';
import { type Deciding, serviceEnvironmentText, type Overview } from './story.ts';

/** Slack messages about an incident. Pure: the same input always gives the same card. */

const SUSPECTS_SHOWN = 3;
const ALERTS_SHOWN = 8;
const CHILDREN_SHOWN = 25;

const MARKS: Record<Severity, string> = { critical: '🔴', warning: '🟠', info: '🔵' };

const markOf = ({ status, severity }: Pick<IncidentRecord, 'status' | 'severity'>): string =>
  status === 'resolved' ? '✅' : status === 'mitigated' ? '🟡' : MARKS[severity];

const STATUS_WORDS: Record<IncidentRecord['status'], string> = {
  open: 'open',
  mitigating: 'mitigating: rollback in progress',
  mitigated: 'mitigated, not verified yet',
  resolved: 'resolved',
};

export function statusWords(
  incident: Pick<IncidentRecord, 'status' | 'verification'> & Partial<Pick<IncidentRecord, 'verifying' | 'new_onset'>>,
): string {
  const { status, verification } = incident;
  if (status === 'open' && beganAfterMitigation(incident)) return 'open: another problem began after the recovery';
  if (status === 'mitigated' && verification === 'passed') return 'mitigated and verified';
  if (status === 'open' && verification === 'failed') return 'open: the mitigation did not help';
  return STATUS_WORDS[status];
}

/** Returns the channel topic. */
export const channelTopic = ({ incident }: Overview): Text => [
  `${markOf(incident)} ${incident.severity} · ${statusWords(incident)} · ${serviceEnvironmentText(incident)}: ${incident.title}`,
];

/**
 * Builds the pinned summary. It is edited in place, so it shows the current state without history. The first lines,
 * which are all that a phone shows, say what is broken, what the status is, and what the reader should do.
 *
 * @param url of the incident's page in the console; absent: not known
 */
export function summaryCard(story: Overview, url?: string, urls: ApprovalUrls = NO_APPROVAL_URLS): ChatMessage {
  const { incident } = story;
  const title = `${serviceEnvironmentText(incident)}: ${incident.title}`;
  const { questions, more } = buttonsOf(story);
  return {
    summary: `${markOf(incident)} ${incident.severity}, ${statusWords(incident)}: ${title}`,
    parts: [
      { kind: 'header', text: `${markOf(incident)} ${title}` },
      { kind: 'text', text: statusText(incident) },
      { kind: 'text', text: decisionText(story, urls, url) },
      ...questions,
      ...childRows(story),
      ...suspectsPart(story),
      ...alertsPart(story),
      ...similarPart(story),
      ...more,
      {
        kind: 'note',
        text: [
          `Incident ${incident.id}`,
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
  const { severity, opened_at, resolved_at, resolved_by } = incident;
  const resolvedText: Text =
    resolved_at === null ? [] : [' · resolved ', { at: resolved_at }, resolverText(resolved_by)];
  const people = peopleOf(incident).join(' · ');
  return [
    { bold: `${severity} · ${statusWords(incident)}` },
    ' · opened ',
    { at: opened_at },
    ...resolvedText,
    people === '' ? '' : `\n${people}`,
  ];
}

/** Shows the lines of the waiting decisions, else those of the newest one; the first line is bold. */
function decisionText(story: Overview, urls: ApprovalUrls, url: string | undefined): Text {
  const asking = decidingFor(story);
  const questions = answerable(asking);
  const linesText = (lines: DecisionLines, suffix = ''): Text => {
    const [action = '', ...others] = linesOf(lines);
    return [{ bold: `${action}${suffix}` }, ...others.map((line) => `\n${line}`)];
  };
  const rows =
    questions.length === 0
      ? linesText(incidentLines(story))
      : questions.flatMap((decision, index): Text => {
          const answer = urls.get(decision.id);
          return [
            index === 0 ? '' : '\n',
            ...linesText(decisionLines(decision, asking.incident), decisionSuffix(decision, questions)),
            approvalsText(decision),
            ...(answer === undefined ? [] : ['\n', { link: answer, text: 'Approve or reject in the console' }]),
          ];
        });
  return url === undefined || asking.decisions.length === 0 ? rows : [...rows, '\n', { link: url, text: 'Details' }];
}

/** Explains the number of approvals, unless it is one. */
function approvalsText({ approvals: { needed, given } }: DecisionView): string {
  if (needed < 2) return '';
  const givenText = given.length === 0 ? 'none so far' : `${given.length} so far (${given.join(', ')})`;
  return `\nRequires the approval of ${needed} people: ${givenText}.`;
}

const ROLE_NAMES = { commander: 'Commander', communications: 'Communications', scribe: 'Scribe' } as const;

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

const resolverText = (by: string | null): string =>
  by === null ? '' : by === 'firebreak:quiet' ? ' automatically' : ` by ${by}`;

function childRows({ incident, children, childCount }: Overview): ChatPart[] {
  if (incident.group_reason === undefined) return [];
  const rows = children
    .slice(0, CHILDREN_SHOWN)
    .flatMap((child): Text => [
      `\n${markOf(child)} `,
      { bold: `${child.service} ${child.environment}` },
      ` ${child.title} (${child.status})`,
    ]);
  const rest = childCount - Math.min(children.length, CHILDREN_SHOWN);
  // A resolved parent may have open children; for children that are not loaded, only the number of open ones is known.
  const openLoaded = children.filter(({ status }) => status !== 'resolved').length;
  const open = childCount > children.length ? Math.max(openLoaded, incident.firing) : openLoaded;
  return [
    { kind: 'text', text: [{ bold: 'Why grouped' }, `\n${incident.group_reason.text}`] },
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
  if (incident.suspects.length === 0) {
    const none = `No ${cleared.length === 0 ? '' : 'other '}known change could have caused this incident`;
    return currentDecisions(story).length === 0 && cleared.length === 0
      ? []
      : [{ kind: 'text', text: [{ bold: 'Suspects' }, `\n${none}`, ...clearedText] }];
  }
  const rows = suspectsToShow(incident.suspects)
    .slice(0, SUSPECTS_SHOWN)
    .flatMap(({ version, confidence, reasons }): Text => [
      '\n• ',
      { bold: version },
      ` ${probability(confidence)}${reasons
        .slice(0, 1)
        .map((reason) => `: ${reason}`)
        .join('')}`,
    ]);
  return [{ kind: 'text', text: [{ bold: 'Suspects' }, ...rows, ...clearedText] }];
}

/** Returns the suspects without those that round to 0 %; if all do, the first. */
export function suspectsToShow<T extends { confidence: number }>(suspects: readonly T[]): readonly T[] {
  const likely = suspects.filter(({ confidence }) => Math.round(confidence * 100) > 0);
  return likely.length > 0 ? likely : suspects.slice(0, 1);
}

/** Returns the rollback that a decision, or an earlier decision for the same versions, led to. */
export function rollbackOf(
  decision: DecisionView,
  { decisions, effects }: Pick<Overview, 'decisions' | 'effects'>,
): Effect | undefined {
  // An earlier decision may have led to the same rollback, which is executed only once.
  const same = decisions.filter(
    ({ question, from_version: from, to_version: to }) =>
      question === undefined && from === decision.from_version && to === decision.to_version,
  );
  const effectOf = (candidate: DecisionView) =>
    effects.findLast(({ kind, key }) => kind === 'roll-back' && key.endsWith(`.${numberOf(candidate.id)}`));
  return effectOf(decision) ?? same.map(effectOf).findLast((effect) => effect?.state === 'succeeded');
}

export const effectWords = ({ state, detail }: Effect): string => `${EFFECT_WORDS[state]}: ${detail}`;

const EFFECT_WORDS: Record<Effect['state'], string> = {
  intended: 'In progress',
  accepted: 'In progress',
  succeeded: 'Done',
  failed: 'Failed',
  withheld: 'Not done',
  superseded: 'Not done',
};

function alertsPart({ incident, signals }: Overview): ChatPart[] {
  const { group_reason, firing: count, signal_count } = incident;
  if (signal_count === 0 || (group_reason !== undefined && signals.length === 0)) return [];
  const countText = group_reason === undefined ? ` ${Math.max(count, 0)} of ${signal_count} firing` : '';
  const names = [...Map.groupBy(signals, ({ title }) => title)].slice(0, ALERTS_SHOWN);
  const rows = names.map(([title, all]) => {
    const firing = all.filter(({ status }) => status === 'firing').length;
    return `\n${firing > 0 ? '🔥' : '✔️'} ${title}${all.length > 1 ? ` × ${all.length}` : ''}`;
  });
  const more =
    incident.signal_count > signals.length
      ? [`\n${incident.signal_count} ${incident.signal_count === 1 ? 'alert' : 'alerts'} in total`]
      : [];
  return [{ kind: 'text', text: [{ bold: 'Alerts' }, countText, ...rows, ...more] }];
}

/** Describes the state of an incident as the newest decision about it, with what to do now. */
export function incidentLines(own: Overview): DecisionLines {
  const story = decidingStory(own);
  const { incident } = story;
  const decisions = currentDecisions(story);
  const decision = decisions.findLast(({ state }) => state === 'waiting') ?? decisions.at(-1);
  const lines = decision === undefined ? undefined : decisionLines(decision, incident, rollbackOf(decision, story));
  const { action, more = [] } = stepOf(story, lines, decision);
  if (incident.status === 'resolved')
    return { action, evidence: null, hesitation: null, details: [...more, ...(lines?.details ?? [])] };
  const paused = incident.automation_paused ? 'Does not act because automation of this incident is paused.' : null;
  if (lines === undefined) return { action, evidence: null, hesitation: paused ?? 'No decision yet.', details: more };
  const said = [
    ...(action.includes(lines.action) || decision?.kind === 'none' ? [] : [lines.action]),
    ...(paused === null || lines.hesitation === null ? [] : [lines.hesitation]),
  ];
  return { ...lines, action, hesitation: paused ?? lines.hesitation, details: [...more, ...said, ...lines.details] };
}

/** Returns what the lines are about: the incident, or the one that decides for it, whose service they name. */
function decidingStory(story: Overview): Overview {
  const { incident, decisions, effects } = decidingFor<Deciding>(story);
  if (incident.id === story.incident.id) return story;
  const { service, environment } = incident;
  const named = decisions.map((decision) => ({ ...decision, target: decision.target ?? { service, environment } }));
  return { incident, decisions: named, effects, signals: [], children: [], childCount: 0, parent: null };
}

/** Returns what to do now, in one sentence. */
export const nextStep = (story: Overview): string => incidentLines(story).action;

/** `more`: what else a person can do. */
type Step = { action: string; more?: readonly string[] };

function stepOf(story: Overview, lines: DecisionLines | undefined, decision: DecisionView | undefined): Step {
  const { incident, effects, parent } = story;
  const { status, firing } = incident;
  const where = placeText(incident);
  // The verdict about a mitigation says nothing about a problem that began after it.
  const verification = status === 'open' && beganAfterMitigation(incident) ? 'not_needed' : incident.verification;
  if (status === 'resolved') return { action: 'None: the incident is resolved. Complete its post-mortem soon.' };
  if (decision?.state === 'waiting' && lines !== undefined)
    return incident.automation_paused
      ? { action: `Resume automation, then answer: ${subjectOf(decision)}?` }
      : { action: lines.action };
  const accepted = effects.findLast(({ kind, state }) => kind === 'roll-back' && state === 'accepted');
  if (status === 'mitigating')
    return {
      action: accepted?.detail ?? `Watch ${where}: the ${actionInProgress(effects)} is in progress.`,
    };
  const done = decision && rollbackOf(decision, story);
  const acted = done?.state === 'succeeded' && lines !== undefined ? `${lines.action} ` : '';
  if (status === 'mitigated' && verification === 'pending')
    return { action: `${acted}Watch ${where} until the mitigation is verified.` };
  const failed = failedRollback(story);
  if (failed !== undefined)
    return { action: `Look at ${where}: ${withoutStop(failed.detail)}.`, more: optionsOf(story, failed) };
  if (verification === 'failed')
    return { action: `Look at ${where}: the mitigation did not help.`, more: optionsOf(story, undefined) };
  if (verification === 'inconclusive')
    return { action: `Check ${where}, and resolve the incident by hand: the verification was inconclusive.` };
  if (status === 'mitigated')
    return {
      action: firing > 0 ? `${acted}Verified; the incident closes when its alerts end.` : `${acted}Verified.`,
    };
  const group = incident.group_reason ?? parent?.group_reason;
  if (group?.because === 'shared_dependency' && story.deciding === undefined)
    return { action: `Look at ${group.name} in ${incident.environment} first: ${group.text}.` };
  if (incident.group_reason?.because === 'many')
    return {
      action: 'Look for a common cause before you investigate each service.',
      more: ['Automation asks before each rollback, because one deploy is unlikely to cause so many failures.'],
    };
  if (parent !== null && group?.because !== 'shared_dependency')
    return { action: 'Look at the parent incident first: several services are failing at the same time.' };
  const isUndecided = lines === undefined && status === 'open' && beganAfterMitigation(incident);
  if (isUndecided)
    return {
      action: `Wait for the decision: another problem of ${where} began after the recovery.`,
      more: pagedText(effects),
    };
  return { action: lines?.action ?? `Look at ${where}.`, more: [...commandOf(story, decision), ...pagedText(effects)] };
}

const withoutStop = (text: string): string => text.replace(/(?<![.\s])[.\s]+$/, '');

/** Returns the command of a rollback that is only suggested. */
const commandOf = ({ incident }: Overview, decision: DecisionView | undefined): string[] =>
  decision?.to_version != null && (decision.kind === 'suggest' || decision.kind === 'shadow')
    ? [`To roll back: /rollback ${incident.service} ${incident.environment}.`]
    : [];

function pagedText(effects: Overview['effects']): string[] {
  const pages = effects.filter(({ kind, state }) => kind === 'page' && state === 'succeeded');
  if (pages.length === 0) return [];
  return pages.every(({ stand_in }) => stand_in === true)
    ? ['The page went to the sandbox, so nobody was notified.']
    : ['The on-call responder has been paged.'];
}

/** Returns the options after a rollback that failed or did not help. */
function optionsOf({ incident, decisions }: Overview, failed: FailedRollback | undefined): string[] {
  const target = decisions.findLast(({ question }) => question === undefined)?.target ?? incident;
  const { service, environment } = failed?.order ?? target;
  const serviceInEnvironment = `${service} ${environment}`;
  return [
    ...(failed?.order == null ? [] : [`Try again: /rollback ${serviceInEnvironment} ${failed.order.to}.`]),
    `Roll back to another version: /rollback ${serviceInEnvironment} VERSION (/deploys ${serviceInEnvironment} lists them).`,
    'Hand over: /incident handover @USER.',
  ];
}

/** Names the action in progress: a runbook is also in progress between its steps. */
const actionInProgress = (effects: Overview['effects']): string => {
  const actions = effects.filter(({ resource }) => resource !== undefined);
  const newest = actions.findLast(({ state }) => state === 'intended' || state === 'accepted') ?? actions.at(-1);
  return newest === undefined || newest.kind === 'roll-back' ? 'rollback' : 'runbook';
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
              (decision) => `\n• ${decision.title} (${decision.id}): ${similarWords(decision, opened_at)}`,
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
  const title = `${serviceEnvironmentText(incident)}: ${incident.title}`;
  return {
    summary: `${markOf(incident)} ${title} (${incident.status})`,
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

/**
 * Timeline kinds that get no message in the channel: alerts are counted in the summary, and a message for each would
 * hide the conversation. An updated page shows what the channel shows already.
 */
const KINDS_WITHOUT_MESSAGE = /^(incident\.opened|alerts\.|workflow\.|mitigation\.not_taken|page-update\.succeeded)/;

export const hasMessage = ({ kind }: TimelineEntry): boolean => !KINDS_WITHOUT_MESSAGE.test(kind);

const ENTRY_MARKS: readonly [RegExp, string][] = [
  [/^page-?\w*\.succeeded$/, '📟'],
  [/^page/, '📟'],
  [/^rollback\.started$/, '⏪'],
  [/^mitigation\.succeeded$/, '⏪'],
  [/^mitigation\./, '⚠️'],
  [/^verification\.passed$/, '✅'],
  [/^verification\./, '⚠️'],
  [/^decision\.approved$/, '👍'],
  [/^decision\.rejected$/, '👎'],
  [/^(decision|suspect)/, '🧭'],
  [/^incident\.(recovered|resolved)$/, '✅'],
  [/^incident\.failing_again$/, '⚠️'],
  [/^note\.pinned$/, '📌'],
  [/^note/, '📝'],
  [/^incident\.acknowledged$/, '👀'],
  [/^incident\.update$/, '📣'],
  [/^(role|command)\./, '👤'],
  [/^runbook\./, '📖'],
  [/^flag\./, '🚩'],
  [/^(scale|restart|http|ticket)\./, '🛠️'],
  [/^automation\.demoted$/, '✋'],
  [/^reminder\./, '⏰'],
  [/^role\./, '🧑‍✈️'],
  [/^acknowledged$/, '👀'],
  [/^update$/, '📣'],
];

/** Lookup of display names and Slack IDs by timeline actor. Null: unknown. */
export type ActorNames = { shownOf: (name: string) => string; slackIdOf: (name: string) => string | null };

const NO_NAMES: ActorNames = { shownOf: (name) => name, slackIdOf: () => null };

/** Programs, whose timeline texts say what they did. All other actors are people or tokens. */
const PROGRAMS = new Set(['firebreak', 'alerts', 'flagger', 'pagerduty', 'slack', 'statuspage']);

/** Builds the message for a timeline entry. The actor comes first, because a phone shows only the start. */
export function entryMessage(entry: TimelineEntry, { shownOf, slackIdOf }: ActorNames = NO_NAMES): ChatMessage {
  const { kind, actor, text, at } = entry;
  const [, mark] = ENTRY_MARKS.find(([pattern]) => pattern.test(kind)) ?? [null, '•'];
  const person = PROGRAMS.has(actor) ? null : shownOf(actor);
  return {
    summary: `${mark} ${person === null ? '' : `${person}: `}${text}`,
    parts: [
      {
        kind: 'text',
        text: [
          `${mark} `,
          ...mentionsOf(entry, slackIdOf).flatMap((user): Text => [{ user }, ' ']),
          ...(person === null ? [] : [{ bold: person }, ': ']),
          text,
          ...draftLink(entry),
        ],
      },
      ...(isReminder(entry) ? remediesOf(entry.detail) : []),
      { kind: 'note', text: [{ at, seconds: true }, person === null ? ` · ${actor}` : ''] },
    ],
  };
}

/** A draft is an entry with its address, if that is known. */
function draftLink({ kind, actor, detail }: TimelineEntry): Text {
  const url = typeof detail === 'object' && detail !== null && 'url' in detail ? detail.url : null;
  return kind === 'postmortem.drafted' && actor === 'firebreak' && typeof url === 'string'
    ? [' ', { link: url, text: 'Open the post-mortem' }]
    : [];
}

const isReminder = ({ actor, kind }: TimelineEntry): boolean => actor === 'firebreak' && kind.startsWith('reminder.');

/**
 * Returns the people to mention: recipients of Firebreak's reminders and role assignments. Timeline entries by others
 * never notify anyone.
 */
function mentionsOf({ actor, kind, detail }: TimelineEntry, slackIdOf: (name: string) => string | null): string[] {
  if (actor !== 'firebreak' || detail === null || typeof detail !== 'object') return [];
  const isReminded = kind.startsWith('reminder.');
  if ((kind === 'role.assigned' || isReminded) && 'to' in detail && typeof detail.to === 'string')
    return [slackIdOf(detail.to) ?? []].flat();
  if (!isReminded || !('mention' in detail) || !Array.isArray(detail.mention)) return [];
  return detail.mention.filter((user): user is string => typeof user === 'string');
}
