import type { Page } from '../../domain/ports.ts';
import { BadCursor } from './table.ts';

/** What sorts an item: a time, a space, and what tells items of the same time apart. */
type Place = `${string} ${string}`;

const PLACE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z \w{1,64}$/;

/**
 * A page, newest first, of a list that is few by nature and has been read whole.
 *
 * @param placeOf must not change while somebody turns the pages
 * @throws BadCursor when the cursor was not given here
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
