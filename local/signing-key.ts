import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import type { Env } from '../schemas/variables.ts';
import { readPrivate, writePrivate } from './private-file.ts';

/**
 * Puts the key that signs tokens of deployments into `env` where it is not set there: that of the data folder, made at the
 * first start and readable for the owner alone. Unlike tokens, nobody ever has to see it.
 */
export async function provideSigningKey(dataDir: string, env: Env): Promise<void> {
  if (env['FIREBREAK_SIGNING_KEY']) return;
  const file = join(dataDir, 'signing-key.pem');
  const kept = await readPrivate(file);
  if (kept !== undefined && !isKey(kept))
    throw new Error(`${file} holds no private key; repair it, or remove it to get a new one`);
  const key = kept ?? newKey();
  if (kept === undefined) await writePrivate(file, key);
  env['FIREBREAK_SIGNING_KEY'] = key;
}

const newKey = (): string =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;

function isKey(text: string): boolean {
  try {
    createPrivateKey(text);
    return true;
  } catch {
    return false;
  }
}
