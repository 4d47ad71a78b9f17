import type { Change } from '../../../schemas/changes/change.ts';
import type { Reason, ReasonCode } from '../../../schemas/incidents/reason.ts';
import type { Correlation, RankedSuspect } from '../correlation/ranking.ts';
import type { Evidence } from '../correlation/evidence.ts';
import { comparedFor } from '../correlation/callers.ts';
import { withErrorsOfCallers } from '../correlation/correlate.ts';
import { areGrowing, lastMinutesOf, servesBeside } from '../correlation/last-minutes.ts';
import { seriesOf } from '../correlation/series.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import { putsVersionLive } from '../changes/versions.ts';
import { formatDuration, formatPercent, IMPROBABLE, list } from '../correlation/words.ts';
import { type Decision, type DecisionInputs, speaksForIt } from './judgement.ts';

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
  const isEarly = left > LAST_WAITS;
  const seen = { ...inputs, evidence: withErrorsOfCallers(inputs.evidence) };
  const asked = kind === 'approve' || kind === 'shadow' ? measurable(found) : null;
  const ending = asked && whyEnding(seen, asked, isEarly);
  const other = asked
    ? (whyWait(seen, asked) ?? whyYoung(decision, asked))
    : kind === 'none'
      ? whyGrowing(decision, seen, found)
      : null;
  const why = ending?.why ?? (isEarly ? other : null);
  const isOver = ending?.isOver === true;
  if (why === null || (left < 1 && !isOver)) return decision;
  const { offers: _offers, ...rest } = decision;
  const reasons = [why, ...decision.reasons];
  if (isOver) return { ...rest, kind: 'none', reasons };
  const seconds = WAIT_SECONDS[WAITS_MAX - left] ?? MINUTE_SECONDS;
  return { ...rest, kind: 'wait', wait_seconds: seconds, approvals: { needed: 1, given: [] }, reasons };
}

/** `top`: the suspect that the decision asks about, or would ask about outside shadow mode. */
type Asked = { top: RankedSuspect; onset: Correlation['onset'] };

/** Returns the suspect that is asked about. Null: there is none, or it reports no metrics, so that its errors can't be measured. */
const measurable = ({ suspects: [top], onset }: Correlation): Asked | null =>
  top === undefined || factorOf(top, 'vanished', 'cannot_start') !== undefined ? null : { top, onset };

/**
 * Says that errors have ended or fallen, that they are within the limit, or that caches warm up.
 * @param isEarly a slight fall counts that goes on, and what the next samples settle
 */
function whyEnding(
  { evidence }: DecisionInputs,
  { top, onset }: Asked,
  isEarly: boolean,
): { why: Reason; isOver: boolean } | null {
  const measured = top.proof === null ? evidence : ofVersion(comparedFor(top.proof, evidence), top.change);
  const minutes = measured && lastMinutesOf(measured, onset);
  const { fallen, isLevel, haveEnded } = minutes ?? { fallen: 0, isLevel: true, haveEnded: false };
  const haveFallen = fallen >= MOSTLY_FALLEN || (isEarly && fallen >= FALLEN && !isLevel);
  const wait = !isEarly ? 'last' : top.proof === null ? 'early' : 'early_though_proved';
  const text = !haveFallen
    ? top.factors.find(({ name }) => MAY_END[name]?.includes(wait))?.text
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

function whyWait(inputs: DecisionInputs, asked: Asked): Reason | null {
  const { top, onset } = asked;
  const { evidence } = inputs;
  const { recovering = [] } = evidence;
  if (top.proof !== null) return null;
  if (recovering.length >= SERVICES_RECOVERING)
    return reason('services_recover', `the errors of ${list(recovering)} have ended or are falling`);
  const sample = factorOf(top, 'healthy_just_now', 'too_few_samples', 'changed_service_unmeasured');
  if (sample !== undefined) return reason('sample_missing', sample.text);
  return isTooSoon(inputs, asked)
    ? reason(
        'too_soon',
        `errors began ${formatDuration(secondsBetween(onset.at, evidence.at))} ago, too early to see whether they fall: caches of a new version may be cold`,
      )
    : null;
}

/** Says that the instances are too young, where nothing else keeps Firebreak from acting. */
function whyYoung({ reasons }: Decision, { top }: Asked): Reason | null {
  const young = factorOf(top, 'too_young');
  if (young === undefined) return null;
  const others = reasons.filter((one) => one.text !== young.text && one.code !== 'candidates' && !speaksForIt(one));
  return others.length === 0 ? reason('too_soon', young.text) : null;
}

/** Returns whether errors began so shortly ago, right after a deploy, that a fall cannot be seen, and neither another version beside it nor a look tells sooner. */
function isTooSoon({ evidence, targets }: DecisionInputs, { top, onset }: Asked): boolean {
  const { change, relation } = top;
  const { at, health } = evidence;
  return (
    relation === 'same' &&
    putsVersionLive(change) &&
    secondsBetween(change.finished_at ?? change.started_at, onset.at) <= COLD_SECONDS &&
    onset.from === 'health' &&
    secondsBetween(onset.at, at) < SEEN_SECONDS &&
    // With a window that is not known, only the instances of the version show a fall so soon.
    (health?.window != null || factorOf(top, 'too_young') !== undefined) &&
    targets[0]?.has_look !== true &&
    !servesBeside(evidence, change, onset)
  );
}

/** Factors that show that the problem may be ending, and the decisions to wait for which they count. */
const MAY_END: Readonly<Record<string, readonly ('early' | 'early_though_proved' | 'last')[]>> = {
  warming_up: ['early', 'early_though_proved', 'last'],
  healthy_now: ['early'],
  too_young: ['early_though_proved'],
};

const factorOf = ({ factors }: RankedSuspect, ...names: readonly string[]) =>
  factors.find(({ name }) => names.includes(name));

const reason = (code: ReasonCode, text: string): Reason => ({ code, text });
