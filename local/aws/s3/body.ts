import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32 } from 'node:zlib';
import { badDigest, incompleteBody, notImplemented } from './errors.ts';

/**
 * Decodes a body and verifies all of its digests.
 *
 * SDK clients send streams as `aws-chunked`: chunks preceded by their length, then a checksum as a trailer. Chunk
 * signatures are not verified, as the signature of the request is not.
 *
 * @throws S3Error BadDigest, IncompleteBody, NotImplemented (an unsupported checksum algorithm)
 * @see Amazon S3 API Reference, "Signature calculations for the Authorization header: transferring payload in chunks"
 */
export function decodedBody(headers: IncomingHttpHeaders, body: Buffer): Buffer {
  const declared = header(headers, 'x-amz-content-sha256');
  if (!declared?.startsWith('STREAMING-')) {
    checkDigests(headers, body);
    if (declared !== undefined && /^[0-9a-f]{64}$/.test(declared) && declared !== hash('sha256', body, 'hex')) {
      throw badDigest('x-amz-content-sha256');
    }
    return body;
  }
  const { content, trailers } = unchunk(body);
  const length = header(headers, 'x-amz-decoded-content-length');
  if (length !== undefined && Number(length) !== content.length) {
    throw incompleteBody(`x-amz-decoded-content-length is ${length}, but the chunks have ${content.length} bytes.`);
  }
  checkDigests({ ...headers, ...trailers }, content);
  return content;
}

/** Returns the checksum that S3 keeps with an object: CRC-32, big-endian, base64. */
export function crc32Of(content: Buffer): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(content));
  return bytes.toString('base64');
}

export const md5Of = (content: Buffer): string => hash('md5', content, 'hex');

function unchunk(body: Buffer): { content: Buffer; trailers: Record<string, string> } {
  const chunks: Buffer[] = [];
  let offset = 0;
  const readLine = (): string => {
    const end = body.indexOf('\r\n', offset);
    if (end === -1) throw incompleteBody('A chunk of the body is incomplete.');
    const text = body.toString('latin1', offset, end);
    offset = end + 2;
    return text;
  };
  for (;;) {
    const [, hex] = /^([0-9a-f]+)(;.*)?$/i.exec(readLine()) ?? [];
    if (hex === undefined) throw incompleteBody('A chunk of the body does not begin with its length.');
    const length = Number.parseInt(hex, 16);
    if (length === 0) break;
    if (offset + length > body.length) throw incompleteBody('A chunk of the body is shorter than its declared length.');
    chunks.push(body.subarray(offset, offset + length));
    offset += length;
    if (readLine() !== '') throw incompleteBody('A chunk of the body is longer than its declared length.');
  }
  const trailers: Record<string, string> = {};
  while (offset < body.length) {
    const [, name, value] = /^([^:]+):(.*)$/.exec(readLine()) ?? [];
    if (name === undefined || value === undefined) break;
    trailers[name.trim().toLowerCase()] = value.trim();
  }
  return { content: Buffer.concat(chunks), trailers };
}

const CHECKSUMS: Readonly<Record<string, (content: Buffer) => string>> = {
  'x-amz-checksum-crc32': crc32Of,
  'x-amz-checksum-sha1': (content) => hash('sha1', content, 'base64'),
  'x-amz-checksum-sha256': (content) => hash('sha256', content, 'base64'),
  'content-md5': (content) => hash('md5', content, 'base64'),
};
/** Headers of this family that describe a checksum but don't contain one. */
const ABOUT_CHECKSUMS = new Set(['x-amz-checksum-algorithm', 'x-amz-checksum-mode', 'x-amz-checksum-type']);

function checkDigests(headers: IncomingHttpHeaders, content: Buffer): void {
  for (const name of Object.keys(headers)) {
    const compute = CHECKSUMS[name];
    if (compute === undefined && name.startsWith('x-amz-checksum-') && !ABOUT_CHECKSUMS.has(name)) {
      throw notImplemented(name);
    }
    if (compute !== undefined && compute(content) !== header(headers, name)) throw badDigest(name);
  }
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

const hash = (algorithm: string, content: Buffer, encoding: 'hex' | 'base64'): string =>
  createHash(algorithm).update(content).digest(encoding);
