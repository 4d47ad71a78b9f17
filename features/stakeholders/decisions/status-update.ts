import { capitalized, decisionLines, linesOf, placeText } from '../../../core/domain/messages/decision-lines.ts';
import { type ApprovalUrls, NO_APPROVAL_URLS } from '../../../core/domain/incidents/approval-link.ts';
import { closedAsOf } from '../../../core/domain/incidents/closing.ts';
import { incidentName, numberText } from '../../../core/domain/incidents/incident-number.ts';
import { statusWords } from '../../../core/domain/incidents/status-words.ts';
import { consoleLink } from '../../../core/domain/messages/incident-card.ts';
import { rollbackOf } from '../../../core/domain/messages/incident-lines.ts';
import { answerable } from '../../../core/domain/messages/incident-buttons.ts';
import type { ChatMessage, ChatPart, Text } from '../../../core/domain/messages/chat-message.ts';
import { placedTitle } from '../../../core/domain/messages/place-names.ts';
import type { Overview } from '../../../core/domain/messages/story.ts';
import { presentSince, recoveredOtherwise } from '../../../core/domain/incidents/new-onset.ts';
import { isAcknowledged } from '../../../core/domain/paging/acknowledgement.ts';
import { minuteText, type Timestamp } from '../../../schemas/time/time.ts';

/** What a status update refers to. */
type Addresses = {
  /** The incident's page. Absent: not known. */
  url?: string | undefined;
  /** Pages of questions that the reader may answer. */
  approvals?: ApprovalUrls;
};

/**
 * Builds the message for people who do not work on the incident. It says what is affected, what is being done, and when
 * they hear more, in this order and in their words. The words of Firebreak follow, for those who know them.
 *
 * @param next when the next update follows at the latest. Null: when something changes
 */
export function statusUpdate(
  story: Overview,
  { url, approvals = NO_APPROVAL_URLS }: Addresses = {},
  next: Timestamp | null = null,
): ChatMessage {
  const { incident } = story;
  const { severity, resolved_at } = incident;
  const title = `${numberText(incident)}${placedTitle(incident)}`;
  const status = statusWords(incident);
  return {
    summary: `${resolved_at === null ? '' : `${capitalized(status)}: `}${title} (${severity}, ${status})`,
    parts: [
      { kind: 'header', text: title },
      paragraph('Impact', [impactText(story)]),
      paragraph('What is being done', [doneText(story)]),
      ...questionPart(story, approvals),
      paragraph('Next update', [nextText(resolved_at !== null, next)]),
      ...shadowPart(story),
      {
        kind: 'fields',
        fields: [
          { name: 'Status', value: [status] },
          { name: 'Severity', value: [severity] },
          { name: 'Commander', value: [incident.roles?.commander?.shown ?? 'unassigned'] },
        ],
      },
      { kind: 'note', text: [`Incident ${incidentName(incident)}`, ...consoleLink(url)] },
    ],
  };
}

const paragraph = (heading: string, [first = '', ...rest]: readonly string[] | Text): ChatPart => ({
  kind: 'text',
  text: [{ bold: heading }, ...(typeof first === 'string' ? [`\n${first}`] : ['\n', first]), ...rest],
});

/** Most children that an update lists. */
const CHILDREN_SHOWN_MAX = 20;

/** Says what is affected, and since when. */
function impactText({ incident, children, childCount }: Overview): string {
  const { opened_at, resolved_at, group_reason, title } = incident;
  const rows = children
    .slice(0, CHILDREN_SHOWN_MAX)
    .map((child) => `${child.service} ${child.environment}: ${child.title} (${statusWords(child)})`);
  const more = childCount - rows.length;
  const time =
    resolved_at === null
      ? `Since ${minuteText(presentSince(incident))}.`
      : `From ${minuteText(opened_at)} to ${minuteText(resolved_at)}.`;
  return [
    group_reason === undefined ? `${placeText(incident)}: ${title}` : `Several services: ${title}`,
    ...rows,
    ...(rows.length > 0 && more > 0 ? [`and ${more} more`] : []),
    time,
  ].join('\n');
}

/** Says what people and automation do, and what they have done. */
function doneText(story: Overview): string {
  const { incident } = story;
  const update = incident.handling?.stakeholder_update;
  return [
    ...(update?.text === undefined ? [] : [update.text, `(posted ${minuteText(update.at)})`]),
    stateText(story),
    ...fixes(story),
  ].join('\n');
}

function stateText(story: Overview): string {
  const { incident, effects } = story;
  const { status, verification, roles } = incident;
  switch (closedAsOf(incident)) {
    case 'verified':
      return 'The problem is over: the service recovered.';
    case 'person':
      return 'A responder closed the incident.';
    case 'unverified':
      return 'The incident was closed, but nothing has shown that the service recovered.';
    case null:
      break;
  }
  if (status === 'mitigating') return 'A fix is being applied.';
  if (status === 'mitigated' && recoveredOtherwise(incident)) return 'The service recovered.';
  if (status === 'mitigated')
    return verification === 'passed'
      ? 'A fix is in place, and the service recovered.'
      : 'A fix is in place. Whether it helps is being checked.';
  if (verification === 'failed') return 'A fix did not help. Responders look for another one.';
  if (answerable(story).length > 0) return 'A fix is ready. It waits for the approval of a person.';
  const commander = roles?.commander?.shown;
  if (commander !== undefined) return `${commander} leads the response. Responders look for the cause.`;
  if (isAcknowledged(incident)) return 'A responder looks for the cause.';
  const paged = effects.some(
    ({ kind, state, stand_in: simulated }) => kind === 'page' && state === 'succeeded' && !simulated,
  );
  return paged ? 'The on-call responder was called.' : 'Nobody has taken over yet.';
}

/** Lists what was put back to an earlier version, each once. */
function fixes(story: Overview): string[] {
  const told = new Map(
    story.decisions.flatMap((decision) => {
      const effect = rollbackOf(decision, story);
      const { from_version: from, to_version: to, target } = decision;
      if (effect?.state !== 'succeeded' || from === null || to === null) return [];
      const place = placeText(target ?? story.incident);
      return [[effect.key, `${minuteText(effect.at)}: ${place} went back from version ${from} to ${to}.`] as const];
    }),
  );
  const others = story.effects.filter(
    ({ kind, state, key }) => kind === 'roll-back' && state === 'succeeded' && !told.has(key),
  );
  return [...told.values(), ...others.map(({ at, detail }) => `${minuteText(at)}: ${detail}`)].toSorted();
}

/** The open question, for readers who may answer it: the page behind the link asks who they are. */
function questionPart(story: Pick<Overview, 'incident' | 'decisions'>, approvals: ApprovalUrls): ChatPart[] {
  const question = answerable(story).at(-1);
  const link = approvals.get(question?.id ?? '');
  if (question === undefined || link === undefined) return [];
  const lines = linesOf(decisionLines(question, story.incident)).join('\n');
  return [paragraph('Waits for an approval', [`${lines}\n`, { link, text: 'Approve or reject' }])];
}

function nextText(isOver: boolean, next: Timestamp | null): string {
  if (isOver) return 'None, unless the problem returns.';
  return next === null
    ? 'When the status changes, or a responder posts an update.'
    : `By ${minuteText(next)}, or earlier if something changes.`;
}

function shadowPart({ incident, decisions }: Overview): ChatPart[] {
  const shadow = decisions.findLast(({ would }) => would !== undefined);
  return shadow === undefined
    ? []
    : [paragraph('What automation would have done', [linesOf(decisionLines(shadow, incident)).join('\n')])];
}
