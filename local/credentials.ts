import { randomBytes } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const NAMES = ['FIREBREAK_ADMIN_TOKEN', 'FIREBREAK_INGEST_TOKEN'] as const;
const PREFIXES = { FIREBREAK_ADMIN_TOKEN: 'fba', FIREBREAK_INGEST_TOKEN: 'fbi' } as const;

const Kept = z.partialRecord(z.enum(NAMES), z.string().min(1));
type Kept = z.infer<typeof Kept>;

/**
 * Puts the tokens of this instance into `env` where they are not set there: those of the data folder, made at the first
 * start and readable for the owner alone. Gives the lines that tell of new ones, once.
 */
export async function provideCredentials(dataDir: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const file = join(dataDir, 'tokens.json');
  const kept = await read(file);
  const missing = NAMES.filter((name) => !env[name] && kept[name] === undefined);
  const tokens = { ...kept, ...Object.fromEntries(missing.map((name) => [name, mint(PREFIXES[name])])) };
  if (missing.length > 0) await write(file, tokens);
  for (const name of NAMES) env[name] ||= tokens[name];
  const lines = missing.map(
    (name) => `${name === 'FIREBREAK_ADMIN_TOKEN' ? 'admin' : 'ingest'} token  ${tokens[name]}`,
  );
  return missing.length === 0 ? [] : [...lines, `kept in ${file}`];
}

async function read(file: string): Promise<Kept> {
  try {
    return Kept.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw new Error(`${file} cannot be read; repair it, or remove it to get new tokens`, { cause: error });
  }
}

/** Whole or not at all, and on disk before anybody is told. */
async function write(file: string, tokens: Kept): Promise<void> {
  const draft = `${file}.new`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(tokens, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}

const mint = (prefix: string): string => `${prefix}_${randomBytes(24).toString('base64url')}`;
