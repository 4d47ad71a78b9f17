import type { Version } from '../../../../schemas/config/names.ts';
import type { Random } from '../random.ts';
import { ratioAt, type Telemetry } from './simulate.ts';
import type { World } from './world.ts';

export type Alarm = {
  /** Start of firing, in seconds of the world. */
  firedAt: number;
  /** Time of the product's decision. */
  lookedAt: number;
  /** Versions for which the rule fires; empty if the rule does not distinguish them. */
  versions: readonly Version[];
};

/** Seconds from the alert's start to the decision: grouping in Alertmanager, delivery, queue. */
const DELIVERY = { min: 5, max: 120 };
/** Minimum time for rates over a whole window. */
const WARM_UP = 600;
/** Maximum seconds from the problem to its alert, so that the two hours before are visible. */
const PATIENCE = 3000;

/** Evaluates the rule as Prometheus does: pending while the expression is true, firing after `for`. */
export function alarm(rng: Random, world: World, telemetry: Telemetry): Alarm | null {
  const { intervalSeconds } = world.profile.rule;
  const series = watched(world, telemetry);
  const pending = new Map<string, number>();
  let first: number | null = null;
  let lookedAt = Infinity;
  let t = (world.mayHaveFiredBefore ? world.problemAt : WARM_UP) + rng.between(0, intervalSeconds);
  for (; t <= Math.min(lookedAt, world.problemAt + PATIENCE + DELIVERY.max); t += intervalSeconds) {
    evaluate(world, telemetry, series, pending, t);
    if (first === null && firing(world, pending, t).length > 0) {
      if (t < world.problemAt || t > world.problemAt + PATIENCE) return null;
      first = t;
      lookedAt = t + rng.between(DELIVERY.min, DELIVERY.max);
    }
  }
  if (first === null) return null;
  const names = firing(world, pending, lookedAt).filter((name) => name !== '');
  return { firedAt: first, lookedAt, versions: names.toSorted() as Version[] };
}

type Series = readonly (readonly [name: string, Telemetry['all']])[];

const watched = (world: World, telemetry: Telemetry): Series =>
  world.profile.rule.byVersion ? [...telemetry.versions] : [['', telemetry.all]];

function evaluate({ profile }: World, telemetry: Telemetry, series: Series, pending: Map<string, number>, t: number) {
  for (const [name, counters] of series) {
    const above = ratioAt(telemetry, counters, t, profile.window) > profile.limit * profile.rule.factor;
    if (!above) pending.delete(name);
    else if (!pending.has(name)) pending.set(name, t);
  }
}

const firing = ({ profile: { rule } }: World, pending: ReadonlyMap<string, number>, t: number): string[] =>
  [...pending].filter(([, since]) => t - since >= rule.forSeconds).map(([name]) => name);
