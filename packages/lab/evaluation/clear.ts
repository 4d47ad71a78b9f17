import type { Evidence } from '../../../core/domain/correlation/evidence.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import {
  against,
  firstBad,
  mean,
  middle,
  onsetMillis,
  othersNear,
  ownDeploysBefore,
  valuesBetween,
  versionsNow,
} from './observables.ts';

/**
 * Defines a clear case by observable facts only. The definition was written before any case was judged. It requires what an
 * engineer would want to see before permitting an automatic rollback:
 *
 * 1. the health query has data, the onset is measured, and the half hour before the deploy is known and healthy;
 * 2. one deploy of the service began in the half hour before the onset, without a migration, and nothing else of the
 *    service has changed since then;
 * 3. the onset comes within ten minutes of the deploy taking traffic;
 * 4. afterwards the error ratio is above its limit and at least twice what it was before, and still is;
 * 5. no evidence points elsewhere (observables.ts, `against`): no other service fails, traffic is unchanged, errors did
 *    not rise before, no other version fails, no alert names another version;
 * 6. evidence other than timing points to this version: `versions` or `alert`.
 *
 * The sixth condition makes a case clear. An unrelated problem begins within ten minutes of a deploy of the last two hours
 * about once in twelve times, and often leaves no other trace. So a deploy, a healthy past, and a sudden rise are only timing:
 * a judge that acts on them alone is sometimes wrong.
 */
export type LooksBy =
  /** Monitoring distinguishes versions: both have had traffic since the onset, and only this one fails. */
  | 'versions'
  /** The alerts name only this version, and it is still rolling out, so other versions also run. */
  | 'alert'
  /** Only conditions one to five hold, and no dependency or shared infrastructure has changed. Not a clear case. */
  | 'time';

export type Looks = { change: Change; by: LooksBy };

const MINUTE = 60_000;
const BASELINE_MINUTES = 30;
/** Minimum of the 60 samples of the half hour, because scrapes fail. */
const BASELINE_MIN_SAMPLES = 45;
const ONSET_WITHIN_MINUTES = 10;
const TIMES_WORSE = 2;

/** Returns the deploy to which the evidence points, and by which evidence. Null: none. */
export function looksLike(evidence: Evidence): Looks | null {
  const { health } = evidence;
  const [change] = ownDeploysBefore(evidence);
  if (health === null || firstBad(evidence) === null || change === undefined) return null;
  if (change.kind === 'rollback' || change.has_migration !== false) return null;
  if (!soonAfter(evidence, change) || !clearlyWorse(evidence, change)) return null;
  const speaksAgainst = against(evidence, change).filter((name) => name !== 'another_change');
  const others = othersNear(evidence, change);
  if (speaksAgainst.length > 0 || others.some(({ relation }) => relation === 'same')) return null;
  if (toldApart(evidence, change) && bothSinceOnset(evidence, change)) return { change, by: 'versions' };
  if (namedWhileOthersRun(evidence, change)) return { change, by: 'alert' };
  return others.length === 0 ? { change, by: 'time' } : null;
}

function soonAfter(evidence: Evidence, change: Change): boolean {
  const live = millisOf(change.finished_at ?? change.started_at);
  return onsetMillis(evidence) - live <= ONSET_WITHIN_MINUTES * MINUTE;
}

/** Returns samples of the half hour before the deploy; empty if too few are known. */
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

/** Minimum requests of the version in two minutes for a ratio. */
const MIN_REQUESTS = 20;
const TIMES_AS_BAD = 3;

function toldApart(evidence: Evidence, change: Change): boolean {
  const [versions, { health, traffic }] = [versionsNow(evidence), evidence];
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

/** Usual maximum window of rates. */
const WINDOW_MILLIS = 2 * MINUTE;

/**
 * Returns whether an older version ran for some minutes after the onset, or still runs. Otherwise its rates contain only data
 * from before the onset.
 */
const bothSinceOnset = (evidence: Evidence, { status, finished_at }: Change): boolean =>
  status === 'started' || (finished_at !== null && millisOf(finished_at) - onsetMillis(evidence) >= WINDOW_MILLIS);

/** Returns whether the alerts name only this version during its rollout, while others also run. Afterwards it is no evidence. */
function namedWhileOthersRun({ alert_versions: named }: Evidence, change: Change): boolean {
  return change.status === 'started' && named.length === 1 && named[0] === change.version;
}
