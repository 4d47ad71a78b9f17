import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { lintFreezes } from '../../domain/freeze/lint.ts';
import { inOrder, type Problem } from '../../domain/runbooks/problem.ts';
import type { Config } from '../../schemas/config/config.ts';
import { lineOf } from './yaml-lines.ts';

export const FREEZE_FILE = 'freeze.yaml';

/** Returns warnings about the freezes of a valid configuration, with line numbers. Without the file: none. */
export async function lintFreezeFile(
  dir: string,
  config: Pick<Config, 'freeze' | 'services' | 'slos'>,
): Promise<Problem[]> {
  const file = join(dir, FREEZE_FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const found = lintFreezes(config, (...paths) => {
    const path = paths.find((each) => document.hasIn(each)) ?? paths[0] ?? [];
    return { file, line: lineOf(document.contents, path, lines) };
  });
  return inOrder(found);
}
