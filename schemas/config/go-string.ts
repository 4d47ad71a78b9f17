const LETTERS: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '"': 0x22,
  '\\': 0x5c,
};

/** An escape, a backslash that begins none, or the text between them. */
const PIECE = /\\(?:x([\da-fA-F]{2})|([0-3][0-7]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([abtnvfr"\\]))|\\|[^\\]+/g;

/**
 * Unescapes the inside of a Go string. A backslash that begins no escape stands for itself. \x41 and \101 are bytes,
 * and bytes must be UTF-8.
 * @throws RangeError
 * @see https://go.dev/ref/spec#String_literals
 */
export function unescape(quoted: string): string {
  const bytes = Buffer.concat([...quoted.matchAll(PIECE)].map(pieceBytes));
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) throw new RangeError('the escaped bytes are not valid UTF-8');
  return text;
}

function pieceBytes([whole, byte, octal, short, long, letter]: RegExpExecArray): Buffer {
  if (byte !== undefined) return Buffer.from([Number.parseInt(byte, 16)]);
  if (octal !== undefined) return Buffer.from([Number.parseInt(octal, 8)]);
  if (letter !== undefined) return Buffer.from([LETTERS[letter] ?? 0]);
  const hex = short ?? long;
  if (hex === undefined) return Buffer.from(whole);
  const point = Number.parseInt(hex, 16);
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) throw new RangeError(`${whole} is not a character`);
  return Buffer.from(String.fromCodePoint(point));
}

/**
 * Removes escapes that only the quotes need and that regular expressions do not know; other escapes, such as \b, stay.
 */
export const unescapePattern = (quoted: string): string =>
  quoted.replaceAll(/\\(?:u[\da-fA-F]{4}|U[\da-fA-F]{8}|[^])/g, (escape) =>
    /^\\(?:["\\n]|[uU].)/.test(escape) ? unescape(escape) : escape,
  );
