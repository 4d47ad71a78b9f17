import type { MitigationOutcome } from '../../../schemas/incidents/inbox.ts';
import type { DecisionView, Effect, Offer } from '../../../schemas/incidents/incident.ts';
import { clockText, type Timestamp } from '../../../schemas/time/time.ts';
import type { ServiceEnvironment } from '../ports/common.ts';
import { switchedFlags } from './switched-flags.ts';

/** What is done to a service in an environment. Two requests for the same act mean the same, whatever versions they name. */
export type Act = ServiceEnvironment & { does: string };

export const ROLL_BACK = 'roll_back';

/** Names the act of a flag. */
export const setsFlag = (flag: string, on: boolean): string => `flag ${flag} ${on ? 'on' : 'off'}`;

export const isSameAct = (a: Act, b: Act): boolean =>
  a.does === b.does && a.service === b.service && a.environment === b.environment;

type AskedDecision = Pick<
  DecisionView,
  | 'answer_until'
  | 'kind'
  | 'state'
  | 'target'
  | 'from_version'
  | 'question'
  | 'offers'
  | 'chosen'
  | 'answered_by'
  | 'withdrawn'
>;

/**
 * Returns the acts that a decision takes, or asks about.
 *
 * @param does the act of a runbook's question. Absent: it is none, or of a judgement
 */
export function actsOf(
  decision: Pick<AskedDecision, 'kind' | 'target' | 'from_version' | 'question' | 'offers'>,
  does?: string,
): Act[] {
  const { kind, target, from_version: from, question, offers } = decision;
  if (question !== undefined) return target === null || does === undefined ? [] : [{ ...target, does }];
  if (offers !== undefined) return offers.map(actOfOffer);
  return target === null || from === null || (kind !== 'approve' && kind !== 'roll_back')
    ? []
    : [{ ...target, does: ROLL_BACK }];
}

const actOfOffer = ({ act, service, environment, from_version: flag }: Offer): Act => ({
  service,
  environment,
  does: act === 'roll_back' ? ROLL_BACK : setsFlag(flag, false),
});

/**
 * A decision with its acts. `outcome`: of its mitigation; null: none yet. Absent: it is a question of a runbook, which acts by
 * itself.
 */
export type Asked = { decision: AskedDecision; acts: readonly Act[]; outcome?: MitigationOutcome | null };

/**
 * Whether a step of a runbook may do something about which people were asked. `until`: when the question expires; null: its act is
 * in progress. `because`: in words.
 */
export type ActGate =
  | { kind: 'free' }
  | { kind: 'waits'; until: Timestamp | null }
  | { kind: 'done' | 'declined'; because: string };

/**
 * Decides whether a step may act: it waits while a question about the same act is open, or its approved act is in progress, and
 * does not do what people rejected.
 *
 * @param asked decisions, oldest first
 * @param doneText the act is done already, in words. Null: it is not
 * @param judgedUntil a question withdrawn after this time may be replaced by another judgement
 */
export function actGate(act: Act, asked: readonly Asked[], doneText: string | null, judgedUntil: Timestamp): ActGate {
  if (doneText !== null) return { kind: 'done', because: doneText };
  const about = asked.filter(({ acts }) => acts.some((one) => isSameAct(one, act))).toReversed();
  const open = about.find((one) => isOpen(one, judgedUntil));
  if (open !== undefined) return { kind: 'waits', until: (isWaiting(open) && open.decision.answer_until) || null };
  const newest = about.find(({ decision: { state, withdrawn } }) =>
    state === 'withdrawn' ? withdrawn?.done === true : state !== 'final',
  );
  if (newest === undefined) return { kind: 'free' };
  if (newest.decision.withdrawn !== undefined) return { kind: 'done', because: newest.decision.withdrawn.because };
  const { state, answered_by: by, offers = [], chosen } = newest.decision;
  const who = by ?? 'an unknown person';
  if (state === 'rejected') return { kind: 'declined', because: `${who} rejected it` };
  if (state === 'expired') return { kind: 'declined', because: 'nobody answered the question about it in time' };
  const choice = offers.find(({ digest }) => digest === chosen);
  if (choice !== undefined && !isSameAct(actOfOffer(choice), act))
    return { kind: 'declined', because: `${who} chose another act` };
  return newest.outcome === 'succeeded' ? { kind: 'done', because: `${who} approved it` } : { kind: 'free' };
}

const isWaiting = ({ decision: { state } }: Asked): boolean => state === 'waiting';

function isOpen({ decision: { kind, state, withdrawn }, outcome }: Asked, judgedUntil: Timestamp): boolean {
  if (state === 'waiting') return true;
  if (state === 'withdrawn') return outcome !== undefined && withdrawn?.done === false && withdrawn.at > judgedUntil;
  return outcome === null && (state === 'approved' || (state === 'final' && kind === 'roll_back'));
}

/** Returns that Firebreak has set a flag already, by another action than `key`, in words. Null: it has not. */
export function flagDoneText(act: Act, effects: readonly Effect[], key = ''): string | null {
  const found = switchedFlags(effects.filter((effect) => effect.key !== key)).find(
    ({ state, effect: { flag, service_environment: at } }) =>
      (state === 'on' || state === 'off') && isSameAct({ ...at, does: setsFlag(flag.name, flag.on) }, act),
  );
  return found === undefined
    ? null
    : `feature flag ${found.name} is ${found.state} already, since ${clockText(found.effect.at)}`;
}
