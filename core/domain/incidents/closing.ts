import * as z from 'zod';
import {
  ClosedAs,
  type IncidentRecord,
  type NotReopenable,
  type TimelineEntry,
} from '../../../schemas/incidents/incident.ts';

/** `resolved_by` of an incident that closed because nothing happened for `autoResolveHours`. */
export const QUIET = 'firebreak:quiet';

/** `resolved_by` of an incident whose alerts have ended, and whose health stayed above its limit. */
export const UNHEALTHY = 'firebreak:unhealthy';

/** Returns whether Firebreak closes an incident by itself, so that anything that happens meanwhile keeps it open. */
export const closesByItself = (by: string | null): boolean => by === null || by === QUIET || by === UNHEALTHY;

/** Why an incident can't be reopened by a person. */
export type ReopenRefusal = 'open' | NotReopenable;

/** What keeps an incident without activity open. */
export type QuietHold = 'firing_alert' | 'open_question' | 'recent_note' | 'bad_health';

/** Returns how an incident closes. @param by who resolves it. Null: its alerts have ended, and nothing is unproven */
export function closeKind(
  { unverified_children }: Pick<IncidentRecord, 'unverified_children'>,
  by: string | null,
): ClosedAs {
  if (by !== null) return isPerson(by) ? 'person' : 'unverified';
  return unverified_children === true ? 'unverified' : 'verified';
}

/** Returns how an incident was closed, also if it closed before this was recorded. Null: it is open. */
export const closedAsOf = (
  incident: Pick<IncidentRecord, 'status' | 'resolved_by' | 'closed_as' | 'unverified_children'>,
): ClosedAs | null =>
  incident.status === 'resolved' ? (incident.closed_as ?? closeKind(incident, incident.resolved_by)) : null;

/**
 * Returns when an incident ended. Null: it is open, or nothing has shown its end. A person who resolves an incident while an alert fires or
 * its health is above its limit, or before a recovery is verified, has measured nothing.
 */
export function shownEndOf(
  incident: Closed & Pick<IncidentRecord, 'resolved_at' | 'firing' | 'verification' | 'waits_for_health'>,
): IncidentRecord['resolved_at'] {
  const closedAs = closedAsOf(incident);
  const isBad = incident.firing > 0 || incident.waits_for_health !== undefined;
  const isUnshown = closedAs === 'unverified' || (closedAs === 'person' && isBad && incident.verification !== 'passed');
  return isUnshown ? null : incident.resolved_at;
}

/** Returns whether an incident is over, and nothing has shown how long its service was impaired (`restore_s`, in seconds). */
export const endsUnshown = (incident: { closed_as: ClosedAs | null; restore_s: number | null }): boolean =>
  incident.closed_as !== null && incident.restore_s === null;

/** Returns whether the alerts of an incident have ended, and it stays open because its health is above its limit. */
export const waitsForHealth = ({
  status,
  waits_for_health: waits,
}: Pick<IncidentRecord, 'status' | 'waits_for_health'>): boolean => status === 'open' && waits !== undefined;

/** Returns whether an actor is a person or a token, and not Firebreak or a sender of alerts. */
export const isPerson = (actor: string): boolean =>
  actor !== 'firebreak' && actor !== 'alerts' && !actor.startsWith('firebreak:');

/** Returns an actor without why Firebreak did something. @example 'firebreak' of 'firebreak:quiet' */
export const withoutWhy = (actor: string): string => (actor.startsWith('firebreak:') ? 'firebreak' : actor);

/** What is said of an incident that is over, in every channel. Only `verified` may be green. */
const CLOSED_WORDS: Readonly<Record<ClosedAs, { words: string; mark: string }>> = {
  verified: { words: 'resolved', mark: '✅' },
  person: { words: 'resolved', mark: '☑️' },
  unverified: { words: 'closed, not verified', mark: '⚪' },
};

/** Returns the mark of the timeline entry of an end. Entries of older versions do not say how an incident closed. */
export function endMark({ actor, detail }: Pick<TimelineEntry, 'actor' | 'detail'>): string {
  const known = z.object({ closed_as: ClosedAs }).safeParse(detail).data?.closed_as;
  return CLOSED_WORDS[known ?? closeKind({}, actor === 'firebreak' ? null : actor)].mark;
}

type Closed = Parameters<typeof closedAsOf>[0];

/** Returns the words and the mark for an incident that is over. Null: it is open. */
export function closedWords(incident: Closed): (typeof CLOSED_WORDS)[ClosedAs] | null {
  const closedAs = closedAsOf(incident);
  return closedAs === null ? null : CLOSED_WORDS[closedAs];
}

/** Says who resolved an incident, to follow its time. Empty: nobody did. @example ' by person:ada' */
export const resolverText = (incident: Closed): string =>
  closedAsOf(incident) === 'person' && incident.resolved_by !== null ? ` by ${incident.resolved_by}` : '';

/** What a person can do about an unverified incident that can't be reopened. */
export const INSTEAD_OF_REOPENING: Readonly<Record<NotReopenable, string>> = {
  group: 'If it has not, reopen one of its incidents',
  unmatched: 'If it has not, declare another incident',
};

/**
 * Explains an incident that closed without a proof of recovery.
 *
 * @param notReopenable null: it can be reopened
 * @param why what is known instead
 */
export const unverifiedText = (
  notReopenable: NotReopenable | null,
  why = 'nothing has shown that the service recovered',
): string =>
  `Closed, not verified: ${why}. ${
    notReopenable === null
      ? 'Reopen it if it has not; the next alert reopens it, too'
      : INSTEAD_OF_REOPENING[notReopenable]
  }`;
