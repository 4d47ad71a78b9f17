import * as z from 'zod';
import { CallFailed } from './failures.ts';
import type { Arguments, CallSlack } from './client.ts';
import { PAGES_MAX } from './limits.ts';

/** The part of each page besides its items. The cursor of the last page is empty. */
export const pageFields = { response_metadata: z.object({ next_cursor: z.string().optional() }).optional() };

type Page = { response_metadata?: { next_cursor?: string | undefined } | undefined };

/**
 * Reads the pages of a list, at most PAGES_MAX.
 * @throws CallFailed also if there are more pages, because a missing item could be on them
 */
export async function* pages<P extends Page>(
  callSlack: CallSlack,
  method: string,
  args: Arguments,
  schema: z.ZodType<P>,
): AsyncGenerator<P> {
  let cursor: string | undefined;
  for (let count = 0; count < PAGES_MAX; count += 1) {
    const page = await callSlack(method, { ...args, cursor }, schema);
    yield page;
    cursor = page.response_metadata?.next_cursor;
    if (!cursor) return;
  }
  const detail = `${method} has more than the ${PAGES_MAX} pages that are read at once. See docs/reference/errors.md#slack-too-much`;
  throw new CallFailed({ kind: 'refused', code: 'too_many_pages', detail });
}
