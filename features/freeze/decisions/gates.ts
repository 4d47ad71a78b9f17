import type { Change } from '../../../schemas/changes/change.ts';
import type { PinView } from '../../../schemas/changes/pin.ts';
import type { EnvironmentEntry } from '../../../schemas/config/config.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { pinnedVersions, reportedName, withPinnedCommit } from '../../../core/domain/changes/identified-versions.ts';
import { isSameName, isSameVersion, partsOf } from '../../../core/domain/changes/version-identity.ts';
import type { GatedWorkload } from '../schemas/freeze-gates.ts';
import type { Freeze } from '../schemas/freeze.ts';
import type { CheckedScope } from '../types.ts';
import { isActive } from './exemptions/overrides.ts';
import { knownGood } from './exemptions/rollback-version.ts';
import type { FreezePolicy } from './policy.ts';
import { covers, stateAt } from './state.ts';
import { scopeInWords, untilText } from './words.ts';

/** What freezes say about the gates of a service and environment. */
export type Frozen = {
  /** The freezes in force without an override, oldest first. None: the gates that cannot tell versions apart are open. */
  closing: Freeze[];
  /** The freezes in force without an override for all versions. */
  refusing: Freeze[];
  /** Versions that overrides of all `refusing` freezes allow. */
  versions: string[];
  /** When this changes by itself. Null: not foreseeable. */
  nextAt: Timestamp | null;
};

/**
 * Returns which freezes close the gates. A cluster cannot count deployments, so an override with a number of uses opens
 * the gates until it expires.
 *
 * @param freezes those that may apply
 */
export function frozenAt(freezes: readonly Freeze[], scope: CheckedScope, at: Timestamp): Frozen {
  const covering = freezes.filter((freeze) => covers(freeze, scope) && stateAt(freeze, at) !== 'over');
  const inForce = covering
    .filter((freeze) => stateAt(freeze, at) === 'in_force')
    .toSorted((one, other) => (one.starts_at < other.starts_at ? -1 : 1));
  const active = (freeze: Freeze) => freeze.overrides.filter((override) => isActive(override, at));
  const refusing = inForce.filter((freeze) => !active(freeze).some(({ version }) => version === null));
  const allowed = refusing.map((freeze) => active(freeze).flatMap(({ version }) => version ?? []));
  const times = covering.flatMap((freeze) => [
    freeze.starts_at,
    freeze.until,
    ...active(freeze).map(({ expires_at }) => expires_at),
  ]);
  return {
    closing: inForce.filter((freeze) => active(freeze).length === 0),
    refusing,
    versions: (allowed[0] ?? []).filter((version) => allowed.every((each) => each.includes(version))),
    nextAt: times.filter((time): time is Timestamp => time !== null && time > at).toSorted()[0] ?? null,
  };
}

/** Known good versions in an entry for the admission policy, and recent deployments that are searched for them. */
const VERSIONS_MAX = 20;
export const CHANGES_READ = 100;

/** Minimum validity of an entry for the admission policy, in seconds. */
const VALID_MIN_SECONDS = 900;

/** What an entry of the admission policy says. */
export type PolicyEntry = {
  message: string;
  versions: string[];
  /** Commits of these versions. A tag may be an abbreviation of one. */
  commits: string[];
  /** When the policy stops applying it, unless it is renewed. Null: never. */
  expires: Timestamp | null;
};

type EntryInputs = {
  scope: CheckedScope;
  frozen: Frozen;
  /** Newest changes, oldest first. */
  changes: readonly Change[];
  pins: readonly PinView[];
  /** The version to which Firebreak is rolling back. */
  rollbackTo: string | undefined;
  outage: FreezePolicy['outage'];
  at: Timestamp;
};

