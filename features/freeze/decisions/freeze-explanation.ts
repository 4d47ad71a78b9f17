import type { Freeze } from '../schemas/freeze.ts';
import type { CheckReasonCode } from '../schemas/freeze-check.ts';
import type { BurnAlert, SloStatus } from '../../../schemas/slo/slo-status.ts';
import { minuteText, type Timestamp } from '../../../schemas/time/time.ts';
import type { FreezePolicy } from './policy.ts';
import {
  burnSlowsAt,
  freezingBurn,
  hasBurnSlowed,
  hasRecovered,
  describesPresent,
  isTooOld,
  spentInWords,
} from './budget/spending.ts';
import { CAUSE_CODES, utcMinuteOfEnd, freezeReference, percent } from './words.ts';

/** Context for explaining a freeze in force. */
export type FreezeContext = {
  at: Timestamp;
  policy: FreezePolicy;
  /** Status of the objective that caused the freeze. Undefined: no objective caused it, or its status is unknown. */
  status: SloStatus | undefined;
};

/**
 * Returns whether the cause of a freeze is over, so that only its minimum duration and the next evaluation keep it in
 * force. A burn rate that is too high keeps a service frozen after its budget has recovered. A status from before the freeze
 * opened, for example when an alert has just opened it, is not evidence for that.
 */
export function isCauseOver({ cause, opened_at }: Freeze, { at, policy, status }: FreezeContext): boolean {
  if (status === undefined || status.data_at === null || status.data_at < opened_at) return false;
  if (hasBurnSlowed(status, policy, at) !== true) return false;
  return cause === 'burn' || (cause === 'budget' && hasRecovered(status, policy, at) === true);
}

export function reasonCodeOf(freeze: Freeze, context: FreezeContext): CheckReasonCode {
  if (isCauseOver(freeze, context)) return 'minimum_duration';
  return CAUSE_CODES[freeze.cause];
}

/** Describes the freeze beyond its reason: how its cause has developed, its ID and scope, its start, and its end. */
export const freezeDetails = (freeze: Freeze, context: FreezeContext): string[] => [
  ...presentStateOf(freeze, context),
  `${freezeReference(freeze)}${freeze.cause === 'person' ? `, opened by ${freeze.opened_by}` : ''}`,
  `it ends ${endInWords(freeze, context)}`,
];

/** Describes how the cause of the freeze has developed. Empty: unknown, or not about an objective. */
function presentStateOf({ cause }: Freeze, { at, policy, status }: FreezeContext): string[] {
  if (status === undefined) return [];
  if (cause === 'budget') return [`now ${spentInWords(status)} is spent`];
  const burn = cause === 'burn' && describesPresent(status, policy, at) ? freezingBurn(status, policy) : undefined;
  if (burn === undefined) return [];
  const times = (window: BurnAlert['long']): string =>
    `${Math.floor((status.burn_rates[window] ?? 0) * 10) / 10} times`;
  return [
    `now ${times(burn.long)} as fast over the last ${burn.long} and ${times(burn.short)} over the last ${burn.short}`,
  ];
}

/**
 * Describes the end of the freeze, as in `when less than 95 % of the budget of checkout-availability is spent;
 * forecast: …`, to follow "it ends".
 */
export function endInWords(freeze: Freeze, context: FreezeContext): string {
  const { cause, until, ends_when, slo } = freeze;
  if (isCauseOver(freeze, context)) return `at the ${liftingEvaluation(freeze, context)}, because its cause is over`;
  const budgetText = slo === null ? 'its budget' : `the budget of ${slo}`;
  switch (cause) {
    case 'budget': {
      const liftBelow = percent(context.policy.budget?.liftBelow ?? 1);
      const andBurn = burnsLonger(context) ? ' and it burns slowly enough' : '';
      return `when less than ${liftBelow} of ${budgetText} is spent${andBurn}${notBeforeText(freeze, context)}${forecast(freeze, context)}`;
    }
    case 'burn':
      return `when ${budgetText} burns slowly enough${notBeforeText(freeze, context)}${burnForecast(freeze, context)}`;
    case 'incident':
      return `when ${ends_when}`;
    case 'calendar':
    case 'pin':
    case 'person':
      return until === null ? 'when a person lifts it' : `at ${utcMinuteOfEnd(until)}`;
  }
}

