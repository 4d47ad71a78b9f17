import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FolderBlobs } from '../../../platforms/sqlite/blobs.ts';
import { blobsConformance } from '../blobs-conformance.ts';
import { isCompleted } from './mortal-files.ts';

blobsConformance('folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-blobs-'));
  return { blobs: await FolderBlobs.open(folder), close: () => rm(folder, { recursive: true }) };
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-blobs-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('a blob is a file with its key as its path, and only the owner can read it', async () => {
  const folder = join(await temporaryFolder(), 'new/blobs');
  const umask = process.umask(0);
  try {
    const blobs = await FolderBlobs.open(folder);
    await blobs.put('signals/1/0.json', '{}');
    await blobs.putNew('signals/1/1.json', '{}');
  } finally {
    process.umask(umask);
  }
  expect(await readFile(join(folder, 'signals/1/0.json'), 'utf8')).toBe('{}');
  const modeOf = async (path: string) => (await stat(join(folder, path))).mode & 0o777;
  expect(await Promise.all(['', 'signals', 'signals/1'].map(modeOf))).toEqual([0o700, 0o700, 0o700]);
  expect(await Promise.all(['signals/1/0.json', 'signals/1/1.json'].map(modeOf))).toEqual([0o600, 0o600]);
});

test('a folder that is a symbolic link is not followed', async () => {
  const [folder, outside] = [await temporaryFolder(), await temporaryFolder()];
  await mkdir(join(outside, 'deep'));
  await writeFile(join(outside, 'deep/one'), 'of others');
  await symlink(outside, join(folder, 'link'));
  const blobs = await FolderBlobs.open(folder);
  for (const key of ['link/one', 'link/deep/one', 'link/deep/two']) {
    await expect(blobs.put(key, 'mine')).rejects.toThrow('is a symbolic link');
    await expect(blobs.putNew(key, 'mine')).rejects.toThrow('is a symbolic link');
    await expect(blobs.get(key)).rejects.toThrow('is a symbolic link');
  }
  expect(await readdir(join(outside, 'deep'))).toEqual(['one']);
  expect(await readFile(join(outside, 'deep/one'), 'utf8')).toBe('of others');
});

test('a blob cannot be below another one, and is not taken for one that exists', async () => {
  const blobs = await FolderBlobs.open(await temporaryFolder());
  await blobs.put('a', 'x');
  await expect(blobs.putNew('a/b', 'y')).rejects.toThrow();
  await expect(blobs.put('a/b', 'y')).rejects.toThrow();
  expect(Buffer.from((await blobs.get('a')) ?? []).toString()).toBe('x');
});

test('no blob changes while it is held, and changes follow after it', async () => {
  const blobs = await FolderBlobs.open(await temporaryFolder());
  await blobs.put('one', 'before');
  const order: string[] = [];
  const write = (name: string, change: () => Promise<unknown>) => change().then(() => order.push(name));
  const first = write('earlier', () => blobs.put('one', 'earlier'));
  const held = blobs.hold(async () => {
    const seen = Buffer.from((await blobs.get('one')) ?? []).toString();
    changes = [write('put', () => blobs.put('one', 'later')), write('new', () => blobs.putNew('two', 'later'))];
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(Buffer.from((await blobs.get('one')) ?? []).toString()).toBe(seen);
    expect(await blobs.get('two')).toBeUndefined();
    order.push('held');
    return seen;
  });
  let changes: Promise<unknown>[] = [];
  expect(await held).toBe('earlier');
  await Promise.all([first, ...changes]);
  expect(order.slice(0, 2)).toEqual(['earlier', 'held']);
  expect(order.slice(2).toSorted()).toEqual(['new', 'put']);
  await expect(blobs.hold(() => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full');
  expect(await blobs.putNew('three', 'after a failure')).toBe(true);
});

const KEY = 'deep/folder/value.json';
const bodyOf = (name: string): string => name.repeat(100_000);

describe('a process that is killed before any of its file operations', () => {
  test.each([
    ['put', 'old', [bodyOf('old'), bodyOf('new')]],
    ['put', undefined, [undefined, bodyOf('new')]],
    ['putNew', undefined, [undefined, bodyOf('new')]],
  ] as const)('leaves by %s over %s the old value or the whole new one', async (operation, old, allowed) => {
    const seen = new Set<string | undefined>();
    let kills = 0;
    for (let isEnd = false; !isEnd; kills += 1) {
      const folder = await temporaryFolder();
      if (old !== undefined) await (await FolderBlobs.open(folder)).put(KEY, bodyOf(old));
      const write = async () => (await FolderBlobs.open(folder))[operation](KEY, bodyOf('new'));
      isEnd = await isCompleted(write, kills + 1);
      const blobs = await FolderBlobs.open(folder);
      const body = await blobs.get(KEY);
      const text = body === undefined ? undefined : Buffer.from(body).toString();
      expect(
        allowed.some((one) => one === text),
        `after ${kills} operations: ${text?.slice(0, 10)}…`,
      ).toBe(true);
      if (isEnd) expect(text).toBe(bodyOf('new'));
      else seen.add(text);
      expect(await readdir(folder), 'what was unfinished is removed').not.toContain('.unfinished');
      await blobs.put(KEY, 'after');
      expect(Buffer.from((await blobs.get(KEY)) ?? []).toString()).toBe('after');
    }
    expect(seen, 'it was killed before and after the change').toEqual(new Set(allowed));
    expect(kills).toBeGreaterThan(5);
  });
});
