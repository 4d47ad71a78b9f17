import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bareEnvironment } from '../support/firebreak.ts';

const ROOT = join(import.meta.dirname, '../..');

test('without all features, the product compiles, and the stories of its core pass', { timeout: 900_000 }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/without-features.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
    env: bareEnvironment(),
  });
  expect(status, `${stdout}\n${stderr}`).toBe(0);
});
