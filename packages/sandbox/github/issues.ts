import type { DatabaseSync } from 'node:sqlite';
import type { Context, Hono } from 'hono';
import { DOCUMENTATION, isoSeconds, LOGIN, notFound, originOf, repositoryOf, userJson } from './answers.ts';
import { pageOf } from './pages.ts';
import { documents, type Exchanges, exchanges } from '../core/exchanges.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/** An issue. Times are in milliseconds since the Unix epoch. */
export type Issue = {
  id: number;
  /** `owner/name` in its first spelling. Names are case-insensitive. */
  repository: string;
  number: number;
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  state_reason: string | null;
  labels: string[];
  assignees: string[];
  created_at: number;
  updated_at: number;
  closed_at: number | null;
  /** Oldest first. */
  comments: Comment[];
};

type Comment = { id: number; body: string; created_at: number };
type Change = Partial<Pick<Issue, 'title' | 'body' | 'labels' | 'assignees' | 'state' | 'state_reason'>>;

export const issuesIn = (db: DatabaseSync) => documents<Issue>(db, 'github issue');

/** Issues and pull requests share one sequence of numbers. */
export const nextNumber = (db: DatabaseSync, repository: string): number =>
  ['github issue', 'github pull']
    .flatMap((kind) => documents<{ repository: string }>(db, kind).all())
    .filter((one) => one.repository.toLowerCase() === repository.toLowerCase()).length + 1;

/** Returns the exchanges about issues and their comments. */
export function issueExchanges({ db, now }: StandInDeps): Hono {
  const issues = issuesIn(db);
  const put = (issue: Issue) => issues.put(issue, issue.repository.toLowerCase(), String(issue.number));
  const at = (c: Context) => issues.get(repositoryOf(c).toLowerCase(), c.req.param('number') ?? '');
  const list = (c: Context, items: readonly object[]) => {
    const page = pageOf(c, items);
    return Response.json(page.items, { headers: page.headers });
  };
  return exchanges({
    'GET /:owner/:repo/issues/:number{[0-9]+}'({ c }) {
      const issue = at(c);
      if (!issue) return new Response('404: no such issue\n', { status: 404 });
      const heading = `${issue.title} #${issue.number} (${issue.state})\n${issue.labels.join(', ')}`;
      return new Response([heading, issue.body, ...issue.comments.map(({ body }) => body)].join('\n\n---\n\n'));
    },
    'GET /repos/:owner/:repo/issues'({ c, query: { state = 'open', labels = '', creator = LOGIN } }) {
      const wanted = labels.split(',').flatMap((name) => name.trim().toLowerCase() || []);
      const found = issues.all().filter((issue) => {
        const own = issue.labels.map((label) => label.toLowerCase());
        const isHere = issue.repository.toLowerCase() === repositoryOf(c).toLowerCase() && creator === LOGIN;
        return isHere && (state === 'all' || issue.state === state) && wanted.every((name) => own.includes(name));
      });
      return list(
        c,
        found.toReversed().map((issue) => issueJson(c, issue)),
      );
    },
    'POST /repos/:owner/:repo/issues'({ c, json }) {
      const read = readIssue(json, true);
      if (read instanceof Response) return read;
      const empty = { title: '', body: null, state_reason: null, labels: [], assignees: [], comments: [] };
      const repository = repositoryOf(c);
      const place = { id: issues.count() + 1, repository, number: nextNumber(db, repository) };
      const times = { created_at: now(), updated_at: now(), closed_at: null };
      return Response.json(issueJson(c, put({ ...empty, ...read, state: 'open', ...place, ...times })), {
        status: 201,
      });
    },
    'GET /repos/:owner/:repo/issues/:number'({ c }) {
      const issue = at(c);
      return issue && issueJson(c, issue);
    },
    'PATCH /repos/:owner/:repo/issues/:number'({ c, json }) {
      const issue = at(c);
      if (!issue) return undefined;
      const read = readIssue(json, false);
      return read instanceof Response ? read : issueJson(c, put(changed(issue, read, now())));
    },
    'GET /repos/:owner/:repo/issues/:number/comments'({ c }) {
      const issue = at(c);
      if (!issue) return notFound(c);
      return list(
        c,
        issue.comments.map((comment) => commentJson(c, issue, comment)),
      );
    },
    'POST /repos/:owner/:repo/issues/:number/comments'({ c, json }) {
      const issue = at(c);
      if (!issue) return undefined;
      const { body } = (json ?? {}) as { body?: unknown };
      if (typeof body !== 'string') return refused("Invalid request.\n\nFor 'properties/body', it is not a string.");
      const message = body.trim() === '' ? 'Body cannot be blank' : tooLong('Body', body, BODY_MAX_CHARS);
      if (message)
        return refused(FAILED, [{ resource: 'IssueComment', code: 'unprocessable', field: 'data', message }]);
      const comment = { id: issue.id * 1000 + issue.comments.length + 1, body, created_at: now() };
      put({ ...issue, updated_at: now(), comments: [...issue.comments, comment] });
      return Response.json(commentJson(c, issue, comment), { status: 201 });
    },
  } satisfies Exchanges);
}

function changed(before: Issue, change: Change, at: number): Issue {
  const state = change.state ?? before.state;
  const closes = state === 'closed' && before.state === 'open';
  const reopens = state === 'open' && before.state === 'closed';
  const defaultReason = closes ? 'completed' : reopens ? 'reopened' : before.state_reason;
  return {
    ...before,
    ...change,
    state_reason: change.state_reason ?? defaultReason,
    updated_at: at,
    closed_at: state === 'open' ? null : (before.closed_at ?? at),
  };
}

