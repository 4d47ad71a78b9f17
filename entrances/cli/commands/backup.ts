import { isAbsolute, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { dataDirOf } from '../credentials.ts';
import {
  BadArchive,
  type Backup,
  backUp,
  nameOfBackup,
  NoBackup,
  NoSnapshot,
  NotRestored,
  prune,
  restore,
} from '../files.ts';
import { numberTo500 } from '../options.ts';
import { asJson } from '../table.ts';
import { UsageError, CommandFailure, type CommandContext } from '../command-context.ts';

type BackupOptions = { to?: string; keep?: number; dataDir?: string; json?: true };
type RestoreOptions = { dataDir?: string; pause: boolean };

const DATA_DIR = ['--data-dir <dir>', 'Data folder (default: FIREBREAK_DATA_DIR, or .firebreak)'] as const;

/** Adds `backup` and `restore`. Both work on a data folder of this machine. */
export function addBackup(program: Command, context: CommandContext): void {
  program
    .command('backup')
    .description('Back up the data folder of this machine; Firebreak can be running or stopped')
    .argument('[file]', 'New archive file (default: firebreak-TIME.tar.gz in the current folder)')
    .option('--to <dir>', 'Write firebreak-TIME.tar.gz to this folder')
    .option('--keep <n>', 'Keep only the newest <n> backups in the --to folder', numberTo500)
    .option(...DATA_DIR)
    .option('--json', 'Print the result as JSON')
    .action((file: string | undefined, options: BackupOptions) => runBackup(context, file, options));
  program
    .command('restore')
    .description('Restore a backup into an empty data folder; automation is paused at the next start')
    .argument('<file>', 'Archive made by firebreak backup')
    .option(...DATA_DIR)
    .option('--no-pause', 'Leave automation as it was in the backup')
    .action((file: string, options: RestoreOptions) => runRestore(context, file, options));
}

async function runBackup(
  context: CommandContext,
  fileArgument: string | undefined,
  options: BackupOptions,
): Promise<void> {
  const { to, keep } = options;
  if (to !== undefined && fileArgument !== undefined) throw new UsageError('specify either a file or --to, not both');
  if (keep !== undefined && to === undefined) throw new UsageError('--keep requires --to');
  const folder = resolve(context.cwd, to ?? '.');
  const file = fileArgument === undefined ? join(folder, nameOfBackup(new Date())) : resolve(context.cwd, fileArgument);
  const backup = await withReadableErrors(() => backUp(dataDirOf(context, options.dataDir), file));
  const removed = keep === undefined ? [] : await prune(folder, keep);
  if (options.json) {
    context.out(
      asJson({ file, at: backup.at, bytes: backup.bytes, files: backup.files, running: backup.running, removed }),
    );
  } else {
    context.out(`${displayPath(context.cwd, file)}: ${summaryOf(backup)}`);
    for (const name of removed) context.out(`removed ${name}`);
  }
  context.err(
    backup.withKeys
      ? 'the archive contains the admin token, the signing key, and the audit key: store it as securely as these secrets'
      : 'the archive does not contain the tokens that are set in the environment: back them up separately',
  );
}

const summaryOf = ({ at, bytes, files, running }: Backup): string =>
  `${files} files, ${Math.ceil(bytes / 1024)} KiB, as of ${at}, Firebreak ${running ? 'running' : 'stopped'}; archive verified`;

async function runRestore(
  context: CommandContext,
  fileArgument: string,
  { dataDir, pause }: RestoreOptions,
): Promise<void> {
  const folder = dataDirOf(context, dataDir);
  const file = resolve(context.cwd, fileArgument);
  const { at, firebreak, files } = await withReadableErrors(
    () => restore(file, folder, { pause, now: new Date() }),
    fileArgument,
  );
  context.out(`${folder}: ${files.length} files, as of ${at}, made by Firebreak ${firebreak}`);
  context.out(
    pause
      ? 'automation is paused at the next start, paging continues: review what has changed since, then run firebreak resume'
      : 'automation continues at the next start as it was in the backup',
  );
}

/** Turns refusals and errors of the operating system into messages without a stack. */
async function withReadableErrors<T>(work: () => Promise<T>, archive?: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BadArchive)
      throw new CommandFailure(archive === undefined ? error.message : `${archive}: ${error.message}`);
    const isRefusal = [NoBackup, NoSnapshot, NotRestored].some((kind) => error instanceof kind);
    if (isRefusal || (error instanceof Error && 'code' in error)) throw new CommandFailure((error as Error).message);
    throw error;
  }
}

function displayPath(cwd: string, file: string): string {
  const relativePath = relative(cwd, file);
  return relativePath.startsWith('..') || isAbsolute(relativePath) ? file : relativePath;
}
