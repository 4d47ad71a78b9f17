import type { Freeze } from '../../schemas/freeze.ts';
import type { CheckReasonCode } from '../../schemas/freeze-check.ts';
import type { SloStatus } from '../../schemas/slo-status.ts';
import type { Timestamp } from '../../schemas/time.ts';
import type { FreezePolicy } from './policy.ts';
import { hasCooled, hasRecovered, spentInWords } from './spending.ts';
import { moment, onRecord, percent } from './words.ts';

/** What is known when a freeze in force is explained. */
export type Circumstances = {
  at: Timestamp;
  policy: FreezePolicy;
  /** Of the objective that has caused it. Undefined: none has, or nothing is known of it. */
  status: SloStatus | undefined;
};

/** Whether the cause of a freeze is over, so that only its minimum duration and the next evaluation hold it. */
export function isKept({ cause }: Freeze, { at, policy, status }: Circumstances): boolean {
  if (status === undefined) return false;
  if (cause === 'budget') return hasRecovered(status, policy, at) === true;
  return cause === 'burn' && hasCooled(status, policy, at) === true;
}

export function codeOf(freeze: Freeze, known: Circumstances): CheckReasonCode {
  if (isKept(freeze, known)) return 'minimum_duration';
  return CODES[freeze.cause];
}

const CODES: Readonly<Record<Freeze['cause'], CheckReasonCode>> = {
  budget: 'budget_spent',
  burn: 'burn_rate',
  calendar: 'calendar',
  incident: 'incident',
  pin: 'pinned_version',
  person: 'person',
};

/** What holds, since when, and where it is on record. */
export function freezeInWords(freeze: Freeze, known: Circumstances): string {
  const says = freeze.cause === 'person' ? `${freeze.reason}, says ${freeze.opened_by}` : freeze.reason;
  return `${says}${spentByNow(freeze, known)} ${onRecord(freeze)}`;
}

function spentByNow({ cause }: Freeze, { status }: Circumstances): string {
  return cause !== 'budget' || status === undefined ? '' : `, and ${spentInWords(status)} by now`;
}

/** `when less than 95 % of the budget of checkout-availability is spent; forecast: …`, after "it ends". */
export function endInWords(freeze: Freeze, known: Circumstances): string {
  const { cause, until, ends_when, slo } = freeze;
  if (isKept(freeze, known)) return `at the ${whenKept(freeze, known)}: its cause is over`;
  const whose = slo === null ? 'its budget' : `the budget of ${slo}`;
  switch (cause) {
    case 'budget': {
      const liftBelow = percent(known.policy.budget?.liftBelow ?? 1);
      return `when less than ${liftBelow} of ${whose} is spent${notBefore(freeze, known)}${forecast(freeze, known)}`;
    }
    case 'burn':
      return `when ${whose} burns slowly enough again${notBefore(freeze, known)}`;
    case 'incident':
      return `when ${ends_when}`;
    case 'calendar':
    case 'pin':
    case 'person':
      return until === null ? 'when somebody lifts it' : `at ${moment(until)}`;
  }
}

const isHeld = ({ not_before }: Freeze, { at }: Circumstances): boolean => not_before !== null && at < not_before;

const whenKept = (freeze: Freeze, known: Circumstances): string =>
  isHeld(freeze, known) ? `first evaluation from ${moment(freeze.not_before ?? known.at)} on` : 'next evaluation';

const notBefore = (freeze: Freeze, known: Circumstances): string =>
  isHeld(freeze, known) ? `, not before ${moment(freeze.not_before ?? known.at)}` : '';

function forecast({ not_before }: Freeze, { status }: Circumstances): string {
  if (status === undefined) return '';
  const { lifts_at, lifts_at_present_burn } = status.forecast;
  if (lifts_at === null) return '; that is not in sight';
  const about = (instant: Timestamp): string =>
    `about ${moment(not_before !== null && instant < not_before ? not_before : instant)}`;
  const best = `; forecast: ${about(lifts_at)} if nothing else fails`;
  if (lifts_at_present_burn === lifts_at) return best;
  return `${best}, ${lifts_at_present_burn === null ? 'not in sight' : about(lifts_at_present_burn)} as it burns now`;
}
