import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { isMap, isNode, isPair, isScalar, isSeq, LineCounter } from 'yaml';
import { sha256 } from '../../core/stores/hash.ts';
import type { Config } from '../../schemas/config/config.ts';
import { checkRunbook } from '../../core/domain/runbooks/check.ts';
import { lint, lintAlone, sameNames } from '../../core/domain/runbooks/lint.ts';
import { inFileOrder, lineOf, type Problem, problemText } from '../../core/domain/lint/problem.ts';
import { FrontMatter, type Runbook, RunbookName, type RunbookSet } from '../../schemas/runbooks/runbook.ts';
import { loadConfig } from './config-files.ts';
import { withoutInvalidParts } from './runbook-fixes.ts';
import { parseYaml, valueOf } from '../../core/stores/config/yaml-lines.ts';
import { inputProblems, inputProblemText, locationOf, placedText } from '../../schemas/parsing/input-problems.ts';

/** The runbooks in the files on disk, or their errors, each as `file:line: message (suggestion)`. */
export type LoadedRunbooks = { ok: true; set: RunbookSet } | { ok: false; problems: string[] };

/** A larger file cannot be read during an incident. */
const MAX_FILE_BYTES = 256 * 1024;

/** Reads all runbooks below a folder. Without the folder, there are none. */
export async function loadRunbooks(dir: string): Promise<LoadedRunbooks> {
  const { runbooks, problems } = await readFolder(dir);
  const wrong = [...problems, ...runbooks.flatMap(checkRunbook), ...sameNames(runbooks)];
  if (wrong.length > 0) return { ok: false, problems: inFileOrder(wrong).map((each) => shownBelow(dir, each)) };
  const version = sha256(JSON.stringify(runbooks.map((runbook) => [runbook.file, runbook.version]))).slice(0, 16);
  return { ok: true, set: { version, runbooks } };
}

/**
 * Validates the runbooks of a folder and returns the result as lines for people.
 *
 * @param configDir folder of the catalogue. Absent: names of services and environments are not checked
 * @returns exitCode 1 on errors; warnings alone give 0
 */
