import type { DecisionView, Effect, IncidentRecord, TimelineEntry } from '../../schemas/incidents/incident.ts';
import type { Severity } from '../../schemas/config/names.ts';
import { IncidentRole } from '../../schemas/people/response-roles.ts';
import { clearingsText, activeClearings } from '../changes/cleared-suspects.ts';
import {
  answerable,
  approvalReason,
  buttonsOf,
  byHandTexts,
  candidateTexts,
  decisionSuffix,
  subjectOf,
  withoutSuspectReasons,
} from './incident-buttons.ts';
import { NO_APPROVAL_URLS, type ApprovalUrls } from '../incidents/approval-link.ts';
import { failedRollback, type FailedRollback } from '../rollback/failed-rollback.ts';
import { isAcknowledged } from '../paging/acknowledgement.ts';
import type { ChatMessage, ChatPart, Text } from './channels.ts';
import { numberOf } from '../rollback/question-names.ts';
import { remediesOf } from '../rollback/remedies.ts';
import { shadowText } from '../automation/shadow.ts';
import { similarWords } from '../incidents/similar.ts';
import { contradictedMinutes } from '../status/contradictions.ts';
import { serviceEnvironmentText, type Overview } from './story.ts';

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

export function statusWords({ status, verification }: Pick<IncidentRecord, 'status' | 'verification'>): string {
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
      { kind: 'text', text: questionText(story, urls) },
      ...questions,
      ...childRows(story),
      ...suspectsPart(story),
      ...automationPart(story),
      ...alertsPart(story),
      ...similarPart(story),
      ...more,
      {
        kind: 'note',
        text: [
          `Incident ${incident.id}`,
          ...consoleLink(url),
          ...postmortemLink(incident, url),
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

/** Links to the post-mortem of a resolved incident. A child incident is described in its parent's post-mortem. */
const postmortemLink = ({ status, parent_id }: IncidentRecord, url: string | undefined): Text =>
  url === undefined || status !== 'resolved' || parent_id !== undefined
    ? []
    : [' · ', { link: `${url}/postmortem`, text: 'Post-mortem' }];

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

/** Shows waiting decisions before any other next step. */
function questionText(story: Overview, urls: ApprovalUrls): Text {
  const questions = answerable(story);
  if (questions.length === 0) return [{ bold: 'Next step' }, `\n${nextStep(story)}`];
  const rows = questions.flatMap((decision): Text => {
    const text = `\n${subjectOf(decision)}?${decisionSuffix(decision, questions)}${approvalReasonText(decision, '\n')}${candidateTexts(
      decision,
    )
      .map((candidate) => `\n${candidate}.`)
      .join('')}${approvalsText(decision)}`;
    const url = urls.get(decision.id);
    return url === undefined ? [text] : [text, '\n', { link: url, text: 'Approve or reject in the console' }];
  });
  return [{ bold: 'Next step: approve or reject' }, ...rows];
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

function suspectsPart({ incident, decisions }: Overview): ChatPart[] {
  if (incident.group_reason !== undefined) return [];
  const cleared = activeClearings(incident.cleared);
  const clearedText: Text = cleared.length === 0 ? [] : [`\n${clearingsText(cleared)}`];
  if (incident.suspects.length === 0) {
    const none = `No ${cleared.length === 0 ? '' : 'other '}known change could have caused this incident`;
    return decisions.length === 0 && cleared.length === 0
      ? []
      : [{ kind: 'text', text: [{ bold: 'Suspects' }, `\n${none}`, ...clearedText] }];
  }
  const rows = suspectsToShow(incident.suspects)
    .slice(0, SUSPECTS_SHOWN)
    .flatMap(({ version, confidence, reasons }): Text => [
      '\n• ',
      { bold: version },
      ` ${Math.round(confidence * 100)} %: ${reasons.join('; ')}`,
    ]);
  return [{ kind: 'text', text: [{ bold: 'Suspects' }, ...rows, ...clearedText] }];
}

/** Returns the suspects without those that round to 0 %; if all do, the first. */
export function suspectsToShow<T extends { confidence: number }>(suspects: readonly T[]): readonly T[] {
  const likely = suspects.filter(({ confidence }) => Math.round(confidence * 100) > 0);
  return likely.length > 0 ? likely : suspects.slice(0, 1);
}

/** Shows the newest decision and its result. */
function automationPart(story: Overview): ChatPart[] {
  const { incident, decisions } = story;
  if (incident.group_reason !== undefined)
    return [
      {
        kind: 'text',
        text: [
          { bold: 'Automation' },
          '\nAsks for approval before each rollback, because a single deploy is unlikely to cause this many failures',
        ],
      },
    ];
  const last = decisions.at(-1);
  if (last === undefined || answerable(story).includes(last)) return []; // waiting decisions are shown at the top
  const rollback = rollbackOf(last, story);
  return [
    {
      kind: 'text',
      text: [
        { bold: 'Automation' },
        `\n${decisionWords(withoutSuspectReasons(last))}`,
        ...(rollback === undefined ? [] : [`\n${effectWords(rollback)}`]),
      ],
    },
  ];
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

const DECISION_WORDS: Record<DecisionView['kind'], string> = {
  roll_back: 'Rolls back',
  approve: 'Asks for approval before rolling back',
  suggest: 'Only suggests rolling back',
  shadow: 'Shadow mode, does not roll back',
  none: 'Does not roll back',
};

export function decisionWords(decision: DecisionView): string {
  const { kind, from_version, to_version, reasons, state, answered_by, question } = decision;
  const versions = from_version !== null && to_version !== null ? ` ${from_version} to ${to_version}` : '';
  const answer =
    state === 'approved' || state === 'rejected'
      ? `. ${state === 'approved' ? 'Approved' : 'Rejected'} by ${answered_by ?? 'an unknown person'}`
      : state === 'expired'
        ? '. Expired without an answer'
        : '';
  const would = shadowText(decision);
  if (would !== undefined) return would;
  return `${question ?? `${DECISION_WORDS[kind]}${versions}`}: ${reasons.map(({ text }) => text).join('; ')}${answer}`;
}

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

/** Returns the recommended next step for a person who joins. */
export function nextStep(story: Overview): string {
  const { incident, decisions, effects, parent } = story;
  const { status, verification, firing } = incident;
  if (status === 'resolved')
    return 'None: the incident is resolved. Complete its post-mortem soon, while the details are fresh.';
  const waiting = decisions.findLast(({ state }) => state === 'waiting');
  if (waiting !== undefined)
    return incident.automation_paused
      ? `Resume automation, then approve or reject: ${subjectOf(waiting)}?`
      : `Approve or reject, with the buttons of the pinned message: ${subjectOf(waiting)}?${approvalReasonText(waiting, ' ')}`;
  if (parent !== null) return 'Look at the parent incident first: several services are failing at the same time.';
  if (incident.group_reason !== undefined) return 'Look for a common cause before you investigate each service.';
  const accepted = effects.findLast(({ kind, state }) => kind === 'roll-back' && state === 'accepted');
  if (status === 'mitigating' && accepted !== undefined) return accepted.detail;
  if (status === 'mitigating') return `Wait for the ${actionInProgress(effects)} to finish, and watch the error rate.`;
  if (status === 'mitigated' && verification === 'pending')
    return 'Watch the service. Firebreak verifies the mitigation at the end of the verification window.';
  const failed = failedRollback(story);
  if (failed !== undefined) return `${sentence(failed.detail)} ${optionsText(story, failed)}`;
  if (verification === 'failed')
    return `The mitigation did not help. Find another cause, or choose an option. ${optionsText(story, undefined)}`;
  if (verification === 'inconclusive')
    return 'The verification was inconclusive. Check the service, and resolve the incident by hand.';
  if (status === 'mitigated' && firing > 0) return 'Verified. The incident closes when its alerts are resolved.';
  const pages = effects.filter(({ kind, state }) => kind === 'page' && state === 'succeeded');
  const suggested = decisions.findLast(({ question }) => question === undefined);
  if (suggested?.to_version != null && (suggested.kind === 'suggest' || suggested.kind === 'shadow'))
    return `If the deploy is the cause, roll ${suggested.from_version ?? 'it'} back to ${suggested.to_version}: /rollback ${incident.service} ${incident.environment}`;
  if (suggested?.reasons.some(({ code }) => code === 'canary_aborted') === true)
    return `The stable version has all traffic again. Find out why ${suggested.from_version ?? 'the new version'} was worse before you start another canary.`;
  const byHand = suggested === undefined ? [] : byHandTexts(suggested).map(sentence);
  const step = byHand.length === 0 ? 'Find the cause.' : byHand.join(' ');
  if (pages.length === 0) return step;
  return pages.every(({ stand_in }) => stand_in === true)
    ? `${step} The page went to the sandbox, so nobody was notified.`
    : `${step} The on-call responder has been paged.`;
}

/** Describes the options after a rollback that failed or did not help. */
function optionsText({ incident, decisions }: Overview, failed: FailedRollback | undefined): string {
  const target = decisions.findLast(({ question }) => question === undefined)?.target ?? incident;
  const { service, environment } = failed?.order ?? target;
  const serviceInEnvironment = `${service} ${environment}`;
  return [
    ...(failed?.order == null ? [] : [`Try again: /rollback ${serviceInEnvironment} ${failed.order.to}.`]),
    `Roll back to another version: /rollback ${serviceInEnvironment} VERSION (/deploys ${serviceInEnvironment} lists them).`,
    'Hand over: /incident handover @USER.',
  ].join(' ');
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

function approvalReasonText(decision: DecisionView, before: string): string {
  const why = approvalReason(decision);
  return why === '' ? '' : `${before}Approval is needed because: ${why}.`;
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
 * hide the conversation.
 */
const KINDS_WITHOUT_MESSAGE = /^(incident\.opened|alerts\.|workflow\.|mitigation\.not_taken)/;

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
  [/^incident\.resolved$/, '✅'],
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
