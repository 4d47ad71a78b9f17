import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import {
  type NamedTarget,
  namedTarget,
  type Past,
  pastOf,
  type Way,
  wayFrom,
  whyNotTo,
} from '../../domain/changes/named-version.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import {
  startsTooFarAhead,
  newestLiveChange,
  type RollbackTarget,
  rollbackTarget,
} from '../../domain/changes/versions.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { Version } from '../../schemas/config/names.ts';
import { Refusal } from '../refusal.ts';
import type { Who } from '../incidents/acting-person.ts';

/** Number of changes that are read, as for decisions of automation. */
const CHANGES_READ = 50;

export type PlanDeps = Pick<Deps, 'changes' | 'pins' | 'incidents' | 'config' | 'clock'>;

/** Effect that a rollback by a person would have now. */
export type Plan = {
  place: ServiceEnvironment;
  /** The running version, as far as recorded. */
  live: Change | undefined;
  /** Target version. Undefined: the running version is unknown. */
  way: RollbackTarget | NamedTarget | undefined;
  /** Recorded facts about the target version. */
  past: Past | undefined;
  /** Effect on the running version. Undefined: no rollback is possible. */
  does: Way | undefined;
  /** Whether a deployer is configured. */
  hasDeployer: boolean;
  incident: IncidentRecord | undefined;
};

/**
 * Plans a rollback. Changes nothing.
 *
 * @param named requested target version; absent: the newest that is known to be good
 * @throws Refusal 403
 */
export async function planRollback(
  deps: PlanDeps,
  who: Who,
  place: ServiceEnvironment,
  named?: Version,
): Promise<Plan> {
  who.allow('incidents:act', place);
  const [recent, pins, incident, { services }] = await Promise.all([
    deps.changes.recent(place, CHANGES_READ),
    deps.pins.of(place),
    deps.incidents.openAt(place),
    deps.config.current(),
  ]);
  const changes = recent.filter((change) => !startsTooFarAhead(change, deps.clock.now()));
  return {
    place,
    ...whereTo(changes, named, pins),
    hasDeployer: serviceEntry(services, place.service)?.environments[place.environment]?.deployer !== undefined,
    incident,
  };
}

function whereTo(
  changes: readonly Change[],
  named: Version | undefined,
  pins: readonly { version: Version }[],
): Pick<Plan, 'live' | 'way' | 'past' | 'does'> {
  const live = newestLiveChange(changes);
  if (live === undefined) return { live, way: undefined, past: undefined, does: undefined };
  const pinned = pins.map(({ version }) => version);
  const chosen = rollbackTarget(changes, live, pinned);
  const target = named === undefined ? chosen : namedTarget(changes, live, named, pinned);
  if (target.kind !== 'version') return { live, way: target, past: undefined, does: undefined };
  const known = chosen.kind === 'version' ? chosen.version : null;
  const { undoes } = target;
  return {
    live,
    way: target,
    past: pastOf(changes, target.version, { chosen: known, undoes, live }),
    does: wayFrom(changes, live, undoes),
  };
}

/** The rollback that a person confirmed after seeing its plan. */
export type Agreed = ServiceEnvironment & { from: Version; to: Version | null };

/** Returns why the plan now differs from the confirmed one. Undefined: it is the same. */
export function whyOther({ place, live, way }: Plan, { from, to }: Agreed): string | undefined {
  if (live === undefined) return 'the running version is not known any more';
  if (live.version !== from) return `${live.version} is running now instead of ${from}`;
  if (way === undefined || way.kind === 'none_known_good') return 'there is no version to roll back to any more';
  if (way.kind !== 'version') return whyNotTo(way, place);
  return to === null || way.version === to ? undefined : `the target is now ${way.version} instead of ${to}`;
}

/** API refusals of versions that cannot be rolled back to. */
const REFUSALS: Record<Exclude<NamedTarget['kind'], 'version'>, (text: string) => Refusal> = {
  unknown: (text) => new Refusal(422, 'version-unknown', text),
  never_ran: (text) => new Refusal(409, 'version-never-ran', text),
  runs: (text) => new Refusal(409, 'version-runs', text),
  pinned: (text) => new Refusal(409, 'version-pinned', text),
  unsafe: (text) => new Refusal(409, 'rollback-not-safe', text),
};

/** @throws Refusal 409, 422 if a rollback to the named version is not possible */
export function refuseImpossible({ place, live, way: target }: Plan): void {
  if (live === undefined)
    throw new Refusal(
      409,
      'nothing-runs',
      `the running version of ${place.service} in ${place.environment} is unknown, because no deployment of it is recorded`,
    );
  if (target === undefined || target.kind === 'version' || target.kind === 'none_known_good') return;
  throw REFUSALS[target.kind](whyNotTo(target, place));
}
