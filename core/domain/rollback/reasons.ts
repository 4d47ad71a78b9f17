import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';
import { called } from '../correlation/candidates.ts';
import type { RankedSuspect } from '../correlation/ranking.ts';
import { IMPROBABLE, likelihoodText, probability } from '../correlation/words.ts';
import { putsVersionLive } from '../changes/versions.ts';

/** Removes what a reason that is given before says already: evidence against a suspect can be against every change. */
export function notSaid<R extends Pick<Reason, 'text'>>(
  reasons: readonly R[],
  said: readonly Pick<Reason, 'text'>[],
): R[] {
  const texts = new Set(said.map(({ text }) => withoutIntroduction(text)));
  return reasons.filter(({ text }) => !texts.has(withoutIntroduction(text)));
}

const withoutIntroduction = (text: string): string => text.replace(/^(?:this speaks )?against it: /, '');

/** Names a suspect with its probability and what speaks for it most. `more`: the rest of what speaks for and against it. */
export function suspectReason(suspect: RankedSuspect): Reason {
  const { confidence, reasons } = suspect;
  const [first, ...more] = reasons;
  const text = likelihoodText(nameOfSuspect(suspect), confidence);
  return first === undefined || first.startsWith('against it: ')
    ? { code: 'suspect', text, more: reasons }
    : { code: 'suspect', text: `${text}, because ${first}`, more };
}

/** Confidence below which a change is not worth a name. */
const LEAST_NAMED = 0.01;

/**
 * Names the first suspect where nothing can be done about it. An improbable one is not blamed, but people want to know why. Without
 * a name if nobody would think of it.
 */
export function firstSuspectReason(suspect: RankedSuspect): Reason {
  const { confidence, reasons, relation } = suspect;
  if (confidence >= IMPROBABLE) return suspectReason(suspect);
  const isKnown = confidence >= LEAST_NAMED;
  const text =
    isKnown && relation !== 'undeclared'
      ? `${nameOfSuspect(suspect)} is probably not the cause (${probability(confidence)})`
      : `the most probable change has a probability of ${isKnown ? probability(confidence) : 'less than 1 %'}`;
  return { code: 'suspect', text, more: reasons };
}

const nameOfSuspect = (suspect: RankedSuspect): string =>
  putsVersionLive(suspect.change) ? called(suspect) : `${suspect.change.kind} ${called(suspect)}`;

/** Returns whether a decision tells the person who agrees to it that the name of the version means another commit now. */
export const saysNameMoved = ({ reasons }: Pick<DecisionView, 'reasons'>): boolean =>
  reasons.some(({ code }) => code === 'version_name_moved');
