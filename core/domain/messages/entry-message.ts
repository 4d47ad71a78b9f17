import type { TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { ChatMessage, Text } from './chat-message.ts';
import { endMark, withoutWhy } from '../incidents/closing.ts';
import { remediesOf } from '../rollback/remedies.ts';

/**
 * Timeline kinds that get no message in the channel: alerts are counted in the summary, and a message for each would
 * hide the conversation. An updated page shows what the channel shows already.
 */
const KINDS_WITHOUT_MESSAGE = /^(incident\.opened|alerts\.|workflow\.|mitigation\.not_taken|page-update\.succeeded)/;

export const hasMessage = ({ kind }: TimelineEntry): boolean => !KINDS_WITHOUT_MESSAGE.test(kind);

const ENTRY_MARKS: readonly [RegExp, string][] = [
  [/[._](?:failed|refused)$/, '⚠️'],
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
  [/^incident\.recovered$/, '✅'],
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
  const mark = kind === 'incident.resolved' ? endMark(entry) : markOf(kind);
  const name = withoutWhy(actor);
  const person = PROGRAMS.has(name) ? null : shownOf(actor);
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
      { kind: 'note', text: [{ at, seconds: true }, person === null ? ` · ${name}` : ''] },
    ],
  };
}

const markOf = (kind: string): string => ENTRY_MARKS.find(([pattern]) => pattern.test(kind))?.[1] ?? '•';

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
