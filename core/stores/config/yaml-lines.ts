import { lstat, readFile } from 'node:fs/promises';
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseAllDocuments,
  type ParsedNode,
  parseDocument,
  visit,
  type YAMLMap,
  YAMLParseError,
} from 'yaml';
import { onceFor } from '../../domain/once-for.ts';
import type { SourceLocation } from '../../domain/lint/source-locations.ts';

/** Reads a configuration file as text; an empty map if it does not exist, because a missing file means defaults. */
export async function readOptional(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(async (error: NodeJS.ErrnoException) => {
    // A link whose target does not exist is no missing file.
    const isMissing = error.code === 'ENOENT' && (await lstat(file).catch(() => undefined)) === undefined;
    if (isMissing) return '{}';
    throw Object.assign(error, { path: file }); // of a folder, Node.js does not name it
  });
}

/** Maximum length of a configuration file, in UTF-16 units. Parsing takes about a second for a mebibyte. */
export const FILE_MAX_CHARS = 4 * 1024 * 1024;

/** The parser compares each key with all others, which takes a minute for a map of 50,000 keys. */
const OPTIONS = { uniqueKeys: false, prettyErrors: false } as const;

/** Parses a document. Its errors contain repeated keys. */
export function parseYaml(text: string, lineCounter: LineCounter): Document.Parsed {
  const document = parseDocument(text, { ...OPTIONS, lineCounter });
  document.errors.push(...repeatedKeys(document));
  return document;
}

/** Parses all documents of a text. Their errors contain repeated keys. */
export function parseAllYaml(text: string, lineCounter: LineCounter): Document[] {
  const documents: Document[] = [...parseAllDocuments(text, { ...OPTIONS, lineCounter })];
  for (const document of documents) document.errors.push(...repeatedKeys(document));
  return documents;
}

function repeatedKeys(document: Document): YAMLParseError[] {
  const errors: YAMLParseError[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const [start = 0] = key.range ?? [];
        if (seen.has(key.value))
          errors.push(new YAMLParseError([start, start + 1], 'DUPLICATE_KEY', 'Map keys must be unique'));
        seen.add(key.value);
      }
    },
  });
  return errors;
}

/** Reads a valid or missing YAML file, to find the locations of its values. */
export async function readLocations(
  file: string,
): Promise<{ document: Document<ParsedNode>; locate: (path: readonly PropertyKey[]) => SourceLocation }> {
  const lines = new LineCounter();
  const document = parseYaml(await readOptional(file), lines);
  return { document, locate: (path) => ({ file, line: lineOf(document.contents, path, lines) }) };
}

/**
 * Returns the line of the deepest existing part of `path` in a document that does not change. For an alias, the line where it is used.
 *
 * @param contents root of the path: a document, or a part of one
 */
export function lineOf(contents: unknown, path: readonly PropertyKey[], lines: LineCounter): number {
  let line = startOf(contents, lines) ?? 1;
  let node = contents;
  for (const step of path) {
    const [position, value] = childOf(node, step);
    if (position === undefined) break;
    line = startOf(position, lines) ?? line;
    node = value;
    if (isAlias(node)) break;
  }
  return line;
}

/** Returns where a part begins (for a map, its key), and the part. */
function childOf(node: unknown, step: PropertyKey): [unknown, unknown] {
  if (isSeq(node)) return [node.items[Number(step)], node.items[Number(step)]];
  if (!isMap(node)) return [undefined, undefined];
  const pair = pairsOf(node).get(String(step));
  return [pair?.key, pair?.value];
}

/** Indexes a map once, because its many entries are located one by one. */
const pairsOf = onceFor((map: YAMLMap): ReadonlyMap<string, Pair> => {
  const byKey = new Map<string, Pair>();
  // The first of repeated keys counts.
  for (const item of map.items.toReversed())
    if (isPair(item) && isScalar(item.key)) byKey.set(String(item.key.value), item);
  return byKey;
});

const startOf = (node: unknown, lines: LineCounter): number | undefined =>
  isNode(node) && node.range ? lines.linePos(node.range[0]).line : undefined;

/**
 * Returns the value of a document. Undefined aliases, and aliases that would expand without limit, are detected only
 * here.
 */
export function valueOf(document: Document): { ok: true; value: unknown } | { ok: false; problem: string } {
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    if (error instanceof ReferenceError) return { ok: false, problem: error.message };
    throw error;
  }
}
