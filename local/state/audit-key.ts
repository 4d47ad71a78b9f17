import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Env } from '../../schemas/config/variables.ts';
import { readPrivate, writePrivate } from './private-file.ts';

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
