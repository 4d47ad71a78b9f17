import { incidentNamer } from '../../../core/actions/incidents/incident-numbers.ts';
import { recentRefusals } from '../actions/refusals.ts';
import { recordComputedFreezes } from '../actions/record-freezes.ts';
import { knownServices } from '../actions/known-names.ts';
import { configuredEnvironments, knownTeams } from '../../../core/domain/catalogue/known-names.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { scopeInWords } from '../decisions/words.ts';
import { stateAt } from '../decisions/state.ts';
import { putsVersionLive } from '../../../core/domain/changes/versions.ts';
import { nextSpan, spansAt } from '../../../core/domain/time/time-spans.ts';
import type { CalendarEntry } from '../schemas/calendar.ts';
import type { Freeze } from '../schemas/freeze.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { readableBy } from '../actions/compute.ts';
import type { ComputeOf } from '../../manifest.ts';
import { type Deps, withPorts } from '../ports.ts';
import type { FREEZES_PAGE, Planned, ShownFreezes } from '../reports.ts';
import type { Viewer } from '../../../entrances/http/context.ts';

const DAYS_AHEAD = 28;
const DAY_SECONDS = 24 * 3600;
const REFUSALS_SHOWN = 20;
const ENDED_SHOWN = 15;

/** Newest changes whose versions are offered. */
const CHANGES_READ = 100;

/** Maximum number of occurrences of a calendar entry: one a day, and one that began before. */
const OCCURRENCES_MAX = DAYS_AHEAD + 1;

/** Everything that the page of freezes shows. */
export type FreezesData = ShownFreezes &
  Pick<Viewer, 'may' | 'csrfToken'> & {
    /** The scope that is selected in the form of a new freeze, such as `service:checkout`. Null: none. */
    selected: string | null;
  };

export const shownFreezes: ComputeOf<typeof FREEZES_PAGE> = async (core, { from }, may) => {
  const deps = withPorts(core);
  // Freezes of the calendar and of incidents are in the list as soon as they are in force.
  if (from === null) await recordComputedFreezes(deps);
  const mayReadFreeze = readableBy(may);
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
  const incidents = active.flatMap(({ incident_id: id }) => id ?? []);
  const named = await incidentNamer(deps, incidents);
  return {
    at,
    incidents: incidents.map(named),
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
    versions: await versionsOf(deps, refused, may),
    scopes: await scopesOf(deps, config, may),
  };
};

async function versionsOf(
  { changes }: Pick<Deps, 'changes'>,
  refused: ShownFreezes['refused'],
  may: Viewer['may'],
): Promise<ShownFreezes['versions']> {
  if (!may('freezes:override', {})) return [];
  const { items } = await changes.list({ limit: CHANGES_READ });
  const recorded = items.filter((change) => putsVersionLive(change) && may('deployments:read', change));
  return [...refused.map(({ request }) => request), ...recorded].flatMap(({ service, environment, version }) =>
    version === null ? [] : [{ service, environment, version }],
  );
}

/** @returns names in alphabetical order */
async function scopesOf(
  { changes }: Pick<Deps, 'changes'>,
  config: Config,
  may: Viewer['may'],
): Promise<ShownFreezes['scopes']> {
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
export function byDay(planned: readonly Planned[], at: Timestamp): ShownFreezes['days'] {
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
