import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Env } from '../schemas/variables.ts';
import { readPrivate, writePrivate } from './private-file.ts';

const KEY_BYTES = 32;

/**
 * Puts the key of the sealed log into `env` where it is not set there: that of the data folder, generated at the first start
 * and readable for the owner alone.
 */
export async function provideAuditKey(dataDir: string, env: Env): Promise<void> {
  if (env['FIREBREAK_AUDIT_KEY']) return;
  const file = join(dataDir, 'audit-key');
  const kept = (await readPrivate(file))?.trim();
  if (kept === '') throw new Error(`${file} is empty; restore it from a backup, or remove it to get a new key`);
  const key = kept ?? randomBytes(KEY_BYTES).toString('base64url');
  if (kept === undefined) await writePrivate(file, `${key}\n`);
  env['FIREBREAK_AUDIT_KEY'] = key;
}
