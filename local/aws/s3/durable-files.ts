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
    await closeAfter(await open(unfinished, 'wx', PRIVATE.file), async (file) => {
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
    if (onlyIfNew && hasErrorCode(error, 'EEXIST')) return false;
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
    if (!hasErrorCode(error, 'ENOENT') && !hasErrorCode(error, 'ENOTDIR')) throw error;
  }
}

/** Creates a folder and its parents. They are on disk when this returns. Existing folders keep their permissions. */
export async function makeFolder(path: string, mode = PRIVATE.folder): Promise<void> {
  const folder = resolve(path);
  const firstCreated = await mkdir(folder, { recursive: true, mode: PRIVATE.folder });
  if (firstCreated === undefined) return;
  const existingParent = dirname(resolve(firstCreated));
  for (let created = folder; created.length > existingParent.length; created = dirname(created)) {
    if (mode !== PRIVATE.folder) await chmod(created, mode);
    await syncFolder(dirname(created));
  }
}

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