/** Returns the entry for the admission policy. Null: no freeze applies. */
export function policyEntry({ scope, frozen, changes, pins, rollbackTo, outage, at }: EntryInputs): PolicyEntry | null {
  const [freeze] = frozen.refusing;
  if (freeze === undefined) return null;
  const bad = pins.filter(({ state }) => state === 'pinned').map((pin) => withPinnedCommit(pin, changes));
  const good = knownGood(changes, pinnedVersions(bad, changes), VERSIONS_MAX);
  const allowed = frozen.versions.filter((version) => !bad.some((pin) => isSameVersion(pin, { version })));
  const versions = new Set([
    ...good.map(({ version }) => version),
    ...allowed,
    ...(rollbackTo === undefined ? [] : [rollbackTo]),
  ]);
  const restored = changes.filter(({ version }) => version === rollbackTo);
  // The name of a branch, or the commit of a running or pinned version, proves no rollback.
  const others = changes.filter(({ version }) => !versions.has(version));
  const isOther = (name: string): boolean => others.some((other) => isSameName(reportedName(other), name));
  const names = changes
    .filter(({ version }) => versions.has(version) && (version === rollbackTo || partsOf(version).name === version))
    .map(reportedName)
    .filter((name) => !isOther(name));
  const commits = [...good, ...restored].map(({ commit }) => commit);
  return {
    message: messageOf(scope, freeze),
    versions: [...new Set([...versions, ...names])],
    commits: [...new Set(commits)].filter(
      (commit): commit is string => commit !== null && !others.some((other) => other.commit === commit),
    ),
    // As for clients that cannot reach Firebreak.
    expires: outage.deploys === 'deny' ? null : plusSeconds(at, Math.max(outage.maxAgeSeconds, VALID_MIN_SECONDS)),
  };
}

/** The API server replaces messages of more than 5 KiB by a general one. */
const REASON_MAX_CHARS = 500;

const messageOf = ({ service, environment }: CheckedScope, freeze: Freeze): string =>
  `Firebreak: deploys of ${scopeInWords({ service, environment, team: null })} are frozen ${untilText(freeze)}: ` +
  `${[...freeze.reason].slice(0, REASON_MAX_CHARS).join('')} (freeze ${freeze.id}). Rollbacks to a known good version pass. ` +
  `To deploy anyway: firebreak freeze override ${freeze.id} --reason "..." --minutes 60`;

/** Returns the value of the ConfigMap, one fact per line. */
export const entryText = (
  { message, versions, commits, expires }: PolicyEntry,
  { container }: Pick<GatedWorkload, 'container'>,
): string =>
  [
    `message: ${oneLine(message)}`,
    ...(expires === null ? [] : [`expires: ${expires}`]),
    ...(container === undefined ? [] : [`container: ${container}`]),
    ...versions.map((version) => `version: ${oneLine(version)}`),
    ...commits.map((commit) => `commit: ${commit}`),
  ].join('\n');

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** Returns the key in the ConfigMap. */
export const entryKey = ({ kind, namespace, name }: GatedWorkload): string => `${kind}.${namespace}.${name}`;

/** Returns the workloads that the admission policy protects. A deployer without an object in a cluster has none. */
export function gatedWorkloads(
  { freezeGates, deployer }: Pick<EnvironmentEntry, 'freezeGates' | 'deployer'>,
  service: string,
): GatedWorkload[] {
  const workloads = freezeGates?.workloads ?? [];
  if (workloads !== 'deployer') return [...workloads];
  if (deployer?.kind === 'kubernetes') return [workload('Deployment', deployer.deployment ?? service, deployer)];
  if (deployer?.kind === 'argo-rollouts') return [workload('Rollout', deployer.rollout ?? service, deployer)];
  if (deployer?.kind === 'flagger') return [workload('Deployment', deployer.canary ?? service, deployer)];
  return [];
}

const workload = (
  kind: GatedWorkload['kind'],
  name: string,
  { namespace, container }: { namespace: string; container?: string | undefined },
): GatedWorkload => ({ kind, namespace, name, ...(container !== undefined && { container }) });

/** Returns what is wrong with the protected workloads of each service and environment that `entries` lists. */
export function workloadProblems<Entry extends { service: string; environment: string; entry: EnvironmentEntry }>(
  entries: readonly Entry[],
): { service: string; environment: string; object: string; detail: string }[] {
  const ownerOf = new Map<string, Entry>();
  return entries.flatMap((given) => {
    const { service, environment, entry } = given;
    const workloads = gatedWorkloads(entry, service);
    if (workloads.length === 0 && entry.freezeGates?.workloads === 'deployer')
      return [{ service, environment, object: 'workloads: deployer', detail: NO_WORKLOAD }];
    return workloads.flatMap((one) => {
      const key = JSON.stringify([entry.freezeGates?.url, entryKey(one)]);
      const owner = ownerOf.get(key);
      ownerOf.set(key, owner ?? given);
      const detail = `also a workload of ${owner?.service ?? ''}/${owner?.environment ?? ''}; name it once`;
      return owner === undefined ? [] : [{ service, environment, object: entryKey(one), detail }];
    });
  });
}

const NO_WORKLOAD = 'the deployer has no object in a cluster, so no workload is protected; list the workloads';
