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

/** An escape, or a backslash that begins none, or what stands between two of them. */
const PIECE = /\\(?:x([\da-fA-F]{2})|([0-3][0-7]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([abtnvfr"\\]))|\\|[^\\]+/g;

/**
 * What stands between the quotes of a Go string, where a backslash that begins no escape stands for itself. \x41 and
 * \101 are bytes, and bytes have to be UTF-8.
 * @throws RangeError
 * @see https://go.dev/ref/spec#String_literals
 */
export function unescape(quoted: string): string {
  const bytes = Buffer.concat([...quoted.matchAll(PIECE)].map(meaning));
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) throw new RangeError('the escaped bytes are no UTF-8');
  return text;
}

function meaning([whole, byte, octal, short, long, letter]: RegExpExecArray): Buffer {
  if (byte !== undefined) return Buffer.from([Number.parseInt(byte, 16)]);
  if (octal !== undefined) return Buffer.from([Number.parseInt(octal, 8)]);
  if (letter !== undefined) return Buffer.from([LETTERS[letter] ?? 0]);
  const hex = short ?? long;
  if (hex === undefined) return Buffer.from(whole);
  const point = Number.parseInt(hex, 16);
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) throw new RangeError(`${whole} is no character`);
  return Buffer.from(String.fromCodePoint(point));
}

/** What the quotes need is undone, and what regular expressions do not know; the other escapes are theirs, as \b is. */
export const unescapePattern = (quoted: string): string =>
  quoted.replaceAll(/\\(?:u[\da-fA-F]{4}|U[\da-fA-F]{8}|[^])/g, (escape) =>
    /^\\(?:["\\n]|[uU].)/.test(escape) ? unescape(escape) : escape,
  );
