import { stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { UsageError, type World } from './world.ts';

/** A folder of user files. */
export type Folder = 'config' | 'runbooks';

const VARIABLES = { config: 'FIREBREAK_CONFIG_DIR', runbooks: 'FIREBREAK_RUNBOOKS_DIR' } as const;

/**
 * Returns the given folder, else the one of the environment variable, else the folder of the project. The path is relative
 * to the working directory where possible, so that terminals can link `file:line`.
 *
 * @throws UsageError if a named folder does not exist. A missing folder of the project counts as empty
 */
export async function folderOf({ env, cwd, root }: World, folder: Folder, given?: string): Promise<string> {
  const named = given ?? (env[VARIABLES[folder]] || undefined);
  const path = named === undefined ? join(root, folder) : resolve(cwd, named);
  if (named !== undefined && !(await isFolder(path))) throw new UsageError(`folder ${named} does not exist`);
  const seen = relative(cwd, path);
  return seen.startsWith('..') || isAbsolute(seen) ? path : seen || '.';
}

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
