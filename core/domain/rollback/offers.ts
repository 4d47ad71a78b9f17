import { ofVersion } from '../changes/change-words.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { DecisionView, Offer } from '../../../schemas/incidents/incident.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';
import { putsVersionLive } from '../changes/versions.ts';
import type { RankedSuspect } from '../correlation/ranking.ts';
import { aChange, list, probability } from '../correlation/words.ts';

/** Candidates whose confidences differ by less than this, and by less than half, tie: a person chooses between them. */
const TIE = 0.1;

/** Minimum confidence of a candidate that a question names. */
const NAMED_FROM = 0.05;

/** An act of a decision, before it has a digest. */
export type OfferedAct = Omit<Offer, 'digest'>;

/** Returns the most probable candidate, and those that tie with it. */
export const leadersOf = <S extends { confidence: number }>(suspects: readonly S[]): S[] => {
  const best = suspects[0]?.confidence ?? 0;
  return suspects.filter(({ confidence }, index) => index === 0 || (best - confidence < TIE && confidence >= best / 2));
};

/** Returns whether an answer with this digest refers to the decision, or to one of the acts that it offers. */
export const hasDigest = ({ digest, offers = [] }: Pick<DecisionView, 'digest' | 'offers'>, given: string): boolean =>
  digest === given || offers.some((offer) => offer.digest === given);

/**
 * Returns the act that an approval with this digest chooses. Null: the question offers several acts, or only one of the
 * tied candidates can be undone, so the approval must name the act. Undefined: there is nothing to choose.
 */
export function chosenOffer(
  { digest, offers, chosen, target }: Pick<DecisionView, 'digest' | 'offers' | 'chosen' | 'target'>,
  given: string,
): Offer | null | undefined {
  if (offers === undefined) return undefined;
  const only = target !== null && offers.length === 1 && given === digest ? offers[0] : undefined;
  const named = only ?? offers.find((offer) => offer.digest === given);
  return named === undefined || (chosen !== undefined && chosen !== named.digest) ? null : named;
}

/** Describes the act: `roll checkout in production back from v2 to v1`. */
export function offerWords({ act, service, environment, from_version: from, to_version: to }: OfferedAct): string {
  return act === 'roll_back'
    ? `roll ${service} in ${environment} back from ${from} to ${to ?? 'an earlier version'}`
    : `turn off feature flag ${from} of ${service} in ${environment}`;
}

/** Describes the acts: `…, or …`; of one rollback to several versions, `roll checkout in production back from v3 to v1, or to v2`. */
export function offersWords(acts: readonly OfferedAct[]): string {
  const [first] = acts;
  const isOne = (one: OfferedAct): boolean =>
    one.act === 'roll_back' && one.service === first?.service && one.from_version === first.from_version;
  return acts
    .map((one, index) => (index > 0 && acts.every(isOne) ? `to ${one.to_version}` : offerWords(one)))
    .join(', or ');
}

/** Returns the short label of the act, for a button. */
export const offerLabel = ({ act, from_version: from, to_version: to }: OfferedAct): string =>
  act === 'roll_back' ? `Roll back ${from} to ${to ?? 'an earlier version'}` : `Turn off ${from}`;

/** Names the candidates with their probabilities, most probable first. Empty if there is only one. */
export function candidatesReason(suspects: readonly RankedSuspect[]): Reason[] {
  const named = suspects.filter(({ confidence }, index) => index === 0 || confidence >= NAMED_FROM);
  if (named.length < 2) return [];
  const text = list(named.map(({ change, confidence }) => `${nameOf(change)} (${probability(confidence)})`));
  return [{ code: 'candidates', text: `candidates: ${text}` }];
}

/** Returns what a person can do about each of these changes, which Firebreak cannot undo. */
export const byHandReasons = (changes: readonly Change[]): Reason[] =>
  changes.filter((change) => !putsVersionLive(change)).map((change) => ({ code: 'by_hand', text: byHand(change) }));

const nameOf = ({ kind, version, service }: Change): string => `${kind} ${version} of ${service}`;

function byHand(change: Change): string {
  const { version, service } = change;
  switch (change.kind) {
    case 'flag':
      return `if flag ${version} is the cause, switch it back in the flag service of ${service}`;
    case 'experiment':
      return `if experiment ${version} is the cause, end it for ${service}`;
    case 'config':
      return `if configuration ${version} is the cause, restore the previous configuration of ${service}`;
    case 'infrastructure':
      return `if infrastructure change ${version} is the cause, revert it where it was made`;
    case 'migration':
      return `if migration ${version} is the cause, ask the owner of the data of ${service}: an older version may not work with the new schema`;
    case 'deploy':
    case 'hotfix':
    case 'rollback':
      return `if ${aChange(change.kind)} ${ofVersion(change)} is the cause, put an earlier version of ${service} live`;
  }
}
