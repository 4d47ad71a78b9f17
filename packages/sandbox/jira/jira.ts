import { Hono, type MiddlewareHandler } from 'hono';
import { type Call, documents, documentTables, exchanges } from '../core/exchanges.ts';
import { SANDBOX_TOKEN, SANDBOX_USER, type StandIn, type StandInDeps } from '../core/stand-in.ts';

/** The statuses of the only workflow, with their categories. */
const CATEGORIES = { 'To Do': 'new', 'In Progress': 'indeterminate', Done: 'done' } as const;
type Status = keyof typeof CATEGORIES;

const TRANSITIONS: readonly { id: string; name: string; from: readonly Status[]; to: Status }[] = [
  { id: '21', name: 'Start', from: ['To Do'], to: 'In Progress' },
  { id: '31', name: 'Done', from: ['To Do', 'In Progress'], to: 'Done' },
  { id: '41', name: 'Reopen', from: ['Done'], to: 'To Do' },
];

type Fields = { summary: string; description: object | null; labels: string[]; assignee: { id: string } | null };
type Issue = Fields & { id: string; key: string; project: string; status: Status; created: string; updated: string };

/** IDs of issues begin here, so that they differ from numbers in keys. */
const FIRST_ID = 10_000;

/** Issues cannot be assigned to accounts whose ID ends with this, in any project. */
const NOT_ASSIGNABLE_SUFFIX = '-stranger';

/**
 * Jira Cloud: the exchanges of its REST API, version 3, for issues. Every project exists. All of them have one workflow:
 * To Do, In Progress, Done.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/rest/v3/ (read 2026-11)
 */
export const jira = {
  vendor: 'jira',
  tables: documentTables,
  credentialKeys: [],
  settings: (url) => ({ JIRA_URL: url, JIRA_EMAIL: SANDBOX_USER, JIRA_API_TOKEN: SANDBOX_TOKEN }),
  throttled: () =>
    Response.json(
      { errorMessages: ['Rate limit exceeded.'], errors: {} },
      { status: 429, headers: { 'retry-after': '15', 'x-ratelimit-reset': '2026-11-20T06:49:00Z' } },
    ),
  app: (deps) =>
    new Hono()
      .use('/rest/api/3/*', requireCredentials)
      .route('/', issueExchanges(deps))
      .notFound(() => refused(404, 'null for uri')),
  view: null,
} as const satisfies StandIn;

function issueExchanges({ db, now }: StandInDeps): Hono {
  const issues = documents<Issue>(db, 'jira issue');
  const time = () => new Date(now()).toISOString().replace('Z', '+0000'); // as Jira writes it
  const withIssue =
    (answer: (issue: Issue, call: Call) => Response | object) =>
    (call: Call): Response | object => {
      const name = call.param('issue').toUpperCase();
      const issue = issues.all().find(({ id, key }) => id === name || key === name);
      return issue
        ? answer(issue, call)
        : refused(404, 'Issue does not exist or you do not have permission to see it.');
    };
  const change = (issue: Issue, fields: Partial<Issue>): Response => {
    issues.put({ ...issue, ...fields, updated: time() }, issue.id);
    return new Response(null, { status: 204 });
  };
  const transitionsOf = ({ status }: Issue) => TRANSITIONS.filter(({ from }) => from.includes(status));
  return exchanges({
    'GET /browse/:issue': withIssue(({ key, summary, status }) => new Response(`${key} ${summary} (${status})\n`)),
    'GET /rest/api/3/myself': () => ({ accountId: '5b10ac8d82e05b22cc7d4ef5', accountType: 'atlassian', active: true }),
    'POST /rest/api/3/search': () => refused(410, REMOVED),
    'POST /rest/api/3/search/jql'({ json }) {
      const { jql = '', maxResults = 50 } = (json ?? {}) as { jql?: string; maxResults?: number };
      if (/^\s*(?:order\s+by\b.*)?$/i.test(jql))
        return refused(
          400,
          'Unbounded JQL queries are not allowed here. Please add a search restriction to your query.',
        );
      const [, project, label] = /^project = "([^"]*)"(?: AND labels = "([^"]*)")?$/.exec(jql) ?? [];
      if (project === undefined) return refused(400, `Error in the JQL Query: '${jql}'.`);
      const found = issues
        .all()
        .filter((issue) => issue.project === project && (label === undefined || issue.labels.includes(label)));
      return { issues: found.toReversed().slice(0, maxResults).map(issueJson), isLast: found.length <= maxResults };
    },
    'POST /rest/api/3/issue'({ json, c }) {
      const fields = fieldsIn(json);
      if (fields === undefined)
        return refused(400, 'Invalid request payload. Refer to the REST API documentation and try again.');
      const { project, issuetype, ...others } = fields as { project?: { key?: string }; issuetype?: object };
      const errors = {
        ...(!project && { project: 'Specify a valid project ID or key' }),
        ...(!issuetype && { issuetype: 'Specify an issue type' }),
        ...fieldErrors({ summary: '', ...others }),
      };
      if (Object.keys(errors).length > 0) return Response.json({ errorMessages: [], errors }, { status: 400 });
      const key = (project?.key ?? 'OPS').toUpperCase();
      const all = issues.all();
      const issue: Issue = {
        summary: '',
        description: null,
        labels: [],
        assignee: null,
        ...others,
        id: String(FIRST_ID + all.length),
        key: `${key}-${all.filter((other) => other.project === key).length + 1}`,
        project: key,
        status: 'To Do',
        created: time(),
        updated: time(),
      };
      issues.put(issue, issue.id);
      const self = `${new URL(c.req.url).origin}/rest/api/3/issue/${issue.id}`;
      return Response.json({ id: issue.id, key: issue.key, self }, { status: 201 });
    },
    'GET /rest/api/3/issue/:issue': withIssue(issueJson),
    'PUT /rest/api/3/issue/:issue': withIssue((issue, { json }) => {
      const fields = fieldsIn(json);
      if (fields === undefined) return refused(400, "one of 'fields' or 'update' required");
      const errors = fieldErrors(fields);
      if (Object.keys(errors).length > 0) return Response.json({ errorMessages: [], errors }, { status: 400 });
      return change(issue, fields);
    }),
    'GET /rest/api/3/issue/:issue/transitions': withIssue((issue) => ({
      expand: 'transitions',
      transitions: transitionsOf(issue).map(({ id, name, to }) => ({ id, name, to: statusJson(to) })),
    })),
    'POST /rest/api/3/issue/:issue/transitions': withIssue((issue, { json }) => {
      const id = String((json as { transition?: { id?: unknown } } | undefined)?.transition?.id);
      if (!/^\d+$/.test(id)) return refused(400, "'transition' identifier must be an integer");
      const transition = transitionsOf(issue).find((one) => one.id === id);
      return transition
        ? change(issue, { status: transition.to })
        : refused(400, `Transition id '${id}' is not valid for this issue.`);
    }),
  });
}

