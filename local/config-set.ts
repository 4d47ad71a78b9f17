import { sha256 } from '../aws/hash.ts';
import type { Config } from '../schemas/config.ts';
import { shown } from '../domain/runbooks/problem.ts';
import { loadConfig } from './config-files.ts';
import { lintFreezeFile } from './freeze-file.ts';
import { lintPeopleFiles } from './people-files.ts';
import { loadRunbooks } from './runbook-files.ts';

/** Where the set is on disk. */
export type ConfigFolders = { configDir: string; runbooksDir: string };

/**
 * Configuration and runbooks as one set: either all of it is right, or none of it comes into force. `warnings`: what is
 * right, but hardly meant.
 */
export type LoadedSet = { ok: true; config: Config; warnings: string[] } | { ok: false; problems: string[] };

/** Reads and checks everything. What is missing means its defaults. */
export async function loadSet({ configDir, runbooksDir }: ConfigFolders): Promise<LoadedSet> {
  const [files, runbooks] = await Promise.all([loadConfig(configDir), loadRunbooks(runbooksDir)]);
  if (!files.ok || !runbooks.ok)
    return { ok: false, problems: [files, runbooks].flatMap((each) => (each.ok ? [] : each.problems)) };
  const found = await Promise.all([lintFreezeFile, lintPeopleFiles].map((lint) => lint(configDir, files.config)));
  const warnings = found.flat().map(shown);
  const version = sha256(`${files.config.version} ${runbooks.set.version}`).slice(0, 16);
  return { ok: true, config: { ...files.config, version, runbooks: runbooks.set }, warnings };
}
