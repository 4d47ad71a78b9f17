import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import type { Env } from '../../schemas/config/variables.ts';
import { readPrivate, writePrivate } from './private-file.ts';

/**
 * Sets the key that signs deployment tokens in `env` if it is not set there: the key in the data folder, which is
 * generated at the first start and readable only by its owner. Unlike tokens, it is never shown.
 */
export async function provideSigningKey(dataDir: string, env: Env): Promise<void> {
  if (env['FIREBREAK_SIGNING_KEY']) return;
  const file = join(dataDir, 'signing-key.pem');
  const stored = await readPrivate(file);
  if (stored !== undefined && !isKey(stored))
    throw new Error(`${file} contains no private key. Repair it, or remove it to get a new one`);
  const key = stored ?? newKey();
  if (stored === undefined) await writePrivate(file, key);
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
