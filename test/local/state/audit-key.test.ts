import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { provideCredentials } from '../../../local/state/credentials.ts';
import { localSecret } from '../../../local/state/secrets.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-audit-key-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Returns the keys that the product reads. */
async function started(env: Record<string, string> = {}): Promise<Record<string, string | undefined>> {
  const own: NodeJS.ProcessEnv = { ...env };
  await provideCredentials(dir, own, false);
  const names = ['FIREBREAK_AUDIT_KEY', 'FIREBREAK_AUDIT_KEY_PREVIOUS'];
  return Object.fromEntries(names.map((name) => [name, localSecret(name, own, undefined)]));
}

test('the key is generated at the first start, and readable only by its owner', async () => {
  const first = await started();
  expect(first).toEqual({ FIREBREAK_AUDIT_KEY: expect.stringMatching(/^[\w-]{43}$/) });
  expect((await stat(join(dir, 'audit-key'))).mode & 0o777).toBe(0o600);
  expect(await started()).toEqual(first);
});

test('a given key is used with the keys that it replaced, and none is generated', async () => {
  const set = { FIREBREAK_AUDIT_KEY: 'own', FIREBREAK_AUDIT_KEY_PREVIOUS: 'older oldest' };
  expect(await started(set)).toEqual(set);
  await expect(readFile(join(dir, 'audit-key'))).rejects.toThrow('ENOENT');
});

test('an empty file stops the start: with another key, the log would look forged', async () => {
  await writeFile(join(dir, 'audit-key'), '\n');
  await expect(started()).rejects.toThrow(/audit-key is empty\. Restore it from a backup/);
});
