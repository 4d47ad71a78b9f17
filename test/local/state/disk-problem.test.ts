import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { withDiskFix } from '../../../local/state/disk-problem.ts';

const fault = (code: string, path?: string): Error =>
  Object.assign(new Error(`${code}: it failed`), { code, ...(path !== undefined && { path }) });

test.each([
  [fault('ENOSPC'), /data folder \/data \(ENOSPC: it failed\)\. Free space on its disk/],
  [fault('EROFS', '/data/lock'), /Mount its file system for writing/],
  [fault('EACCES', '/data/lock'), /Set FIREBREAK_DATA_DIR to a folder that this user may/],
])('a start that fails with %s names the folder and the fix', (error, text) => {
  expect(withDiskFix(error, '/data')).toMatchObject({ message: expect.stringMatching(text), cause: error });
});

test.each([fault('EACCES', '/etc/firebreak/services.yaml'), fault('EROFS', '/database'), new Error('other'), 'text'])(
  '%s is not about the data folder',
  (error) => {
    expect(withDiskFix(error, '/data')).toBe(error);
  },
);

test('a file in place of the folder is named with the fix', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'firebreak-disk-'));
  onTestFinished(() => rm(parent, { recursive: true }));
  const dir = join(parent, 'data');
  await writeFile(dir, 'notes');
  const error: unknown = await mkdir(dir, { recursive: true }).catch((thrown: unknown) => thrown);
  expect(withDiskFix(error, dir)).toMatchObject({
    message: expect.stringMatching(/Set FIREBREAK_DATA_DIR to a folder/),
  });
  expect(await readFile(dir, 'utf8')).toBe('notes');
});
