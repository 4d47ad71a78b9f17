import type { Command } from 'commander';
import { lintFolder, loadRunbooks } from '../../files.ts';
import { folderOf } from '../../folders.ts';
import { JSON_OPTION } from '../../options.ts';
import { asJson, table } from '../../table.ts';
import { CommandFailure, type World } from '../../world.ts';
import { addRunbookRuns } from './runs.ts';

export function addRunbooks(program: Command, world: World): void {
  const runbooks = program.command('runbooks').description('Lint, list, show, run, and retry runbooks');
  runbooks
    .command('lint')
    .description('Lint runbooks on disk: errors, conflicts, and runbooks that no alert selects')
    .argument('[dir]', 'Runbooks folder')
    .option('--config <dir>', 'Configuration folder, for the names of services')
    .action((dir: string | undefined, options: { config?: string }) => lint(world, dir, options.config));
  runbooks
    .command('list')
    .description('List runbooks on disk in the order in which they match alerts')
    .argument('[dir]', 'Runbooks folder')
    .option(...JSON_OPTION)
    .action((dir: string | undefined, options: { json?: true }) => list(world, dir, options));
  addRunbookRuns(runbooks, world);
}

async function lint(world: World, dir: string | undefined, configDir: string | undefined): Promise<void> {
  const folder = await folderOf(world, 'runbooks', dir);
  const { lines, exitCode } = await lintFolder(folder, await folderOf(world, 'config', configDir));
  for (const line of lines) world.out(line);
  if (exitCode !== 0) throw new CommandFailure(`${folder} has errors`);
}

async function list(world: World, dir: string | undefined, { json }: { json?: true }): Promise<void> {
  const folder = await folderOf(world, 'runbooks', dir);
  const loaded = await loadRunbooks(folder);
  if (!loaded.ok) throw new CommandFailure(loaded.problems.join('\n'));
  const runbooks = loaded.set.runbooks.toSorted((a, b) => b.priority - a.priority || (a.file < b.file ? -1 : 1));
  if (json) {
    world.out(
      asJson(runbooks.map(({ name, title, file, version, mode = null }) => ({ name, title, file, version, mode }))),
    );
    return;
  }
  const rows = runbooks.map(({ name, mode, steps, title }) => [name, mode ?? '-', String(steps.length), title]);
  world.out(table(['NAME', 'MODE', 'STEPS', 'TITLE'], rows));
}
