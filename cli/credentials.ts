import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { VARIABLES } from '../schemas/variables.ts';
import { Misused, No, type World } from './world.ts';

/** Of the data folder, as the first start leaves it. */
const Kept = z.object({ FIREBREAK_ADMIN_TOKEN: z.string().min(1).optional() });

/** Where Firebreak is, and who asks. */
export type Access = { url: string; token: string };

/**
 * The token is `FIREBREAK_TOKEN`. For a Firebreak on this machine the admin token will do, from the environment or its data
 * folder; it is never sent anywhere else.
 */
export async function accessOf({ env, root, cwd }: Pick<World, 'env' | 'root' | 'cwd'>): Promise<Access> {
  const url = env['FIREBREAK_URL'] || VARIABLES.FIREBREAK_URL.standard;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new Misused(`FIREBREAK_URL is ${JSON.stringify(url)}, which is no http or https address`);
  const at = { url: url.replace(/\/+$/, '') };
  if (env['FIREBREAK_TOKEN']) return { ...at, token: env['FIREBREAK_TOKEN'] };
  if (!isThisMachine(url)) throw new No(`FIREBREAK_TOKEN is not set, so ${at.url} cannot be asked`);
  if (env['FIREBREAK_ADMIN_TOKEN']) return { ...at, token: env['FIREBREAK_ADMIN_TOKEN'] };
  const file = join(dataDirOf({ env, root, cwd }), 'tokens.json');
  const token = await adminTokenIn(file);
  if (token !== undefined) return { ...at, token };
  throw new No(`FIREBREAK_TOKEN is not set, and there is no ${file}: start Firebreak with npm start, or set it`);
}

/** The data folder: what was said, else what the environment says, else the project's own. */
export const dataDirOf = ({ env, root, cwd }: Pick<World, 'env' | 'root' | 'cwd'>, given?: string): string => {
  const named = given ?? (env['FIREBREAK_DATA_DIR'] || undefined);
  return named === undefined ? join(root, '.firebreak') : resolve(cwd, named);
};

export const isThisMachine = (url: string): boolean =>
  /^(127(\.\d+){3}|localhost|\[::1\])$/.test(new URL(url).hostname);

async function adminTokenIn(file: string): Promise<string | undefined> {
  try {
    return Kept.parse(JSON.parse(await readFile(file, 'utf8'))).FIREBREAK_ADMIN_TOKEN;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new No(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