/**
 * Maximum number of characters. GitHub does not document these limits; its error messages contain them.
 *
 * @see https://github.com/dead-claudia/github-limits (titles, bodies; read 2026-11)
 */
const TITLE_MAX_CHARS = 256;
const BODY_MAX_CHARS = 65_536;
const LABEL_MAX_CHARS = 50;

/** Users whose login ends with this are not collaborators of any repository, so issues cannot be assigned to them. */
const NOT_ASSIGNABLE_SUFFIX = '-stranger';

const FAILED = 'Validation Failed';

const refused = (message: string, errors?: object[], status = 422): Response =>
  Response.json(
    { message, ...(errors && { errors }), documentation_url: `${DOCUMENTATION}/issues/issues`, status: String(status) },
    { status },
  );

/** Returns the fields of a new or changed issue, or the error response. */
function readIssue(json: unknown, isNew: boolean): Change | Response {
  if (json === undefined) return refused('Problems parsing JSON', undefined, 400);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return refused('Body should be a JSON object', undefined, 400);
  const { title, body, labels, assignees, state, state_reason: reason } = json as Record<string, unknown>;
  const wrong = (field: string, what: string) =>
    refused(`Invalid request.\n\nFor 'properties/${field}', it is not ${what}.`);
  if (isNew && title === undefined) return refused('Invalid request.\n\n"title" wasn\'t supplied.');
  if (title !== undefined && typeof title !== 'string') return wrong('title', 'a string or an integer');
  if (body !== undefined && body !== null && typeof body !== 'string') return wrong('body', 'a string');
  if (!isTexts(labels)) return wrong('labels', 'an array of names');
  if (!isTexts(assignees)) return wrong('assignees', 'an array of logins');
  if (state !== undefined && state !== 'open' && state !== 'closed')
    return wrong('state', 'a member of ["open", "closed"]');
  const custom = (resource: string, field: string, text: string, max: number) => {
    const message = tooLong(field, text, max);
    return message === undefined ? [] : [{ resource, code: 'custom', field, message }];
  };
  const errors = [
    ...(title?.trim() === '' ? [{ resource: 'Issue', code: 'missing_field', field: 'title' }] : []),
    ...custom('Issue', 'title', title ?? '', TITLE_MAX_CHARS),
    ...custom('Issue', 'body', body ?? '', BODY_MAX_CHARS),
    ...(labels ?? []).flatMap((name) => custom('Label', 'name', name, LABEL_MAX_CHARS)),
    ...(assignees ?? [])
      .filter((login) => login.endsWith(NOT_ASSIGNABLE_SUFFIX))
      .map((value) => ({ resource: 'Issue', code: 'invalid', field: 'assignees', value })),
  ];
  if (errors.length > 0) return refused(FAILED, errors);
  return {
    ...(title !== undefined && { title }),
    ...(body !== undefined && { body }),
    ...(labels && { labels: [...new Set(labels)] }),
    ...(assignees && { assignees }),
    ...(state && { state }),
    ...(typeof reason === 'string' && { state_reason: reason }),
  };
}

const isTexts = (value: unknown): value is string[] | undefined =>
  value === undefined || (Array.isArray(value) && value.every((one) => typeof one === 'string'));

const tooLong = (field: string, text: string, max: number): string | undefined =>
  [...text].length > max ? `${field} is too long (maximum is ${max} characters)` : undefined;

const apiUrl = (c: Context, { repository, number }: Issue): string =>
  `${originOf(c)}/repos/${repository}/issues/${number}`;

const pageUrl = (c: Context, { repository, number }: Issue): string => `${originOf(c)}/${repository}/issues/${number}`;

/** @see https://docs.github.com/en/rest/issues/issues (read 2026-11). Fields that the stand-in has no data for are omitted. */
const issueJson = (c: Context, issue: Issue): object => ({
  id: issue.id,
  url: apiUrl(c, issue),
  repository_url: `${originOf(c)}/repos/${issue.repository}`,
  comments_url: `${apiUrl(c, issue)}/comments`,
  html_url: pageUrl(c, issue),
  number: issue.number,
  state: issue.state,
  state_reason: issue.state_reason,
  title: issue.title,
  body: issue.body,
  user: userJson(c),
  labels: issue.labels.map((name) => ({ name, color: 'ededed', default: false, description: null })),
  assignee: issue.assignees[0] === undefined ? null : userJson(c, issue.assignees[0]),
  assignees: issue.assignees.map((login) => userJson(c, login)),
  comments: issue.comments.length,
  closed_at: issue.closed_at === null ? null : isoSeconds(issue.closed_at),
  created_at: isoSeconds(issue.created_at),
  updated_at: isoSeconds(issue.updated_at),
});

const commentJson = (c: Context, issue: Issue, comment: Comment): object => ({
  id: comment.id,
  url: `${originOf(c)}/repos/${issue.repository}/issues/comments/${comment.id}`,
  html_url: `${pageUrl(c, issue)}#issuecomment-${comment.id}`,
  issue_url: apiUrl(c, issue),
  body: comment.body,
  user: userJson(c),
  created_at: isoSeconds(comment.created_at),
  updated_at: isoSeconds(comment.created_at),
});
