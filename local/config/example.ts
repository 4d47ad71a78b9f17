import { join } from 'node:path';
import { sha256 } from '../../core/stores/hash.ts';
import { readOptional } from '../../core/stores/config/yaml-lines.ts';

/** SHA-256 of the catalogue that Firebreak comes with, `config/services.yaml`. */
const EXAMPLE_SHA256 = 'd328eb895420abe7a27536d0b614315b51ae423ca56dc42549599a39b9fb56d7';

/** Returns whether a catalogue is the unchanged example, of which nothing is lost. */
export const isExample = (catalogue: string): boolean => sha256(catalogue) === EXAMPLE_SHA256;

/** Returns the file with the catalogue of a folder. @param inPlaceOfExample a file that replaces the unchanged example */
export async function catalogueFile(dir: string, inPlaceOfExample: string | undefined): Promise<string> {
  const file = join(dir, 'services.yaml');
  return inPlaceOfExample !== undefined && isExample(await readOptional(file)) ? inPlaceOfExample : file;
}
