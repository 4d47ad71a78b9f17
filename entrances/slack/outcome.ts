import type * as z from 'zod';
import type { ChatButton, ChatMessage, ChatPart, Text } from '../../core/domain/messages/chat-message.ts';
import { plainOf } from '../../core/domain/messages/plain-text.ts';
import { nearest } from '../../schemas/parsing/similar-names.ts';
import { truncated } from '../../schemas/parsing/text.ts';

/** Result of a request, which is stored until all recipients are notified. */
export type Outcome = {
  /** Answer to the person. Null: none is needed. */
  answer: ChatMessage | null;
  /** Whether the entire channel sees the answer. */
  isPublic?: boolean;
  /** Direct messages to other users, by user ID. The name is stored, so it stays `emails`. */
  emails?: { user: string; message: ChatMessage }[];
};

export const NOTHING: Outcome = { answer: null };

/** Returns the text in one line, for a notification. */
const oneLine = (text: Text): Text =>
  text.map((span) => (typeof span === 'string' ? span.replaceAll(/\s+/g, ' ') : span));

/** Returns a message with one paragraph, and buttons below it. */
export function message(text: Text, buttons: readonly ChatButton[] = []): ChatMessage {
  const more: ChatPart[] = buttons.length === 0 ? [] : [{ kind: 'buttons', buttons }];
  return { summary: oneLine(text), parts: [{ kind: 'text', text }, ...more] };
}

export const answered = (...text: Text): Outcome => ({ answer: message(text) });

/** Adds a note below the answer. */
export const withNote = (outcome: Outcome, text: Text): Outcome =>
  outcome.answer === null
    ? outcome
    : { ...outcome, answer: { ...outcome.answer, parts: [...outcome.answer.parts, { kind: 'note', text }] } };

/** Reason why a request is not executed, as the answer to the person. It is not a fault. */
export class Declined extends Error {
  override readonly name = 'Declined';
  readonly text: Text;

  constructor(...text: Text) {
    super(plainOf(text));
    this.text = text;
  }
}

/** Returns a usage error, with a suggestion if there is one. */
export function usageError({ because, nearest: suggestion }: { because: string; nearest: string | null }): Declined {
  const text = `${because.slice(0, 1).toUpperCase()}${because.slice(1)}. Nothing was done.`;
  return suggestion === null ? new Declined(text) : new Declined(`${text} Did you mean `, { code: suggestion }, '?');
}

/** Returns the error for an unknown name, with a suggestion if there is one. */
export function unknownName(what: string, name: string, known: Iterable<string>): Declined {
  const suggestion = nearest(name, known);
  return new Declined(
    `There is no ${what} "${name}".${suggestion === null ? '' : ` Did you mean "${suggestion}"?`} Nothing was done.`,
  );
}

/** Parses an entered name. @throws Declined if the name is invalid */
export function nameIn<S extends z.ZodType>(schema: S, text: string): z.output<S> {
  const read = schema.safeParse(text);
  if (read.success) return read.data;
  const shown = truncated(text, 40);
  throw new Declined(`"${shown}" is not a valid name. Nothing was done.`);
}

/** Returns the reason in parentheses. Empty: there is none. */
export const reasonWords = (reason: string | null): string => (reason === null || reason === '' ? '' : ` (${reason})`);
