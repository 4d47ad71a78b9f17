import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FolderPublicFiles } from '../../../platforms/sqlite/public-files.ts';
import { publicFilesConformance } from '../public-files-conformance.ts';

publicFilesConformance('folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-public-'));
  return { files: await FolderPublicFiles.open(folder), close: () => rm(folder, { recursive: true }) };
});

async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-public-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const page = (path: string, body: string) => ({ path, type: 'text/html', body });

test('a folder that is a symbolic link is not followed: nothing outside is written, read, or removed', async () => {
  const dir = await temporaryFolder();
  const [outside, real, inside] = [join(dir, 'outside'), join(dir, 'real'), join(dir, 'inside')];
  await mkdir(outside);
  await mkdir(real);
  await writeFile(join(outside, 'one.html'), 'of others');
  await symlink(real, inside);
  // The folder itself may be a link, for example to another disk.
  const files = await FolderPublicFiles.open(inside);
  await files.put(page('index.html', 'page'));
  await files.put(page('history/2026-11.html', 'month'));
  expect(await readFile(join(real, 'history/2026-11.html'), 'utf8')).toBe('month');

  await symlink(outside, join(real, 'incidents'));
  for (const attempt of [
    () => files.put(page('incidents/one.html', 'mine')),
    () => files.put(page('incidents/deep/two.html', 'mine')),
    () => files.read('incidents/one.html'),
    () => files.remove('incidents/one.html'),
  ])
    await expect(attempt()).rejects.toThrow('is a symbolic link');
  expect(await readFile(join(outside, 'one.html'), 'utf8')).toBe('of others');
});

test('the folder of a removed page disappears with its last file, but no folder that others use', async () => {
  const dir = await temporaryFolder();
  await writeFile(join(dir, 'robots.txt'), 'of others');
  const files = await FolderPublicFiles.open(dir);
  for (const path of ['partners/index.html', 'partners/api/v2/status.json', 'partners/api/v2/summary.json'])
    await files.put(page(path, 'x'));
  await files.remove('partners/api/v2/status.json');
  expect(await readdir(join(dir, 'partners/api/v2'))).toEqual(['summary.json']);
  await files.remove('partners/api/v2/summary.json');
  expect(await readdir(join(dir, 'partners'))).toEqual(['index.html']);
  await files.remove('partners/index.html');
  expect((await readdir(dir)).filter((name) => !name.startsWith('.'))).toEqual(['robots.txt']);
  await files.remove('partners/index.html');
  await files.put(page('partners/index.html', 'again'));
  expect(await readFile(join(dir, 'partners/index.html'), 'utf8')).toBe('again');
});

test('a web server that runs as another user can read files and folders, whatever the umask', async () => {
  const dir = join(await temporaryFolder(), 'status');
  const umask = process.umask(0o077);
  try {
    await (await FolderPublicFiles.open(dir)).put(page('history/2026-11.html', 'month'));
  } finally {
    process.umask(umask);
  }
  const modeOf = async (path: string) => (await stat(join(dir, path))).mode & 0o777;
  expect(await Promise.all(['', 'history', 'history/2026-11.html'].map(modeOf))).toEqual([0o755, 0o755, 0o644]);
});

test('a folder that is not available does not prevent the start, and a write says why', async () => {
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, '');
  const files = await FolderPublicFiles.open(join(file, 'status'));
  await expect(files.put(page('index.html', 'page'))).rejects.toThrow('ENOTDIR');
});
