/**
 * C0 except tab and newline, DEL, C1, line and paragraph separators, and bidirectional controls. Terminals interpret them:
 * escape sequences move the cursor, set titles, make links (OSC 8), and hide text. In a browser, bidirectional controls
 * change the order of the text around them.
 */
const NOT_PRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/gu;

/** Replaces each control character with one replacement character, so that columns stay aligned. Keeps newlines. */
export const printable = (text: string): string => text.replaceAll('\r\n', '\n').replaceAll(NOT_PRINTABLE, '\ufffd');

/** Escapes control characters in JSON, so that a program reads the original text. */
export const printableJson = (json: string): string =>
  json.replaceAll(NOT_PRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
