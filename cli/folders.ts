import { stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { Misused, type World } from './world.ts';

/** A folder with files of the set, as people name it. */
export type Folder = 'config' | 'runbooks';

const VARIABLES = { config: 'FIREBREAK_CONFIG_DIR', runbooks: 'FIREBREAK_RUNBOOKS_DIR' } as const;

/**
 * Where the files are: what was said, else what the environment says, else the project's own folder. Given as it is seen
 * from where the command was called, so that `file:line` can be clicked on.
 *
 * @throws Misused when a folder that was named is not there; without the project's own there are just no files
 */
export async function folderOf({ env, cwd, root }: World, folder: Folder, given?: string): Promise<string> {
  const named = given ?? (env[VARIABLES[folder]] || undefined);
  const path = named === undefined ? join(root, folder) : resolve(cwd, named);
  if (named !== undefined && !(await isFolder(path))) throw new Misused(`there is no folder ${named}`);
  const seen = relative(cwd, path);
  return seen.startsWith('..') || isAbsolute(seen) ? path : seen || '.';
}

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
