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
export async function folderOf(context: CommandContext, folder: Folder, option?: string): Promise<string> {
  const { setting, path, displayPath } = folderPath(context, folder, option);
  if (setting !== undefined && !(await isFolder(path))) throw new UsageError(`folder ${setting} does not exist`);
  return displayPath;
}

/**
 * Returns the path of the same folder, and the path to display, whether it exists or not. `setting`: the option or the
 * variable, as it was written.
 */
export function folderPath(
  { env, cwd, root }: Pick<CommandContext, 'env' | 'cwd' | 'root'>,
  folder: Folder,
  option?: string,
): { setting: string | undefined; path: string; displayPath: string } {
  const setting = option ?? (env[VARIABLES[folder]] || undefined);
  const path = setting === undefined ? join(root, folder) : resolve(cwd, setting);
  const relativePath = relative(cwd, path);
  return {
    setting,
    path,
    displayPath: relativePath.startsWith('..') || isAbsolute(relativePath) ? path : relativePath || '.',
  };
}

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
