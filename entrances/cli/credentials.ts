import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { VARIABLES } from '../../schemas/config/variables.ts';
import { UsageError, CommandFailure, type CommandContext } from './command-context.ts';
import { isLoopbackHostname } from '../../schemas/config/endpoint.ts';

/** `tokens.json` of the data folder, written at the first start. */
const TokensFile = z.object({ FIREBREAK_ADMIN_TOKEN: z.string().min(1).optional() });

/** `lock` of the data folder, which names the running instance. */
const LockFile = z.object({ url: z.string().optional() });

/** Address of Firebreak and the caller's token. */
export type ApiAccess = { url: string; token: string };

/**
 * Returns `FIREBREAK_URL`, or else `PORT` of this machine, or else the address of the instance that runs with this data folder, and `FIREBREAK_TOKEN`. For a Firebreak on this machine, falls back to the admin token of the environment or the data
 * folder. The admin token is never sent to another machine.
 *
 * @throws UsageError for an invalid URL; CommandFailure without a token
 */
export async function accessOf({ env, root, cwd }: Pick<CommandContext, 'env' | 'root' | 'cwd'>): Promise<ApiAccess> {
  const dataDir = dataDirOf({ env, root, cwd });
  const url =
    env['FIREBREAK_URL'] ||
    addressAt(env['PORT']) ||
    (await addressIn(join(dataDir, 'lock'))) ||
    VARIABLES.FIREBREAK_URL.standard;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new UsageError(`FIREBREAK_URL is not an http or https URL: ${JSON.stringify(url)}`);
  const address = { url: url.replace(/(?<!\/)\/+$/, '') };
  if (env['FIREBREAK_TOKEN']) return { ...address, token: env['FIREBREAK_TOKEN'] };
  if (!isThisMachine(url)) throw new CommandFailure(`no token for ${address.url}: set FIREBREAK_TOKEN`);
  if (env['FIREBREAK_ADMIN_TOKEN']) return { ...address, token: env['FIREBREAK_ADMIN_TOKEN'] };
  const file = join(dataDir, 'tokens.json');
  const token = await adminTokenIn(file);
  if (token !== undefined) return { ...address, token };
  throw new CommandFailure(
    `no token for ${address.url}: FIREBREAK_TOKEN is not set, and ${file} does not exist. Start Firebreak with npm start, or set FIREBREAK_TOKEN`,
  );
}

/** Returns the data folder: the given one, else `FIREBREAK_DATA_DIR`, else `.firebreak` of the project. */
export const dataDirOf = (
  { env, root, cwd }: Pick<CommandContext, 'env' | 'root' | 'cwd'>,
  option?: string,
): string => {
  const setting = option ?? (env['FIREBREAK_DATA_DIR'] || undefined);
  return setting === undefined ? join(root, '.firebreak') : resolve(cwd, setting);
};

export const isThisMachine = (url: string): boolean => isLoopbackHostname(new URL(url).hostname);

/** Returns the address at which a server with this `PORT` listens. Undefined: it is not set, or 0, so that the server chooses. */
function addressAt(port: string | undefined): string | undefined {
  if (!port) return undefined;
  const { data } = VARIABLES.PORT.schema.safeParse(port);
  if (data === undefined) throw new UsageError(`PORT is not a port: ${JSON.stringify(port)}`);
  return data === 0 ? undefined : `http://127.0.0.1:${data}`;
}

/** Returns the address in the lock file. Undefined: nothing runs with this data folder, or it does not accept requests yet. */
async function addressIn(file: string): Promise<string | undefined> {
  try {
    const { url } = LockFile.parse(JSON.parse(await readFile(file, 'utf8')));
    return url;
  } catch {
    return undefined; // no file, or one that is being written
  }
}

async function adminTokenIn(file: string): Promise<string | undefined> {
  try {
    return TokensFile.parse(JSON.parse(await readFile(file, 'utf8'))).FIREBREAK_ADMIN_TOKEN;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new CommandFailure(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
