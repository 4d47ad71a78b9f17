import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { timestamp } from '../../../schemas/time/time.ts';
import { SANDBOX_TOKEN, SANDBOX_USER, type StandIn, type StandInDeps } from '../core/stand-in.ts';
import { readFields } from './fields.ts';
import { type Issue, type Issues, issueTables, keyOf, openIssues, STATUSES, TRANSITIONS } from './issues.ts';

/** Issues as the page shows them, newest first. Times are RFC 3339. */
export type JiraView = {
  issues: { key: string; summary: string; status: string; labels: string[]; created_at: string }[];
};

/**
 * Jira Cloud: the parts of its REST API, version 3, for issues. Every project exists. All of them have one workflow: To
 * Do, In Progress, Done.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/ (read 2026-11)
 */
export const jira = {
  vendor: 'jira',
  tables: issueTables,
  credentialKeys: [],
  settings: (url) => ({ JIRA_URL: url, JIRA_EMAIL: SANDBOX_USER, JIRA_API_TOKEN: SANDBOX_TOKEN }),
  throttled: () =>
    Response.json(
      { errorMessages: ['Rate limit exceeded.'], errors: {} },
      { status: 429, headers: { 'retry-after': '15', 'x-ratelimit-reset': '2026-11-20T06:49:00Z' } },
    ),
  app(deps) {
    const issues = openIssues(deps.db);
    return new Hono()
      .get('/browse/:key', (c) => issuePage(c, issues))
      .use('/rest/api/3/*', requireCredentials)
      .get('/rest/api/3/myself', (c) => c.json({ accountId: ACCOUNT, accountType: 'atlassian', active: true }))
      .all('/rest/api/3/search', (c) => errorResponse(c, 410, REMOVED))
      .post('/rest/api/3/search/jql', (c) => search(c, issues))
      .route('/rest/api/3/issue', issueRoutes(deps, issues))
      .notFound((c) => errorResponse(c, 404, 'null for uri'));
  },
  view({ db }): JiraView {
    return {
      issues: openIssues(db)
        .all()
        .map((issue) => ({
          key: keyOf(issue),
          summary: issue.summary,
          status: STATUSES[issue.status].name,
          labels: issue.labels,
          created_at: timestamp(issue.created_at),
        })),
    };
  },
} as const satisfies StandIn;

const ACCOUNT = '5b10ac8d82e05b22cc7d4ef5';

const REMOVED =
  'The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046';

const errorResponse = (c: Context, status: 400 | 404 | 410, ...messages: string[]): Response =>
  c.json({ errorMessages: messages, errors: {} }, status);

const issueNotFound = (c: Context): Response =>
  errorResponse(c, 404, 'Issue does not exist or you do not have permission to see it.');

/** Accepts every email address with every token. The stand-in protects nothing; it detects a missing header. */
const requireCredentials: MiddlewareHandler = async (c, next) => {
  const [, encoded = ''] = /^Basic ([\w+/]+=*)$/i.exec(c.req.header('authorization') ?? '') ?? [];
  if (/^[^:@]+@[^:]+:.+$/.test(Buffer.from(encoded, 'base64').toString())) return next();
  return c.text('Client must be authenticated to access this resource.', 401, {
    'www-authenticate': 'OAuth realm="jira"',
  });
};

function issueRoutes({ now }: StandInDeps, issues: Issues): Hono {
  return new Hono()
    .post('/', async (c) => {
      const fields = await fieldsIn(c);
      if (fields === undefined)
        return errorResponse(c, 400, 'Invalid request payload. Refer to the REST API documentation and try again.');
      const read = readFields(fields, true);
      if ('errors' in read) return c.json({ errorMessages: [], errors: read.errors }, 400);
      const project = String(Reflect.get(fields['project'] as object, 'key') ?? 'OPS').toUpperCase();
      const issue = issues.create(project, { ...read, summary: read.summary ?? '' }, now());
      return c.json({ id: String(issue.id), key: keyOf(issue), self: selfOf(c, issue) }, 201);
    })
    .get('/:issue', (c) => {
      const issue = issues.get(c.req.param('issue'));
      return issue === undefined ? issueNotFound(c) : c.json(issueJson(c, issue));
    })
    .put('/:issue', async (c) => {
      const issue = issues.get(c.req.param('issue'));
      if (issue === undefined) return issueNotFound(c);
      const fields = await fieldsIn(c);
      if (fields === undefined || Object.keys(fields).length === 0)
        return errorResponse(c, 400, "one of 'fields' or 'update' required");
      const read = readFields(fields, false);
      if ('errors' in read) return c.json({ errorMessages: [], errors: read.errors }, 400);
      issues.change(issue, read, now());
      return c.body(null, 204);
    })
    .get('/:issue/transitions', (c) => {
      const issue = issues.get(c.req.param('issue'));
      if (issue === undefined) return issueNotFound(c);
      const transitions = TRANSITIONS.filter(({ from }) => from.includes(issue.status)).map(({ id, name, to }) => ({
        id,
        name,
        to: statusJson(to),
        hasScreen: false,
        isAvailable: true,
      }));
      return c.json({ expand: 'transitions', transitions });
    })
    .post('/:issue/transitions', async (c) => {
      const issue = issues.get(c.req.param('issue'));
      if (issue === undefined) return issueNotFound(c);
      const body = await bodyOf(c);
      const transitionId: unknown = (body?.['transition'] as { id?: unknown } | undefined)?.id;
      if (!/^\d+$/.test(String(transitionId)))
        return errorResponse(c, 400, "'transition' identifier must be an integer");
      const transition = TRANSITIONS.find(({ id, from }) => id === String(transitionId) && from.includes(issue.status));
      if (transition === undefined)
        return errorResponse(c, 400, `Transition id '${String(transitionId)}' is not valid for this issue.`);
      issues.change(issue, { status: transition.to }, now());
      return c.body(null, 204);
    });
}

