import { type DecisionView, type Effect, NOBODY_OBJECTED } from '../../../schemas/incidents/incident.ts';
import type { Reason, ReasonCode } from '../../../schemas/incidents/reason.ts';
import { ERROR_CODES } from '../correlation/ranking.ts';
import { offersWords, offerWords } from '../rollback/offers.ts';
import { notSaid } from '../rollback/reasons.ts';
import { secondsOfWait } from '../rollback/wait.ts';
import { type Place, placeNames } from './place-names.ts';
import { clockText } from '../../../schemas/time/time.ts';

/**
 * A decision as every entrance tells it, in this order: what to do, what speaks for it, and why it asks or does not act.
 * Each line is one short sentence; null: there is nothing to say. `details`: the rest, a fact each.
 */
export type DecisionLines = {
  action: string;
  evidence: string | null;
  hesitation: string | null;
  details: readonly string[];
};

/**
 * Longest line, in words and in UTF-16 code units, because a word can be an address. A longer one is cut, and is whole among
 * the details.
 */
export const LINE_MAX = { words: 25, chars: 400 };

/** The part of it for what a question asks, which leaves room for the deadline. */
const SUBJECT_MAX = { words: 18, chars: 300 };

/** Most acts that the first line of a question names. */
const OFFERS_NAMED_MAX = 2;

type Shown = Omit<DecisionView, 'id' | 'because' | 'digest' | 'at'>;

export const placeText = (place: Place): string => placeNames(place).join(' in ');

/** @param effect the rollback that the decision led to. Absent: none yet */
export function decisionLines(decision: Shown, place: Place, effect?: Effect): DecisionLines {
  const { kind, state, would, offers } = decision;
  const does = would?.kind ?? kind;
  const reasons = [...(would?.reasons ?? []), ...notSaid(decision.reasons, would?.reasons ?? [])];
  const evidence =
    (offers && reasons.find(({ code }) => code === 'candidates')) ??
    reasons.find((one) => speaksForIt(one) && one.code !== 'evidence') ??
    reasons.find(({ code }) => DESCRIPTIVE.has(code));
  const why =
    kind === 'roll_back'
      ? undefined
      : reasons.find((one) => !speaksForIt(one) && !DESCRIPTIVE.has(one.code) && one.code !== 'by_hand');
  const hesitates = HESITATES[does][would !== undefined ? 'would' : state === 'waiting' ? 'now' : 'past'];
  const lines = {
    action: actionOf(decision, place, effect),
    evidence: evidence === undefined ? null : sentenceOf(evidence),
    hesitation: why === undefined ? null : `${hesitates} because ${asSentence(why.text, false)}`,
  };
  const shown = {
    action: shortened(lines.action),
    evidence: lines.evidence && shortened(lines.evidence),
    hesitation: lines.hesitation && shortened(lines.hesitation),
  };
  const facts = reasons.flatMap((one) => [
    ...(one === evidence || one === why ? [] : [sentenceOf(one)]),
    ...notSaid(
      (one.more ?? []).map((text) => ({ text })),
      reasons,
    ).map(({ text }) => asSentence(text)),
  ]);
  const subject = subjectOf(decision);
  const acts =
    offers !== undefined && offers.length > OFFERS_NAMED_MAX
      ? offers.map(offerWords)
      : [subject].filter((text) => state === 'waiting' && shortened(text, SUBJECT_MAX) !== text);
  const details = [
    ...Object.values(lines).filter((line) => line !== null),
    ...acts.map((text) => asSentence(text)),
    ...facts,
  ];
  return { ...shown, details: [...new Set(details)].filter((text) => !Object.values(shown).includes(text)) };
}

/** Returns the lines that are not empty, in order. */
export const linesOf = ({ action, evidence, hesitation }: DecisionLines): string[] =>
  [action, evidence, hesitation].filter((line) => line !== null);

/** Reasons that speak for an act, rather than against doing it automatically. */
const SPEAKS_FOR: ReadonlySet<ReasonCode> = new Set<ReasonCode>(['suspect', 'requested_by_person', 'evidence']);
const speaksForIt = ({ code }: Reason): boolean => SPEAKS_FOR.has(code);

/** Reasons that describe the errors and the candidates: the evidence where no suspect is. */
const DESCRIPTIVE: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'candidates',
  'several_fail',
  'dependency_failed_first',
  'healthy_now',
  'healthy_just_now',
  'falling',
  'recurring',
  'rollback_did_not_help',
  'traffic_rise',
  ...ERROR_CODES,
]);

/** How a decision that does not act is introduced: while it waits, afterwards, and in shadow mode. */
const HESITATES: Record<DecisionView['kind'], { now: string; past: string; would: string }> = {
  roll_back: { now: 'Acts', past: 'Does not act', would: 'Does not act' },
  approve: { now: 'Asks', past: 'Asked', would: 'Would ask' },
  wait: { now: 'Waits', past: 'Waits', would: 'Would wait' },
  suggest: { now: 'Only suggests', past: 'Only suggests', would: 'Would only suggest' },
  shadow: { now: 'Does not act', past: 'Does not act', would: 'Does not act' },
  none: { now: 'Does not act', past: 'Does not act', would: 'Does not act' },
};

/** Describes the action to approve, in one sentence without its mark. */
export function subjectOf({ question, target, from_version, to_version, offers, chosen }: Shown): string {
  if (question !== undefined) return question;
  const acts = offers?.filter(({ digest }) => chosen === undefined || digest === chosen);
  if (acts !== undefined) return capitalized(offersWords(acts));
  const where = target === null ? '' : `${target.service} in ${target.environment} `;
  return `Roll ${where}back from ${from_version ?? 'the running version'} to ${to_version ?? 'an earlier version'}`;
}

