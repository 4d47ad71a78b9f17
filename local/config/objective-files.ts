import { join } from 'node:path';
import type { Problem } from '../../core/domain/lint/problem.ts';
import { FEATURES } from '../../features/index.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { Slo } from '../../schemas/slo/slo.ts';

const SOURCES = FEATURES.flatMap(({ objectives }) => objectives ?? []);

/** Folders of features in the configuration folder. */
export const OBJECTIVE_FOLDERS = SOURCES.map(({ folder }) => folder);

const read = <T>(configDir: string, using: (files: Files, dir: string) => Promise<T>): Promise<T[]> =>
  Promise.all(SOURCES.map(async ({ folder, load }) => using(await load(), join(configDir, folder))));

type Files = Awaited<ReturnType<(typeof SOURCES)[number]['load']>>;

/** Reads the objectives of a configuration. If some are invalid, `value` is undefined and `problems` says why. */
export async function loadObjectives(configDir: string): Promise<{ value: Slo[] | undefined; problems: string[] }> {
  const all = await read(configDir, (files, dir) => files.load(dir));
  const problems = all.flatMap((one) => one.problems);
  const isValid = all.every(({ value }) => value !== undefined);
  return { value: isValid ? all.flatMap(({ value = [] }) => value) : undefined, problems };
}

/** Returns all errors and warnings about the objectives of a configuration. */
export const lintObjectives = async (configDir: string, services: Config['services']): Promise<Problem[]> =>
  (await read(configDir, (files, dir) => files.lint(dir, services))).flat();

/** Returns the paths of the files of objectives. */
export const objectiveFiles = async (configDir: string): Promise<string[]> =>
  (await read(configDir, async (files, dir) => (await files.files(dir)).map((name) => join(dir, name)))).flat();
