import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { type Document, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { sha256 } from '../aws/hash.ts';
import type { Config } from '../schemas/config.ts';
import { checkRunbook } from '../domain/runbooks/check.ts';
import { lint, sameNames } from '../domain/runbooks/lint.ts';
import { inOrder, lineOf, type Problem, shown } from '../domain/runbooks/problem.ts';
import { FrontMatter, Runbook, type RunbookSet } from '../schemas/runbook.ts';
import { loadConfig } from './config-files.ts';
import { type JsonSchema, valueProblems } from './yaml-problems.ts';

/** The runbooks as the files on disk say them, or what is wrong with them, each as `file:line: message (suggestion)`. */
export type LoadedRunbooks = { ok: true; set: RunbookSet } | { ok: false; problems: string[] };

/** A file as large as a book is none that anybody reads during an incident. */
const MAX_FILE_BYTES = 256 * 1024;

/** Reads all runbooks below a folder. Without the folder there are none. */
export async function loadRunbooks(dir: string): Promise<LoadedRunbooks> {
  const { runbooks, problems } = await readFolder(dir);
  const wrong = [...problems, ...runbooks.flatMap(checkRunbook), ...sameNames(runbooks)];
  if (wrong.length > 0) return { ok: false, problems: inOrder(wrong).map((each) => shownBelow(dir, each)) };
  const version = sha256(JSON.stringify(runbooks.map((runbook) => [runbook.file, runbook.version]))).slice(0, 16);
  return { ok: true, set: { version, runbooks } };
}

/**
 * All that can be said about the runbooks of a folder, as lines for people.
 *
 * @param configDir where the catalogue is. Absent: names of services and environments are not looked at
 * @returns exitCode 1 where anything is wrong; a warning alone is not
 */
export async function lintFolder(dir: string, configDir?: string): Promise<{ lines: string[]; exitCode: 0 | 1 }> {
  const { runbooks, problems } = await readFolder(dir);
  const catalogue = await servicesOf(configDir);
  const found = inOrder([...problems, ...lint({ runbooks }, catalogue.services)]);
  const failed = catalogue.problems.length > 0 || found.some(({ level }) => level === 'error');
  const lines = [...catalogue.problems, ...found.map((each) => shownBelow(dir, each))];
  const count = `${runbooks.length} ${runbooks.length === 1 ? 'runbook' : 'runbooks'}`;
  return {
    lines: lines.length > 0 ? lines : [`${count}, nothing to complain about`],
    exitCode: failed ? 1 : 0,
  };
}

async function servicesOf(
  configDir: string | undefined,
): Promise<{ services?: Config['services']; problems: string[] }> {
  if (configDir === undefined) return { problems: [] };
  const loaded = await loadConfig(configDir);
  return loaded.ok ? { services: loaded.config.services, problems: [] } : { problems: loaded.problems };
}

/** The files of runbooks below a folder, by name; what begins with a dot or an underscore is none, nor is a README. */
export async function runbookFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isFile() && /^(?!readme\.md$)[^._].*\.md$/i.test(entry.name))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .toSorted();
}

type Read = { runbooks: Runbook[]; problems: Problem[] };

async function readFolder(dir: string): Promise<Read> {
  const read: Read = { runbooks: [], problems: [] };
  for (const file of await runbookFiles(dir)) {
    const { size } = await stat(join(dir, file));
    const one =
      size > MAX_FILE_BYTES
        ? [wrong(file, 1, `${size} bytes, and ${MAX_FILE_BYTES} are the most that a runbook may have`)]
        : readRunbook(file, await readFile(join(dir, file), 'utf8'));
    if (Array.isArray(one)) read.problems.push(...one);
    else read.runbooks.push(one);
  }
  return read;
}

const FRONT_MATTER = /^\u{feff}?---[ \t]*\r?\n(?<head>[^]*?)(?<=\n)---[ \t]*(?:\r?\n(?<body>[^]*))?$/u;

/** The line of hyphens before it. */
const LINES_BEFORE = 1;

/** One runbook, or what is wrong with how it is written. */
export function readRunbook(file: string, text: string): Runbook | Problem[] {
  const { head, body } = FRONT_MATTER.exec(text)?.groups ?? {};
  if (head === undefined) {
    const opened = /^\u{feff}?---[ \t]*\r?\n/u.test(text);
    return [
      opened
        ? wrong(file, 1, 'the front matter is not closed', 'end it with a line of three hyphens')
        : wrong(file, 1, 'no front matter', 'begin with a line of three hyphens'),
    ];
  }
  const lines = new LineCounter();
  const lineAt = (offset: number): number => lines.linePos(offset).line + LINES_BEFORE;
  const document = parseDocument(head, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  if (document.errors.length > 0)
    return document.errors.map((error) => wrong(file, lineAt(error.pos[0]), error.message));
  const places = linesOf(document.contents, lineAt);
  const value = valueOf(document);
  if (value instanceof Error) return [wrong(file, 1, value.message)];
  const front = FrontMatter.safeParse(value);
  if (!front.success)
    return valueProblems(front.error, value, frontMatterSchema()).map(({ path, message, suggestion }) =>
      wrong(file, lineOf(places, path), message, suggestion),
    );
  const runbook = Runbook.safeParse({
    ...front.data,
    name: front.data.name ?? basename(file, '.md'),
    file,
    version: sha256(text).slice(0, 16),
    body: (body ?? '').trim(),
    lines: places,
  });
  if (runbook.success) return runbook.data;
  return runbook.error.issues.map(({ path, message }) =>
    wrong(file, lineOf(places, path.join('.')), `name: ${message}`),
  );
}

/** Aliases that name nothing, or would grow without end, are found only here. */
function valueOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    if (error instanceof ReferenceError) return error;
    throw error;
  }
}

let schema: JsonSchema | undefined;

/** To know which keys there are. It takes a moment to make, and most sets have nothing wrong. */
const frontMatterSchema = (): JsonSchema =>
  (schema ??= z.toJSONSchema(FrontMatter, { io: 'input', unrepresentable: 'any' }) as JsonSchema);

/** The line of every key and item, by its path. */
function linesOf(node: unknown, lineAt: (offset: number) => number, path = ''): Record<string, number> {
  const found: Record<string, number> = {};
  const add = (key: string | number, place: unknown, inner: unknown): void => {
    const at = path === '' ? String(key) : `${path}.${key}`;
    if (isNode(place) && place.range) found[at] = lineAt(place.range[0]);
    Object.assign(found, linesOf(inner, lineAt, at));
  };
  if (isMap(node)) {
    for (const pair of node.items)
      if (isPair(pair) && isScalar(pair.key)) add(String(pair.key.value), pair.key, pair.value);
  } else if (isSeq(node)) for (const [index, item] of node.items.entries()) add(index, item, item);
  return found;
}

const wrong = (file: string, line: number, message: string, suggestion: string | null = null): Problem => ({
  file,
  line,
  level: 'error',
  message,
  suggestion,
});

const shownBelow = (dir: string, each: Problem): string => shown({ ...each, file: join(dir, each.file) });
