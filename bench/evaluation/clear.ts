import type { Evidence } from '../../domain/correlation/evidence.ts';
import type { Change } from '../../schemas/change.ts';
import { millisOf } from '../../schemas/time.ts';
import { against, mean, middle, onsetMillis, ownDeploysBefore, valuesBetween } from './observables.ts';

/**
 * A clear case, by observable facts alone. It was written down before anything judged a case, and asks for what an
 * engineer would want to see before letting a machine roll back alone:
 *
 * 1. the health query answers, its onset is measured, and the half hour before the deploy is known and healthy;
 * 2. one deploy of the service began in the half hour before the onset, without a migration, and no other change of
 *    the service, of what it depends on or of shared infrastructure since then;
 * 3. the onset comes within ten minutes of the deploy taking traffic;
 * 4. afterwards the error ratio is above its limit and at least twice what it was before, and still is;
 * 5. nothing points elsewhere (observables.ts, `against`): no other service fails, traffic is what it was, errors did
 *    not rise before, no version but this one fails, no alert names another;
 * 6. and something besides time ties it to this version. In two hours, what has nothing to do with a deploy begins
 *    within ten minutes of it about once in twelve times: a coincidence is no reason to act without asking.
 */
export type ClearBy =
  /** Versions are told apart: this one fails, another with traffic does not. */
  | 'versions'
  /** The alerts name this version and no other, while others took traffic, too. */
  | 'alert'
  /** The errors grow as the version's share does: a quarter, half and three quarters when it is there. */
  | 'dose';

export type Clear = { change: Change; by: ClearBy };

const MINUTE = 60_000;
const BASELINE_MINUTES = 30;
/** Of the 60 samples of the half hour; scrapes fail. */
const BASELINE_MIN_SAMPLES = 45;
const ONSET_WITHIN_MINUTES = 10;
const TIMES_WORSE = 2;

export function clearCase(evidence: Evidence): Clear | null {
  const { health, onset } = evidence;
  const [change] = ownDeploysBefore(evidence);
  if (health === null || onset.firstBadAt === null || change === undefined) return null;
  if (change.kind === 'rollback' || change.has_migration !== false || against(evidence, change).length > 0) return null;
  if (!soonAfter(evidence, change) || !clearlyWorse(evidence, change)) return null;
  const by = fingerprint(evidence, change);
  return by === null ? null : { change, by };
}

function soonAfter(evidence: Evidence, change: Change): boolean {
  const live = millisOf(change.finished_at ?? change.started_at);
  return onsetMillis(evidence) - live <= ONSET_WITHIN_MINUTES * MINUTE;
}

/** Samples of the half hour before the deploy; empty when too few are known. */
function baseline({ health }: Evidence, change: Change): number[] {
  const began = millisOf(change.started_at);
  const before = valuesBetween(health?.curve ?? [], began - BASELINE_MINUTES * MINUTE, began);
  return before.length < BASELINE_MIN_SAMPLES ? [] : before;
}

function clearlyWorse(evidence: Evidence, change: Change): boolean {
  const { health, at } = evidence;
  const before = baseline(evidence, change);
  if (health === null || before.length === 0) return false;
  const after = valuesBetween(health.curve, onsetMillis(evidence) - 1, millisOf(at));
  const now = after.slice(-2);
  return (
    middle(after) > health.max &&
    middle(after) >= TIMES_WORSE * mean(before) &&
    now.length > 0 &&
    now.every((value) => value > health.max)
  );
}

function fingerprint(evidence: Evidence, change: Change): ClearBy | null {
  if (toldApart(evidence, change)) return 'versions';
  if (namedWhileOthersRan(evidence, change)) return 'alert';
  return growsWithItsShare(evidence, change) ? 'dose' : null;
}

/** Fewer requests of the version in two minutes are no ratio. */
const MIN_REQUESTS = 20;
const TIMES_AS_BAD = 3;

function toldApart({ by_version: versions, health, traffic }: Evidence, change: Change): boolean {
  const own = versions?.find(({ version }) => version === change.version);
  const others = (versions ?? []).filter(({ version, share }) => version !== change.version && (share ?? 1) >= 0.05);
  if (own === undefined || others.length === 0 || health === null) return false;
  const perSecond = mean((traffic ?? []).slice(-4).map(([, value]) => value));
  const requests = traffic === null || own.share === null ? Infinity : perSecond * own.share * 120;
  return (
    requests >= MIN_REQUESTS &&
    own.value > health.max &&
    others.every(({ value }) => value <= health.max && own.value >= TIMES_AS_BAD * value)
  );
}

/** When only one version runs, an alert that names it says nothing about it. */
function namedWhileOthersRan(evidence: Evidence, change: Change): boolean {
  const [named, ...more] = evidence.alert_versions;
  const rollingOut =
    change.finished_at === null
      ? change.status === 'started'
      : onsetMillis(evidence) < millisOf(change.finished_at);
  return rollingOut && named === change.version && more.length === 0;
}

/** How late, and how early for noise, a part of the rise may come. In milliseconds. */
const LAG = { min: -30_000, max: 90_000 };
const PARTS = [0.25, 0.5, 0.75];
const PLATEAU_MIN_SAMPLES = 3;

/** A step of its own cannot do this unless the roll-out is a step, too, and then has to meet it to the minute. */
function growsWithItsShare(evidence: Evidence, { started_at, finished_at }: Change): boolean {
  const { health, at } = evidence;
  if (health === null || finished_at === null) return false;
  const [began, done] = [millisOf(started_at), millisOf(finished_at)];
  const settled = valuesBetween(health.curve, done + MINUTE, millisOf(at));
  const before = valuesBetween(health.curve, began - BASELINE_MINUTES * MINUTE, began);
  if (settled.length < PLATEAU_MIN_SAMPLES) return false;
  const [low, high] = [mean(before), middle(settled)];
  return PARTS.every((part) => {
    const reached = firstReached(evidence, began, low + part * (high - low));
    const expected = began + part * (done - began);
    return reached !== null && reached - expected >= LAG.min && reached - expected <= LAG.max;
  });
}

/** When two samples in a row after `from` are at least `level`; the first of them. */
function firstReached({ health }: Evidence, from: number, level: number): number | null {
  const samples = (health?.curve ?? []).filter(([at]) => millisOf(at) > from);
  const found = samples.findIndex(([, value], index) => value >= level && (samples[index + 1]?.[1] ?? 0) >= level);
  const sample = samples[found];
  return sample === undefined ? null : millisOf(sample[0]);
}
