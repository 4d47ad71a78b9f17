import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { timestamp } from '../../../schemas/time/time.ts';
import { actionTables, openActions, type Actions } from './actions.ts';
import { appRoutes, installationRoute } from './app.ts';
import { DOCUMENTATION, errorResponse, originOf, repositoryOf } from './answers.ts';
import { deployingRoutes } from './deploying.ts';
import { deploymentTables } from './deployments.ts';
import { gitRoutes } from './git/git.ts';
import { issueTables, openIssues, type Issue, type Issues } from './issues.ts';
import { commentJson, issueJson, LOGIN } from './json.ts';
import { limitTables, openLimits, quotaHeaders, type Limits } from './limits.ts';
import { objectTables } from './git/objects.ts';
import { pageOf } from './pages.ts';
import { protectionTables } from './protection.ts';
import { pullTables } from './git/pulls.ts';
import { refTables } from './git/refs.ts';
import { readComment, readIssue, type Refusal } from './request.ts';
import { githubSandbox, runOnPush } from './sandbox.ts';
import { SANDBOX_TOKEN, type StandIn, type StandInDeps } from '../core/stand-in.ts';

/** The issues of all repositories, as the page shows them, newest first. Times are RFC 3339. */
export type GithubView = {
  issues: {
    /** `owner/name`. */
    repository: string;
    number: number;
    title: string;
    /** Markdown. */
    body: string;
    state: 'open' | 'closed';
    labels: string[];
    created_at: string;
    /** Oldest first. */
    comments: { body: string; at: string }[];
  }[];
};

/**
 * GitHub: the parts of its REST API for issues, Git data, pull requests, deployments and their protection, workflow
 * runs, and apps. Every repository exists and has one workflow. All users share one account.
 */
export const github = {
  vendor: 'github',
  tables: [
    issueTables,
    limitTables,
    objectTables,
    refTables,
    pullTables,
    deploymentTables,
    actionTables,
    protectionTables,
  ].join(''),
  credentialKeys: [],
  settings: (url) => ({ GITHUB_API_URL: url, GITHUB_TOKEN: SANDBOX_TOKEN }),
  throttled,
  app(deps) {
    const issues = openIssues(deps.db);
    const limits = openLimits(deps);
    const actions = openActions(deps);
    return new Hono()
      .use(settleFirst(deps, actions))
      .get('/:owner/:repo/issues/:number{[0-9]+}', (c) => issuePage(c, issues))
      .use(requireUserAgent, requireToken, countCalls(limits))
      .route('/app', appRoutes(deps, actions))
      .route('/repos/:owner/:repo/installation', installationRoute(deps))
      .route('/repos/:owner/:repo/issues', issueRoutes(deps, issues, limits))
      .route('/repos/:owner/:repo', gitRoutes(deps, runOnPush(actions, deps.now)))
      .route('/repos/:owner/:repo', deployingRoutes(deps, actions))
      .notFound((c) => errorResponse(c, 404, 'Not Found'));
  },
  sandbox: githubSandbox,
  view({ db }): GithubView {
    const issues = openIssues(db);
    return {
      issues: issues.all(undefined).map((issue) => ({
        repository: issue.repository,
        number: issue.number,
        title: issue.title,
        body: issue.body ?? '',
        state: issue.state,
        labels: issue.labels,
        created_at: timestamp(issue.created_at),
        comments: issues.comments(issue).map(({ body, created_at: at }) => ({ body, at: timestamp(at) })),
      })),
    };
  },
} as const satisfies StandIn;

/** Completes the workflow runs that are due before each request is handled. */
const settleFirst =
  ({ now }: StandInDeps, actions: Actions): MiddlewareHandler =>
  async (_, next) => {
    actions.settle(now());
    await next();
  };

