import type { Context } from 'hono';
import { positiveInteger } from '../core/positive-integer.ts';

/** Items per page. @see https://docs.github.com/en/rest/issues/issues, `per_page` (read 2026-11) */
const PER_PAGE = { default: 30, max: 100 };

/** Returns one page of a list, and its `Link` header if there is more than one page. */
export function pageOf<T>(c: Context, items: readonly T[]): { items: T[]; headers: Record<string, string> } {
  const size = Math.min(positiveInteger(c.req.query('per_page')) ?? PER_PAGE.default, PER_PAGE.max);
  const page = positiveInteger(c.req.query('page')) ?? 1;
  const last = Math.max(1, Math.ceil(items.length / size));
  const links = [
    ...(page > 1 ? [link(c, 'prev', Math.min(page - 1, last))] : []),
    ...(page < last ? [link(c, 'next', page + 1), link(c, 'last', last)] : []),
    ...(page > 1 ? [link(c, 'first', 1)] : []),
  ];
  return {
    items: items.slice((page - 1) * size, page * size),
    headers: links.length > 0 ? { link: links.join(', ') } : {},
  };
}

function link(c: Context, relation: string, page: number): string {
  const url = new URL(c.req.url);
  url.searchParams.set('page', String(page));
  return `<${url.href}>; rel="${relation}"`;
}
