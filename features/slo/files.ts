import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type Document, isMap, isScalar, isSeq, LineCounter, visit } from 'yaml';
import type * as z from 'zod';
import { lint } from './decisions/lint/lint.ts';
import { isImportable } from './decisions/import/formats.ts';
import { comparedEachMinute } from './decisions/measurement/minutes.ts';
import { objectivesOf, type LocatedSlo } from './decisions/objectives.ts';
import { type Located, errorAt } from '../../core/domain/lint/source-locations.ts';
import { inFileOrder, type Problem, problemText } from '../../core/domain/lint/problem.ts';
import type { Config } from '../../schemas/config/config.ts';
import { Header, type OpenSlo, schemaOf } from './schemas/openslo.ts';
import type { ObjectiveFiles } from '../manifest.ts';
import type { Slo } from '../../schemas/slo/slo.ts';
import { lineOf, parseAllYaml, valueOf } from '../../core/stores/config/yaml-lines.ts';
import { inputProblems, locationOf, placedText } from '../../schemas/parsing/input-problems.ts';

/** Larger than any hand-written file. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Reads the objectives in the files below a folder; without the folder, there are none. On errors, `value` is undefined
 * and `problems` lists them, each as `file:line: message (suggestion)`.
 */
export async function loadSlos(dir: string): Promise<{ value: Slo[] | undefined; problems: string[] }> {
  const { slos, problems } = await readFolder(dir);
  if (problems.length > 0) return { value: undefined, problems: inFileOrder(problems).map(problemText) };
  return { value: slos.map(({ slo }) => comparedEachMinute(slo)), problems: [] };
}

/**
 * Returns all errors and warnings about the objectives of a folder, in order.
 *
 * @param services the catalogue. Absent: names of services and environments are not checked
 */
export async function lintSlos(
  dir: string,
  services?: Config['services'],
): Promise<{ slos: LocatedSlo[]; found: Problem[] }> {
  const { slos, problems, remarks } = await readFolder(dir);
  return { slos, found: inFileOrder([...problems, ...remarks, ...lint(slos, services)]) };
}

/** Returns the files of objectives below a folder, by name, except names that begin with a dot or an underscore. */
export async function sloFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries
    .filter((entry) => !entry.isDirectory() && /\.ya?ml$/i.test(entry.name))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((name) => !name.split('/').some((part) => /^[._]/.test(part)))
    .toSorted();
}

/** How the configuration reads objectives. */
export const objectiveFiles: ObjectiveFiles = {
  load: loadSlos,
  lint: async (dir, services) => (await lintSlos(dir, services)).found,
  files: sloFiles,
};

type ReadFolder = { slos: LocatedSlo[]; problems: Problem[]; remarks: Problem[] };

async function readFolder(dir: string): Promise<ReadFolder> {
  const documents: Located<OpenSlo>[] = [];
  const problems: Problem[] = [];
  for (const name of await sloFiles(dir)) {
    const file = join(dir, name);
    for (const object of await objectsIn(file)) {
      if ('value' in object) documents.push(object);
      else problems.push(object);
    }
  }
  const objectives = objectivesOf(documents);
  return { ...objectives, problems: [...problems, ...objectives.problems] };
}

async function objectsIn(file: string): Promise<Read[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => error);
  if (typeof text !== 'string') return [errorAt({ file, line: 1 }, `cannot be read: ${text.message}`)];
  // An empty file may not be completely written.
  return text === '' ? [errorAt({ file, line: 1 }, 'the file is empty', 'delete it')] : objectsOf(file, text);
}

/** An object, or its error. */
type Read<T = OpenSlo> = Located<T> | Problem;

const objectsOf = (file: string, text: string): Read[] =>
  documentsOf(file, text).flatMap((object) => ('value' in object ? readObject(object) : [object]));

/** Returns the documents of a file, which can contain several documents and lists of documents. */
export function documentsOf(file: string, text: string): Read<unknown>[] {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_FILE_BYTES)
    return [
      errorAt(
        { file, line: 1 },
        `the file has ${bytes} bytes; the limit is ${MAX_FILE_BYTES}`,
        'split it into several files',
      ),
    ];
  const lines = new LineCounter();
  const documents = parseAllYaml(text, lines);
  return documents.flatMap((document): Read<unknown>[] => {
    if (document.errors.length > 0)
      return document.errors.map(({ pos, message }) => errorAt({ file, line: lines.linePos(pos[0]).line }, message));
    let read = valueOf(document);
    if (read.ok && isImportable(read.value)) read = valueOf(withTextLabels(document));
    if (!read.ok) return [errorAt({ file, line: lineOf(document.contents, [], lines) }, read.problem)];
    return partsOf(document.contents, read.value).map(({ node, value }) => ({
      value,
      at: (path: readonly PropertyKey[]) => ({ file, line: lineOf(node, path, lines) }),
    }));
  });
}

/** Makes the values of labels and annotations texts, as they are written: Sloth reads `tier: 1` as `tier: "1"`. */
function withTextLabels(document: Document): Document {
  visit(document, {
    Pair: (_, { key, value }) => {
      if (!isScalar(key) || !['labels', 'annotations'].includes(String(key.value)) || !isMap(value)) return;
      for (const { value: label } of value.items)
        if (isScalar(label) && label.value !== null) label.value = label.source;
    },
  });
  return document;
}

/** Returns one item for a document, each item of a list, or none for a document with only comments. */
function partsOf(node: unknown, value: unknown): { node: unknown; value: unknown }[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) return [{ node, value }];
  return value.map((item: unknown, index) => ({ node: isSeq(node) ? node.items[index] : node, value: item }));
}

export function readObject({ value, at }: Located<unknown>): Read[] {
  if (isImportable(value))
    return [errorAt(at([]), 'it is not in OpenSLO v1 format', 'convert it with firebreak slo import')];
  const header = Header.safeParse(value);
  if (!header.success) return problemsOf(header.error, at);
  const read = schemaOf(header.data.kind).safeParse(value);
  return read.success ? [{ value: read.data, at }] : problemsOf(read.error, at);
}

const problemsOf = (error: z.ZodError, at: Located<OpenSlo>['at']): Problem[] =>
  inputProblems(error).map((problem) => errorAt(at(locationOf(problem)), placedText(problem)));
