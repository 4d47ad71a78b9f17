import type { DecisionView, Offer } from '../../../schemas/incidents/incident.ts';
import { chosenOffer } from './offers.ts';

/**
 * First number of runbook decisions. Judgements of an incident are numbered from 1; decisions about runbook steps have
 * numbers from a million on, which encode the runbook, the step, and whether the step is undone.
 */
const RUNBOOKS_FROM = 1_000_000;
const PER_RUNBOOK = 1000;

/** Returns the number of a decision within its incident, which is the suffix of the keys of its effects. */
export const numberOf = (decisionId: string): string => decisionId.slice(decisionId.lastIndexOf('-') + 1);

/**
 * Returns the short name of a decision: `2` for a judgement; `r1.2` for step 2 of the first runbook, `r1.2u` for its
 * inverse.
 */
export function questionName(decisionId: string): string {
  const number = Number(numberOf(decisionId));
  if (number < RUNBOOKS_FROM) return String(number);
  const rest = number - RUNBOOKS_FROM;
  const step = Math.floor((rest % PER_RUNBOOK) / 2);
  return `r${Math.floor(rest / PER_RUNBOOK)}.${step}${rest % 2 === 1 ? 'u' : ''}`;
}

/**
 * Returns the short names of the answers that approve something, with what they approve: `2`, or `2a` and `2b` if the
 * question offers several acts.
 */
export function answerNames(decision: Pick<DecisionView, 'id' | 'digest' | 'offers' | 'target'>): AnswerName[] {
  const name = questionName(decision.id);
  const { offers } = decision;
  if (offers === undefined || chosenOffer(decision, decision.digest)) return [{ name, digest: decision.digest }];
  return offers.map((offer, n) => ({ name: `${name}${String.fromCodePoint(97 + n)}`, digest: offer.digest, offer }));
}

type AnswerName = { name: string; digest: string; offer?: Offer };

/** Returns whether the text refers to this decision: by short name, number, ID, or digest. */
export const isNamed = (text: string, { id, digest }: { id: string; digest: string }): boolean => {
  const name = text.replace(/^#/, '').toLowerCase();
  return [questionName(id), numberOf(id), id.toLowerCase(), digest].includes(name);
};