function actionOf(decision: Shown, place: Place, effect: Effect | undefined): string {
  const { kind, state, would, from_version: from, reasons, not_done: notDone } = decision;
  const subject = subjectOf(decision);
  const asked = lowered(subject);
  if (state === 'waiting') return questionOf(decision);
  switch (kind) {
    case 'roll_back':
      return notDone === undefined ? rollingBack(subject, effect) : `${notDone}.`;
    case 'approve':
      // The effect can be that of a later decision to do the same.
      return effect === undefined || decision.withdrawn?.done === false
        ? answered(decision, asked)
        : rollingBack(subject, effect);
    case 'shadow':
      return would === undefined ? lookAt(decision, place) : wouldHave(would.kind, from === null ? 'act' : asked);
    case 'wait':
      return `Firebreak judges again ${secondsOfWait(decision)} seconds later, before it asks.`;
    case 'suggest':
      return from === null || reasons[0]?.code === 'superseded'
        ? lookAt(decision, place)
        : `Consider whether to ${asked}.`;
    case 'none':
      return lookAt(decision, place);
  }
}

function answered(decision: Shown, asked: string): string {
  const { state, answered_by: by, withdrawn, not_done: notDone } = decision;
  switch (state) {
    case 'waiting':
    case 'final':
      return questionOf(decision);
    case 'expired':
      return `Closed without an answer: ${asked}.`;
    case 'approved': {
      const approved =
        by === NOBODY_OBJECTED
          ? 'Approved, because nobody objected in time'
          : `Approved by ${by ?? 'an unknown person'}`;
      return notDone === undefined ? `${approved}: ${asked}.` : `${notDone}. ${approved} before.`;
    }
    case 'rejected':
      return `Rejected by ${by ?? 'an unknown person'}: ${asked}.`;
    case 'withdrawn':
      return `Question withdrawn${withdrawn === undefined ? '' : `, because ${withdrawn.because}`}: "${subjectOf(decision)}?"`;
  }
}

function questionOf(decision: Shown): string {
  const { offers = [], answer_until: until, target } = decision;
  const by = until === undefined ? '' : ` by ${clockText(until)}`;
  if (offers.length > OFFERS_NAMED_MAX)
    return `Choose one of ${offers.length} acts${target === null ? '' : ` for ${target.service}`}, or none${by}.`;
  const subject = shortened(subjectOf(decision), SUBJECT_MAX);
  return `${/[.?!…]$/.test(subject) ? subject : `${subject}?`} ${offers.length > 1 ? 'Choose one or none' : 'Approve or reject'}${by}.`;
}

/** @param subject `Roll … back …` */
function rollingBack(subject: string, effect: Effect | undefined): string {
  const form = (roll: string, end = '.'): string => `${subject.replace(/^Roll\b/, roll)}${end}`;
  switch (effect?.state) {
    case undefined:
    case 'intended':
    case 'accepted':
      return form('Rolling');
    case 'succeeded':
      return form('Rolled');
    case 'failed':
      return form('Failed to roll', ': look at it now.');
    case 'withheld':
    case 'superseded':
      return form('Did not roll');
  }
}

const WOULD_HAVE: Record<NonNullable<DecisionView['would']>['kind'], string> = {
  roll_back: 'rolled',
  approve: 'asked for approval to roll',
  suggest: 'suggested to roll',
};

/** @param act `roll … back …`, or `act` if it is not a rollback */
const wouldHave = (kind: NonNullable<DecisionView['would']>['kind'], act: string): string =>
  act === 'act'
    ? 'Would have asked which of several acts to approve (shadow mode).'
    : `Would have ${act.replace(/^roll\b/, WOULD_HAVE[kind])} (shadow mode).`;

function lookAt({ reasons, from_version: from }: Shown, place: Place): string {
  const where = placeText(place);
  if (reasons.some(({ code }) => code === 'canary_aborted'))
    return `Find out why ${from ?? 'the new version'} was worse before you start another canary.`;
  const byHand = reasons.find(({ code }) => code === 'by_hand');
  return byHand === undefined ? `Look at ${where}.` : asSentence(byHand.text);
}

/** Cuts a text after so many words, numbers included. */
function shortened(text: string, max = LINE_MAX): string {
  let words = 0;
  const parts = text.split(' ');
  const cut = parts.findIndex((part) => /[\p{L}\p{N}]/u.test(part) && ++words > max.words);
  const few = cut < 0 ? text : `${parts.slice(0, cut).join(' ')} …`;
  return few.length > max.chars ? `${few.slice(0, max.chars - 2).replace(/[\uD800-\uDBFF]$/, '')} …` : few;
}

export const capitalized = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
const lowered = (text: string): string => `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`;

/** Reasons whose text starts with the name of a person or a service, which is written as it is. */
const STARTS_WITH_NAME: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'requested_by_person',
  'second_person',
  'rollback_proposed',
  'several_fail',
]);
const sentenceOf = ({ code, text }: Reason): string => asSentence(text, !STARTS_WITH_NAME.has(code));

/** Ends a text as a sentence, on one line. A first word that can be a name stays as it is. */
function asSentence(text: string, isStart = true): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const ended = /[.!?…]$/.test(line) ? line : `${line}.`;
  return isStart && /^[a-z]+[ :]/.test(ended) ? capitalized(ended) : ended;
}