const isBeforeMinimumEnd = ({ not_before }: Freeze, { at }: FreezeContext): boolean =>
  not_before !== null && at < not_before;

const liftingEvaluation = (freeze: Freeze, context: FreezeContext): string =>
  isBeforeMinimumEnd(freeze, context)
    ? `first evaluation from ${minuteText(freeze.not_before ?? context.at)} on`
    : 'next evaluation';

const notBeforeText = (freeze: Freeze, context: FreezeContext): string =>
  isBeforeMinimumEnd(freeze, context) ? `, not before ${minuteText(freeze.not_before ?? context.at)}` : '';

function forecast({ not_before }: Freeze, { at, policy, status }: FreezeContext): string {
  if (status === undefined || isTooOld(status, policy, at)) return '';
  const { lifts_at, lifts_at_present_burn } = status.forecast;
  const endsAt = budgetFreezeEndsAt(status, policy);
  if (endsAt === null) return '; no end is foreseeable';
  const about = (instant: Timestamp): string => `about ${minuteText(laterOf(instant, not_before))}`;
  const best = `; forecast: ${about(endsAt)} if nothing else fails`;
  if (lifts_at_present_burn === lifts_at) return best;
  const isKnown = lifts_at_present_burn !== null && freezingBurn(status, policy) === undefined;
  return `${best}; at the current burn rate, ${isKnown ? about(lifts_at_present_burn) : 'not foreseeable'}`;
}

/** Returns whether the burn rate that a spent budget covers freezes longer than the budget, as after the end of a month. */
const burnsLonger = ({ at, policy, status }: FreezeContext): boolean =>
  status !== undefined &&
  !isTooOld(status, policy, at) &&
  budgetFreezeEndsAt(status, policy) !== status.forecast.lifts_at;

/**
 * Returns when nothing of an objective freezes any more, if no more errors occur: a freeze by burn rate follows one by budget
 * while the budget still burns. Null: not foreseeable.
 */
const budgetFreezeEndsAt = (status: SloStatus, policy: FreezePolicy): Timestamp | null =>
  status.forecast.lifts_at && laterOf(status.forecast.lifts_at, burnSlowsAt(status, policy));

function burnForecast({ not_before }: Freeze, context: FreezeContext): string {
  const { at, policy, status } = context;
  const slowsAt = status === undefined || isTooOld(status, policy, at) ? null : burnSlowsAt(status, policy);
  if (slowsAt === null || slowsAt <= at) return '';
  return `; forecast: about ${minuteText(laterOf(slowsAt, not_before))} if nothing else fails`;
}

const laterOf = (instant: Timestamp, other: Timestamp | null): Timestamp =>
  other !== null && instant < other ? other : instant;

/**
 * Returns the earliest time at which an evaluation can lift a budget or burn-rate freeze, provided that no more errors
 * occur and data are available then. Null: not foreseeable or unknown; missing data never lift a freeze.
 */
export function earliestLift(freeze: Freeze, context: FreezeContext): Timestamp | null {
  const { at, policy, status } = context;
  const earliest = laterOf(at, freeze.not_before);
  if (isCauseOver(freeze, context)) return earliest;
  if (status === undefined || status.data_at === null || predatesFreeze(status, freeze))
    return earliest > at ? earliest : null;
  if (isTooOld(status, policy, at)) return null;
  const causeEndsAt = freeze.cause === 'budget' ? budgetFreezeEndsAt(status, policy) : burnSlowsAt(status, policy);
  // A status that could not be read, or a budget that cannot be computed from too few data, cannot lift the freeze.
  const isUnknown =
    !describesPresent(status, policy, at) || (freeze.cause === 'budget' && status.budget.remaining === null);
  return causeEndsAt === null || (isUnknown && causeEndsAt <= at) ? null : laterOf(causeEndsAt, earliest);
}

/**
 * Returns whether the status predates the alert that opened a burn-rate freeze, and therefore does not describe it. A
 * budget freeze is opened because of the status itself, whatever its age.
 */
const predatesFreeze = ({ data_at }: SloStatus, { cause, opened_at }: Freeze): boolean =>
  cause === 'burn' && data_at !== null && data_at < opened_at;
