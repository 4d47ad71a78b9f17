import type { Change } from '../../../schemas/changes/change.ts';
import type { Reason, ReasonCode } from '../../../schemas/incidents/reason.ts';
import type { Correlation, RankedSuspect } from '../correlation/ranking.ts';
import type { Evidence } from '../correlation/evidence.ts';
import { areGrowing, lastMinutesOf, servesBeside } from '../correlation/last-minutes.ts';
import { seriesOf } from '../correlation/series.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import { putsVersionLive } from '../changes/versions.ts';
import { formatDuration, formatPercent, IMPROBABLE, list } from '../correlation/words.ts';
import type { Decision, DecisionInputs } from './judgement.ts';

/**
 * Seconds from each decision to wait to the next decision about one problem. The last ones are only for errors that end, which can take as
 * long as the window of the query, and as caches need.
 */
const WAIT_SECONDS = [60, 60, 60, 180, 180] as const;
const LAST_WAITS = 2;
export const WAITS_MAX: number = WAIT_SECONDS.length;

/** Returns the seconds that so many decisions to wait take together. */
export const secondsOfWaits = (waits: number): number =>
  WAIT_SECONDS.slice(0, waits).reduce((sum, seconds) => sum + seconds, 0);

/** Returns the seconds from a decision to wait to the next one. Without them, it is of a version that waited for a minute. */
export const secondsOfWait = ({ wait_seconds: seconds }: { wait_seconds?: number | undefined }): number =>
  seconds ?? WAIT_SECONDS[0];

const MINUTE_SECONDS = 60;

/** Part of their height by which errors have fallen that are ending if they fall further, and of which most have ended. */
const FALLEN = 0.4;
const MOSTLY_FALLEN = 0.7;

/** Seconds since the onset after which a fall can be seen, and from the end of a deploy to the onset in which caches can be cold. */
const SEEN_SECONDS = 150;
const COLD_SECONDS = 180;

/** Other services that recover from which on the problem may be ending for all. */
const SERVICES_RECOVERING = 2;

/**
 * Returns a decision to wait in place of a question that may be needless a minute later, also one of shadow mode, or of a report of
 * no cause while errors grow: how they grow tells when they began. If errors have ended, a report, also after all waits. An act is proved,
 * and other reports ask for nothing.
 */
export function withWait(decision: Decision, inputs: DecisionInputs, found: Correlation): Decision {
  const { kind } = decision;
  const { waits_left: left, request } = inputs;
  if (left === undefined || request.by === 'person') return decision;
  const asks = kind === 'approve' || kind === 'shadow';
  const ending = asks ? whyEnding(inputs, found, left > LAST_WAITS) : null;
  const other = asks ? whyWait(inputs, found) : kind === 'none' ? whyGrowing(decision, inputs, found) : null;
  const why = ending?.why ?? (left > LAST_WAITS ? other : null);
  const isOver = ending?.isOver === true;
  if (why === null || (left < 1 && !isOver)) return decision;
  const { offers: _offers, ...rest } = decision;
  const reasons = [why, ...decision.reasons];
  if (isOver) return { ...rest, kind: 'none', reasons };
  const seconds = WAIT_SECONDS[WAITS_MAX - left] ?? MINUTE_SECONDS;
  return { ...rest, kind: 'wait', wait_seconds: seconds, approvals: { needed: 1, given: [] }, reasons };
}

/**
 * Says that errors have ended or fallen, that they are within the limit, or that caches warm up.
 * @param isEarly a slight fall counts that goes on, and what the next samples settle
 */
function whyEnding(
  { evidence }: DecisionInputs,
  { onset, suspects: [top] }: Correlation,
  isEarly: boolean,
): { why: Reason; isOver: boolean } | null {
  // Who reports nothing has no errors either.
  if (top === undefined || factorOf(top, VANISHED) !== undefined) return null;
  const measured = top.proof === null ? evidence : ofVersion(evidence, top.change);
  const minutes = measured && lastMinutesOf(measured, onset);
  const { fallen, isLevel, haveEnded } = minutes ?? { fallen: 0, isLevel: true, haveEnded: false };
  const haveFallen = fallen >= MOSTLY_FALLEN || (isEarly && fallen >= FALLEN && !isLevel);
  const names = isEarly ? (top.proof === null ? ENDING : ENDING_THOUGH_PROVED) : WARMING;
  const text = !haveFallen
    ? factorOf(top, names)?.text
    : haveEnded
      ? 'errors have ended'
      : `errors have fallen by ${formatPercent(fallen)} from their peak`;
  return text === undefined ? null : { why: reason('errors_fall', text), isOver: haveFallen && haveEnded };
}

