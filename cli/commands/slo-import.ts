import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { Made } from '../../domain/slo/import/made.ts';
import { shown } from '../../domain/runbooks/problem.ts';
import { importSlos } from '../files.ts';
import { Misused, No, type World } from '../world.ts';

type Options = { out?: string; service?: string; environment?: string; window: string };

/** PromQL that is folded is hard to read. */
const NO_FOLDING = 0;

export function addSloImport(slo: Command, world: World): void {
  slo
    .command('import')
    .description(
      "objectives of Sloth, Pyrra or OpenSLO v1alpha as OpenSLO v1; names each field that can't be carried over",
    )
    .argument('<file...>', 'documents of these, as YAML')
    .option('--out <dir>', 'folder that they are written to, a file for each; else they are printed')
    .option('--service <name>', 'service of documents that name none, as those of Pyrra')
    .option('--environment <name>', 'environment of those whose labels name none')
    .option('--window <duration>', 'time window of documents that have none, as those of Sloth', '30d')
    .action((files: string[], options: Options) => importFiles(world, files, options));
}

async function importFiles(world: World, files: readonly string[], options: Options): Promise<void> {
  const { service, environment, window } = options;
  if (!/^[1-9][0-9]*[hdwMQY]$/.test(window)) throw new Misused(`--window is no duration such as 28d or 4w: ${window}`);
  const named = files.map((name) => ({ name, path: resolve(world.cwd, name) }));
  const { made, problems } = await importSlos(named, { service, environment, window });
  for (const problem of problems) world.err(shown(problem));
  const kept = options.out === undefined ? print(world, made) : await write(world, options.out, made);
  const errors = problems.filter(({ level }) => level === 'error').length + kept;
  if (errors > 0) throw new No(`${counted(errors, 'problem')}: not everything was imported`);
}

/** @returns how many could not be printed */
function print(world: World, made: readonly Made[]): number {
  for (const one of made) world.out(`---\n${textOf(one).trimEnd()}`);
  return 0;
}

/** @returns how many were not written, since there is another file in their place */
async function write(world: World, out: string, made: readonly Made[]): Promise<number> {
  const dir = resolve(world.cwd, out);
  await mkdir(dir, { recursive: true });
  let kept = 0;
  for (const one of made) {
    const name = `${nameOf(one)}.yaml`;
    const text = textOf(one);
    const there = await readFile(join(dir, name), 'utf8').catch(nothing);
    if (there !== undefined && there !== text) {
      kept += 1;
      world.err(
        `${join(out, name)}: there is another file of this name, and it was kept (remove it, or choose another --out)`,
      );
      continue;
    }
    await writeFile(join(dir, name), text);
    world.out(join(out, name));
  }
  return kept;
}

const nothing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === 'ENOENT') return undefined;
  throw error;
};

const nameOf = ({ written }: Made): string => (written.value as { metadata: { name: string } }).metadata.name;

const textOf = ({ source, written }: Made): string =>
  `# From ${written.at([]).file}, ${source}\n${stringify(written.value, { lineWidth: NO_FOLDING, aliasDuplicateObjects: false })}`;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
