import { environmentEntry, serviceEntry } from '../../domain/catalogue/catalogue.ts';
import {
  distinctTarget,
  type NamedTarget,
  namedTarget,
  type VersionFacts,
  versionFacts,
  type RollbackEffect,
  effectOfRollback,
  whyNotTo,
} from '../../domain/changes/named-version.ts';
import { knowsNamesOnly } from '../../domain/changes/deploy-repository.ts';
import { pinnedVersions } from '../../domain/changes/identified-versions.ts';
import { isSameVersion } from '../../domain/changes/version-identity.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import {
  startsTooFarAhead,
  knownGoodBefore,
  liveChanges,
  newestLiveChange,
  type RollbackTarget,
  rollbackTarget,
} from '../../domain/changes/versions.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { UNMATCHED, type Version } from '../../../schemas/config/names.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Caller } from '../people/caller.ts';

/** Number of changes that are read, as for decisions of automation. */
const CHANGES_READ = 50;

export type PlanDeps = Pick<Deps, 'changes' | 'pins' | 'incidents' | 'config' | 'clock'>;

/** Effect that a rollback by a person would have now. */
export type RollbackPlan = {
  serviceEnvironment: ServiceEnvironment;
  /** The running version, as far as recorded. */
  live: Change | undefined;
  /** Target version. Undefined: the running version is unknown. */
  target: RollbackTarget | NamedTarget | undefined;
  /** Recorded facts about the target version. */
  facts: VersionFacts | undefined;
  /** Effect on the running version. Undefined: no rollback is possible. */
  effect: RollbackEffect | undefined;
  /** Recorded versions to which a rollback is possible, newest first. `good`: they are known to be good. */
  possible: { good: readonly Version[]; others: readonly Version[] };
  /** Why the service has no deployer, and what to do instead, as a sentence without its end. Null: it has one. */
  noDeployer: string | null;
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
  caller: Caller,
  serviceEnvironment: ServiceEnvironment,
  named?: Version,
): Promise<RollbackPlan> {
  caller.allow('incidents:act', serviceEnvironment);
  return readPlan(deps, serviceEnvironment, named);
}

/** Plans a rollback for a caller whose permission was checked. */
export async function readPlan(
  deps: PlanDeps,
  serviceEnvironment: ServiceEnvironment,
  named?: Version,
): Promise<RollbackPlan> {
  const [recent, pins, incident, { services }] = await Promise.all([
    deps.changes.recent(serviceEnvironment, CHANGES_READ),
    deps.pins.of(serviceEnvironment),
    deps.incidents.openAt(serviceEnvironment),
    deps.config.current(),
  ]);
  const changes = recent.filter((change) => !startsTooFarAhead(change, deps.clock.now()));
  const deployer = environmentEntry(services, serviceEnvironment)?.deployer;
  const planned = targetAndEffect(changes, { named, pins, namesOnly: knowsNamesOnly(deployer) });
  return {
    serviceEnvironment,
    ...planned,
    possible: deployer === undefined ? NONE_POSSIBLE : planned.possible,
    noDeployer: deployer === undefined ? whyNoDeployer(services, serviceEnvironment) : null,
    incident,
  };
}

function whyNoDeployer(services: Config['services'], { service, environment }: ServiceEnvironment): string {
  if (service === UNMATCHED)
    return 'no service of services.yaml is known to fail here, so Firebreak does not know what to roll back: open an incident of the service, and roll back there';
  return serviceEntry(services, service) === undefined
    ? `${service} is not in services.yaml, so Firebreak cannot roll it back: add it with a deployer, or use your CD system`
    : `${service} in ${environment} has no deployer in services.yaml, so Firebreak cannot roll it back: add one, or use your CD system`;
}

const NONE_POSSIBLE: RollbackPlan['possible'] = { good: [], others: [] };

