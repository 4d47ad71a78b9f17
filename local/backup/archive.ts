import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import * as z from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { DATABASE_FILE } from '../../platforms/sqlite/data-folder.ts';
import { DATABASE_FORMAT } from '../../platforms/sqlite/format.ts';
import { isBackedUp } from './contents.ts';
import { filesOfTar, type TarFile, tarOf } from './tar.ts';

/** Incremented when older versions cannot restore the archive. */
const FORMAT = 2;

/** The first file of an archive. */
const MANIFEST = 'manifest.json';
const MANIFEST_MAX_BYTES = 256 * 1024 * 1024;

const Manifest = z.object({
  format: z.literal(FORMAT),
  /** The version of Firebreak that created it. */
  firebreak: z.string(),
  /** The point in time of its data. */
  at: z.iso.datetime(),
  /** The format of the database. */
  database: z.int(),
  files: z.array(z.object({ name: z.string(), bytes: z.int().nonnegative(), sha256: z.string() })),
});
export type Manifest = z.infer<typeof Manifest>;

/** Thrown for an archive that cannot be used, with the reason. */
export class BadArchive extends Error {
  override readonly name = 'BadArchive';
}

/**
 * Packs a folder into a new file that only its owner can read, and verifies the file before it gets its final name.
 *
 * @throws Error if the file exists or cannot be written
 */
export async function pack(folder: string, at: string, file: string): Promise<{ bytes: number; manifest: Manifest }> {
  const draft = `${file}.unfinished`;
  const manifest: Manifest = {
    format: FORMAT,
    firebreak: packageJson.version,
    at,
    database: DATABASE_FORMAT,
    files: await describeFiles(folder),
  };
  try {
    const archive = tarOf(filesToPack(folder, manifest), new Date(at));
    await rm(draft, { force: true });
    await pipeline(Readable.from(archive), createGzip(), createWriteStream(draft, { flags: 'wx', mode: 0o600 }));
    await verify(draft);
    await flushToDisk(draft);
    await rename(draft, file);
    return { bytes: (await stat(file)).size, manifest };
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/**
 * Reads the whole archive and compares each file with the manifest.
 *
 * @throws BadArchive if a file differs from the manifest, or if this version cannot restore the archive
 */
export async function verify(file: string): Promise<Manifest> {
  return readThrough(file, async (_, content) => {
    for await (const _chunk of content); // reading computes the hash
  });
}

/**
 * Writes the files of an archive into an empty folder.
 *
 * @throws BadArchive like `verify`
 */
export async function unpack(file: string, write: (name: string, content: Readable) => Promise<void>): Promise<void> {
  await readThrough(file, (name, content) => write(name, Readable.from(content)));
}

async function readThrough(
  file: string,
  handle: (name: string, content: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<Manifest> {
  let currentName = MANIFEST;
  const gunzip = createGunzip();
  const input = createReadStream(file);
  const unzipped = pipeline(input, gunzip).catch(() => undefined); // the reader of `gunzip` gets the error too
  try {
    const files = filesOfTar(gunzip);
    const manifest = await manifestIn(await files.next());
    const expected = new Map(manifest.files.map((entry) => [entry.name, entry]));
    for (;;) {
      currentName = [...expected.keys()][0] ?? 'the end';
      const next = await files.next();
      if (next.done === true) break;
      const found: TarFile = next.value;
      currentName = found.name;
      const { bytes, sha256 } = expected.get(found.name) ?? { bytes: -1, sha256: '' };
      if (bytes < 0) throw new BadArchive(`it contains the file ${found.name}, which is not in its manifest`);
      expected.delete(found.name);
      const hash = createHash('sha256');
      await handle(found.name, hashed(found.content, hash));
      if (found.bytes !== bytes || hash.digest('hex') !== sha256)
        throw new BadArchive(`${found.name} is damaged: its checksum differs from the manifest`);
    }
    const [absent] = expected.keys();
    if (absent !== undefined) throw new BadArchive(`${absent} is missing`);
    return manifest;
  } catch (error) {
    if (error instanceof BadArchive) throw error;
    if (input.errored && 'syscall' in input.errored) throw input.errored; // the file itself cannot be read
    throw new BadArchive(`damaged at ${currentName}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    input.destroy();
    gunzip.destroy();
    await unzipped;
  }
}

async function manifestIn(next: IteratorResult<TarFile, void>): Promise<Manifest> {
  const first = next.done === true ? undefined : next.value;
  if (first === undefined || first.name !== MANIFEST || first.bytes > MANIFEST_MAX_BYTES)
    throw new BadArchive('it is not a Firebreak backup: it does not begin with a manifest');
  const contents: unknown = JSON.parse(await text(first.content));
  const { format, firebreak } = z.object({ format: z.int(), firebreak: z.string() }).parse(contents);
  const unsupported = (what: string): BadArchive =>
    new BadArchive(
      `it was created by Firebreak ${firebreak}. This version cannot read its ${what}: restore it with that version`,
    );
  if (format !== FORMAT) throw unsupported('archives');
  const manifest = Manifest.parse(contents);
  if (manifest.database > DATABASE_FORMAT) throw unsupported('database');
  const names = manifest.files.map(({ name }) => name);
  const foreign = names.find((name) => !isBackedUp(name));
  if (foreign !== undefined)
    throw new BadArchive(`it contains the file ${foreign}, which does not belong in a data folder`);
  if (!names.includes(DATABASE_FILE)) throw new BadArchive(`${DATABASE_FILE} is missing`);
  return manifest;
}

async function* hashed(
  content: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
}

function* filesToPack(folder: string, manifest: Manifest): Generator<TarFile> {
  const first = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  yield { name: MANIFEST, bytes: first.length, content: Readable.from([first]) };
  for (const { name, bytes } of manifest.files) yield { name, bytes, content: createReadStream(join(folder, name)) };
}

async function describeFiles(folder: string): Promise<Manifest['files']> {
  const files: Manifest['files'] = [];
  for (const name of await filesIn(folder)) {
    const path = join(folder, name);
    files.push({ name, bytes: (await stat(path)).size, sha256: await sha256Of(createReadStream(path)) });
  }
  return files;
}

/** Returns the files to back up. Keys and databases come before thousands of blobs, so that `tar` lists them first. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return names.filter(isBackedUp).sort((a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1));
}

async function sha256Of(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk);
  return hash.digest('hex');
}

/** Flushes a file, or the names in a folder, to the disk. */
export async function flushToDisk(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
