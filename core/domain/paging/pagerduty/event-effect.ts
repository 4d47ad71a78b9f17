import type {
  PagerDutyEvent,
  PagerDutyIncident,
  PagerDutyReference,
  PagerDutyResponder,
} from '../../../../schemas/messages/pagerduty.ts';
import { type PagerUser, userOf } from './users.ts';

/** Effect of a PagerDuty event on its incident in Firebreak. `by`: null if no person caused it. */
export type EventEffect =
  | { kind: 'nothing'; because: string }
  /** PagerDuty notifies these people of the new incident. */
  | { kind: 'paged'; people: PagerUser[] }
  /** A person acknowledged the incident. */
  | { kind: 'acknowledged'; by: PagerUser }
  /** The incident is no longer acknowledged. */
  | { kind: 'unacknowledged'; text: string; by: PagerUser | null }
  | { kind: 'assigned'; text: string; by: PagerUser | null; to: string[] }
  /** A person resolved the incident. */
  | { kind: 'resolved'; by: PagerUser }
  /** The incident continues in PagerDuty under another ID. */
  | { kind: 'merged'; by: PagerUser | null; into: string; text: string }
  /** A status update was sent to stakeholders. `words`: its text. */
  | { kind: 'update_published'; by: PagerUser | null; text: string; words: string }
  | { kind: 'noted'; by: PagerUser | null; as: string; text: string };

const nothing = (because: string): EventEffect => ({ kind: 'nothing', because });

/** Interprets an event. Pure: a repeated delivery has the same meaning. */
export function effectOfEvent(event: PagerDutyEvent): EventEffect {
  const by = userOf(event.agent);
  const byText = by === null ? '' : ` by ${by.name}`;
  switch (event.event_type) {
    case 'incident.triggered':
      return paged(event.data);
    case 'incident.acknowledged':
      return by === null ? nothing('not acknowledged by a person') : { kind: 'acknowledged', by };
    case 'incident.unacknowledged':
      return { kind: 'unacknowledged', by, text: `Unacknowledged at PagerDuty${byText}: notifications resume` };
    case 'incident.reopened':
      return noted('page.reopened', by, `Reopened at PagerDuty${byText}`);
    case 'incident.reassigned':
    case 'incident.escalated':
    case 'incident.delegated':
      return assigned(event.event_type, event.data, by);
    case 'incident.priority_updated':
      return noted('page.priority', by, `Priority at PagerDuty${byText}: ${event.data.priority?.summary || 'none'}`);
    case 'incident.resolved':
      return resolved(event.data, by);
    case 'incident.annotated':
      return isOwnNote(event.data.content)
        ? nothing('the note is by Firebreak')
        : noted('page.note', by, `Note at PagerDuty${byText}: ${event.data.content}`);
    case 'incident.status_update_published':
      return stakeholderUpdate(by, byText, event.data.message);
    case 'incident.responder.added':
    case 'incident.responder.replied':
      return responder(event.event_type, event.data, by);
  }
}

const stakeholderUpdate = (by: PagerUser | null, byText: string, messageText: string): EventEffect => ({
  kind: 'update_published',
  by,
  text: `Status update at PagerDuty${byText}: ${messageText}`,
  words: messageText,
});

const noted = (entryKind: string, by: PagerUser | null, text: string): EventEffect => ({
  kind: 'noted',
  as: entryKind,
  by,
  text,
});

function paged({ assignees }: PagerDutyIncident): EventEffect {
  const people = (assignees ?? []).flatMap((reference) => userOf(reference) ?? []);
  return people.length === 0 ? nothing('a page opened the incident') : { kind: 'paged', people };
}

const ASSIGNMENT_VERBS = {
  'incident.reassigned': 'Reassigned',
  'incident.escalated': 'Escalated',
  'incident.delegated': 'Delegated',
} as const;

function assigned(type: keyof typeof ASSIGNMENT_VERBS, data: PagerDutyIncident, by: PagerUser | null): EventEffect {
  const to = [...new Set((data.assignees ?? []).flatMap((reference) => reference.summary || []))].toSorted();
  const policy = type === 'incident.delegated' ? data.escalation_policy?.summary : undefined;
  const named = [...(policy ? [`policy ${policy}`] : []), ...to].join(', ');
  const text = `${ASSIGNMENT_VERBS[type]} at PagerDuty${by === null ? '' : ` by ${by.name}`}${named === '' ? '' : ` to ${named}`}`;
  return { kind: 'assigned', text, by, to };
}

/** Ignores resolutions by an integration, which repeat what Firebreak or the integration already reported. */
function resolved(data: PagerDutyIncident, by: PagerUser | null): EventEffect {
  const into = data.resolve_reason?.incident?.id;
  if (into !== undefined)
    return {
      kind: 'merged',
      by,
      into,
      text: `Merged at PagerDuty${by === null ? '' : ` by ${by.name}`} into ${into}`,
    };
  return by === null ? nothing('not resolved by a person') : { kind: 'resolved', by };
}

function responder(
  type: 'incident.responder.added' | 'incident.responder.replied',
  { user, escalation_policy, message, state }: PagerDutyResponder,
  by: PagerUser | null,
): EventEffect {
  const requested = nameOf(user) ?? nameOf(escalation_policy) ?? 'A responder';
  const messageText = message ? `: ${message}` : '';
  if (type === 'incident.responder.replied')
    return noted(
      'page.responder',
      by,
      `${requested} answered the responder request at PagerDuty: ${state || 'answered'}${messageText}`,
    );
  return noted(
    'page.responder',
    by,
    `Requested ${requested} as a responder at PagerDuty${by === null ? '' : ` by ${by.name}`}${messageText}`,
  );
}

const nameOf = (reference: PagerDutyReference | null | undefined): string | undefined =>
  reference?.summary || undefined;

/** Start of Firebreak's notes, as `pageNote` writes them: a webhook may truncate the end of a note. */
const FIRST_LINE = /^Firebreak tracks this as (?:INC-\d+|(?:incident )?[0-9A-Z]{26}): /;

/** Line that identifies a note written by Firebreak. */
const MARKER = /^firebreak:\S+$/m;

/** Returns whether Firebreak wrote the note, so that its webhook is ignored. */
export const isOwnNote = (content: string): boolean => {
  const text = content.replaceAll('\r\n', '\n');
  return FIRST_LINE.test(text) || MARKER.test(text);
};
