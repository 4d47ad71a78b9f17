import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { counted } from '../../../core/domain/reports/words.ts';
import { stringify } from 'yaml';
import type { Converted } from '../decisions/import/converted.ts';
import { problemText } from '../../../core/domain/lint/problem.ts';
import { importSlos } from '../import-files.ts';
import { readInputText } from '../../../entrances/cli/input-file.ts';
import { UsageError, CommandFailure, type CommandContext } from '../../../entrances/cli/command-context.ts';

type Options = { out?: string; environment?: string; window: string };

/** Line width 0: no folding, because folded PromQL is hard to read. */
const NO_FOLDING = 0;

export function addSloImport(slo: Command, context: CommandContext): void {
  slo
    .command('import')
    .description('Convert SLOs of Sloth to OpenSLO v1; reports each field that cannot be converted')
    .argument('<file...>', 'YAML files to import')
    .option('--out <dir>', 'Output folder, one file for each SLO (default: print to stdout)')
    .option('--environment <name>', 'Environment of documents without an environment label')
    .option('--window <duration>', 'Time window of the SLOs, which documents of Sloth do not have', '30d')
    .action((files: string[], options: Options) => importFiles(context, files, options));
}

async function importFiles(context: CommandContext, files: readonly string[], options: Options): Promise<void> {
  const { environment, window } = options;
  if (!/^[1-9][0-9]*[hdwMQY]$/.test(window))
    throw new UsageError(`--window is not a duration such as 28d or 4w: ${window}`);
  const named = await Promise.all(files.map(async (name) => ({ name, text: await readInputText(context, name) })));
  const { converted, problems } = importSlos(named, { environment, window });
  for (const problem of problems) context.err(problemText(problem));
  const omitted = options.out === undefined ? print(context, converted) : await write(context, options.out, converted);
  const errors = problems.filter(({ level }) => level === 'error').length + omitted;
  if (errors > 0) throw new CommandFailure(`${counted(errors, 'problem')}: the import is incomplete`);
}

/** @returns the number of SLOs that were not printed: always 0 */
function print(context: CommandContext, converted: readonly Converted[]): number {
  for (const slo of converted) context.out(`---\n${textOf(slo).trimEnd()}`);
  return 0;
}

/** @returns the number of SLOs that were not written because a different file exists */
async function write(context: CommandContext, out: string, converted: readonly Converted[]): Promise<number> {
  const dir = resolve(context.cwd, out);
  await mkdir(dir, { recursive: true });
  let omitted = 0;
  for (const slo of converted) {
    const name = `${nameOf(slo)}.yaml`;
    const text = textOf(slo);
    const existing = await readFile(join(dir, name), 'utf8').catch(undefinedIfMissing);
    if (existing !== undefined && existing !== text) {
      omitted += 1;
      context.err(
        `${join(out, name)}: not written, because a different file exists (remove it, or choose another --out)`,
      );
      continue;
    }
    await writeFile(join(dir, name), text);
    context.out(join(out, name));
  }
  return omitted;
}

const undefinedIfMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === 'ENOENT') return undefined;
  throw error;
};

const nameOf = ({ document }: Converted): string => (document.value as { metadata: { name: string } }).metadata.name;

const textOf = ({ source, document }: Converted): string =>
  `# From ${document.at([]).file}, ${source}\n${stringify(document.value, { lineWidth: NO_FOLDING, aliasDuplicateObjects: false })}`;
