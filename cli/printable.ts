import type { World } from './world.ts';

/**
 * C0 except tab and newline, DEL, C1, line and paragraph separators, and what changes the direction of text. A terminal
 * obeys them: escape sequences move the cursor, set titles, make links (OSC 8), and hide what is written.
 */
const NOT_PRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/gu;

/** Replaces characters that a terminal would obey, one by one, so that columns stay in line. Newlines stay. */
export const printable = (text: string): string => text.replaceAll('\r\n', '\n').replaceAll(NOT_PRINTABLE, '\ufffd');

/** The same for JSON: as escapes, so that a program reads what was there. */
export const printableJson = (json: string): string =>
  json.replaceAll(NOT_PRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Titles, labels, names, and error messages come from others: nothing that is printed may be an order to the terminal. */
export const printing = (world: World): World => {
  const { ask } = world;
  return {
    ...world,
    out: (text) => world.out(printable(text)),
    err: (text) => world.err(printable(text)),
    ...(ask && { ask: (question) => ask(printable(question)) }),
  };
};
