import type { Command } from 'commander';
import { lintFolder, loadRunbooks } from '../../files.ts';
import { folderOf } from '../../folders.ts';
import { JSON_OPTION } from '../../options.ts';
import { asJson, printTable } from '../../table.ts';
import { CommandFailure, type CommandContext } from '../../command-context.ts';
import { addRunbookRuns } from './runs.ts';

export function addRunbooks(program: Command, context: CommandContext): void {
  const runbooks = program.command('runbooks').description('Lint, list, show, run, and retry runbooks');
  runbooks
    .command('lint')
    .description('Lint runbooks on disk: errors, conflicts, and runbooks that no alert selects')
    .argument('[dir]', 'Runbooks folder')
    .option('--config <dir>', 'Configuration folder, for the names of services')
    .action((dir: string | undefined, options: { config?: string }) => lint(context, dir, options.config));
  runbooks
    .command('list')
    .description('List runbooks on disk in the order in which they match alerts')
    .argument('[dir]', 'Runbooks folder')
    .option(...JSON_OPTION)
    .action((dir: string | undefined, options: { json?: true }) => list(context, dir, options));
  addRunbookRuns(runbooks, context);
}

async function lint(context: CommandContext, dir: string | undefined, configDir: string | undefined): Promise<void> {
  const folder = await folderOf(context, 'runbooks', dir);
  const { lines, exitCode } = await lintFolder(folder, await folderOf(context, 'config', configDir));
  for (const line of lines) context.out(line);
  if (exitCode !== 0) throw new CommandFailure(`${folder} has errors`);
}

async function list(context: CommandContext, dir: string | undefined, { json }: { json?: true }): Promise<void> {
  const folder = await folderOf(context, 'runbooks', dir);
  const loaded = await loadRunbooks(folder);
  if (!loaded.ok) throw new CommandFailure(loaded.problems.join('\n'));
  const runbooks = loaded.set.runbooks.toSorted((a, b) => b.priority - a.priority || (a.file < b.file ? -1 : 1));
  if (json) {
    context.out(
      asJson(runbooks.map(({ name, title, file, version, mode = null }) => ({ name, title, file, version, mode }))),
    );
    return;
  }
  const rows = runbooks.map(({ name, mode, steps, title }) => [name, mode ?? '-', String(steps.length), title]);
  printTable(context, { heading: ['NAME', 'MODE', 'STEPS', 'TITLE'], rows });
}
