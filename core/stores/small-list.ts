import type { Page } from '../domain/ports/common.ts';
import { BadCursor } from './cursors.ts';

/** Sort key of an item: a time, a space, and a part that makes it unique. */
type Position = `${string} ${string}`;

const POSITION = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z \w{1,64}$/;

/**
 * Returns a page, newest first, of a short list that was read completely.
 *
 * @param positionOf must return the same value on each page request
 * @throws BadCursor if the cursor belongs to another list
 */
export function pageOfFew<T>(
  all: readonly T[],
  positionOf: (item: T) => Position,
  { limit, cursor }: { limit: number; cursor?: string },
): Page<T> {
  const before = cursor === undefined ? undefined : positionAt(cursor);
  const rest = all
    .map((item) => ({ item, position: positionOf(item) }))
    .filter(({ position }) => before === undefined || position < before)
    .toSorted((a, b) => (a.position < b.position ? 1 : -1));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => item),
    next_cursor: last && rest.length > page.length ? Buffer.from(last.position).toString('base64url') : null,
  };
}

function positionAt(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString();
  if (!POSITION.test(position)) throw new BadCursor();
  return position;
}
