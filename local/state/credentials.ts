import { randomBytes, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import type { Env } from '../../schemas/config/variables.ts';
import { readPrivate, writePrivate } from './private-file.ts';

const NAMES = ['FIREBREAK_ADMIN_TOKEN', 'FIREBREAK_INGEST_TOKEN'] as const;
const PREFIXES = { FIREBREAK_ADMIN_TOKEN: 'fba', FIREBREAK_INGEST_TOKEN: 'fbi' } as const;

const StoredTokens = z.partialRecord(z.enum(NAMES), z.string().min(1));
type StoredTokens = z.infer<typeof StoredTokens>;

/**
 * Sets the tokens of this instance, its signing key, and its audit key in `env` if they are not set there: those in the
 * data folder, which are generated at the first start and readable only by their owner.
 *
 * @param showNewTokens whether the lines show new tokens: output that is not a terminal may be a log that others read
 * @returns lines about new tokens, printed once
 */
export async function provideCredentials(dataDir: string, env: Env, showNewTokens: boolean): Promise<string[]> {
  await provideSigningKey(dataDir, env);
  await provideAuditKey(dataDir, env);
  const file = join(dataDir, 'tokens.json');
  const stored = await read(file);
  const missing = NAMES.filter((name) => !env[name] && stored[name] === undefined);
  const tokens = { ...stored, ...Object.fromEntries(missing.map((name) => [name, newToken(PREFIXES[name])])) };
  if (missing.length > 0) await writePrivate(file, `${JSON.stringify(tokens, null, 2)}\n`);
  for (const name of NAMES) env[name] ||= tokens[name];
  if (missing.length === 0) return [];
  const labelOf = (name: (typeof NAMES)[number]) => `${name === 'FIREBREAK_ADMIN_TOKEN' ? 'admin' : 'ingest'} token`;
  if (!showNewTokens) return [`${missing.map(labelOf).join(' and ')}: generated, stored in ${file}`];
  return [...missing.map((name) => `${labelOf(name)}  ${tokens[name]}`), `stored in ${file}`];
}

async function read(file: string): Promise<StoredTokens> {
  try {
    return StoredTokens.parse(JSON.parse((await readPrivate(file)) ?? '{}'));
  } catch (error) {
    throw new Error(`${file} cannot be read. Repair it, or remove it to get new tokens`, { cause: error });
  }
}

const newToken = (prefix: string): string => `${prefix}_${randomBytes(24).toString('base64url')}`;

const KEY_BYTES = 32;

/**
 * Sets the key of the audit log in `env` if it is not set there: the key in the data folder, which is generated at the
 * first start and readable only by its owner.
 */
export async function provideAuditKey(dataDir: string, env: Env): Promise<void> {
  if (env['FIREBREAK_AUDIT_KEY']) return;
  const file = join(dataDir, 'audit-key');
  const stored = (await readPrivate(file))?.trim();
  if (stored === '') throw new Error(`${file} is empty. Restore it from a backup, or remove it to get a new key`);
  const key = stored ?? randomBytes(KEY_BYTES).toString('base64url');
  if (stored === undefined) await writePrivate(file, `${key}\n`);
  env['FIREBREAK_AUDIT_KEY'] = key;
}

/**
 * Sets the key that signs deployment tokens in `env` if it is not set there: the key in the data folder, which is
 * generated at the first start and readable only by its owner. Unlike tokens, it is never shown.
 */
async function provideSigningKey(dataDir: string, env: Env): Promise<void> {
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
