import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import type { Env } from '../../schemas/config/variables.ts';
import { provideAuditKey } from './audit-key.ts';
import { readPrivate, writePrivate } from './private-file.ts';
import { provideSigningKey } from './signing-key.ts';

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
