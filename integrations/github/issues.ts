import { z } from 'zod';
import type { Ticket, Tickets, Told } from '../../domain/outlets.ts';
import type { Clock } from '../../domain/ports.ts';
import { millisOf } from '../../schemas/time.ts';
import { type Answer, json, retryAfterSeconds } from '../http.ts';
import { tell, withoutSlash } from '../told.ts';
import { truncate } from '../text.ts';
import {
  API_VERSION,
  ATTEMPT_TIMEOUT_MS,
  BODY_MAX_CHARS,
  COMMENT_PAGES,
  ISSUE_PAGES,
  LABEL_MAX_CHARS,
  LIMITED_SECONDS,
  LIST_MAX_BYTES,
  PAGE_ITEMS,
  TITLE_MAX_CHARS,
} from './limits.ts';
import { holdsMarker, marker } from './markdown.ts';

/** All our issues carry it; without it they are not found again. */
const OURS = 'firebreak';

const Issue = z.object({ number: z.number(), html_url: z.string(), body: z.string().nullish() });
const Comment = z.object({ body: z.string().nullish() });
const Ignored = z.unknown();

type Options = {
  /** `https://api.github.com`, or that of an Enterprise Server with `/api/v3`. */
  apiUrl: string;
  /** It may read and write issues, and set labels. */
  token: () => Promise<string | undefined>;
  /** `owner/name`. */
  repository: string;
  /** Every ticket gets them, too. */
  labels: readonly string[];
  clock: Clock;
};

/**
 * Issues of one repository. GitHub has no keys for repeats, so ours stand in the texts, where nobody sees them.
 * @see https://docs.github.com/en/rest/issues
 */
export function githubIssues(options: Options): Tickets {
  const issues = `${withoutSlash(options.apiUrl)}/repos/${options.repository.split('/').map(encodeURIComponent).join('/')}/issues`;
  const ask = async <T>(method: 'GET' | 'POST', url: string, schema: z.ZodType<T>, body?: object) => {
    const token = await options.token();
    if (!token) return OFF;
    return tell({
      vendor: 'GitHub',
      url,
      method,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'user-agent': 'firebreak',
        'x-github-api-version': API_VERSION,
      },
      ...(body && { body }),
      timeoutMs: ATTEMPT_TIMEOUT_MS,
      maxBytes: LIST_MAX_BYTES,
      schema,
      limited: (answer) => limitedFor(answer, options.clock),
      words,
    });
  };
  /** The first text of a list that carries the key. */
  const look = async <T extends { body?: string | null | undefined }>(
    url: string,
    pages: number,
    schema: z.ZodType<T>,
    key: string,
  ): Promise<Told<T | null>> => {
    for (let page = 1; page <= pages; page += 1) {
      const told = await ask('GET', `${url}per_page=${PAGE_ITEMS}&page=${page}`, z.array(schema));
      if (told.kind !== 'done') return told;
      const found = told.value.find(({ body }) => holdsMarker(body ?? '', key));
      if (found || told.value.length < PAGE_ITEMS) return { kind: 'done', value: found ?? null };
    }
    return { kind: 'done', value: null };
  };

  return {
    async find(key) {
      const url = `${issues}?labels=${OURS}&state=all&sort=created&direction=desc&`;
      const told = await look(url, ISSUE_PAGES, Issue, key);
      return told.kind === 'done' ? { kind: 'done', value: told.value && opened(told.value) } : told;
    },
    async open(ticket) {
      const told = await ask('POST', issues, Issue, fields(ticket, options.labels));
      return told.kind === 'done' ? { kind: 'done', value: opened(told.value) } : told;
    },
    async comment(id, text, key) {
      const comments = `${issues}/${encodeURIComponent(id)}/comments`;
      const there = await look(`${comments}?`, COMMENT_PAGES, Comment, key);
      if (there.kind !== 'done') return there;
      if (there.value) return { kind: 'done', value: null };
      const told = await ask('POST', comments, Ignored, { body: marked(text, key) });
      return told.kind === 'done' ? { kind: 'done', value: null } : told;
    },
  };
}

const opened = ({ number, html_url }: z.infer<typeof Issue>) => ({ id: String(number), url: html_url });

const fields = ({ key, title, body, labels }: Ticket, more: readonly string[]) => ({
  // A title is shown as it is: no Markdown but code, and no mentions.
  title: truncate(title.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' '), TITLE_MAX_CHARS),
  body: marked(body, key),
  labels: [...new Set([OURS, ...more, ...labels].map((label) => truncate(label, LABEL_MAX_CHARS)))],
});

/** The marker is the last line, whatever had to be cut. */
function marked(text: string, key: string): string {
  const end = `\n\n${marker(key)}`;
  return `${truncate(text, BODY_MAX_CHARS - end.length)}${end}`;
}

const OFF: Told<never> = { kind: 'off', detail: 'tickets on GitHub are off: GITHUB_TOKEN is not set' };

/**
 * Both limits come as 403 or 429: the primary one has nothing remaining until a time, of a secondary one only its words
 * are sure. Other 403s are for somebody to set right.
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
function limitedFor({ status, headers, text }: Answer, clock: Clock): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const now = millisOf(clock.now());
  const asked = retryAfterSeconds(headers, now);
  if (asked !== null) return asked;
  const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN);
  if (headers.get('x-ratelimit-remaining') === '0' && Number.isFinite(reset)) return Math.max(0, reset - now / 1000);
  return status === 429 || /rate limit/i.test(words(json(text)) ?? '') ? LIMITED_SECONDS : undefined;
}

/** Of a 422, what is wrong stands in the list. */
const Errors = z.object({
  message: z.string(),
  errors: z
    .array(
      z.union([
        z.string(),
        z.object({ field: z.string().optional(), code: z.string().optional(), message: z.string().optional() }),
      ]),
    )
    .optional(),
});

function words(body: unknown): string | undefined {
  const parsed = Errors.safeParse(body);
  if (!parsed.success) return undefined;
  const { message, errors = [] } = parsed.data;
  const each = errors.map((error) =>
    typeof error === 'string' ? error : [error.field, error.message ?? error.code].filter(Boolean).join(' '),
  );
  return [message, ...each].join('; ');
}
