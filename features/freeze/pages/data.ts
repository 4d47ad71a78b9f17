import { type RecentDecision, recentRefusals } from '../actions/refusals.ts';
import { recordComputedFreezes } from '../actions/record-freezes.ts';
import { knownServices, knownTeams } from '../actions/known-names.ts';
import { configuredEnvironments } from '../../../core/domain/catalogue/known-names.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { scopeInWords } from '../decisions/words.ts';
import { stateAt } from '../decisions/state.ts';
import { nextSpan, spansAt } from '../../../core/domain/time/time-spans.ts';
import type { CalendarEntry } from '../schemas/calendar.ts';
import type { Freeze } from '../schemas/freeze.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import type { FreezePorts } from '../ports.ts';
import { mayRead } from '../routes/access.ts';
import type { Viewer } from '../../../entrances/http/context.ts';
import type { PageRequest, ConsoleDeps } from '../../../entrances/console/pages/page.ts';

const DAYS_AHEAD = 28;
const DAY_SECONDS = 24 * 3600;
const REFUSALS_SHOWN = 20;
const ENDED_SHOWN = 15;

/** Maximum number of occurrences of a calendar entry: one a day, and one that began before. */
const OCCURRENCES_MAX = DAYS_AHEAD + 1;

/** A freeze with a known start, for the list by day. */
export type Planned = {
  /** Null: until it is lifted. */
  until: Timestamp | null;
  from: Timestamp;
  scope: string;
  reason: string;
  /** Null: a person declared it. */
  calendar: string | null;
};

/** Everything that the page of freezes shows. */
export type FreezesData = Pick<Viewer, 'may' | 'csrfToken'> & {
  at: Timestamp;
  active: readonly Freeze[];
  /** Those of a person that have not started yet. */
  scheduled: readonly Freeze[];
  /** Freezes of the next days, by day: `2026-11-20`. Days without a change are left out. */
  days: readonly { day: string; freezes: readonly Planned[] }[];
  /** Refused deployments, newest first. */
  refused: readonly RecentDecision[];
  /** Ended freezes, newest first. `older`: where the next page starts. */
  ended: { items: readonly Freeze[]; from: string | null; older: string | null };
  /** Names that the form of a new freeze offers, in which the viewer may freeze. */
  scopes: { services: readonly string[]; teams: readonly string[]; environments: readonly string[] };
  /** The scope that is selected in it, such as `service:checkout`. Null: none. */
  selected: string | null;
};

export async function loadFreezes(
  deps: ConsoleDeps & FreezePorts,
  { viewer, query }: PageRequest,
): Promise<FreezesData> {
  const { may, csrfToken, caller } = viewer;
  caller.allow('freezes:read', {});
  const from = query.get('from') || null;
  // Freezes of the calendar and of incidents are in the list as soon as they are in force.
  if (from === null) await recordComputedFreezes(deps);
  const mayReadFreeze = (freeze: Pick<Freeze, 'service' | 'environment'>) =>
    mayRead({ may: (scope) => may('freezes:read', scope) }, freeze);
  const at = deps.clock.now();
  const [current, config, refused, ended] = await Promise.all([
    deps.freezes.current(),
    deps.config.current(),
    recentRefusals(deps, ({ service, environment }) => may('freezes:read', { service, environment }), REFUSALS_SHOWN),
    deps.freezes.list(
      { limit: ENDED_SHOWN, ...(from !== null && { cursor: from }) },
      (freeze) => mayReadFreeze(freeze) && stateAt(freeze, at) === 'over',
    ),
  ]);
  const visible = current.filter(mayReadFreeze);
  const active = visible.filter((freeze) => stateAt(freeze, at) === 'in_force');
  const scheduled = visible.filter((freeze) => stateAt(freeze, at) === 'scheduled' && freeze.cause === 'person');
  return {
    may,
    csrfToken,
    at,
    active: active.toSorted((a, b) => (a.starts_at < b.starts_at ? 1 : -1)),
    scheduled,
    days: byDay(
      [
        ...[...active, ...scheduled].filter(({ cause }) => cause === 'person').map(plannedOf),
        ...config.freeze.calendar
          .filter((entry) => isReadable(entry, mayReadFreeze))
          .flatMap((entry) => occurrencesOf(entry, at)),
      ],
      at,
    ),
    refused,
    ended: { items: ended.items, from, older: ended.next_cursor },
    scopes: await scopesOf(deps, config, viewer),
    selected: query.get('scope'),
  };
}

/** @returns names in alphabetical order */
async function scopesOf(
  { changes }: Pick<ConsoleDeps, 'changes'>,
  config: Config,
  { may }: Viewer,
): Promise<FreezesData['scopes']> {
  if (!may('freezes:write', {})) return { services: [], teams: [], environments: [] };
  const live = await changes.live();
  const services = [...knownServices(config, new Set(live.map(({ service }) => service)))];
  const environments = new Set([...configuredEnvironments(config), ...live.map(({ environment }) => environment)]);
  return {
    services: services.filter((service) => may('freezes:write', { service })).toSorted(),
    teams: may('freezes:write', { service: null }) ? [...knownTeams(config)].toSorted() : [],
    environments: [...environments].toSorted(),
  };
}

const plannedOf = (freeze: Freeze): Planned => ({
  from: freeze.starts_at,
  until: freeze.until,
  scope: scopeInWords(freeze),
  reason: freeze.reason,
  calendar: null,
});

const isReadable = (
  { services, environments }: CalendarEntry,
  mayReadFreeze: (freeze: Pick<Freeze, 'service' | 'environment'>) => boolean,
): boolean =>
  (services ?? [null]).some((service) =>
    (environments ?? [null]).some((environment) => mayReadFreeze({ service, environment })),
  );

/** Returns the occurrences of a calendar entry that are in force in the next days. */
function occurrencesOf(entry: CalendarEntry, at: Timestamp): Planned[] {
  const horizon = plusSeconds(at, DAYS_AHEAD * DAY_SECONDS);
  const spans = [...spansAt(entry, at)];
  let after = at;
  while (spans.length < OCCURRENCES_MAX) {
    const next = nextSpan(entry, after);
    if (next === undefined || next.from >= horizon) break;
    spans.push(next);
    after = next.from;
  }
  const { services, teams, environments, name, reason } = entry;
  const [service = null, team = null, environment = null] = [services, teams, environments].map((all) =>
    all?.join(', '),
  );
  const scope = scopeInWords({ service, team, environment });
  return spans.map(({ from, until }) => ({ from, until, scope, reason: reason ?? name, calendar: name }));
}

/** Returns today with all freezes in force, and later days with those that begin or end then. */
export function byDay(planned: readonly Planned[], at: Timestamp): FreezesData['days'] {
  const midnight = `${at.slice(0, 10)}T00:00:00.000Z` as Timestamp;
  return Array.from({ length: DAYS_AHEAD }, (_, n) => plusSeconds(midnight, n * DAY_SECONDS)).flatMap((start) => {
    const day = start.slice(0, 10);
    const end = plusSeconds(start, DAY_SECONDS);
    const freezes = planned
      .filter(({ from, until }) => from < end && (until === null || (until > start && until > at)))
      .filter(({ from, until }) => start === midnight || from.startsWith(day) || until?.startsWith(day) === true)
      .toSorted((a, b) => (a.from < b.from ? -1 : 1));
    return freezes.length === 0 ? [] : [{ day, freezes }];
  });
}
