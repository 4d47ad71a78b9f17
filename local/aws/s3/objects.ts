import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { crc32Of, md5Of } from './body.ts';
import { hasErrorCode, makeFolder, removeDurably, writeDurably } from './durable-files.ts';
import { noSuchBucket, noSuchKey, preconditionFailed } from './errors.ts';
import { Gate } from './gate.ts';
import { keyOfPath, pathOfKey } from './key-path.ts';

/** More than the maximum of a file's first line: its headers came in one request, which Node limits to 16 KiB. */
const INFO_MAX_BYTES = 65_536;

/** The metadata of an object. */
export type ObjectInfo = {
  /** The MD5 in quoted hexadecimal form. */
  etag: string;
  crc32: string;
  size: number;
  /** Milliseconds since the Unix epoch. */
  lastModified: number;
  /** The headers that are returned with the content: content type, encoding, user metadata, … */
  headers: Record<string, string>;
};
type StoredObject = { info: ObjectInfo; content: Buffer };
export type ObjectStore = Awaited<ReturnType<typeof objectStore>>;

/**
 * Stores objects as files in `dir/<bucket>/`. A file consists of a JSON line with the `ObjectInfo` and the content, so
 * that both change together. Every write is on disk when it returns.
 */
export async function objectStore(dir: string) {
  const temporary = join(dir, '.unfinished'); // bucket names can't start with a period
  await rm(temporary, { recursive: true, force: true });
  await makeFolder(temporary);
  const folderOf = (bucket: string): string => join(dir, bucket);
  const fileOf = (bucket: string, key: string): string => join(folderOf(bucket), pathOfKey(key));

  async function requireBucket(bucket: string): Promise<void> {
    try {
      await stat(folderOf(bucket));
    } catch (error) {
      throw hasErrorCode(error, 'ENOENT') ? noSuchBucket() : error;
    }
  }

  const writes = new Gate();

  return {
    /** Runs `work` while no object changes. Changes wait until `work` ends. */
    hold: <T>(work: () => Promise<T>): Promise<T> => writes.runAlone(work),

    requireBucket,
    createBucket: (bucket: string): Promise<void> => makeFolder(folderOf(bucket)),

    /** @throws S3Error NoSuchBucket; PreconditionFailed if `onlyIfNew` is set and the key exists */
    async put(
      bucket: string,
      key: string,
      content: Buffer,
      { headers, onlyIfNew }: { headers: Record<string, string>; onlyIfNew: boolean },
    ): Promise<ObjectInfo> {
      await requireBucket(bucket);
      const info: ObjectInfo = {
        etag: `"${md5Of(content)}"`,
        crc32: crc32Of(content),
        size: content.length,
        lastModified: Date.now(),
        headers,
      };
      const file = Buffer.concat([Buffer.from(`${JSON.stringify(info)}\n`), content]);
      const isWritten = await writes.pass(() => writeDurably(fileOf(bucket, key), file, { temporary, onlyIfNew }));
      if (!isWritten) throw preconditionFailed();
      return info;
    },

    /** @throws S3Error NoSuchBucket, NoSuchKey */
    async get(bucket: string, key: string): Promise<StoredObject> {
      await requireBucket(bucket);
      return parseStoredFile(await orNoSuchKey(readFile(fileOf(bucket, key))));
    },

    /**
     * Reads the metadata without the content.
     *
     * @throws S3Error NoSuchBucket, NoSuchKey
     */
    async info(bucket: string, key: string): Promise<ObjectInfo> {
      await requireBucket(bucket);
      const file = await orNoSuchKey(open(fileOf(bucket, key)));
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(INFO_MAX_BYTES), 0, INFO_MAX_BYTES, 0);
        return parseStoredFile(buffer.subarray(0, bytesRead)).info;
      } finally {
        await file.close();
      }
    },

    /** @throws S3Error NoSuchBucket */
    async remove(bucket: string, key: string): Promise<void> {
      await requireBucket(bucket);
      await writes.pass(() => removeDurably(fileOf(bucket, key)));
    },

    /**
     * Returns all keys, sorted by their UTF-8 bytes.
     *
     * @throws S3Error NoSuchBucket
     */
    async keys(bucket: string): Promise<string[]> {
      await requireBucket(bucket);
      const folder = folderOf(bucket);
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => keyOfPath(relative(folder, join(entry.parentPath, entry.name))))
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    },
  };
}

async function orNoSuchKey<T>(file: Promise<T>): Promise<T> {
  try {
    return await file;
  } catch (error) {
    throw hasErrorCode(error, 'ENOENT') ? noSuchKey() : error;
  }
}

function parseStoredFile(file: Buffer): StoredObject {
  const end = file.indexOf('\n');
  return { info: JSON.parse(file.toString('utf8', 0, end)) as ObjectInfo, content: file.subarray(end + 1) };
}
