import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, isPair, isScalar, LineCounter, type Document, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { sha256 } from '../aws/hash.ts';
import { type Config, PagingFile, ServicesFile } from '../schemas/config.ts';

/** The set as the files on disk say it, or what is wrong with them, each as `file:line: message`. */
export type LoadedConfig = { ok: true; config: Config } | { ok: false; problems: string[] };

/** Reads and checks all files. A missing file means its defaults. */
export async function loadConfig(dir: string): Promise<LoadedConfig> {
  const services = await readYaml(join(dir, 'services.yaml'), ServicesFile);
  const paging = await readYaml(join(dir, 'paging.yaml'), PagingFile);
  const problems = [...services.problems, ...paging.problems];
  if (services.value === undefined || paging.value === undefined || problems.length > 0) return { ok: false, problems };
  const content = { services: services.value.services, paging: paging.value };
  return { ok: true, config: { version: sha256(JSON.stringify(content)).slice(0, 16), ...content } };
}

type Read<T> = { value: T | undefined; problems: string[] };

async function readYaml<S extends z.ZodType>(file: string, schema: S): Promise<Read<z.infer<S>>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  if (document.errors.length > 0) {
    return {
      value: undefined,
      problems: document.errors.map((error) => `${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`),
    };
  }
  const read = schema.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {});
  if (read.success) return { value: read.data, problems: [] };
  return {
    value: undefined,
    problems: flatten(read.error.issues).map(
      ({ path, message }) => `${file}:${lineOf(document, path, lines)}: ${message}`,
    ),
  };
}

type Problem = { path: PropertyKey[]; message: string };

/** Each unknown key as a problem of its own; of a union, what is wrong with the closest member. */
function flatten(issues: readonly z.core.$ZodIssue[], prefix: readonly PropertyKey[] = []): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = [...prefix, ...issue.path];
    const where = path.join('.') || 'the file';
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: [...path, key], message: `unknown key "${key}" in ${where}` }));
    if (issue.code === 'invalid_union') {
      const closest = issue.errors.toSorted((a, b) => a.length - b.length)[0] ?? [];
      if (closest.length > 0) return flatten(closest, path);
    }
    return [{ path, message: `${where}: ${issue.message}` }];
  });
}

/** The line of the deepest part of `path` that is in the document. */
function lineOf(document: Document, path: readonly PropertyKey[], lines: LineCounter): number {
  let line = 1;
  let node: unknown = document.contents;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
      );
      if (pair === undefined) break;
      line = startOf(pair.key as Node, lines) ?? line;
      node = pair.value;
    } else {
      node = document.getIn(path.slice(0, path.indexOf(step) + 1), true);
      line = startOf(node as Node | undefined, lines) ?? line;
    }
  }
  return line;
}

const startOf = (node: Node | undefined, lines: LineCounter): number | undefined => {
  const start = node?.range?.[0];
  return start === undefined ? undefined : lines.linePos(start).line;
};
