import { importedFrom } from './decisions/import/formats.ts';
import type { Defaults, Converted } from './decisions/import/converted.ts';
import { objectivesOf } from './decisions/objectives.ts';
import { locatedPart, type Located, errorAt } from '../../core/domain/lint/source-locations.ts';
import { inFileOrder, type Problem } from '../../core/domain/lint/problem.ts';
import type { OpenSlo } from './schemas/openslo.ts';
import { documentsOf, readObject } from './files.ts';

/** `converted`: documents that a start accepts together. Errors in `problems` are about objects without a document. */
export type ReadImport = { converted: Converted[]; problems: Problem[] };

/**
 * Converts files of other tools to OpenSLO v1 documents.
 *
 * @param files names, to report problems, and texts
 */
export function importSlos(files: readonly { name: string; text: string }[], defaults: Defaults): ReadImport {
  const converted: Converted[] = [];
  const problems: Problem[] = [];
  const accepted: Located<OpenSlo>[] = [];
  for (const { name, text } of files) {
    const documents = documentsOf(name, text).flatMap((one): (Located<unknown> | Problem)[] =>
      'value' in one ? itemsOf(one) : [one],
    );
    if (documents.length === 0) problems.push(errorAt({ file: name, line: 1 }, 'the file is empty'));
    for (const document of documents) {
      if (!('value' in document)) {
        problems.push(document);
        continue;
      }
      const imported = importedFrom(document, defaults);
      problems.push(...imported.problems);
      for (const one of imported.converted) {
        const found = acceptOrProblems(one, accepted);
        problems.push(
          ...found.map((each) => ({ ...each, message: `its conversion to OpenSLO v1 is invalid: ${each.message}` })),
        );
        if (found.length === 0) converted.push(one);
      }
    }
  }
  return { converted, problems: inFileOrder(problems) };
}

/** Returns each object of a list, such as in the output of `kubectl get -o yaml`. */
function itemsOf(document: Located<unknown>): Located<unknown>[] {
  const { kind, items } = (typeof document.value === 'object' ? document.value : {}) as {
    kind?: unknown;
    items?: unknown;
  };
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [document];
  return items.map((item: unknown, index) => locatedPart(document, ['items', index], item));
}

/** Validates a document together with those accepted before it, and adds it to them if it is valid. */
function acceptOrProblems({ document }: Converted, accepted: Located<OpenSlo>[]): Problem[] {
  const read = readObject(document);
  const objects = read.filter((one) => 'value' in one);
  const problems = read.filter((one): one is Problem => !('value' in one));
  if (problems.length > 0) return problems;
  const found = objectivesOf([...accepted, ...objects]).problems;
  if (found.length === 0) accepted.push(...objects);
  return found;
}
