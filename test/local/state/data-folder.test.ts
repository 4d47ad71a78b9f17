import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkDataFolder } from '../../../local/runtime.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-folder-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('a new folder, and one of this version, can be used', async () => {
  checkDataFolder(dir);
  await writeFile(join(dir, 'firebreak.sqlite'), '');
  checkDataFolder(dir);
});

test('an emptied database of a folder that was used before is refused', async () => {
  await writeFile(join(dir, 'tokens.json'), '{}');
  checkDataFolder(dir);
  await writeFile(join(dir, 'firebreak.sqlite'), '');
  expect(() => checkDataFolder(dir)).toThrow(
    `${join(dir, 'firebreak.sqlite')} is empty, but tokens.json beside it shows that the folder was used before: restore a backup (docs/how-to/backup.md), or delete firebreak.sqlite to start without data`,
  );
});

test.each(['dynamodb.sqlite', 'sqs.sqlite', 'durable.sqlite'])('a folder with %s is refused', async (name) => {
  await writeFile(join(dir, name), '');
  expect(() => checkDataFolder(dir)).toThrow(`${dir} contains ${name} of a version from before the first release`);
});

test('an interrupted restore is refused', async () => {
  await mkdir(join(dir, 'restoring'));
  expect(() => checkDataFolder(dir)).toThrow(`a restore into ${dir} was interrupted: run firebreak restore again`);
});
