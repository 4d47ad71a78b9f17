import { type Case, type Kind, NEGATIVES, type Policy, POSITIVES } from './case.ts';
import { factsOf } from './facts.ts';
import { negativeScenes } from './kinds/negatives.ts';
import { positiveScenes } from './kinds/positives.ts';
import type { Scene } from './kinds/scene.ts';
import { random, seedOf } from './random.ts';
import { alarm } from './world/alerting.ts';
import { historyKnown, observe } from './world/observe.ts';
import { simulate } from './world/simulate.ts';
import { newStage, worldOf } from './world/stage.ts';

/** Seed of the committed results. The report also uses two other seeds. */
export const DEFAULT_SEED = 20_260_105;
export const FURTHER_SEEDS = [7_000_003, 424_242_421] as const;

export const NEGATIVES_PER_KIND = 340;

/** Number of cases of each kind of positives: mostly the typical kind, the others are harder. */
export const POSITIVES_PER_KIND: Readonly<Record<(typeof POSITIVES)[number], number>> = {
  bad_deploy: 800,
  slow_burn: 120,
  small_canary: 120,
  bad_config: 100,
  bad_flag: 100,
  dependency_deploy: 120,
  cold_start: 90,
  low_traffic: 100,
  among_others: 90,
  with_migration: 60,
};

const scenes: Readonly<Record<Kind, Scene>> = { ...negativeScenes, ...positiveScenes };

/** Yields the set of one seed, kind after kind. Generates cases lazily, to save memory. */
export function* cases(seed: number = DEFAULT_SEED): Generator<Case> {
  for (const kind of NEGATIVES) yield* casesOfKind(seed, kind, NEGATIVES_PER_KIND);
  for (const kind of POSITIVES) yield* casesOfKind(seed, kind, POSITIVES_PER_KIND[kind]);
}

/** Yields the first `count` cases of one kind. */
export function* casesOfKind(seed: number, kind: Kind, count: number): Generator<Case> {
  for (let index = 0; index < count; index += 1) yield oneCase(seed, kind, scenes[kind], index);
}

/** Worlds that are drawn for a case at most. */
const ATTEMPTS = 400;
const policy: Policy = { mode: 'act', unknownMigration: 'approve' };

/** Generates a case. Redraws worlds in which no alert fires, or which turn out to be of another kind. */
function oneCase(seed: number, kind: Kind, scene: Scene, index: number): Case {
  const id = `${kind}-${index}`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const rng = random(seedOf(seed, id, attempt));
    const made = newStage(rng);
    const labelled = scene(made);
    const world = worldOf(made);
    const telemetry = simulate(rng, world);
    const alarmed = alarm(rng, world, telemetry);
    if (alarmed === null) continue;
    const evidence = observe(rng, world, telemetry, alarmed);
    const label = labelled(evidence);
    if (label === null) continue;
    const history = historyKnown(world, evidence);
    const later: Case['later'] = (seconds) => {
      const then = observe(rng, world, telemetry, { ...alarmed, lookedAt: alarmed.lookedAt + seconds });
      return { evidence: { ...then, incident_id: evidence.incident_id }, history: historyKnown(world, then) };
    };
    return { id, kind, label, facts: factsOf(evidence, label), evidence, history, policy, later };
  }
  throw new Error(
    `${id}: none of ${ATTEMPTS} worlds of seed ${seed} became a case of its kind; is the scene possible?`,
  );
}
