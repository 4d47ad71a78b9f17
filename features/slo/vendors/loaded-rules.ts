import * as z from 'zod';
import type { Loaded, LoadedGroup, LoadedMonitoring } from '../types.ts';
import { complete, unreadableDetail } from '../../../vendors/prometheus/answer.ts';
import { call, NoResponse } from '../../../vendors/shared/http.ts';
import type { Server } from '../../../vendors/shared/server.ts';
import { parseJson } from '../../../schemas/parsing/json.ts';

/** Milliseconds. With the time for formatting, well below the time-out of the API's function. */
const ATTEMPT_TIMEOUT_MS = 5_000;

/** Maximum bytes of a body. Rules of 2,000 objectives take a few megabytes, and other teams have theirs. */
const BODY_MAX_BYTES = 64 * 1024 * 1024;

/** Maximum number of cached queries. Queries of rules change rarely, and each one costs a request. */
const CACHE_ITEMS_MAX = 20_000;

/** Longer queries use POST, because proxies limit the length of URLs. */
const GET_QUERY_MAX_CHARS = 4_000;

const Labels = z.record(z.string(), z.string()).nullish();
const Rules = complete(
  z.object({
    groups: z.array(
      z.object({
        name: z.string(),
        file: z.string().nullish(),
        interval: z.number(),
        rules: z.array(
          z.object({
            type: z.enum(['alerting', 'recording']),
            name: z.string(),
            query: z.string(),
            duration: z.number().nullish(),
            labels: Labels,
            annotations: Labels,
          }),
        ),
      }),
    ),
  }),
);
const Formatted = z.object({ status: z.literal('success'), data: z.string() });

/**
 * Creates a client that reads loaded rules and formats queries.
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/#rules
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/#formatting-query-expressions
 */
export function loadedRules(
  serverOf: () => Promise<Server | undefined>,
): Pick<LoadedMonitoring, 'rules' | 'formatted'> {
  const formattedByQuery = new Map<string, string>();
  const limits = { timeoutMs: ATTEMPT_TIMEOUT_MS, maxBytes: BODY_MAX_BYTES };
  return {
    async rules() {
      try {
        const server = await serverOf();
        if (server === undefined) return null;
        const { url, headers } = server;
        const { status, text } = await call(`${url}/api/v1/rules`, { method: 'GET', headers, ...limits });
        return groupsIn(status, text);
      } catch (error) {
        if (error instanceof NoResponse) return { kind: 'unreadable', detail: error.message };
        throw error;
      }
    },
    async formatted(query) {
      const cached = formattedByQuery.get(query);
      if (cached !== undefined) return cached;
      try {
        const server = await serverOf();
        if (server === undefined) return undefined;
        const { url, headers } = server;
        const form = new URLSearchParams({ query }).toString();
        const { text } = await (form.length <= GET_QUERY_MAX_CHARS
          ? call(`${url}/api/v1/format_query?${form}`, { method: 'GET', headers, ...limits })
          : call(`${url}/api/v1/format_query`, {
              method: 'POST',
              headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
              body: form,
              ...limits,
            }));
        const formatted = Formatted.safeParse(parseJson(text)).data?.data;
        if (formatted === undefined) return undefined;
        if (formattedByQuery.size >= CACHE_ITEMS_MAX) formattedByQuery.clear();
        formattedByQuery.set(query, formatted);
        return formatted;
      } catch (error) {
        if (error instanceof NoResponse) return undefined;
        throw error;
      }
    },
  };
}

function groupsIn(status: number, text: string): Loaded<LoadedGroup[]> {
  const body = parseJson(text);
  const parsed = Rules.safeParse(body);
  if (!parsed.success) return { kind: 'unreadable', detail: unreadableDetail(status, text, body, parsed.error) };
  const groups = parsed.data.data.groups.map(({ name, file, interval, rules }): LoadedGroup => ({
    name,
    file: file || null,
    intervalSeconds: interval,
    rules: rules.map(({ type, name: rule, query, duration, labels, annotations }) => ({
      kind: type,
      name: rule,
      query,
      labels: labels ?? {},
      annotations: type === 'recording' ? {} : (annotations ?? {}),
      forSeconds: duration ?? 0,
    })),
  }));
  return { kind: 'read', value: groups };
}
