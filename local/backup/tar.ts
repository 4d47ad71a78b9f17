/**
 * Reads and writes the part of the POSIX tar format that a backup needs: regular files, and the extended header for
 * long names and sizes. Any tar program can read the archives.
 *
 * @see IEEE Std 1003.1, pax, "ustar Interchange Format" and "pax Interchange Format"
 */

/** Headers and contents begin at multiples of this. */
const BLOCK = 512;

/** Returns the number of zero bytes that follow `bytes` bytes of content, up to the next block. */
const paddingAfter = (bytes: number): number => (BLOCK - (bytes % BLOCK)) % BLOCK;

const NAME_BYTES = 100;
/** Eleven octal digits. */
const SIZE_MAX = 8 ** 11 - 1;
/** Extended headers written here have two lines. */
const EXTENDED_MAX_BYTES = 64 * 1024;

export type TarFile = { name: string; bytes: number; content: AsyncIterable<Uint8Array> };

/** Returns the bytes of an archive with these files. Reads each file when its turn comes. */
export async function* tarOf(files: Iterable<TarFile> | AsyncIterable<TarFile>, mtime: Date): AsyncGenerator<Buffer> {
  for await (const { name, bytes, content } of files) {
    if (Buffer.byteLength(name) > NAME_BYTES || bytes > SIZE_MAX) {
      const extended = Buffer.concat([record('path', name), record('size', String(bytes))]);
      yield Buffer.concat([header('extended', extended.length, 'x', mtime), padded(extended)]);
    }
    yield header(Buffer.from(name).subarray(0, NAME_BYTES).toString(), Math.min(bytes, SIZE_MAX), '0', mtime);
    let written = 0;
    for await (const chunk of content) {
      written += chunk.length;
      yield Buffer.from(chunk);
    }
    if (written !== bytes) throw new Error(`${name} changed while it was read`);
    yield Buffer.alloc(paddingAfter(written));
  }
  yield Buffer.alloc(2 * BLOCK);
}

/**
 * Returns the files of an archive, in order. Read `content` of one before requesting the next; unread content is
 * skipped.
 *
 * @throws Error if it is not an archive of regular files, or is truncated
 */
export async function* filesOfTar(archive: AsyncIterable<Uint8Array>): AsyncGenerator<TarFile> {
  const source = new ByteReader(archive);
  let extended: { path?: string; size?: number } = {};
  for (;;) {
    const block = await source.take(BLOCK);
    if (block.every((byte) => byte === 0)) return source.drain();
    const { name, bytes: declared, type } = parseHeader(block);
    const bytes = extended.size ?? declared;
    if (type === 'x') {
      if (declared > EXTENDED_MAX_BYTES) throw new Error('an extended header is too long');
      extended = recordsIn(await source.take(declared));
      await source.take(paddingAfter(declared));
      continue;
    }
    if (type !== '0') throw new Error(`${name} is not a regular file`);
    const content = source.stream(bytes);
    yield { name: extended.path ?? name, bytes, content };
    for await (const _ of content); // skip unread content
    await source.take(paddingAfter(bytes));
    extended = {};
  }
}

const padded = (content: Buffer): Buffer => Buffer.concat([content, Buffer.alloc(paddingAfter(content.length))]);

/** Returns a line of an extended header, `<length> <key>=<value>\n`, where the length includes its own digits. */
function record(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function recordsIn(text: Buffer): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {};
  for (let offset = 0; offset < text.length;) {
    const space = text.indexOf(' ', offset);
    const length = Number(text.toString('latin1', offset, space));
    if (space < 0 || !(length > 0)) throw new Error('an extended header cannot be read');
    const [key = '', ...value] = text.toString('utf8', space + 1, offset + length - 1).split('=');
    if (key === 'path') found.path = value.join('=');
    if (key === 'size') found.size = Number(value.join('='));
    offset += length;
  }
  return found;
}

function header(name: string, bytes: number, type: '0' | 'x', mtime: Date): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, digits: number) =>
    block.write(value.toString(8).padStart(digits, '0'), offset, 'latin1');
  block.write(name, 0, NAME_BYTES);
  octal(0o600, 100, 7); // mode
  octal(0, 108, 7); // user ID
  octal(0, 116, 7); // group ID
  octal(bytes, 124, 11);
  octal(Math.floor(mtime.getTime() / 1000), 136, 11);
  block.write(' '.repeat(8), 148, 'latin1'); // the checksum field itself counts as spaces
  block.write(type, 156, 'latin1');
  block.write('ustar\0' + '00', 257, 'latin1');
  octal(checksumOf(block), 148, 6);
  block.write('\0 ', 154, 'latin1');
  return block;
}

function parseHeader(block: Buffer): { name: string; bytes: number; type: string } {
  const declared = Number.parseInt(block.toString('latin1', 148, 154), 8);
  const unsummed = Buffer.from(block).fill(' ', 148, 156);
  if (declared !== checksumOf(unsummed)) throw new Error('a header of the archive is damaged');
  const end = block.indexOf(0);
  return {
    name: block.toString('utf8', 0, Math.min(end < 0 ? NAME_BYTES : end, NAME_BYTES)),
    bytes: Number.parseInt(block.toString('latin1', 124, 135), 8),
    type: block.toString('latin1', 156, 157),
  };
}

const checksumOf = (block: Buffer): number => block.reduce((sum, byte) => sum + byte, 0);

/** Reads a stream in pieces of requested sizes. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** @throws Error if there are fewer bytes */
  async take(bytes: number): Promise<Buffer> {
    const taken: Uint8Array[] = [];
    for await (const chunk of this.stream(bytes)) taken.push(chunk);
    return Buffer.concat(taken);
  }

  /** Returns the next bytes as a stream. It reads directly from the archive, so a second reader gets the rest. */
  stream(bytes: number): AsyncIterable<Uint8Array> {
    let remaining = bytes;
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      if (remaining === 0) return { done: true, value: undefined };
      if (this.#rest.length === 0) await this.#readChunk();
      const piece = this.#rest.subarray(0, remaining);
      this.#rest = this.#rest.subarray(piece.length);
      remaining -= piece.length;
      return { done: false, value: piece };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  /** Reads to the end, so that checks of the whole stream run. */
  async drain(): Promise<void> {
    while (!(await this.#chunks.next()).done);
  }

  async #readChunk(): Promise<void> {
    const next = await this.#chunks.next();
    if (next.done === true) throw new Error('the archive is truncated');
    this.#rest = next.value;
  }
}
