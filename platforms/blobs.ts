/**
 * Data that is too large for an item or a message, by keys such as `signals/01K…/0.json`: paths of names of letters,
 * digits, `-`, `_`, and, not at the beginning, `.`. Other keys are refused with a RangeError. No key may be a folder of
 * another one, as `a` of `a/b`.
 */
export interface Blobs {
  /** Replaces a blob at once: readers get the old or the new one, also after a crash. */
  put(key: string, body: Uint8Array | string, contentType: string): Promise<void>;
  /** @returns false if the key exists; then nothing is written */
  putNew(key: string, body: Uint8Array | string, contentType: string): Promise<boolean>;
  get(key: string): Promise<Uint8Array | undefined>;
}

/** Files that everybody can read through a static host: the snapshot of the status pages. Paths are like keys of blobs. */
export interface PublicFiles {
  read(path: string): Promise<string | undefined>;
  /** Replaces a file at once: readers get the old or the new one. */
  put(file: { path: string; type: string; body: string }): Promise<void>;
  /** Succeeds if there is no such file. */
  remove(path: string): Promise<void>;
}

/** File systems accept names of at most 255 bytes. */
const KEY = /^[\w-][\w.-]{0,254}(?:\/[\w-][\w.-]{0,254})*$/;

/** Returns the key. It can be used as a path in a folder, and cannot lead out of it. @throws RangeError */
export function checkedKey(key: string): string {
  if (!KEY.test(key)) throw new RangeError(`The key is not a path of plain names: ${key}`);
  return key;
}
