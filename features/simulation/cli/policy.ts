import type { Config } from '../../../schemas/config/config.ts';
import { CommandFailure, type CommandContext } from '../../../cli/command-context.ts';
import { loadConfig, loadRunbooks } from '../../../cli/files.ts';
import { folderOf } from '../../../cli/folders.ts';

/**
 * Reads a policy from its folders.
 *
 * @throws CommandFailure with the errors of the files
 */
export async function policyIn(
  context: CommandContext,
  folders: { config?: string | undefined; runbooks?: string | undefined },
): Promise<Config> {
  const [config, runbooks] = await Promise.all([
    loadConfig(await folderOf(context, 'config', folders.config)),
    loadRunbooks(await folderOf(context, 'runbooks', folders.runbooks)),
  ]);
  const problems = [config, runbooks].flatMap((loaded) => (loaded.ok ? [] : loaded.problems));
  if (!config.ok || !runbooks.ok) throw new CommandFailure(problems.join('\n'));
  return { ...config.config, runbooks: runbooks.set };
}
