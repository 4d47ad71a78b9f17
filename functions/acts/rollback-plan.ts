import { serviceEntry } from '../../domain/catalogue.ts';
import {
  type NamedTarget,
  namedTarget,
  type Past,
  pastOf,
  type Way,
  wayFrom,
  whyNotTo,
} from '../../domain/named-version.ts';
import type { Deps, Place } from '../../domain/ports.ts';
import { isAhead, liveChange, type RollbackTarget, rollbackTarget } from '../../domain/versions.ts';
import type { Change } from '../../schemas/change.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { Version } from '../../schemas/names.ts';
import { Refusal } from '../api/problem.ts';
import type { Who } from './who.ts';

/** As the judgement reads them. */
const CHANGES_READ = 50;

export type PlanDeps = Pick<Deps, 'changes' | 'pins' | 'incidents' | 'config' | 'clock'>;

/** What a rollback that a person asks for would do now. */
export type Plan = {
  place: Place;
  /** What runs, as far as is told. */
  live: Change | undefined;
  /** Where it would go. Undefined: nothing is known to run. */
  way: RollbackTarget | NamedTarget | undefined;
  /** What is recorded of the version to which it would go. */
  past: Past | undefined;
  /** What that does to what runs. Undefined: nothing can be done. */
  does: Way | undefined;
  /** It can be called. */
  hasDeployer: boolean;
  incident: IncidentRecord | undefined;
};

/**
 * @param named the version that they want to go back to; absent: the newest that is known good
 * @throws Refusal 403
 */
export async function planRollback(deps: PlanDeps, who: Who, place: Place, named?: Version): Promise<Plan> {
  who.allow('incidents:act', place);
  const [recent, pins, incident, { services }] = await Promise.all([
    deps.changes.recent(place, CHANGES_READ),
    deps.pins.of(place),
    deps.incidents.openAt(place),
    deps.config.current(),
  ]);
  const changes = recent.filter((change) => !isAhead(change, deps.clock.now()));
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
  const live = liveChange(changes);
  if (live === undefined) return { live, way: undefined, past: undefined, does: undefined };
  const pinned = pins.map(({ version }) => version);
  const chosen = rollbackTarget(changes, live, pinned);
  const way = named === undefined ? chosen : namedTarget(changes, live, named, pinned);
  if (way.kind !== 'version') return { live, way, past: undefined, does: undefined };
  const known = chosen.kind === 'version' ? chosen.version : null;
  const { undoes } = way;
  return {
    live,
    way,
    past: pastOf(changes, way.version, { chosen: known, undoes, live }),
    does: wayFrom(changes, live, undoes),
  };
}

/** What somebody has agreed to when they were shown the plan. */
export type Agreed = Place & { from: Version; to: Version | null };

/** Why what they have agreed to is not what would be done now, in words; undefined: it is. */
export function whyOther({ place, live, way }: Plan, { from, to }: Agreed): string | undefined {
  if (live === undefined) return 'nothing is known to run there any more';
  if (live.version !== from) return `${live.version} runs there now, and no longer ${from}`;
  if (way === undefined || way.kind === 'none_known_good') return 'there is no version to go back to any more';
  if (way.kind !== 'version') return whyNotTo(way, place);
  return to === null || way.version === to ? undefined : `it would go back to ${way.version} now, and not to ${to}`;
}

/** How the API refuses a version that cannot be gone back to. */
const REFUSALS: Record<Exclude<NamedTarget['kind'], 'version'>, (text: string) => Refusal> = {
  unknown: (text) => new Refusal(422, 'version-unknown', text),
  never_ran: (text) => new Refusal(409, 'version-never-ran', text),
  runs: (text) => new Refusal(409, 'version-runs', text),
  pinned: (text) => new Refusal(409, 'version-pinned', text),
  unsafe: (text) => new Refusal(409, 'rollback-not-safe', text),
};

/** @throws Refusal 409, 422 where it cannot be gone back to the version that a person has named */
export function refuseImpossible({ place, live, way }: Plan): void {
  if (live === undefined)
    throw new Refusal(
      409,
      'nothing-runs',
      `it is not known what runs of ${place.service} in ${place.environment}: no deployment of it is recorded`,
    );
  if (way === undefined || way.kind === 'version' || way.kind === 'none_known_good') return;
  throw REFUSALS[way.kind](whyNotTo(way, place));
}