function issueRoutes({ now }: StandInDeps, issues: Issues, limits: Limits): Hono {
  const show = (c: Context, issue: Issue) => issueJson(originOf(c), issue, issues.comments(issue).length);
  const mayCreate: MiddlewareHandler = async (c, next) => (limits.mayCreate(tokenOf(c) ?? '') ? next() : throttled());

  return new Hono()
    .get('/', (c) => {
      const { items, headers } = pageOf(c, issues.all(repositoryOf(c)).filter(issueFilter(c)));
      return c.json(
        items.map((issue) => show(c, issue)),
        200,
        headers,
      );
    })
    .post('/', mayCreate, async (c) => {
      const read = readIssue(await c.req.text(), true);
      if ('status' in read) return refusalResponse(c, read);
      const issue = issues.open(repositoryOf(c), { ...read, title: read.title ?? '' }, now());
      return c.json(show(c, issue), 201);
    })
    .get('/:number', (c) => {
      const issue = issueAt(c, issues);
      return issue ? c.json(show(c, issue)) : errorResponse(c, 404, 'Not Found');
    })
    .patch('/:number', async (c) => {
      const issue = issueAt(c, issues);
      if (!issue) return errorResponse(c, 404, 'Not Found');
      const read = readIssue(await c.req.text(), false);
      return 'status' in read ? refusalResponse(c, read) : c.json(show(c, issues.change(issue, read, now())));
    })
    .get('/:number/comments', (c) => {
      const issue = issueAt(c, issues);
      if (!issue) return errorResponse(c, 404, 'Not Found');
      const { items, headers } = pageOf(c, issues.comments(issue));
      return c.json(
        items.map((comment) => commentJson(originOf(c), issue, comment)),
        200,
        headers,
      );
    })
    .post('/:number/comments', mayCreate, async (c) => {
      const issue = issueAt(c, issues);
      if (!issue) return errorResponse(c, 404, 'Not Found');
      const read = readComment(await c.req.text());
      if ('status' in read) return refusalResponse(c, read);
      return c.json(commentJson(originOf(c), issue, issues.comment(issue, read.body, now())), 201);
    });
}

/**
 * Returns a filter for issues by the query parameters. The default for `state` is open; issues must have all `labels`.
 */
function issueFilter(c: Context): (issue: Issue) => boolean {
  const { state = 'open', labels = '', creator = LOGIN } = c.req.query();
  const names = labels.split(',').flatMap((name) => (name.trim() === '' ? [] : name.trim().toLowerCase()));
  return (issue) => {
    const labelsOfIssue = issue.labels.map((label) => label.toLowerCase());
    const isOfState = state === 'all' || issue.state === state;
    return isOfState && creator === LOGIN && names.every((name) => labelsOfIssue.includes(name));
  };
}

function issueAt(c: Context, issues: Issues): Issue | undefined {
  const number = c.req.param('number') ?? '';
  return /^\d{1,9}$/.test(number) ? issues.get(repositoryOf(c), Number(number)) : undefined;
}

/** Responds with the web page of an issue. */
function issuePage(c: Context, issues: Issues): Response {
  const issue = issueAt(c, issues);
  if (!issue) return c.text('404: no such issue\n', 404);
  const heading = `${issue.title} #${issue.number} (${issue.state})\n${issue.labels.join(', ')}`;
  return c.text([heading, issue.body ?? '', ...issues.comments(issue).map(({ body }) => body)].join('\n\n---\n\n'));
}

/** "All API requests must include a valid User-Agent header." */
const requireUserAgent: MiddlewareHandler = async (c, next) => {
  if (c.req.header('user-agent')) return next();
  return c.text(
    'Request forbidden by administrative rules. Please make sure your request has a User-Agent header',
    403,
  );
};

/** Accepts every well-formed token. The stand-in protects nothing; it detects a missing header. */
const requireToken: MiddlewareHandler = async (c, next) => {
  if (tokenOf(c) !== undefined) return next();
  return errorResponse(c, 401, c.req.header('authorization') ? 'Bad credentials' : 'Requires authentication');
};

const tokenOf = (c: Context): string | undefined =>
  /^(?:Bearer|token) (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];

function countCalls(limits: Limits): MiddlewareHandler {
  return async (c, next) => {
    const quota = limits.take(tokenOf(c) ?? '');
    if (quota.exceeded) c.res = errorResponse(c, 403, 'API rate limit exceeded for user ID 1.');
    else await next();
    for (const [name, value] of Object.entries(quotaHeaders(quota))) c.header(name, value);
  };
}

/** Responds that the secondary rate limit is exceeded: too much content was created in a short time. */
function throttled(): Response {
  const message = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
  const about = `${DOCUMENTATION}/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits`;
  return Response.json({ message, documentation_url: about }, { status: 403, headers: { 'retry-after': '60' } });
}

const refusalResponse = (c: Context, { status, message, errors }: Refusal): Response =>
  c.json(
    { message, ...(errors && { errors }), documentation_url: `${DOCUMENTATION}/issues/issues`, status: String(status) },
    status,
  );