/** Returns the evidence with the health of one version in place of that of all, over the shortest window. Null: it is not measured. */
function ofVersion({ by_version_close: close, ...evidence }: Evidence, change: Change): Evidence | null {
  const own = seriesOf({ by_version: close?.versions ?? evidence.by_version }, change);
  // The ratio of a new series covers its own time, whatever the window.
  const health = evidence.health && own && { ...evidence.health, window: null, curve: own.curve };
  return health ? { ...evidence, health, traffic: own?.traffic ?? null } : null;
}

/** Says that errors grow, where only that keeps a change from being asked about, or does not. */
function whyGrowing({ reasons: [first] }: Decision, { evidence }: DecisionInputs, found: Correlation): Reason | null {
  const { onset, suspects } = found;
  const isUnsure = first?.code === 'no_confident_suspect' && (suspects[0]?.confidence ?? 0) >= IMPROBABLE;
  return isUnsure && onset.from === 'health' && areGrowing(evidence)
    ? reason('errors_grow', 'errors grow: the next samples show when they began')
    : null;
}

function whyWait(inputs: DecisionInputs, { onset, suspects: [top] }: Correlation): Reason | null {
  if (top === undefined) return null;
  const { evidence } = inputs;
  const { recovering = [] } = evidence;
  if (top.proof !== null || factorOf(top, VANISHED) !== undefined) return null;
  if (recovering.length >= SERVICES_RECOVERING)
    return reason('services_recover', `the errors of ${list(recovering)} have ended or are falling`);
  const sample = factorOf(top, ONE_MORE);
  if (sample !== undefined) return reason('sample_missing', sample.text);
  return isTooSoon(inputs, { top, onset })
    ? reason(
        'too_soon',
        `errors began ${formatDuration(secondsBetween(onset.at, evidence.at))} ago, too early to see whether they fall: caches of a new version may be cold`,
      )
    : null;
}

/** Returns whether errors began so shortly ago, right after a deploy, that a fall cannot be seen, and neither another version beside it nor a look tells sooner. */
function isTooSoon(
  { evidence, targets }: DecisionInputs,
  { top, onset }: { top: RankedSuspect; onset: Correlation['onset'] },
): boolean {
  const { change, relation } = top;
  const { at, health } = evidence;
  return (
    relation === 'same' &&
    putsVersionLive(change) &&
    secondsBetween(change.finished_at ?? change.started_at, onset.at) <= COLD_SECONDS &&
    onset.from === 'health' &&
    secondsBetween(onset.at, at) < SEEN_SECONDS &&
    // With a window that is not known, only the instances of the version show a fall so soon.
    (health?.window != null || factorOf(top, YOUNG) !== undefined) &&
    targets[0]?.has_look !== true &&
    !servesBeside(evidence, change, onset)
  );
}

/** Factors that show that the problem may be ending, and those that one more sample settles. */
const ENDING: ReadonlySet<string> = new Set(['warming_up', 'healthy_now']);
const ENDING_THOUGH_PROVED: ReadonlySet<string> = new Set(['warming_up', 'too_young']);
const WARMING: ReadonlySet<string> = new Set(['warming_up']);
const YOUNG: ReadonlySet<string> = new Set(['too_young']);
const VANISHED: ReadonlySet<string> = new Set(['vanished', 'cannot_start']);
const ONE_MORE: ReadonlySet<string> = new Set(['healthy_just_now', 'too_few_samples']);

const factorOf = ({ factors }: RankedSuspect, names: ReadonlySet<string>) =>
  factors.find(({ name }) => names.has(name));

const reason = (code: ReasonCode, text: string): Reason => ({ code, text });
