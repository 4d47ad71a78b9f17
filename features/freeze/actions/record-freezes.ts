import { sha256 } from '../../../core/stores/hash.ts';
import { allCalendarFreezes } from '../decisions/calendar.ts';
import { incidentFreeze } from '../decisions/causes.ts';
import type { FreezePlanInputs } from '../decisions/budget/freeze-plan-inputs.ts';
import { planFreezes, type FreezePlan } from '../decisions/budget/plan-freezes.ts';
import type { ReportReader } from '../../../core/domain/ports/reports.ts';
import type { Deps } from '../ports.ts';
import { REQUIRED_FREEZE } from '../reports.ts';
import type { Freeze } from '../schemas/freeze.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { pooled } from '../../../core/domain/concurrency.ts';
import { calendarNow, requirePublished } from './inputs.ts';
import { incidentsCanFreeze, policyOf } from '../decisions/policy.ts';

const AT_ONCE = 8;

type RecordDeps = Pick<Deps, 'clock' | 'config' | 'freezes' | 'incidents' | 'log'>;

/**
 * Returns a freeze in its current state. A freeze of the calendar or of an incident takes effect and changes before the
 * next evaluation records it. This function records it at once, so that it can be lifted or overridden immediately.
 *
 * @param reader whose budget the search among all open incidents costs
 */
export async function recordedFreeze(
  deps: RecordDeps & Pick<Deps, 'reports'>,
  id: string,
  reader: ReportReader,
): Promise<Freeze | undefined> {
  const known = await deps.freezes.get(id);
  if (known === undefined) {
    const { value: required } = await deps.reports.read(REQUIRED_FREEZE, { id }, reader);
    return required === null ? undefined : (await deps.freezes.open(required)).freeze;
  }
  if (!isComputed(known)) return known;
  try {
    await correct(deps, [known], 'known');
  } catch (error) {
    deps.log.warn('a freeze could not be updated; its record may be outdated', { freeze: id, error: String(error) });
    return known;
  }
  return deps.freezes.get(id);
}

/** Returns the freeze with this ID that the calendar or an open incident requires, recorded or not. */
export async function requiredFreeze(deps: RecordDeps, id: string): Promise<Freeze | undefined> {
  const config = await deps.config.current('anew');
  const { calendar, incidents } = await causesNow(deps, config, await openIncidents(deps, config), []);
  const ofIncidents = incidents.flatMap(({ incident, policy }) => incidentFreeze(incident, policy, sha256) ?? []);
  return [...allCalendarFreezes(calendar, sha256), ...ofIncidents].find((freeze) => freeze.id === id);
}

/**
 * Records the freezes of the calendar and of open incidents at once, as the next evaluation would, so that lists show
 * the freezes in force. If this fails, lists show the last recorded state.
 */
export async function recordComputedFreezes(deps: RecordDeps): Promise<void> {
  try {
    await correct(deps, (await deps.freezes.current()).filter(isComputed), 'all');
  } catch (error) {
    deps.log.warn('freezes of the calendar and of incidents could not be updated; the list may be outdated', {
      error: String(error),
    });
  }
}

type CurrentCauses = Pick<FreezePlanInputs, 'at' | 'calendar'> & {
  incidents: NonNullable<FreezePlanInputs['incidents']>;
};

/** Returns the open incidents, if any of them can freeze. */
const openIncidents = async ({ incidents }: RecordDeps, config: Config): Promise<IncidentRecord[]> =>
  incidentsCanFreeze(config) ? incidents.open() : [];

/**
 * Returns what the calendar and incidents require now.
 *
 * @param current freezes whose incidents are read directly, because the list of open incidents is eventually consistent
 */
async function causesNow(
  deps: RecordDeps,
  config: Config,
  open: readonly IncidentRecord[],
  current: readonly Freeze[],
): Promise<CurrentCauses> {
  requirePublished(config);
  const known = await Promise.all(
    current.flatMap(({ incident_id }) => (incident_id === null ? [] : [readIncident(deps, incident_id)])),
  );
  const incidents = new Map([...open, ...known.flat()].map((incident) => [incident.id, incident]));
  const at = deps.clock.now();
  return {
    at,
    calendar: calendarNow(config, at),
    incidents: [...incidents.values()]
      .filter(({ status }) => status !== 'resolved')
      .map((incident) => ({ incident, policy: policyOf(config, incident) })),
  };
}

const readIncident = async ({ incidents }: RecordDeps, id: string) =>
  (await incidents.read(IncidentId.parse(id))) ?? [];

export const isComputed = ({ cause }: Freeze): boolean => cause === 'calendar' || cause === 'incident';

/**
 * Makes records correct. Most often, they are. Otherwise, the configuration is read anew, after the records: so none goes back
 * to an older one than another thread or instance has recorded it by. Only the evaluation decides whether the cause of a
 * lifted freeze has ended since.
 *
 * @param of `all`: freezes without a record get one; `known`: only records that exist are corrected
 */
async function correct(deps: RecordDeps, current: readonly Freeze[], of: 'all' | 'known'): Promise<void> {
  const planBy = async (config: Config): Promise<Pick<FreezePlan, 'end' | 'revise' | 'open'>> => {
    const causes = await causesNow(deps, config, of === 'all' ? await openIncidents(deps, config) : [], current);
    const { end, revise, open } = planFreezes({ ...causes, objectives: [], current }, sha256);
    return { end, revise, open: of === 'all' ? open : [] };
  };
  const found = await planBy(await deps.config.current());
  if (Object.values(found).every(({ length }) => length === 0)) return;
  const { end, revise, open } = await planBy(await deps.config.current('anew'));
  await pooled(end, AT_ONCE, async ({ id, ...how }) => void (await deps.freezes.end(id, how)));
  await pooled(revise, AT_ONCE, async (revision) => void (await deps.freezes.revise(revision)));
  await pooled(open, AT_ONCE, async (freeze) => void (await deps.freezes.open(freeze)));
}