const REMOVED =
  'The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046';

const refused = (status: number, message: string): Response =>
  Response.json({ errorMessages: [message], errors: {} }, { status });

/** Accepts every email address with every token. The stand-in protects nothing; it detects a missing header. */
const requireCredentials: MiddlewareHandler = async (c, next) => {
  const [, encoded = ''] = /^Basic ([\w+/]+=*)$/i.exec(c.req.header('authorization') ?? '') ?? [];
  if (/^[^:@]+@[^:]+:.+$/.test(Buffer.from(encoded, 'base64').toString())) return next();
  return c.text('Client must be authenticated to access this resource.', 401, {
    'www-authenticate': 'OAuth realm="jira"',
  });
};

function fieldsIn(json: unknown): Record<string, unknown> | undefined {
  const fields = (json as { fields?: Record<string, unknown> } | undefined)?.fields;
  return typeof fields === 'object' && Object.keys(fields).length > 0 ? fields : undefined;
}

/** Returns what is wrong with each field. The messages are those of Jira Cloud: `test/fixtures/jira/SOURCES.md`. */
function fieldErrors({ summary, description, labels, assignee, ...others }: Record<string, unknown>): object {
  const label = Array.isArray(labels) && labels.map(String).find((one) => /\s/.test(one) || one.length > 255);
  const { id } = (assignee ?? {}) as { id?: string };
  const summaryError = summary === undefined ? undefined : wrongSummary(summary);
  return {
    ...(summaryError !== undefined && { summary: summaryError }),
    ...(description != null &&
      !isDocument(description) && {
        description: 'Operation value must be an Atlassian Document (see the Atlassian Document Format)',
      }),
    ...(typeof label === 'string' && {
      labels: /\s/.test(label)
        ? `The label '${label}' contains spaces which is invalid.`
        : `The label '${label}' exceeds the maximum length for a single label.`,
    }),
    ...(id?.endsWith(NOT_ASSIGNABLE_SUFFIX) && { assignee: `User '${id}' cannot be assigned issues.` }),
    ...Object.fromEntries(
      Object.keys(others).map((name) => [
        name,
        `Field '${name}' cannot be set. It is not on the appropriate screen, or unknown.`,
      ]),
    ),
  };
}

function wrongSummary(summary: unknown): string | undefined {
  if (typeof summary !== 'string') return 'Operation value must be a string';
  if (summary.trim() === '') return 'You must specify a summary of the issue.';
  if (/[\r\n]/.test(summary)) return 'The summary is invalid because it contains newline characters.';
  return summary.length >= 255 ? 'Summary must be less than 255 characters.' : undefined;
}

/** Returns whether the value is a document whose nodes have types, and whose texts are not empty. */
function isDocument(value: unknown): boolean {
  const isNode = (node: unknown): boolean => {
    const { type, text, content = [] } = (node ?? {}) as { type?: unknown; text?: unknown; content?: unknown[] };
    if (type === 'text') return typeof text === 'string' && text !== '';
    return typeof type === 'string' && Array.isArray(content) && content.every(isNode);
  };
  const { type, version } = value as { type?: unknown; version?: unknown };
  return type === 'doc' && version === 1 && isNode(value);
}

const statusJson = (name: Status) => ({ name, statusCategory: { key: CATEGORIES[name], name } });

const issueJson = ({ id, key, project, status, assignee, ...fields }: Issue) => ({
  id,
  key,
  fields: {
    ...fields,
    status: statusJson(status),
    assignee: assignee && { accountId: assignee.id, accountType: 'atlassian', active: true },
    project: { key: project },
  },
});
