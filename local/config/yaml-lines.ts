import { type Document, isAlias, isMap, isNode, isPair, isScalar, isSeq, type LineCounter } from 'yaml';

/**
 * Returns the line of the deepest existing part of `path`. For an alias, the line where it is used.
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
  const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step));
  return [pair?.key, pair?.value];
}

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