function targetAndEffect(
  changes: readonly Change[],
  { named, pins, namesOnly }: { named: Version | undefined; pins: readonly { version: Version }[]; namesOnly: boolean },
): Pick<RollbackPlan, 'live' | 'target' | 'facts' | 'effect' | 'possible'> {
  const live = newestLiveChange(changes);
  if (live === undefined)
    return { live, target: undefined, facts: undefined, effect: undefined, possible: NONE_POSSIBLE };
  const pinned = pinnedVersions(pins, changes);
  const chosen = rollbackTarget(changes, live, pinned);
  const wanted = named === undefined ? chosen : namedTarget(changes, live, named, pinned);
  const target = distinctTarget(wanted, { changes, from: live, namesOnly });
  const possible = possibleVersions(changes, { live, pinned, namesOnly });
  if (target.kind !== 'version') return { live, target, facts: undefined, effect: undefined, possible };
  const known = chosen.kind === 'version' ? chosen.version : null;
  const { undoes } = target;
  return {
    live,
    target,
    facts: versionFacts(changes, target.version, { chosen: known, undoes, live, namesOnly }),
    effect: effectOfRollback(changes, live, undoes),
    possible,
  };
}

function possibleVersions(
  changes: readonly Change[],
  { live, pinned, namesOnly }: { live: Change; pinned: readonly string[]; namesOnly: boolean },
): RollbackPlan['possible'] {
  const oldestFirst = liveChanges(changes).map(({ version }) => version);
  const versions = [...new Set(oldestFirst.toReversed())].filter((version) => {
    const target = namedTarget(changes, live, version, pinned);
    return distinctTarget(target, { changes, from: live, namesOnly }).kind === 'version';
  });
  const known = new Set(knownGoodBefore(changes, live, pinned).map(({ version }) => version));
  return {
    good: versions.filter((version) => known.has(version)),
    others: versions.filter((version) => !known.has(version)),
  };
}

/** The rollback that a person confirmed after seeing its plan. */
export type ConfirmedPlan = ServiceEnvironment & { from: Version; to: Version | null };

/** Returns why the plan now differs from the confirmed one. Undefined: it is the same. */
export function whyPlanDiffers(
  { serviceEnvironment, live, target }: RollbackPlan,
  { from, to }: ConfirmedPlan,
): string | undefined {
  if (live === undefined) return 'the running version is not known any more';
  if (live.version !== from) return `${live.version} is running now instead of ${from}`;
  if (target === undefined || target.kind === 'none_known_good') return 'there is no version to roll back to any more';
  if (target.kind !== 'version') return whyNotTo(target, serviceEnvironment);
  return to === null || isSameVersion(target, { version: to })
    ? undefined
    : `the target is now ${target.version} instead of ${to}`;
}

/** API refusals of versions that cannot be rolled back to. */
const REFUSALS: Record<Exclude<NamedTarget['kind'], 'version'>, (text: string) => Refusal> = {
  unknown: (text) => new Refusal(422, 'version-unknown', text),
  several: (text) => new Refusal(422, 'version-ambiguous', text),
  never_ran: (text) => new Refusal(409, 'version-never-ran', text),
  runs: (text) => new Refusal(409, 'version-runs', text),
  pinned: (text) => new Refusal(409, 'version-pinned', text),
  unsafe: (text) => new Refusal(409, 'rollback-not-safe', text),
  indistinct: (text) => new Refusal(409, 'version-indistinct', text),
};

/** A rollback that is possible. */
export type PossibleRollback = { live: Change; target: Extract<NamedTarget, { kind: 'version' }> };

/** Returns the rollback, or why it is not possible now. */
export function possibleRollback({
  serviceEnvironment,
  live,
  target,
  noDeployer,
  possible: { good, others },
}: RollbackPlan): PossibleRollback | Refusal {
  const where = `${serviceEnvironment.service} in ${serviceEnvironment.environment}`;
  if (noDeployer !== null) return new Refusal(409, 'no-deployer', noDeployer);
  if (live === undefined || target === undefined)
    return new Refusal(
      409,
      'nothing-runs',
      `the running version of ${where} is unknown, because no deployment of it is recorded`,
    );
  if (target.kind === 'version') return { live, target };
  if (target.kind === 'none_known_good')
    return new Refusal(
      409,
      'no-rollback-target',
      `no version of ${where} before ${live.version} is known to be good${good.length + others.length === 0 ? ', and no other recorded version can be restored' : ': name the version to roll back to'}`,
    );
  return REFUSALS[target.kind](whyNotTo(target, serviceEnvironment));
}

/** @throws Refusal 409, 422 if the rollback is not possible now */
export function requirePossible(plan: RollbackPlan): PossibleRollback {
  const rollback = possibleRollback(plan);
  if (rollback instanceof Refusal) throw rollback;
  return rollback;
}