/** The only query that the stand-in understands: `project = "OPS" AND labels = "…"`, with the parts in any order. */
async function search(c: Context, issues: Issues): Promise<Response> {
  const body = await bodyOf(c);
  const {
    jql,
    fields = ['id'],
    maxResults = 50,
  } = (body ?? {}) as { jql?: unknown; fields?: string[]; maxResults?: number };
  if (typeof jql !== 'string' || /^\s*(?:order\s+by\b.*)?$/i.test(jql))
    return errorResponse(
      c,
      400,
      'Unbounded JQL queries are not allowed here. Please add a search restriction to your query.',
    );
  const clauses = jql
    .split(/(?<!\s)\s+and\s+/i)
    .map((clause) => /^\s*(project|labels)\s*=\s*"([^"]*)"\s*$/i.exec(clause));
  if (clauses.includes(null)) return errorResponse(c, 400, `Error in the JQL Query: '${jql}'.`);
  const found = issues.all().filter((issue) =>
    clauses.every((clause) => {
      const [, field = '', value = ''] = clause ?? [];
      return field.toLowerCase() === 'project'
        ? issue.project === value.toUpperCase()
        : issue.labels.some((label) => label.toLowerCase() === value.toLowerCase());
    }),
  );
  const shown = found.slice(0, maxResults).map((issue) => {
    const all = issueJson(c, issue);
    const requested = Object.entries(all.fields).filter(([name]) => fields.includes(name));
    return {
      ...all,
      ...(fields.some((name) => name !== 'id') ? { fields: Object.fromEntries(requested) } : { fields: undefined }),
    };
  });
  return c.json({ issues: shown, isLast: found.length <= maxResults });
}

const statusJson = (id: Issue['status']) => ({
  id,
  name: STATUSES[id].name,
  statusCategory: { key: STATUSES[id].category, name: STATUSES[id].name },
});

/** A time as Jira writes it: `2026-11-20T06:48:00.000+0000`. */
const jiraTime = (millis: number): string => new Date(millis).toISOString().replace('Z', '+0000');

const selfOf = (c: Context, { id }: Issue): string => `${new URL(c.req.url).origin}/rest/api/3/issue/${id}`;

const issueJson = (c: Context, issue: Issue) => ({
  id: String(issue.id),
  key: keyOf(issue),
  self: selfOf(c, issue),
  fields: {
    summary: issue.summary,
    status: statusJson(issue.status),
    description: issue.description,
    labels: issue.labels,
    assignee: issue.assignee === null ? null : { accountId: issue.assignee, accountType: 'atlassian', active: true },
    project: { key: issue.project },
    created: jiraTime(issue.created_at),
    updated: jiraTime(issue.updated_at),
  },
});

async function bodyOf(c: Context): Promise<Record<string, unknown> | undefined> {
  try {
    const body: unknown = JSON.parse(await c.req.text());
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

async function fieldsIn(c: Context): Promise<Record<string, unknown> | undefined> {
  const fields = (await bodyOf(c))?.['fields'];
  return typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : undefined;
}

/** Responds with the web page of an issue. */
function issuePage(c: Context, issues: Issues): Response {
  const issue = issues.get(c.req.param('key') ?? '');
  if (issue === undefined) return c.text('404: no such issue\n', 404);
  return c.text(`${keyOf(issue)} ${issue.summary} (${STATUSES[issue.status].name})\n${issue.labels.join(', ')}`);
}
