import type { CalendarEntry } from '../schemas/calendar.ts';
import type { Freeze, FreezeScope } from '../schemas/freeze.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { SingleSpan } from '../../../schemas/time/time-span.ts';
import { nextSpan, spansAt } from '../../../core/domain/time/time-spans.ts';
import { FREEZE_DEFAULTS } from './causes.ts';
import type { CalendarFreeze } from './check-inputs.ts';
import { freezeId, type Hash } from './ids.ts';
import type { CheckedScope } from '../types.ts';
import { CALENDAR, covers } from './state.ts';
import { utcMinuteOfEnd } from './words.ts';

/**
 * The calendar at an instant: for each entry, the spans in force and the next span. The result is constant until
 * `until` (null: forever), so it does not need to be recomputed for each check.
 */
export type CalendarNow = {
  at: Timestamp;
  until: Timestamp | null;
  spans: { entry: CalendarEntry; scopes: FreezeScope[]; span: SingleSpan }[];
};

export function calendarAt(entries: readonly CalendarEntry[], at: Timestamp): CalendarNow {
  const spans = entries.flatMap((entry) => {
    const next = nextSpan(entry, at);
    const all = [...spansAt(entry, at), ...(next === undefined ? [] : [next])];
    return all.map((span) => ({ entry, scopes: scopesOf(entry), span }));
  });
  const changes = spans.map(({ span }) => (at < span.from ? span.from : span.until)).toSorted();
  return { at, until: changes[0] ?? null, spans };
}

/**
 * Returns the calendar freezes of a service and environment: those in force, and the next one of each entry. An edit of
 * an entry in force changes its freeze immediately; the freeze keeps its ID as long as name and start stay the same.
 */
export const calendarFreezes = (now: CalendarNow, checked: CheckedScope, hash: Hash): CalendarFreeze[] =>
  now.spans.flatMap(({ entry, scopes, span }) =>
    scopes
      .filter((scope) => covers(scope, checked))
      .map((scope) => ({
        ...freezeOf(entry, scope, span, hash),
        ...(entry.passes !== undefined && { passes: entry.passes }),
      })),
  );

/** Returns the calendar freezes for all services and environments, for storing them as soon as they are in force. */
export const allCalendarFreezes = (now: CalendarNow, hash: Hash): Freeze[] =>
  now.spans.flatMap(({ entry, scopes, span }) => scopes.map((scope) => freezeOf(entry, scope, span, hash)));

function freezeOf(entry: CalendarEntry, scope: FreezeScope, { from, until }: SingleSpan, hash: Hash): Freeze {
  return {
    ...FREEZE_DEFAULTS,
    ...scope,
    id: freezeId(hash, 'calendar', [entry.name, scope.service, scope.team, scope.environment], from),
    cause: 'calendar',
    reason:
      entry.reason === undefined
        ? `${entry.name} (calendar)`
        : `${entry.reason} (calendar, ${JSON.stringify(entry.name)})`,
    ends_when: `the calendar entry ends at ${utcMinuteOfEnd(until)}`,
    starts_at: from,
    until,
    opened_by: CALENDAR,
    opened_at: from,
    calendar: entry.name,
  };
}

/**
 * Returns one scope for each service or team and environment of an entry (all, where the entry lists none), without
 * duplicates.
 */
export function scopesOf({ services, teams, environments }: CalendarEntry): FreezeScope[] {
  const owners: Pick<FreezeScope, 'service' | 'team'>[] = services?.map((service) => ({ service, team: null })) ??
    teams?.map((team) => ({ service: null, team })) ?? [{ service: null, team: null }];
  const scopes = owners.flatMap((owner) => (environments ?? [null]).map((environment) => ({ ...owner, environment })));
  return [...new Map(scopes.map((scope) => [JSON.stringify(scope), scope])).values()];
}
