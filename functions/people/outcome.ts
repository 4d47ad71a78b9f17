import type * as z from 'zod';
import type { ChatButton, ChatMessage, ChatPart, Text } from '../../domain/outlets.ts';
import { plainOf } from '../../domain/plain-text.ts';
import { nearest } from '../../domain/runbooks/nearest.ts';

/** What came of an errand, as it is kept until everybody who is to hear of it has. */
export type Outcome = {
  /** To whoever wanted it. Null: they see it anyway. */
  answer: ChatMessage | null;
  /** Others in the channel are to see the answer, too. */
  aloud?: boolean;
  /** To others, whom it concerns: ids of users. */
  letters?: { user: string; message: ChatMessage }[];
};

export const NOTHING: Outcome = { answer: null };

/** As a notification has it: who is named is named there, too. */
const oneLine = (text: Text): Text =>
  text.map((span) => (typeof span === 'string' ? span.replaceAll(/\s+/g, ' ') : span));

/** A message of one paragraph, and perhaps what can be pressed below it. */
export function message(text: Text, buttons: readonly ChatButton[] = []): ChatMessage {
  const more: ChatPart[] = buttons.length === 0 ? [] : [{ kind: 'buttons', buttons }];
  return { summary: oneLine(text), parts: [{ kind: 'text', text }, ...more] };
}

export const answered = (...text: Text): Outcome => ({ answer: message(text) });

/** The answer with small print below it. */
export const withNote = (outcome: Outcome, text: Text): Outcome =>
  outcome.answer === null
    ? outcome
    : { ...outcome, answer: { ...outcome.answer, parts: [...outcome.answer.parts, { kind: 'note', text }] } };

/** Why something was not done, in words for whoever wanted it. It is their answer, and no fault. */
export class Declined extends Error {
  override readonly name = 'Declined';
  readonly text: Text;

  constructor(...text: Text) {
    super(plainOf(text));
    this.text = text;
  }
}

/** What was typed means nothing: what was probably meant, if anything was. */
export function misunderstood({ because, nearest: meant }: { because: string; nearest: string | null }): Declined {
  const text = `${because.slice(0, 1).toUpperCase()}${because.slice(1)}. Nothing was done.`;
  return meant === null ? new Declined(text) : new Declined(`${text} Did you mean `, { code: meant }, '?');
}

/** There is nothing of this name: what was probably meant, if anything was. */
export function unknownName(what: string, name: string, known: Iterable<string>): Declined {
  const meant = nearest(name, known);
  return new Declined(
    `There is no ${what} "${name}".${meant === null ? '' : ` Did you mean "${meant}"?`} Nothing was done.`,
  );
}

/** What somebody has typed, as the name of something. @throws Declined where nothing can be called that */
export function nameIn<S extends z.ZodType>(schema: S, text: string): z.output<S> {
  const read = schema.safeParse(text);
  if (read.success) return read.data;
  throw new Declined(`Nothing is called "${text.slice(0, 40).toWellFormed()}…". Nothing was done.`);
}
