import { type Document, isAlias, isMap, isNode, isPair, isScalar, isSeq, type LineCounter } from 'yaml';

/**
 * The line of the deepest part of `path` that is there. Of a value that is an alias, the line where it is used.
 *
 * @param contents what the path begins at: of a document, or of a part of one
 */
export function lineOf(contents: unknown, path: readonly PropertyKey[], lines: LineCounter): number {
  let line = startOf(contents, lines) ?? 1;
  let node = contents;
  for (const step of path) {
    const [place, value] = childOf(node, step);
    if (place === undefined) break;
    line = startOf(place, lines) ?? line;
    node = value;
    if (isAlias(node)) break;
  }
  return line;
}

/** Where a part begins (of a map its key), and what it is. */
function childOf(node: unknown, step: PropertyKey): [unknown, unknown] {
  if (isSeq(node)) return [node.items[Number(step)], node.items[Number(step)]];
  if (!isMap(node)) return [undefined, undefined];
  const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step));
  return [pair?.key, pair?.value];
}

const startOf = (node: unknown, lines: LineCounter): number | undefined =>
  isNode(node) && node.range ? lines.linePos(node.range[0]).line : undefined;

/** What a document says. Aliases that name nothing, or would grow without end, are found only here. */
export function valueOf(document: Document): { ok: true; value: unknown } | { ok: false; problem: string } {
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    if (error instanceof ReferenceError) return { ok: false, problem: error.message };
    throw error;
  }
}
