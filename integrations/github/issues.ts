import * as z from 'zod';
import type { Ticket, Tickets, VendorResponse } from '../../domain/messages/channels.ts';
import { truncate } from '../shared/text.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  BODY_MAX_CHARS,
  COMMENT_PAGES,
  ISSUE_PAGES,
  LABEL_MAX_CHARS,
  PAGE_ITEMS,
  TITLE_MAX_CHARS,
} from './limits.ts';
import { holdsMarker, marker } from './markdown.ts';
import { request, type GithubOptions, repositoryPath } from './rest.ts';

/** A label of all issues by Firebreak. Issues without it are not found again. */
const OURS = 'firebreak';

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
  const tickets = async <T>(method: 'GET' | 'POST', path: string, schema: z.ZodType<T>, body?: object) => {
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
  const look = async <T extends { body?: string | null | undefined }>(
    path: string,
    pages: number,
    schema: z.ZodType<T>,
    key: string,
  ): Promise<VendorResponse<T | null>> => {
    for (let page = 1; page <= pages; page += 1) {
      const failed = await tickets('GET', `${path}per_page=${PAGE_ITEMS}&page=${page}`, z.array(schema));
      if (failed.kind !== 'done') return failed;
      const found = failed.value.find(({ body }) => holdsMarker(body ?? '', key));
      if (found || failed.value.length < PAGE_ITEMS) return { kind: 'done', value: found ?? null };
    }
    return { kind: 'done', value: null };
  };

  return {
    async find(key) {
      const path = `${issues}?labels=${OURS}&state=all&sort=created&direction=desc&`;
      const response = await look(path, ISSUE_PAGES, Issue, key);
      return response.kind === 'done' ? { kind: 'done', value: response.value && opened(response.value) } : response;
    },
    async open(ticket) {
      const failed = await tickets('POST', issues, Issue, fields(ticket, options.labels));
      return failed.kind === 'done' ? { kind: 'done', value: opened(failed.value) } : failed;
    },
    async comment(id, text, key) {
      const comments = `${issues}/${encodeURIComponent(id)}/comments`;
      const there = await look(`${comments}?`, COMMENT_PAGES, Comment, key);
      if (there.kind !== 'done') return there;
      if (there.value) return { kind: 'done', value: null };
      const failed = await tickets('POST', comments, Ignored, { body: marked(text, key) });
      return failed.kind === 'done' ? { kind: 'done', value: null } : failed;
    },
  };
}

const opened = ({ number, html_url }: z.infer<typeof Issue>) => ({ id: String(number), url: html_url });

const fields = ({ key, title, body, labels }: Ticket, more: readonly string[]) => ({
  // GitHub shows titles as plain text: no Markdown except code, and no mentions.
  title: truncate(title.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' '), TITLE_MAX_CHARS),
  body: marked(body, key),
  labels: [...new Set([OURS, ...more, ...labels].map((label) => truncate(label, LABEL_MAX_CHARS)))],
});

/** Appends the marker as the last line. Truncates only the text before it. */
function marked(text: string, key: string): string {
  const end = `\n\n${marker(key)}`;
  return `${truncate(text, BODY_MAX_CHARS - end.length)}${end}`;
}

const OFF: VendorResponse<never> = { kind: 'off', detail: 'tickets on GitHub are off: GITHUB_TOKEN is not set' };
