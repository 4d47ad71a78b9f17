import { randomUUID } from 'node:crypto';
import { chmod, type FileHandle, link, lstat, mkdir, open, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { checkedKey } from '../blobs.ts';

/** Permissions, whatever the umask. */
export type Modes = { file: number; folder: number };

/** Begins with a period, as no key does. */
const UNFINISHED = '.unfinished';

/**
 * Files in a folder, by keys as in `blobs.ts`. Every change is atomic, and on disk when it returns. Other files in the
 * folder are left alone. A folder inside it that is a symbolic link is not followed: it could lead anywhere.
 */
export class DurableFolder {
  readonly #folder: string;
  readonly #modes: Modes;
  #made: Promise<void> = Promise.resolve();
  /** Folders that are on disk. Another thread may have created one a moment ago. */
  readonly #onDisk = new Set<string>();

  constructor(folder: string, modes: Modes) {
    this.#folder = resolve(folder);
    this.#modes = modes;
  }

  /** Removes unfinished files of an earlier process. */
  async clean(): Promise<void> {
    await rm(join(this.#folder, UNFINISHED), { recursive: true, force: true });
  }

  /** @returns undefined if there is no such file */
  async read(key: string): Promise<Buffer | undefined> {
    const file = await this.#fileOf(key);
    try {
      return await readFile(file);
    } catch (error) {
      if (isMissing(error) || hasErrorCode(error, 'EISDIR')) return undefined;
      throw error;
    }
  }

  /** @returns false if `onlyIfNew` is set and the file exists; it is not changed */
  async write(key: string, content: Uint8Array | string, { onlyIfNew }: { onlyIfNew: boolean }): Promise<boolean> {
    const file = await this.#fileOf(key);
    const unfinished = join(this.#folder, UNFINISHED, randomUUID());
    await this.#makeFolder(dirname(unfinished));
    await this.#makeFolder(dirname(file));
    try {
      await closeAfter(await open(unfinished, 'wx', this.#modes.file), async (handle) => {
        await handle.chmod(this.#modes.file);
        await handle.writeFile(content);
        await handle.sync();
      });
      if (!onlyIfNew) await rename(unfinished, file);
      else if (!(await isLinked(unfinished, file))) return false;
      await syncFolder(dirname(file));
      return true;
    } finally {
      await rm(unfinished, { force: true });
    }
  }

  /** Removes a file, if it exists, and the folders that are empty without it. */
  async remove(key: string): Promise<void> {
    const file = await this.#fileOf(key);
    try {
      await rm(file);
      await syncFolder(dirname(file));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    for (const folder of this.#foldersOf(file)) {
      const isRemoved = await rmdir(folder).then(
        () => true,
        () => false, // not empty: others need it
      );
      if (!isRemoved) return;
    }
  }

  /** @throws Error if a folder on the way to the file is a symbolic link */
  async #fileOf(key: string): Promise<string> {
    const file = join(this.#folder, checkedKey(key));
    for (const folder of this.#foldersOf(file)) {
      const found = await lstat(folder).catch((error: unknown) => {
        if (isMissing(error)) return undefined;
        throw error;
      });
      if (found?.isSymbolicLink())
        throw new Error(`${folder} is a symbolic link, which is not followed: replace it by a folder`);
    }
    return file;
  }

  /** Lists the folders between the file and this folder, from the inside. */
  #foldersOf(file: string): string[] {
    const folders: string[] = [];
    for (let folder = dirname(file); folder !== this.#folder; folder = dirname(folder)) folders.push(folder);
    return folders;
  }

  /** Creates one after the other: a folder that another write has just created may not be on disk yet. */
  #makeFolder(path: string): Promise<void> {
    const made = this.#made.then(async () => {
      const isNew = await makeFolder(path, this.#modes.folder);
      if (!isNew && !this.#onDisk.has(path))
        for (const folder of [...this.#foldersOf(join(path, '_')), this.#folder]) await syncFolder(dirname(folder));
      this.#onDisk.add(path);
    });
    this.#made = made.catch(() => undefined);
    return made;
  }
}

/**
 * Creates a folder and its parents. They are on disk when this returns. Existing folders keep their permissions.
 *
 * @returns false if it exists; it may not be on disk yet
 */
async function makeFolder(folder: string, mode: number): Promise<boolean> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return false;
  const existing = dirname(first);
  for (let created = folder; created !== existing; created = dirname(created)) {
    await chmod(created, mode);
    await syncFolder(dirname(created));
  }
  return true;
}

/** Gives a file a second name, unless there is a file of this name. */
async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST')) return false;
    throw error;
  }
}

const isMissing = (error: unknown): boolean => hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ENOTDIR');

export const hasErrorCode = (error: unknown, code: string): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === code;

async function syncFolder(path: string): Promise<void> {
  await closeAfter(await open(path, 'r'), (folder) => folder.sync());
}

async function closeAfter(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(file);
  } finally {
    await file.close();
  }
}
