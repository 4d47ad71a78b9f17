import type { Page } from '../domain/ports/common.ts';

/** Returns the items of up to `pagesMax` pages, in their order. */
export async function collectPages<T>(
  read: (cursor: { cursor?: string }) => Promise<Page<T>>,
  pagesMax: number,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let n = 0; n < pagesMax; n += 1) {
    const page = await read(cursor === undefined ? {} : { cursor });
    items.push(...page.items);
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  return items;
}
