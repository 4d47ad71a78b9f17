import * as z from 'zod';
import type { Clock } from '../../../../core/domain/ports/system.ts';
import { type Client, vendorClient, withoutTrailingSlash } from '../../../../vendors/shared/client.ts';
import { ATTEMPT_TIMEOUT_MS, LIMITED_SECONDS, LIST_MAX_BYTES } from './limits.ts';

const Errors = z
  .object({ error: z.union([z.string(), z.array(z.string())]) })
  .transform(({ error }) => [error].flat().join('; '));

export type StatuspageOptions = {
  /** The URL with the version: `https://api.statuspage.io/v1`. */
  apiUrl: () => Promise<string>;
  apiKey: () => Promise<string | undefined>;
  pageId: () => Promise<string | undefined>;
  clock: Clock;
};

/** Creates a client for the API of one page at Atlassian Statuspage. */
export const statuspageClient = (options: StatuspageOptions): Client =>
  vendorClient({
    vendor: 'Statuspage',
    clock: options.clock,
    async access() {
      const [key, page] = [await options.apiKey(), await options.pageId()];
      if (key && page)
        return {
          url: `${withoutTrailingSlash(await options.apiUrl())}/pages/${encodeURIComponent(page)}`,
          headers: { authorization: `OAuth ${key}` },
        };
      const missing = key ? 'STATUSPAGE_PAGE_ID' : 'STATUSPAGE_API_KEY';
      return { kind: 'off', detail: `the status page is off: ${missing} is not set` };
    },
    timeoutMs: ATTEMPT_TIMEOUT_MS,
    maxBytes: LIST_MAX_BYTES,
    // Status 420 has the same meaning as 429.
    rateLimitSeconds: ({ status }, retryAfter) =>
      status === 420 || status === 429 ? (retryAfter ?? LIMITED_SECONDS) : undefined,
    errorBody: Errors,
  });
