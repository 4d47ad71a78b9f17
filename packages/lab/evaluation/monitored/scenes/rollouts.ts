import { seedOf } from '../../random.ts';
import type { Service } from '../services.ts';

/** A deploy of a version to production. Times in seconds of the world. */
export type Rollout = {
  id: string;
  service: string;
  version: string;
  start: number;
  /** When the last instance has taken over. A canary that is never promoted: Infinity. */
  finish: number;
} & (
  | { mode: 'at_once' }
  | { mode: 'rolling' }
  /** Steps of the canary's share, oldest first. */
  | { mode: 'canary'; steps: readonly { at: number; share: number }[] }
);

/** A restart of one instance outside a rollout: an eviction, or a crash of the process. Its version stays. */
export type Restart = { service: string; slot: number; at: number };

/** One process of a service, from `from` until `until`. `slot`: its place, which stays when it is replaced. */
export type Instance = {
  name: string;
  slot: number;
  version: string;
  from: number;
  until: number;
  isCanary: boolean;
  node: string;
  region: Region;
};

/** A rollout replaces the instances of region `a` first. */
export type Region = 'a' | 'b';

/** Machines in each region. An instance of a service gets a machine of its own, and a new one often another. */
export const NODES = 24;

/** Returns all instances of a service, in the order of their start. */
export function instancesOf(
  service: Service,
  rollouts: readonly Rollout[],
  first: string,
  restarts: readonly Restart[] = [],
): Instance[] {
  const { instances: count, identity, name } = service;
  const nameOf = (slot: number, generation: number): string =>
    identity === 'hosts' ? `${name}-${slot}` : `${name}-${generation}-${slot}`;
  const placeOf = (slot: number, generation: number): Pick<Instance, 'node' | 'region'> => {
    const region = slot === count || slot < count / 2 ? 'a' : 'b';
    const offset = seedOf(name, identity === 'hosts' ? 0 : generation);
    return { region, node: `${region}-${(offset + slot) % NODES}` };
  };
  const done: Instance[] = [];
  const running: (Instance | undefined)[] = Array.from({ length: count }, (_, slot) => ({
    name: nameOf(slot, 0),
    slot,
    version: first,
    from: -Infinity,
    until: Infinity,
    isCanary: false,
    ...placeOf(slot, 0),
  }));
  rollouts.forEach((rollout, index) => {
    const replace = (slot: number, at: number): void => {
      const before = running[slot];
      if (before !== undefined) done.push({ ...before, until: at });
      running[slot] = {
        name: nameOf(slot, index + 1),
        slot,
        version: rollout.version,
        from: at,
        until: Infinity,
        isCanary: false,
        ...placeOf(slot, index + 1),
      };
    };
    if (rollout.mode === 'canary') {
      const from = rollout.steps[0]?.at ?? rollout.start;
      done.push({
        name: `${name}-canary-${index + 1}`,
        slot: count,
        version: rollout.version,
        from,
        until: rollout.finish,
        isCanary: true,
        ...placeOf(count, index + 1),
      });
      if (rollout.finish < Infinity) for (let slot = 0; slot < count; slot += 1) replace(slot, rollout.finish);
      return;
    }
    for (let slot = 0; slot < count; slot += 1) {
      const part = rollout.mode === 'at_once' ? 0.9 : (slot + 1) / count;
      replace(slot, rollout.start + part * (rollout.finish - rollout.start));
    }
  });
  const all = [...done, ...running.flatMap((one) => (one === undefined ? [] : [one]))];
  return restarts
    .reduce((known, restart) => restarted(known, restart, identity), all)
    .filter(({ from, until }) => until > from)
    .toSorted((a, b) => a.from - b.from);
}

/** Returns the instances with the one that a restart ends, and its successor on the same machine. */
function restarted(all: Instance[], { slot, at }: Restart, identity: Service['identity']): Instance[] {
  const before = all.find((one) => one.slot === slot && !one.isCanary && one.from < at && at < one.until);
  if (before === undefined) return all;
  const name = identity === 'hosts' ? before.name : before.name.replace(/(?:-r\d+)?$/, `-r${Math.round(at)}`);
  return [...all.filter((one) => one !== before), { ...before, until: at }, { ...before, name, from: at }];
}

/** Returns the share of the canary in the traffic. */
export function canaryShare(rollouts: readonly Rollout[], at: number): number {
  for (const rollout of rollouts) {
    if (rollout.mode !== 'canary' || at >= rollout.finish) continue;
    const step = rollout.steps.findLast((one) => one.at <= at);
    if (step !== undefined) return step.share;
  }
  return 0;
}

/** Returns the share of each version in the traffic. */
export function versionShares(
  instances: readonly Instance[],
  rollouts: readonly Rollout[],
  at: number,
): Map<string, number> {
  const live = instances.filter(({ from, until }) => from <= at && at < until);
  const canary = canaryShare(rollouts, at);
  const others = live.filter(({ isCanary }) => !isCanary).length;
  const shares = new Map<string, number>();
  for (const { version, isCanary } of live) {
    const share = isCanary ? canary : (1 - canary) / others;
    shares.set(version, (shares.get(version) ?? 0) + share);
  }
  return shares;
}
