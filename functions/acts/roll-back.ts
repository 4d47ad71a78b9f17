import { serviceEntry } from '../../domain/catalogue.ts';
import type { Deps, Place } from '../../domain/ports.ts';
import { isAhead, liveChange, type RollbackTarget, rollbackTarget } from '../../domain/versions.ts';
import type { Change } from '../../schemas/change.ts';
import type { IncidentRecord, IncidentView } from '../../schemas/incident.ts';
import type { Version } from '../../schemas/names.ts';
import { declare } from './incidents.ts';
import { takeOver } from './take-over.ts';
import type { Who } from './who.ts';

/** As the judgement reads them. */
const CHANGES_READ = 50;

type PlanDeps = Pick<Deps, 'changes' | 'pins' | 'incidents' | 'config' | 'clock'>;

/** What a rollback that a person asks for would do now. */
export type Plan = {
  place: Place;
  /** What runs, as far as is told. */
  live: Change | undefined;
  /** Where it would go. Undefined: nothing is known to run. */
  way: RollbackTarget | undefined;
  /** It can be called. */
  hasDeployer: boolean;
  incident: IncidentRecord | undefined;
};

/** @throws Refusal 403 */
export async function planRollback(deps: PlanDeps, who: Who, place: Place): Promise<Plan> {
  who.allow('incidents:act', place);
  const [recent, pins, incident, { services }] = await Promise.all([
    deps.changes.recent(place, CHANGES_READ),
    deps.pins.of(place),
    deps.incidents.openAt(place),
    deps.config.current(),
  ]);
  const changes = recent.filter((change) => !isAhead(change, deps.clock.now()));
  const live = liveChange(changes);
  const pinned = pins.map(({ version }) => version);
  return {
    place,
    live,
    way: live && rollbackTarget(changes, live, pinned),
    hasDeployer: serviceEntry(services, place.service)?.environments[place.environment]?.deployer !== undefined,
    incident,
  };
}

/** What somebody has agreed to when they were shown the plan. */
export type Agreed = Place & { from: Version; to: Version | null };

/** Why what they have agreed to is not what would be done now, in words; undefined: it is. */
export function whyOther({ live, way }: Plan, { from, to }: Agreed): string | undefined {
  if (live === undefined) return 'nothing is known to run there any more';
  if (live.version !== from) return `${live.version} runs there now, and no longer ${from}`;
  if (way?.kind !== 'version') return 'there is no version to go back to any more';
  return to === null || way.version === to ? undefined : `it would go back to ${way.version} now, and not to ${to}`;
}

type RollDeps = PlanDeps & Pick<Deps, 'automation' | 'decisions' | 'engine' | 'onCall' | 'log'>;

/**
 * Rolls back what a person has agreed to: by the incident that is open there, or one that is opened for it, with the
 * guards that every rollback has.
 *
 * @returns the incident that does it
 * @throws Refusal 403, 409
 */
export async function rollBack(
  deps: RollDeps,
  who: Who,
  { place, from, trace }: { place: Place; from: Version; trace: string },
): Promise<IncidentView> {
  const { incident } = await declare(deps, who, {
    ...place,
    title: `Rollback of ${from}`,
    severity: 'warning',
    trace,
  });
  return takeOver(deps, who, { id: incident.id, action: 'rollback', note: '' });
}
