import { sha256 } from '../../core/stores/hash.ts';
import type { Config } from '../../schemas/config/config.ts';
import { problemText } from '../../core/domain/lint/problem.ts';
import { type Timestamp, timestamp } from '../../schemas/time/time.ts';
import { lintConfigFolder, lintNames, lintRunbooksFolder } from './catalogue-files.ts';
import { loadConfig } from './config-files.ts';
import { lintPeopleFiles } from './people-files.ts';
import { loadRunbooks } from './runbook-files.ts';
import { lintObjectives } from './objective-files.ts';

/** Folders of the configuration on disk. `inPlaceOfExample`: the catalogue of the sandbox. */
export type ConfigFolders = { configDir: string; runbooksDir: string; inPlaceOfExample?: string | undefined };

/**
 * Configuration and runbooks as one set: it comes into force only if all of it is valid. `warnings`: valid, but
 * probably not intended. Errors that only `check` refuses, such as a file that is not read, do not stop the start and
 * are warnings here.
 */
export type LoadedSet = { ok: true; config: Config; warnings: string[] } | { ok: false; problems: string[] };

/**
 * Reads and validates everything. Missing files mean defaults. Files that exist and cannot be read are problems.
 *
 * @param now for windows that are past
 */
export async function loadSet(folders: ConfigFolders, now: Timestamp = timestamp(Date.now())): Promise<LoadedSet> {
  try {
    return await readSet(folders, now);
  } catch (error) {
    if (!isOfFileSystem(error)) throw error;
    return { ok: false, problems: [`${error.path ?? folders.configDir}: cannot be read: ${error.message}`] };
  }
}

const isOfFileSystem = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error && 'code' in error;

async function readSet(
  { configDir, runbooksDir, inPlaceOfExample }: ConfigFolders,
  now: Timestamp,
): Promise<LoadedSet> {
  const [files, runbooks] = await Promise.all([loadConfig(configDir, inPlaceOfExample), loadRunbooks(runbooksDir)]);
  if (!files.ok || !runbooks.ok)
    return { ok: false, problems: [files, runbooks].flatMap((each) => (each.ok ? [] : each.problems)) };
  const { services } = files.config;
  const found = await Promise.all([
    lintConfigFolder(configDir),
    lintRunbooksFolder(runbooksDir),
    lintNames(configDir, files.config, now),
    lintObjectives(configDir, services),
    lintPeopleFiles(configDir, files.config),
  ]);
  const warnings = found
    .flat()
    .filter(({ file }) => file !== configDir && file !== runbooksDir) // missing folders can be intended
    .map((problem) => problemText({ ...problem, level: 'warning' }));
  const version = sha256(`${files.config.version} ${runbooks.set.version}`).slice(0, 16);
  return { ok: true, config: { ...files.config, version, runbooks: runbooks.set }, warnings };
}
