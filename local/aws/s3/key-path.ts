import { join } from 'node:path';

/** Less than the 255 bytes that file systems allow for a name. */
const PIECE_MAX_CHARS = 200;
/** The last character of a folder name within a long key. Never part of an encoded key. */
const CONTINUATION_MARK = '~';

/**
 * Returns the file path for a key, relative to the bucket's folder, e.g. `runs/A.json` → `runs%2f%41%2ejson`.
 *
 * Only lower-case letters, digits, `-`, and `_` are not encoded, so no key can leave the folder, become a dot file, be
 * the folder of another key (`a` and `a/b`), or differ from another only by case. Long keys are split into folders.
 */
export function pathOfKey(key: string): string {
  const encoded = [...Buffer.from(key)]
    .map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`))
    .join('');
  const pieces = encoded.match(new RegExp(`.{1,${PIECE_MAX_CHARS}}`, 'g')) ?? [];
  return join(...pieces.map((piece, i) => (i < pieces.length - 1 ? piece + CONTINUATION_MARK : piece)));
}

/** Returns the key for a path from `pathOfKey`. */
export function keyOfPath(path: string): string {
  const encoded = path.replaceAll(/~[/\\]/g, '');
  const bytes = encoded.replaceAll(/%([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}

const isPlain = (byte: number): boolean => /[a-z0-9_-]/.test(String.fromCharCode(byte));
