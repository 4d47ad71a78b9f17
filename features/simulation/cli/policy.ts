import type { Config } from '../../../schemas/config/config.ts';
import { CommandFailure, type CommandContext } from '../../../entrances/cli/command-context.ts';
import { folderOf } from '../../../entrances/cli/folders.ts';

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
    context.files.loadConfig(await folderOf(context, 'config', folders.config)),
    context.files.loadRunbooks(await folderOf(context, 'runbooks', folders.runbooks)),
  ]);
  const problems = [config, runbooks].flatMap((loaded) => (loaded.ok ? [] : loaded.problems));
  if (!config.ok || !runbooks.ok) throw new CommandFailure(problems.join('\n'));
  return { ...config.config, runbooks: runbooks.set };
}
