import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { lintPeople, lintResponse } from '../../domain/catalogue/name-lint.ts';
import { inOrder, type Problem } from '../../domain/runbooks/problem.ts';
import type { SourceLocation } from '../../domain/slo/source-locations.ts';
import type { Config } from '../../schemas/config/config.ts';
import { lineOf } from './yaml-lines.ts';

export const PEOPLE_FILE = 'people.yaml';
export const RESPONSE_FILE = 'response.yaml';

/** Returns warnings about valid people.yaml and response.yaml, with line numbers. */
export async function lintPeopleFiles(
  dir: string,
  config: Pick<Config, 'people' | 'response' | 'services' | 'paging'>,
): Promise<Problem[]> {
  const [inPeople, inResponse] = await Promise.all([
    linesOf(join(dir, PEOPLE_FILE)),
    linesOf(join(dir, RESPONSE_FILE)),
  ]);
  return inOrder([...lintPeople(config, inPeople), ...lintResponse(config, inResponse)]);
}

/** Without the file, no lines are looked up. */
async function linesOf(file: string): Promise<(path: readonly PropertyKey[]) => SourceLocation> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  return (path) => ({ file, line: lineOf(document.contents, path, lines) });
}
