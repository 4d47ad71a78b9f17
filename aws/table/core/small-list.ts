import type { Page } from '../../../domain/ports/common.ts';
import { BadCursor } from './table.ts';

/** Sort key of an item: a time, a space, and a part that makes it unique. */
type Place = `${string} ${string}`;

const PLACE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z \w{1,64}$/;

/**
 * Returns a page, newest first, of a short list that was read completely.
 *
 * @param placeOf must return the same value on each page request
 * @throws BadCursor if the cursor belongs to another list
 */
export function pageOfFew<T>(
  all: readonly T[],
  placeOf: (item: T) => Place,
  { limit, cursor }: { limit: number; cursor?: string },
): Page<T> {
  const before = cursor === undefined ? undefined : placeAt(cursor);
  const rest = all
    .map((item) => ({ item, place: placeOf(item) }))
    .filter(({ place }) => before === undefined || place < before)
    .toSorted((a, b) => (a.place < b.place ? 1 : -1));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => item),
    next_cursor: last && rest.length > page.length ? Buffer.from(last.place).toString('base64url') : null,
  };
}

function placeAt(cursor: string): string {
  const place = Buffer.from(cursor, 'base64url').toString();
  if (!PLACE.test(place)) throw new BadCursor();
  return place;
}
