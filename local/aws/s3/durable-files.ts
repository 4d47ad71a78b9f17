import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** Permissions, whatever the umask. */
export type Modes = { file: number; folder: number };
const PRIVATE: Modes = { file: 0o600, folder: 0o700 };

/**
 * Writes a file atomically and durably: after a crash at any moment, the file is complete or absent, and it is on disk
 * when this returns.
 *
 * @param temporary a folder on the same file system, for unfinished files
 * @returns false if `onlyIfNew` is set and the file exists; it is not changed
 */
export async function writeDurably(
  path: string,
  content: Uint8Array,
  { temporary, onlyIfNew, modes = PRIVATE }: { temporary: string; onlyIfNew: boolean; modes?: Modes },
): Promise<boolean> {
  const unfinished = join(temporary, randomUUID());
  try {
    await using(await open(unfinished, 'wx', PRIVATE.file), async (file) => {
      if (modes !== PRIVATE) await file.chmod(modes.file);
      await file.writeFile(content);
      await file.sync();
    });
    await makeFolder(dirname(path), modes.folder);
    if (onlyIfNew) await link(unfinished, path); // fails if the name exists, unlike rename
    else await rename(unfinished, path);
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    if (onlyIfNew && isCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** Removes a file if it exists. It is gone from disk when this returns. */
export async function removeDurably(path: string): Promise<void> {
  try {
    await rm(path);
    await syncFolder(dirname(path));
  } catch (error) {
    if (!isCode(error, 'ENOENT') && !isCode(error, 'ENOTDIR')) throw error;
  }
}

/** Creates a folder and its parents. They are on disk when this returns. Existing folders keep their permissions. */
export async function makeFolder(path: string, mode = PRIVATE.folder): Promise<void> {
  const wanted = resolve(path);
  const first = await mkdir(wanted, { recursive: true, mode: PRIVATE.folder });
  if (first === undefined) return;
  const above = dirname(resolve(first));
  for (let made = wanted; made.length > above.length; made = dirname(made)) {
    if (mode !== PRIVATE.folder) await chmod(made, mode);
    await syncFolder(dirname(made));
  }
}

export const isCode = (error: unknown, code: string): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === code;

async function syncFolder(path: string): Promise<void> {
  await using(await open(path, 'r'), (folder) => folder.sync());
}

async function using(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(file);
  } finally {
    await file.close();
  }
}
