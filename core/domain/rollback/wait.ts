import type { Reason, ReasonCode } from '../../../schemas/incidents/reason.ts';
import type { Correlation, RankedSuspect } from '../correlation/ranking.ts';
import type { Evidence } from '../correlation/evidence.ts';
import { pointsOf } from '../correlation/samples.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { IMPROBABLE, list } from '../correlation/words.ts';
import type { Decision, DecisionInputs } from './judgement.ts';

/** Time in seconds until a decision to wait is followed by another one, and the most of them for one problem. */
export const WAIT_SECONDS = 60;
export const WAITS_MAX = 3;

/** Other services that recover from which on the problem may be ending for all. */
const SERVICES_RECOVERING = 2;

/**
 * Returns a decision to wait in place of a question that may be needless a minute later, also one of shadow mode, or of a report of
 * no cause while errors grow: how they grow tells when they began. An act is proved, and other reports ask for nothing.
 */
export function withWait(decision: Decision, inputs: DecisionInputs, found: Correlation): Decision {
  const { kind } = decision;
  if ((inputs.waits_left ?? 0) < 1 || inputs.request.by === 'person') return decision;
  const asks = kind === 'approve' || kind === 'shadow';
  const why = asks ? whyWait(inputs, found) : kind === 'none' ? whyGrowing(decision, inputs, found) : null;
  if (why === null) return decision;
  const { offers: _offers, ...rest } = decision;
  return { ...rest, kind: 'wait', approvals: { needed: 1, given: [] }, reasons: [why, ...decision.reasons] };
}

/** Says that errors grow, where only that keeps a change from being asked about, or does not. */
function whyGrowing({ reasons: [first] }: Decision, { evidence }: DecisionInputs, found: Correlation): Reason | null {
  const { onset, suspects } = found;
  const isUnsure = first?.code === 'no_confident_suspect' && (suspects[0]?.confidence ?? 0) >= IMPROBABLE;
  const [last, before] = lastMinute(evidence);
  return isUnsure && onset.from === 'health' && last > Math.max(before, evidence.health?.max ?? Infinity)
    ? reason('errors_grow', 'errors grow: the next samples show when they began')
    : null;
}

function whyWait({ evidence }: DecisionInputs, { suspects: [top] }: Correlation): Reason | null {
  if (top === undefined) return null;
  const { recovering = [] } = evidence;
  const falls = factorOf(top, top.proof === null ? FALLS : FALLS_THOUGH_PROVED);
  if (falls !== undefined && !(falls.name === 'falling' && isLevel(evidence))) return reason('errors_fall', falls.text);
  if (top.proof !== null || factorOf(top, VANISHED) !== undefined) return null;
  if (recovering.length >= SERVICES_RECOVERING)
    return reason('services_recover', `the errors of ${list(recovering)} have ended or are falling`);
  const sample = factorOf(top, ONE_MORE);
  return sample === undefined ? null : reason('sample_missing', sample.text);
}

/** Part of the height a minute ago from which on errors that had fallen count as level. */
const LEVEL = 0.9;

/** Returns whether errors have not fallen any further in the last minute. */
function isLevel(evidence: Evidence): boolean {
  const [last, before] = lastMinute(evidence);
  return last > LEVEL * before;
}

/** Returns the newest value of the health query, and that of a minute ago. NaN: not measured. */
function lastMinute({ health, at }: Evidence): [number, number] {
  const points = pointsOf(health?.curve ?? [], at);
  const before = points.findLast((one) => one.at <= millisOf(at) - WAIT_SECONDS * 1000);
  return [points.at(-1)?.value ?? NaN, before?.value ?? NaN];
}

/** Factors that show that the problem may be ending, and those that one more sample settles. */
const FALLS: ReadonlySet<string> = new Set(['falling', 'warming_up', 'healthy_now']);
const FALLS_THOUGH_PROVED: ReadonlySet<string> = new Set(['warming_up', 'too_young']);
const VANISHED: ReadonlySet<string> = new Set(['vanished']);
const ONE_MORE: ReadonlySet<string> = new Set(['healthy_just_now', 'too_few_samples']);

/** Without a weight, `falling` does not concern the suspect. */
const factorOf = ({ factors }: RankedSuspect, names: ReadonlySet<string>) =>
  factors.find(({ name, weight }) => names.has(name) && !(name === 'falling' && weight === 0));

const reason = (code: ReasonCode, text: string): Reason => ({ code, text });
