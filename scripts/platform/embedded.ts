import { readFileSync } from 'node:fs';

/** A file of SST's platform, or a folder if the name ends in `/`. */
export type EmbeddedFile = { name: string; data: Buffer };

/** A file in every version of the platform. */
const KNOWN_FILE = 'src/components/aws/function.ts';

/** `struct { name string; data string; hash [16]byte }`, where a string is an address and a length. */
const ENTRY_BYTES = 48;
const NAME_MAX_BYTES = 512;

/**
 * Reads the platform code that is embedded in the `sst` executable. SST does not publish it in another form: `sst install`
 * writes these files, but connects to AWS first.
 *
 * The executable is a Go program. Its embedded files are a table of entries, found here by the entry of a known file.
 *
 * @param path an executable for 64-bit Linux, from one of npm's `sst-linux-*` packages
 * @throws Error when the executable has another format
 */
export function readEmbeddedFiles(path: string): EmbeddedFile[] {
  const image = new Image(readFileSync(path));
  const start = image.tableWith(KNOWN_FILE);
  if (start === undefined) throw new Error(`${path} contains no SST platform in a known format`);
  const files: EmbeddedFile[] = [];
  for (let offset = start; ; offset += ENTRY_BYTES) {
    const entry = image.entryAt(offset);
    if (entry === undefined) return files;
    files.push(entry);
  }
}

/** A loaded range of the executable: where it is in the file and at which virtual address. */
type Segment = { offset: number; address: number; size: number };

/** An ELF executable, addressed as it would be in memory. */
class Image {
  readonly #bytes: Buffer;
  readonly #segments: Segment[];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const isElf64LittleEndian = bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2 && bytes[5] === 1;
    if (!isElf64LittleEndian) throw new Error('the sst executable is not for 64-bit Linux');
    const PT_LOAD = 1;
    const [table, size, count] = [this.#number(32), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
    this.#segments = Array.from({ length: count }, (_, index) => table + index * size)
      .filter((at) => bytes.readUInt32LE(at) === PT_LOAD)
      .map((at) => ({ offset: this.#number(at + 8), address: this.#number(at + 16), size: this.#number(at + 32) }));
  }

  /** Returns the offset of the first entry of the table that lists `name`. Undefined: no table does. */
  tableWith(name: string): number | undefined {
    for (let at = this.#bytes.indexOf(name); at >= 0; at = this.#bytes.indexOf(name, at + 1)) {
      const address = this.#addressOf(at);
      if (address === undefined) continue;
      const reference = Buffer.alloc(16);
      reference.writeBigUInt64LE(BigInt(address), 0);
      reference.writeBigUInt64LE(BigInt(name.length), 8);
      const entry = this.#bytes.indexOf(reference);
      if (entry >= 0) return this.#firstOf(entry);
    }
    return undefined;
  }

  /** Returns the entry at an offset. Undefined: none is there, so that the table has ended. */
  entryAt(offset: number): EmbeddedFile | undefined {
    if (offset < 0 || offset + ENTRY_BYTES > this.#bytes.length) return undefined;
    const nameLength = this.#number(offset + 8);
    if (nameLength < 1 || nameLength > NAME_MAX_BYTES) return undefined;
    const name = this.#slice(this.#number(offset), nameLength)?.toString('utf8');
    if (name === undefined || !/^[\x20-\x7e]+$/.test(name)) return undefined;
    const dataLength = this.#number(offset + 24);
    const data = dataLength === 0 ? Buffer.alloc(0) : this.#slice(this.#number(offset + 16), dataLength);
    return data && { name, data };
  }

  #firstOf(entry: number): number {
    let first = entry;
    while (this.entryAt(first - ENTRY_BYTES) !== undefined) first -= ENTRY_BYTES;
    return first;
  }

  #slice(address: number, length: number): Buffer | undefined {
    const segment = this.#segments.find((one) => address >= one.address && address < one.address + one.size);
    if (segment === undefined) return undefined;
    const offset = segment.offset + address - segment.address;
    return offset + length > this.#bytes.length ? undefined : this.#bytes.subarray(offset, offset + length);
  }

  #addressOf(offset: number): number | undefined {
    const segment = this.#segments.find((one) => offset >= one.offset && offset < one.offset + one.size);
    return segment && segment.address + offset - segment.offset;
  }

  #number(offset: number): number {
    return Number(this.#bytes.readBigUInt64LE(offset));
  }
}
