import { join } from 'node:path';

import { lintFreezes } from '../../domain/freeze/lint.ts';
import { inFileOrder, type Problem } from '../../domain/runbooks/problem.ts';
import type { Config } from '../../schemas/config/config.ts';
import { readLocations } from './yaml-lines.ts';

export const FREEZE_FILE = 'freeze.yaml';

/** Returns warnings about the freezes of a valid configuration, with line numbers. Without the file: none. */
export async function lintFreezeFile(
  dir: string,
  config: Pick<Config, 'freeze' | 'services' | 'slos'>,
): Promise<Problem[]> {
  const { document, locate } = await readLocations(join(dir, FREEZE_FILE));
  return inFileOrder(
    lintFreezes(config, (...paths) => locate(paths.find((path) => document.hasIn(path)) ?? paths[0] ?? [])),
  );
}
