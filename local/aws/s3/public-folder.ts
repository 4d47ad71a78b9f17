import { lstat, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32Of, md5Of } from './body.ts';
import { hasErrorCode, makeFolder, removeDurably, writeDurably } from './durable-files.ts';
import { noSuchKey, notImplemented, S3Error } from './errors.ts';
import type { ObjectStore } from './objects.ts';

/** Modes for a web server that runs as another user. */
const PUBLIC_MODES = { file: 0o644, folder: 0o755 };

/**
 * Stores the objects of one bucket as plain files in a folder, by their keys, as a CDN in front of the bucket shows
 * them. Headers of an upload are not stored: a web server derives the content type from the name. Other files in the
 * folder are left alone. A folder inside it that is a symbolic link is not followed: it could lead anywhere.
 */
export function publicFolder(folder: string): Omit<ObjectStore, 'hold'> {
  const temporary = join(folder, '.unfinished');
  const fileOf = (key: string): string => {
    if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(key))
      throw new S3Error(400, 'InvalidRequest', `The key is not a path of plain names: ${key}`);
    return join(folder, key);
  };

  /** @throws S3Error if a folder on the way to the file is a symbolic link */
  async function checkedFile(key: string): Promise<string> {
    const file = fileOf(key);
    for (let parent = dirname(file); parent.length > folder.length; parent = dirname(parent)) {
      const found = await lstat(parent).catch((error: unknown) => {
        if (hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ENOTDIR')) return undefined;
        throw error;
      });
      if (found?.isSymbolicLink())
        throw new S3Error(
          403,
          'AccessDenied',
          `${parent} is a symbolic link, which is not followed: replace it by a folder`,
        );
    }
    return file;
  }

  async function get(_bucket: string, key: string) {
    const file = await checkedFile(key);
    try {
      const [content, { mtimeMs }] = await Promise.all([readFile(file), stat(file)]);
      const info = {
        etag: `"${md5Of(content)}"`,
        crc32: crc32Of(content),
        size: content.length,
        lastModified: mtimeMs,
        headers: {},
      };
      return { info, content };
    } catch (error) {
      throw hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ENOTDIR') ? noSuchKey() : error;
    }
  }

  return {
    async createBucket() {
      try {
        await rm(temporary, { recursive: true, force: true });
      } catch {
        // A folder that is not available now, such as a network drive, must not prevent the start. `put` says why.
      }
    },
    requireBucket: async () => undefined,
    async put(bucket, key, content, { onlyIfNew }) {
      if (onlyIfNew) throw notImplemented('PutObject with If-None-Match in a public folder');
      const file = await checkedFile(key);
      await makeFolder(temporary, PUBLIC_MODES.folder);
      await writeDurably(file, content, { temporary, onlyIfNew, modes: PUBLIC_MODES });
      return (await get(bucket, key)).info;
    },
    get,
    info: async (bucket, key) => (await get(bucket, key)).info,
    async remove(_bucket, key) {
      const file = await checkedFile(key);
      await removeDurably(file);
      for (let parent = dirname(file); parent.length > folder.length; parent = dirname(parent)) {
        const isRemoved = await rmdir(parent).then(
          () => true,
          () => false, // not empty: others need it
        );
        if (!isRemoved) return;
      }
    },
    keys: async () => {
      throw notImplemented('ListObjectsV2 of a public folder');
    },
  };
}
