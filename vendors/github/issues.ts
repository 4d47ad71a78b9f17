import * as z from 'zod';
import type { Ticket, Tickets } from '../../core/domain/ports/tickets.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import { truncate } from '../shared/text.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  BODY_MAX_CHARS,
  COMMENT_PAGES,
  type GithubOptions,
  ISSUE_PAGES,
  LABEL_MAX_CHARS,
  PAGE_ITEMS,
  repositoryPath,
  request,
  TITLE_MAX_CHARS,
} from './rest.ts';

/** A label of all issues by Firebreak. Issues without it are not found again. */
const FIREBREAK_LABEL = 'firebreak';

const Issue = z.object({ number: z.number(), html_url: z.string(), body: z.string().nullish() });

const Comment = z.object({ body: z.string().nullish() });

const Ignored = z.unknown();

/** The token needs permission to read and write issues and to set labels. */
type Options = GithubOptions & {
  /** `owner/name`. */
  repository: string;
  /** Labels that every ticket gets in addition. */
  labels: readonly string[];
};

/**
 * Creates a client for the issues of one repository. GitHub has no idempotency keys, so the texts contain Firebreak's
 * keys in a hidden marker.
 * @see https://docs.github.com/en/rest/issues
 */
export function githubIssues(options: Options): Tickets {
  const issues = `${repositoryPath(options.repository)}/issues`;
  const send = async <T>(method: 'GET' | 'POST', path: string, schema: z.ZodType<T>, body?: object) => {
    const response = await request(options, {
      method,
      path,
      schema,
      ...(body && { body }),
      timeoutMs: ATTEMPT_TIMEOUT_MS,
    });
    return response.kind === 'off' ? OFF : response;
  };
  /** Returns the first item of a list whose text contains the key. */
  const findByMarker = async <T extends { body?: string | null | undefined }>(
    path: string,
    pages: number,
    schema: z.ZodType<T>,
    key: string,
  ): Promise<VendorResponse<T | null>> => {
    for (let page = 1; page <= pages; page += 1) {
      const response = await send('GET', `${path}per_page=${PAGE_ITEMS}&page=${page}`, z.array(schema));
      if (response.kind !== 'done') return response;
      const found = response.value.find(({ body }) => hasMarker(body ?? '', key));
      if (found || response.value.length < PAGE_ITEMS) return { kind: 'done', value: found ?? null };
    }
    return { kind: 'done', value: null };
  };

  return {
    async find(key) {
      const path = `${issues}?labels=${FIREBREAK_LABEL}&state=all&sort=created&direction=desc&`;
      const response = await findByMarker(path, ISSUE_PAGES, Issue, key);
      return response.kind === 'done'
        ? { kind: 'done', value: response.value && openedTicket(response.value) }
        : response;
    },
    async open(ticket) {
      const response = await send('POST', issues, Issue, fields(ticket, options.labels));
      return response.kind === 'done' ? { kind: 'done', value: openedTicket(response.value) } : response;
    },
    async comment(id, text, key) {
      const comments = `${issues}/${encodeURIComponent(id)}/comments`;
      const existing = await findByMarker(`${comments}?`, COMMENT_PAGES, Comment, key);
      if (existing.kind !== 'done') return existing;
      if (existing.value) return { kind: 'done', value: null };
      const response = await send('POST', comments, Ignored, { body: withMarker(text, key) });
      return response.kind === 'done' ? { kind: 'done', value: null } : response;
    },
  };
}

const openedTicket = ({ number, html_url }: z.infer<typeof Issue>) => ({ id: String(number), url: html_url });

const fields = ({ key, title, body, labels }: Ticket, extraLabels: readonly string[]) => ({
  // GitHub shows titles as plain text: no Markdown except code, and no mentions.
  title: truncate(title.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' '), TITLE_MAX_CHARS),
  body: withMarker(body, key),
  labels: [...new Set([FIREBREAK_LABEL, ...extraLabels, ...labels].map((label) => truncate(label, LABEL_MAX_CHARS)))],
});

/** Appends the marker as the last line. Truncates only the text before it. */
function withMarker(text: string, key: string): string {
  const end = `\n\n${marker(key)}`;
  return `${truncate(text, BODY_MAX_CHARS - end.length)}${end}`;
}

const OFF: VendorResponse<never> = { kind: 'off', detail: 'tickets on GitHub are off: GITHUB_TOKEN is not set' };

/**
 * Returns a hidden line that identifies a text. Text from other sources can't imitate it: such text is formatted as
 * code within a line.
 *
 * @param key any text
 */
export const marker = (key: string): string => `<!-- firebreak:${encodeURIComponent(key)} -->`;

export const hasMarker = (body: string, key: string): boolean => body.split(/\r?\n/).includes(marker(key));
