import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { publicFolder } from '../../../local/aws/s3/public-folder.ts';

const PUT = { onlyIfNew: false } as Parameters<ReturnType<typeof publicFolder>['put']>[3];

test('a folder that is a symbolic link is not followed: nothing outside is written, read, or removed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-public-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const [outside, real, inside] = [join(dir, 'outside'), join(dir, 'real'), join(dir, 'inside')];
  await mkdir(outside);
  await mkdir(real);
  await writeFile(join(outside, 'one.html'), 'of others');
  await symlink(real, inside);
  // The folder itself may be a link, for example to another disk.
  const folder = publicFolder(inside);
  await folder.put('b', 'index.html', Buffer.from('page'), PUT);
  await folder.put('b', 'history/2026-11.html', Buffer.from('month'), PUT);
  expect(await readFile(join(real, 'history/2026-11.html'), 'utf8')).toBe('month');

  await symlink(outside, join(real, 'incidents'));
  for (const attempt of [
    () => folder.put('b', 'incidents/one.html', Buffer.from('mine'), PUT),
    () => folder.put('b', 'incidents/deep/two.html', Buffer.from('mine'), PUT),
    () => folder.get('b', 'incidents/one.html'),
    () => folder.remove('b', 'incidents/one.html'),
  ])
    await expect(attempt()).rejects.toThrow('is a symbolic link');
  expect(await readFile(join(outside, 'one.html'), 'utf8')).toBe('of others');
});

test('the folder of a removed page disappears with its last file, but no folder that others use', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-public-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const folder = publicFolder(dir);
  for (const key of ['partners/index.html', 'partners/api/v2/status.json', 'partners/api/v2/summary.json'])
    await folder.put('b', key, Buffer.from('x'), PUT);
  await folder.remove('b', 'partners/api/v2/status.json');
  expect(await readdir(join(dir, 'partners/api/v2'))).toEqual(['summary.json']);
  await folder.remove('b', 'partners/api/v2/summary.json');
  expect(await readdir(join(dir, 'partners'))).toEqual(['index.html']);
  await folder.remove('b', 'partners/index.html');
  expect((await readdir(dir)).filter((name) => !name.startsWith('.'))).toEqual([]);
  await folder.remove('b', 'partners/index.html');
  await folder.put('b', 'partners/index.html', Buffer.from('again'), PUT);
  expect(await readFile(join(dir, 'partners/index.html'), 'utf8')).toBe('again');
});