export async function lintFolder(dir: string, configDir?: string): Promise<{ lines: string[]; exitCode: 0 | 1 }> {
  const { runbooks, partial, problems } = await readFolder(dir);
  const catalogue = await servicesOf(configDir);
  const partialProblems = partial.flatMap((runbook) => lintAlone(runbook, catalogue.services));
  const found = inFileOrder([...problems, ...partialProblems, ...lint({ runbooks }, catalogue.services)]);
  const failed = catalogue.problems.length > 0 || found.some(({ level }) => level === 'error');
  const lines = [...catalogue.problems, ...found.map((each) => shownBelow(dir, each))];
  const count = `${runbooks.length} ${runbooks.length === 1 ? 'runbook' : 'runbooks'}`;
  return {
    lines: lines.length > 0 ? lines : [`${count}, no problems found`],
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

/**
 * Returns the files of runbooks below a folder, by name, except README files, names that begin with a dot or an
 * underscore, and files in such folders. Links to files count: in a volume of Kubernetes, each file is a link to one in a
 * hidden folder.
 */
export async function runbookFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries
    .filter((entry) => !entry.isDirectory() && /^(?!readme\.md$).*\.md$/i.test(entry.name))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((name) => !name.split('/').some((part) => /^[._]/.test(part)))
    .toSorted();
}

/** The content of a folder. `partial`: the readable parts of invalid runbooks. */
type Read = { runbooks: Runbook[]; partial: Runbook[]; problems: Problem[] };

async function readFolder(dir: string): Promise<Read> {
  const read: Read = { runbooks: [], partial: [], problems: [] };
  for (const file of await runbookFiles(dir)) {
    const { size } = await stat(join(dir, file));
    if (size > MAX_FILE_BYTES) {
      read.problems.push(wrong(file, 1, `the file has ${size} bytes; the limit for a runbook is ${MAX_FILE_BYTES}`));
      continue;
    }
    const runbookFile = parseRunbook(file, await readFile(join(dir, file), 'utf8'));
    read.problems.push(...runbookFile.problems, ...problemsInReadablePart(runbookFile));
    if (runbookFile.runbook !== undefined)
      (runbookFile.problems.length === 0 ? read.runbooks : read.partial).push(runbookFile.runbook);
  }
  return read;
}

const FRONT_MATTER = /^\u{feff}?---[ \t]*\r?\n(?<head>[^]*?)(?<=\n)---[ \t]*(?:\r?\n(?<body>[^]*))?$/u;

/** The line of hyphens before the front matter. */
const LINES_BEFORE = 1;

/**
 * Parses one runbook. Returns the runbook, or its errors, including those in the readable part of an invalid runbook.
 */
export function readRunbook(file: string, text: string): Runbook | Problem[] {
  const runbookFile = parseRunbook(file, text);
  const { runbook, problems } = runbookFile;
  return runbook !== undefined && problems.length === 0
    ? runbook
    : [...problems, ...problemsInReadablePart(runbookFile)];
}

/** Returns the errors in the readable part of an invalid runbook. */
function problemsInReadablePart({ runbook, problems, inputsUnread }: ParsedRunbook): Problem[] {
  if (runbook === undefined || problems.length === 0) return [];
  return checkRunbook(runbook).filter(({ message }) => !inputsUnread || !ABOUT_INPUTS.test(message));
}

/** If inputs cannot be read, errors about their use are unreliable. */
const ABOUT_INPUTS = /\binputs\b/;

/** `problems` empty: all of it was readable. `runbook` undefined: nothing was readable. */
type ParsedRunbook = { runbook: Runbook | undefined; problems: Problem[]; inputsUnread: boolean };

const unreadable = (...problems: Problem[]): ParsedRunbook => ({ runbook: undefined, problems, inputsUnread: false });

function parseRunbook(file: string, text: string): ParsedRunbook {
  const { head, body } = FRONT_MATTER.exec(text)?.groups ?? {};
  if (head === undefined) {
    const opened = /^\u{feff}?---[ \t]*\r?\n/u.test(text);
    return unreadable(
      opened
        ? wrong(file, 1, 'the front matter is not closed', 'end it with a line of three hyphens')
        : wrong(file, 1, 'no front matter', 'begin with a line of three hyphens'),
    );
  }
  const lines = new LineCounter();
  const lineAt = (offset: number): number => lines.linePos(offset).line + LINES_BEFORE;
  const document = parseYaml(head, lines);
  if (document.errors.length > 0)
    return unreadable(...document.errors.map((error) => wrong(file, lineAt(error.pos[0]), error.message)));
  const lineNumbers = lineNumbersOf(document.contents, lineAt);
  const read = valueOf(document);
  if (!read.ok) return unreadable(wrong(file, 1, read.problem));
  const value = read.value ?? {};
  const known = { file, version: sha256(text).slice(0, 16), body: (body ?? '').trim(), lines: lineNumbers };
  const { front, problems, inputsUnread } = readFrontMatter(value, known);
  if (front === undefined) return unreadable(...problems);
  const name = RunbookName.safeParse(front.name ?? basename(file, '.md'));
  const nameProblems =
    name.error === undefined ? [] : [wrong(file, lineOf(lineNumbers, 'name'), `name: ${inputProblemText(name.error)}`)];
  const runbook: Runbook = { ...front, ...known, name: name.data ?? 'unnamed' };
  return { runbook, problems: [...problems, ...nameProblems], inputsUnread };
}

/** Number of times that invalid parts are removed to find errors behind them. */
const REPAIR_ROUNDS_MAX = 3;

/** Parses the front matter as far as possible, and returns the errors in the rest. */
function readFrontMatter(
  value: unknown,
  { file, lines }: Pick<Runbook, 'file' | 'lines'>,
): { front: FrontMatter | undefined; problems: Problem[]; inputsUnread: boolean } {
  const problems: Problem[] = [];
  let inputsUnread = false;
  let head = value;
  for (let round = 0; round < REPAIR_ROUNDS_MAX; round += 1) {
    const front = FrontMatter.safeParse(head);
    if (front.success) return { front: front.data, problems, inputsUnread };
    for (const problem of inputProblems(front.error))
      problems.push(wrong(file, lineOf(lines, locationOf(problem).join('.')), placedText(problem)));
    inputsUnread ||= front.error.issues.some(({ path }) => path[0] === 'inputs');
    head = withoutInvalidParts(head, front.error.issues);
    if (head === undefined) break;
  }
  return { front: undefined, problems, inputsUnread };
}

/** Returns the line of every key and item, by its path. */
function lineNumbersOf(node: unknown, lineAt: (offset: number) => number, path = ''): Record<string, number> {
  const found: Record<string, number> = {};
  const add = (key: string | number, keyNode: unknown, inner: unknown): void => {
    const at = path === '' ? String(key) : `${path}.${key}`;
    if (isNode(keyNode) && keyNode.range) found[at] = lineAt(keyNode.range[0]);
    Object.assign(found, lineNumbersOf(inner, lineAt, at));
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

const shownBelow = (dir: string, each: Problem): string => problemText({ ...each, file: join(dir, each.file) });
