import { join } from 'node:path';
import type { Command } from 'commander';
import { counted } from '../../../core/domain/reports/words.ts';
import { problemText } from '../../../core/domain/lint/problem.ts';
import { lintSlos } from '../files.ts';
import { SLO_FOLDER } from '../names.ts';
import { folderOf } from '../../../entrances/cli/folders.ts';
import { CommandFailure, type CommandContext } from '../../../entrances/cli/command-context.ts';
import { addSloCorrections } from './corrections.ts';
import { addSloGenerate } from './generate.ts';
import { addSloImport } from './import.ts';

export function addSlo(program: Command, context: CommandContext): void {
  const slo = program
    .command('slo')
    .description('Lint, import, and generate files from SLOs on disk, and correct their budgets');
  slo
    .command('lint')
    .description('Lint SLOs: errors, and indicators or targets that are probably wrong')
    .argument('[dir]', 'Folder of SLOs (default: "slos" in the configuration folder)')
    .option('--config <dir>', 'Configuration folder, for the names of services')
    .action((dir: string | undefined, options: { config?: string }) => lint(context, dir, options.config));
  addSloImport(slo, context);
  addSloGenerate(slo, context);
  addSloCorrections(slo, context);
}

async function lint(context: CommandContext, dir: string | undefined, configDir: string | undefined): Promise<void> {
  const config = await folderOf(context, 'config', configDir);
  const folder = dir === undefined ? join(config, SLO_FOLDER) : await folderOf(context, 'config', dir);
  const catalogue = await context.files.loadServices(config);
  const { slos, found } = await lintSlos(folder, catalogue.services);
  for (const line of [...catalogue.problems, ...found.map(problemText)]) context.out(line);
  if (catalogue.problems.length > 0 || found.some(({ level }) => level === 'error'))
    throw new CommandFailure(`${folder} has errors`);
  if (found.length === 0) context.out(`${counted(slos.length, 'objective')}, no problems found`);
}
