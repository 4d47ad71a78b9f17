import { type Undecidable, undecidable } from './decidable.ts';
import { areDistinct } from './discernible.ts';
import type { Label } from './labels.ts';
import { type Rollout, versionShares } from './scenes/rollouts.ts';
import type { Scene } from './scenes/scene.ts';
import type { Stage } from './stage.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** Facts about a case, from its world and not from what the product has read. */
export type Facts = {
  /** Metrics show two versions of the failing service side by side since the problem began, for long enough. */
  areVersionsVisible: boolean;
  /** Why the data is the same as in a case with another label. Null: it can be decided. */
  undecidable: Undecidable | null;
  /**
   * A rollback is wanted, and any engineer would see it: the cause is a deploy of the failing service without a
   * migration, recorded before the problem began and still failing, with enough requests; and the case is decidable. What
   * the product can read, such as a health query, does not matter.
   */
  isClear: boolean;
  /** The cause and the other versions had requests enough side by side to tell their failure ratios apart. */
  areVersionsDistinct: boolean;
  traffic: 'below 1/s' | '1 to 20/s' | 'above 20/s';
  evidence: 'versions' | 'health' | 'no health query';
};

type Known = { stage: Stage; scene: Scene; telemetry: Telemetry; label: Label; at: number };

/** Minimum requests of a version since the problem began. */
const REQUESTS_MIN = 30;

/** Minimum seconds for which two versions run side by side. */
const SIDE_BY_SIDE_SECONDS = 60;

const STEP_SECONDS = 5;

export function factsOf(known: Known): Facts {
  const { stage, label, scene, at } = known;
  const { focus, delivery } = stage;
  const cause = stage.rollouts.find(({ id, service }) => id === label.cause && service === focus.name);
  const areVersionsVisible = isVisible(known, cause);
  const recorded = stage.recorded.find(({ id }) => id === label.cause);
  const isKnownSafe =
    recorded?.hasMigration === false || (recorded?.hasMigration === null && stage.unknownMigration === 'act');
  const why = undecidable(known, sharesSince(known), areVersionsVisible);
  const rate = known.telemetry.rateAt(focus, at);
  const observed = { focus, telemetry: known.telemetry };
  return {
    areVersionsVisible,
    areVersionsDistinct:
      areVersionsVisible && cause !== undefined && areDistinct(observed, sharesSince(known), cause.version),
    undecidable: why,
    isClear:
      label.wants === 'roll_back' &&
      cause !== undefined &&
      why === null &&
      isKnownSafe &&
      cause.start + delivery.skew <= scene.begins &&
      requestsTo(cause.version, known) >= REQUESTS_MIN,
    traffic: rate < 1 ? 'below 1/s' : rate < 20 ? '1 to 20/s' : 'above 20/s',
    evidence: focus.health.form === 'none' ? 'no health query' : areVersionsVisible ? 'versions' : 'health',
  };
}

/** Returns the parts of the time since the problem began that monitoring can show, with the share of each version. */
function* sharesSince({
  stage,
  scene,
  telemetry,
  at,
}: Known): Generator<{ time: number; shares: Map<string, number> }> {
  const { focus, rollouts } = stage;
  const [instances, own] = [telemetry.instances(focus), rollouts.filter(({ service }) => service === focus.name)];
  for (let time = scene.begins; time < at - focus.monitoring.delay; time += STEP_SECONDS)
    yield { time, shares: versionShares(instances, own, time) };
}

/** Returns the expected requests to a version since the problem began; 0 if it does not run any more. */
function requestsTo(version: string, known: Known): number {
  let [count, isRunning] = [0, false];
  for (const { time, shares } of sharesSince(known)) {
    isRunning = shares.has(version);
    count += (shares.get(version) ?? 0) * known.telemetry.rateAt(known.stage.focus, time) * STEP_SECONDS;
  }
  return isRunning ? count : 0;
}

/**
 * Returns whether metrics show two versions side by side since the problem began, long enough for two scrapes and with
 * enough requests to each. @param cause must be one of them
 */
function isVisible(known: Known, cause: Rollout | undefined): boolean {
  const { monitoring, health } = known.stage.focus;
  if (!monitoring.isVersioned || !health.hasByVersion || health.form === 'none') return false;
  if (monitoring.labelling !== undefined) return false;
  const counts = new Map<string, number>();
  let seconds = 0;
  for (const { time, shares } of sharesSince(known)) {
    if (shares.size < 2) continue;
    seconds += STEP_SECONDS;
    const rate = known.telemetry.rateAt(known.stage.focus, time);
    for (const [version, share] of shares)
      counts.set(version, (counts.get(version) ?? 0) + share * rate * STEP_SECONDS);
  }
  const seen = [...counts].filter(([, count]) => count >= REQUESTS_MIN).map(([version]) => version);
  if (seconds < Math.max(SIDE_BY_SIDE_SECONDS, 2 * monitoring.scrapeInterval)) return false;
  return seen.length > 1 && (cause === undefined || seen.includes(cause.version));
}
