import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import { expect, test } from 'vitest';
import type { Env } from '../../../entrances/http/context.ts';
import { answers, endpoint, listQuery, pageOf } from '../../../entrances/http/endpoint.ts';
import { PAGE_MAX_BYTES } from '../../../entrances/http/list-bytes.ts';
import { FakeWorld } from '../../support/fake-deps.ts';

const Item = z.object({ number: z.number(), text: z.string() });

/** Serves a list of items with these numbers of bytes. */
function served(sizes: readonly number[]) {
  const app = new OpenAPIHono<Env>();
  const route = createRoute({
    method: 'get',
    path: '/v1/items',
    request: { query: z.object(listQuery) },
    responses: { 200: answers('A page of results', pageOf(Item)) },
  });
  endpoint(app, new FakeWorld().deps, 'public', route, (c) => {
    const { limit, cursor } = c.req.valid('query');
    const from = Number(cursor ?? 0);
    const items = sizes.slice(from, from + limit).map((size, n) => ({ number: from + n, text: 'ä'.repeat(size / 2) }));
    return c.json({ items, next_cursor: from + limit < sizes.length ? String(from + limit) : null }, 200);
  });
  return async (query: string) => {
    const response = await app.request(`/v1/items?${query}`);
    const text = await response.text();
    return { bytes: Buffer.byteLength(text), type: response.headers.get('content-type'), ...JSON.parse(text) };
  };
}

test('a page of a list is cut at its number of bytes, and its cursor leads to the rest', async () => {
  const get = served(Array.from({ length: 400 }, (_, n) => (n % 7 === 0 ? 250_000 : 20_000)));
  const numbers: number[] = [];
  for (let cursor: string | null = '0'; cursor !== null;) {
    const page = await get(`limit=500&cursor=${cursor}`);
    expect(page.bytes).toBeLessThanOrEqual(PAGE_MAX_BYTES);
    expect(page.items.length).toBeGreaterThan(20);
    expect(page.type).toContain('application/json');
    numbers.push(...page.items.map((item: { number: number }) => item.number));
    cursor = page.next_cursor;
  }
  expect(numbers).toEqual(Array.from({ length: 400 }, (_, n) => n));
});

test('an item that is too large is left out, and its page leads to the next', async () => {
  const page = await served([100, 2 * PAGE_MAX_BYTES, 100])('cursor=1&limit=1');
  expect(page).toMatchObject({ items: [], left_out: 1, next_cursor: '2' });
  expect(page.bytes).toBeLessThan(1000);
});
