import { sha256 } from '../../../core/stores/hash.ts';
import { allCalendarFreezes } from '../decisions/calendar.ts';
import { incidentFreeze } from '../decisions/causes.ts';
import type { FreezePlanInputs } from '../decisions/budget/freeze-plan-inputs.ts';
import { planFreezes, type FreezePlan } from '../decisions/budget/plan-freezes.ts';
import type { ReportReader } from '../../../core/domain/ports/reports.ts';
import type { Deps } from '../ports.ts';
import { REQUIRED_FREEZE } from '../reports.ts';
import type { Freeze } from '../schemas/freeze.ts';
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
  const causes = await causesNow(deps, [], [known]);
  await applyCorrections(deps, planFreezes({ ...causes, objectives: [], current: [known] }, sha256));
  return deps.freezes.get(id);
}

/** Returns the freeze with this ID that the calendar or an open incident requires, recorded or not. */
export async function requiredFreeze(deps: RecordDeps, id: string): Promise<Freeze | undefined> {
  const { calendar, incidents } = await causesNow(deps, await openIncidents(deps), []);
  const ofIncidents = incidents.flatMap(({ incident, policy }) => incidentFreeze(incident, policy, sha256) ?? []);
  return [...allCalendarFreezes(calendar, sha256), ...ofIncidents].find((freeze) => freeze.id === id);
}

/**
 * Records the freezes of the calendar and of open incidents at once, as the next evaluation would, so that lists show
 * the freezes in force. If this fails, lists show the last recorded state.
 */
export async function recordComputedFreezes(deps: RecordDeps): Promise<void> {
  try {
    const current = (await deps.freezes.current()).filter(isComputed);
    const causes = await causesNow(deps, await openIncidents(deps), current);
    const plan = planFreezes({ ...causes, objectives: [], current }, sha256);
    await applyCorrections(deps, plan);
    await pooled(plan.open, AT_ONCE, async (freeze) => void (await deps.freezes.open(freeze)));
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
const openIncidents = async ({ config, incidents }: RecordDeps): Promise<IncidentRecord[]> =>
  incidentsCanFreeze(await config.current()) ? incidents.open() : [];

/**
 * Returns what the calendar and incidents require now.
 *
 * @param current freezes whose incidents are read directly, because the list of open incidents is eventually consistent
 */
async function causesNow(
  deps: RecordDeps,
  open: readonly IncidentRecord[],
  current: readonly Freeze[],
): Promise<CurrentCauses> {
  const known = await Promise.all(
    current.flatMap(({ incident_id }) => (incident_id === null ? [] : [readIncident(deps, incident_id)])),
  );
  const config = await deps.config.current();
  requirePublished(config);
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

const isComputed = ({ cause }: Freeze): boolean => cause === 'calendar' || cause === 'incident';

/** Applies ends and revisions. Only the evaluation decides whether the cause of a lifted freeze has ended since. */
async function applyCorrections({ freezes }: RecordDeps, { end, revise }: FreezePlan): Promise<void> {
  await pooled(end, AT_ONCE, async ({ id, ...how }) => void (await freezes.end(id, how)));
  await pooled(revise, AT_ONCE, async (revision) => void (await freezes.revise(revision)));
}
