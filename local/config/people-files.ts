import { join } from 'node:path';

import { lintPeople, lintResponse } from '../../core/domain/catalogue/name-lint.ts';
import { inFileOrder, type Problem } from '../../core/domain/lint/problem.ts';

import type { Config } from '../../schemas/config/config.ts';
import { readLocations } from '../../core/stores/config/yaml-lines.ts';

export const PEOPLE_FILE = 'people.yaml';
export const RESPONSE_FILE = 'response.yaml';

/** Returns warnings about valid people.yaml and response.yaml, with line numbers. */
export async function lintPeopleFiles(
  dir: string,
  config: Pick<Config, 'people' | 'response' | 'services' | 'paging'>,
): Promise<Problem[]> {
  const [people, response] = await Promise.all([
    readLocations(join(dir, PEOPLE_FILE)),
    readLocations(join(dir, RESPONSE_FILE)),
  ]);
  return inFileOrder([...lintPeople(config, people.locate), ...lintResponse(config, response.locate)]);
}
