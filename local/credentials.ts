import { randomBytes } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const Kept = z.object({ FIREBREAK_ADMIN_TOKEN: z.string(), FIREBREAK_INGEST_TOKEN: z.string() });
export type Credentials = z.infer<typeof Kept>;

/** The tokens of this instance: made at the first start, kept readable for the owner alone. `fresh`: made just now. */
export async function credentials(dataDir: string): Promise<{ tokens: Credentials; fresh: boolean; file: string }> {
  const file = join(dataDir, 'tokens.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text !== undefined) return { tokens: Kept.parse(JSON.parse(text)), fresh: false, file };
  const tokens: Credentials = { FIREBREAK_ADMIN_TOKEN: mint('fba'), FIREBREAK_INGEST_TOKEN: mint('fbi') };
  const draft = `${file}.new`;
  const handle = await open(draft, 'w', 0o600);
  await handle.writeFile(`${JSON.stringify(tokens, null, 2)}\n`);
  await handle.sync();
  await handle.close();
  await rename(draft, file);
  return { tokens, fresh: true, file };
}

const mint = (prefix: string): string => `${prefix}_${randomBytes(24).toString('base64url')}`;
