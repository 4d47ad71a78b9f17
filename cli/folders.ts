import { stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { UsageError, type CommandContext } from './command-context.ts';

/** A folder of user files. */
export type Folder = 'config' | 'runbooks';

const VARIABLES = { config: 'FIREBREAK_CONFIG_DIR', runbooks: 'FIREBREAK_RUNBOOKS_DIR' } as const;

/**
 * Returns the given folder, else the one of the environment variable, else the folder of the project. The path is relative
 * to the working directory where possible, so that terminals can link `file:line`.
 *
 * @throws UsageError if a named folder does not exist. A missing folder of the project counts as empty
 */
export async function folderOf(context: CommandContext, folder: Folder, given?: string): Promise<string> {
  const { named, path, shown } = pathOf(context, folder, given);
  if (named !== undefined && !(await isFolder(path))) throw new UsageError(`folder ${named} does not exist`);
  return shown;
}

/** Returns the path of the same folder, and how it is shown, whether it exists or not. `named`: as it was given. */
export function pathOf(
  { env, cwd, root }: Pick<CommandContext, 'env' | 'cwd' | 'root'>,
  folder: Folder,
  given?: string,
): { named: string | undefined; path: string; shown: string } {
  const named = given ?? (env[VARIABLES[folder]] || undefined);
  const path = named === undefined ? join(root, folder) : resolve(cwd, named);
  const seen = relative(cwd, path);
  return { named, path, shown: seen.startsWith('..') || isAbsolute(seen) ? path : seen || '.' };
}

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
