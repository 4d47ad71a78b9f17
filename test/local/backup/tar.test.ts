import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { filesOfTar, type TarFile, tarOf } from '../../../local/backup/tar.ts';

const LONG = `s3/firebreak/${'a%2f'.repeat(60)}`;
const files: Record<string, Buffer> = {
  'empty.txt': Buffer.alloc(0),
  'one-block': Buffer.alloc(512, 7),
  'more.bin': Buffer.from(Array.from({ length: 100_000 }, (_, n) => n % 251)),
  [LONG]: Buffer.from('found by its long name'),
};

function* packed(): Generator<TarFile> {
  for (const [name, content] of Object.entries(files))
    yield { name, bytes: content.length, content: Readable.from([content]) };
}

const archive = (): Promise<Buffer> => buffer(tarOf(packed(), new Date('2026-11-21T15:00:00Z')));

/** Returns bytes like a slow stream. */
async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test.each([1_000_000, 512, 333])('files are restored unchanged in chunks of %i bytes', async (size) => {
  const found: Record<string, Buffer> = {};
  for await (const { name, content } of filesOfTar(inPieces(await archive(), size)))
    found[name] = await buffer(content);
  expect(found).toEqual(files);
});

test('unread content is skipped', async () => {
  const names: string[] = [];
  for await (const { name } of filesOfTar(inPieces(await archive(), 700))) names.push(name);
  expect(names).toEqual(Object.keys(files));
});

test('a truncated archive is refused', async () => {
  const whole = await archive();
  const read = async () => {
    for await (const { content } of filesOfTar(inPieces(whole.subarray(0, 60_000), 512))) await buffer(content);
  };
  await expect(read()).rejects.toThrow('is truncated');
});

test('tar can read it', async () => {
  const input = await archive();
  const listed = execFileSync('tar', ['-tf', '-'], { input, encoding: 'utf8' });
  expect(listed.trim().split('\n')).toEqual(Object.keys(files));
  expect(execFileSync('tar', ['-xOf', '-', LONG], { input, encoding: 'utf8' })).toBe('found by its long name');
});
