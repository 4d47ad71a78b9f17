import * as z from 'zod';
import { code } from '../../../../core/domain/messages/markdown.ts';
import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import type { IssueFacts, IssueRef, IssueTracker } from '../../decisions/issues.ts';
import { InstantIn } from '../../../../schemas/time/time.ts';
import { truncate } from '../../../../vendors/shared/text.ts';
import { hasMarker, marker } from '../../../../vendors/github/issues.ts';
import {
  ATTEMPT_TIMEOUT_MS,
  type GithubOptions,
  ISSUE_PAGES,
  LABEL_MAX_CHARS,
  PAGE_ITEMS,
  repositoryPath,
  request,
  TITLE_MAX_CHARS,
} from '../../../../vendors/github/rest.ts';

/** By this label, issues of Firebreak are found again. */
const FIREBREAK_LABEL = 'firebreak';

const Issue = z.object({
  number: z.number().int(),
  html_url: z.string(),
  title: z.string(),
  state: z.enum(['open', 'closed']),
  body: z.string().nullish(),
  updated_at: InstantIn,
});
type Issue = z.infer<typeof Issue>;

/** The token needs permission to read and write issues. */
type Options = GithubOptions & { repository: string; labels: readonly string[] };

/**
 * Creates a client for the issues of action items in one repository. An issue contains the key in a hidden marker, by which
 * it is found again.
 * @see https://docs.github.com/en/rest/issues/issues
 */
export function githubTracker(options: Options): IssueTracker {
  const issues = `${repositoryPath(options.repository)}/issues`;
  const call = async <T>(
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    schema: z.ZodType<T>,
    body?: object,
  ): Promise<VendorResponse<T>> =>
    request(options, { method, path, schema, ...(body && { body }), timeoutMs: ATTEMPT_TIMEOUT_MS });
  const nameOf = ({ number, html_url: url }: Issue): IssueRef => ({
    id: idOf(options.repository, number),
    key: `${options.repository}#${number}`,
    url,
  });
  const pathOf = ({ id }: IssueRef): string => `${issues}/${encodeURIComponent(id.slice(id.lastIndexOf('#') + 1))}`;

  /** Writes once more without the assignee if GitHub refuses it. A refused request has changed nothing. */
  const write = async (
    method: 'POST' | 'PATCH',
    path: string,
    body: object,
    assignee: string | null,
  ): Promise<VendorResponse<{ issue: Issue; note: string | null }>> => {
    const first = await call(method, path, Issue, { ...body, ...(assignee !== null && { assignees: [assignee] }) });
    if (first.kind === 'done') return { kind: 'done', value: { issue: first.value, note: null } };
    const isAssigneeRefused =
      first.kind === 'refused' && first.code === 'invalid' && /\bassignees?\b/.test(first.detail);
    if (assignee === null || !isAssigneeRefused) return first;
    const note = `not assigned to ${assignee}: ${first.detail}`;
    const second = await call(method, path, Issue, body);
    return second.kind === 'done' ? { kind: 'done', value: { issue: second.value, note } } : second;
  };

  return {
    async find(key) {
      const list = `${issues}?labels=${FIREBREAK_LABEL}&state=all&sort=created&direction=desc&per_page=${PAGE_ITEMS}`;
      for (let page = 1; page <= ISSUE_PAGES; page += 1) {
        const found = await call('GET', `${list}&page=${page}`, z.array(Issue));
        if (found.kind !== 'done') return found;
        const issue = found.value.find(({ body }) => hasMarker(body ?? '', key));
        if (issue !== undefined) return { kind: 'done', value: { ...nameOf(issue), ...stateOf(issue) } };
        if (found.value.length < PAGE_ITEMS) break;
      }
      return { kind: 'done', value: null };
    },
    async create({ key, title, facts, assignee }) {
      const labels = [
        ...new Set([FIREBREAK_LABEL, ...options.labels].map((label) => truncate(label, LABEL_MAX_CHARS))),
      ];
      const body = { title: shownTitle(title), body: textOf(key, facts), labels };
      const created = await write('POST', issues, body, assignee);
      return created.kind === 'done'
        ? { kind: 'done', value: { ...nameOf(created.value.issue), note: created.value.note } }
        : created;
    },
    async read(issue) {
      const found = await call('GET', pathOf(issue), Issue);
      return found.kind === 'done' ? { kind: 'done', value: stateOf(found.value) } : found;
    },
    async change(issue, { title, done, facts, assignee = null }) {
      let text: string | undefined;
      if (facts !== undefined) {
        const current = await call('GET', pathOf(issue), Issue);
        if (current.kind !== 'done') return current;
        // A text that people have edited stays.
        if (normalizedText(current.value.body) === normalizedText(textOf(facts.key, facts.before)))
          text = textOf(facts.key, facts.facts);
      }
      const body = {
        ...(title !== undefined && { title: shownTitle(title) }),
        ...(done !== undefined && { state: done ? 'closed' : 'open', state_reason: done ? 'completed' : 'reopened' }),
        ...(text !== undefined && { body: text }),
      };
      if (Object.keys(body).length === 0 && assignee === null) return { kind: 'done', value: { note: null } };
      const changed = await write('PATCH', pathOf(issue), body, assignee);
      return changed.kind === 'done' ? { kind: 'done', value: { note: changed.value.note } } : changed;
    },
    shownTitle,
  };
}

/** Returns the ID under which the index has an issue. Names of repositories are case-insensitive. */
export const idOf = (repository: string, number: number): string => `${repository.toLowerCase()}#${number}`;

const stateOf = ({ title, state, updated_at: updatedAt }: Issue) => ({ title, done: state === 'closed', updatedAt });

/** GitHub shows titles as plain text. It removes spaces around them. */
const shownTitle = (title: string): string =>
  truncate(title.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim(), TITLE_MAX_CHARS);

const normalizedText = (body: string | null | undefined): string => (body ?? '').replaceAll('\r\n', '\n').trim();

function textOf(key: string, { rows, link }: IssueFacts): string {
  const list = rows.map(([name, value]) => `- ${name}: ${code(value)}`);
  return [
    'An action item of a post-mortem in Firebreak.',
    '',
    ...list,
    ...(link === null ? [] : [`- Post-mortem: ${link}`]),
    '',
    'Closing or reopening this issue, or changing its title, changes the action item too. Owner, date, and priority are changed in the post-mortem.',
    '',
    marker(key),
  ].join('\n');
}

/** The event `issues`. @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#issues */
export const IssuesEvent = z.object({
  action: z.string(),
  issue: z.object({ number: z.number().int().positive() }),
  repository: z.object({ full_name: z.string().min(1).max(256) }),
});
