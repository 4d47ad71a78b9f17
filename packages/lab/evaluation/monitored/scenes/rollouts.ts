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

/** One process of a service, from `from` until `until`. `slot`: its place, which stays when it is replaced. */
export type Instance = { name: string; slot: number; version: string; from: number; until: number; isCanary: boolean };

/** Returns all instances of a service, in the order of their start. */
export function instancesOf(service: Service, rollouts: readonly Rollout[], first: string): Instance[] {
  const { instances: count, identity, name } = service;
  const nameOf = (slot: number, generation: number): string =>
    identity === 'hosts' ? `${name}-${slot}` : `${name}-${generation}-${slot}`;
  const done: Instance[] = [];
  const running: (Instance | undefined)[] = Array.from({ length: count }, (_, slot) => ({
    name: nameOf(slot, 0),
    slot,
    version: first,
    from: -Infinity,
    until: Infinity,
    isCanary: false,
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
      });
      if (rollout.finish < Infinity) for (let slot = 0; slot < count; slot += 1) replace(slot, rollout.finish);
      return;
    }
    for (let slot = 0; slot < count; slot += 1) {
      const part = rollout.mode === 'at_once' ? 0.9 : (slot + 1) / count;
      replace(slot, rollout.start + part * (rollout.finish - rollout.start));
    }
  });
  return [...done, ...running.flatMap((one) => (one === undefined ? [] : [one]))]
    .filter(({ from, until }) => until > from)
    .toSorted((a, b) => a.from - b.from);
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
