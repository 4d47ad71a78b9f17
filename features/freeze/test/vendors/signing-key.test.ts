import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { es256Signer } from '../../vendors/signer.ts';
import { provideCredentials } from '../../../../local/state/credentials.ts';
import { localSecret } from '../../../../local/state/secrets.ts';
import { SetClock, silent } from '../../../../test/support/fake-deps.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-key-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const file = () => join(dir, 'signing-key.pem');

async function started(
  env: Record<string, string> = {},
  shown = true,
): Promise<{ key: string | undefined; told: string[] }> {
  const own: NodeJS.ProcessEnv = { ...env };
  const told = await provideCredentials(dir, own, shown);
  return { key: localSecret('FIREBREAK_SIGNING_KEY', own, undefined), told };
}

test('a key is generated at the first start, readable only by its owner, and never shown', async () => {
  const { key = '', told } = await started();
  expect(await readFile(file(), 'utf8')).toBe(key);
  expect((await stat(file())).mode & 0o777).toBe(0o600);
  expect(told.join('\n')).not.toContain(key.split('\n')[1]);
  expect(await started()).toEqual({ key, told: [] });
  const signer = es256Signer({
    secrets: { get: async (name) => (name === 'FIREBREAK_SIGNING_KEY' ? key : undefined) },
    clock: new SetClock('2026-11-20T12:00:00.000Z'),
    log: silent,
  });
  expect(await signer.problem()).toBeNull();
  expect(await signer.verify((await signer.sign({}, 60)) ?? '')).toMatchObject({ ok: true });
});

test('a given key is used, and none is generated', async () => {
  expect(await started({ FIREBREAK_SIGNING_KEY: 'own' })).toMatchObject({ key: 'own' });
  await expect(readFile(file())).rejects.toThrow('ENOENT');
});

test('a damaged key stops the start: issued tokens would become invalid', async () => {
  await writeFile(file(), 'nothing');
  await expect(started()).rejects.toThrow(/signing-key\.pem contains no private key\. Repair it, or remove it/);
});

test('each instance has its own key', async () => {
  const { key } = await started();
  await rm(file());
  expect((await started()).key).not.toBe(key);
});

test('new tokens are shown only on a terminal; otherwise their file is named', async () => {
  const { told } = await started({}, false);
  expect(told).toEqual([`admin token and ingest token: generated, stored in ${join(dir, 'tokens.json')}`]);
  const kept = await readFile(join(dir, 'tokens.json'), 'utf8');
  expect(JSON.parse(kept)).toEqual({
    FIREBREAK_ADMIN_TOKEN: expect.stringMatching(/^fba_/),
    FIREBREAK_INGEST_TOKEN: expect.stringMatching(/^fbi_/),
  });
  expect((await started({}, true)).told).toEqual([]);
});
