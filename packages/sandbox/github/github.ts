import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { timestamp } from '../../../schemas/time/time.ts';
import { openActions } from './actions.ts';
import { appRoutes, installationRoute } from './app.ts';
import { DOCUMENTATION, errorResponse } from './answers.ts';
import { deployingRoutes } from './deploying.ts';
import { gitRoutes } from './git/git.ts';
import { issueExchanges, issuesIn } from './issues.ts';
import { githubSandbox, runOnPush, settleFirst } from './sandbox.ts';
import { documentTables } from '../core/exchanges.ts';
import { SANDBOX_TOKEN, type StandIn } from '../core/stand-in.ts';

/** The issues of all repositories, newest first. Times are RFC 3339. */
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
  tables: documentTables,
  credentialKeys: [],
  settings: (url) => ({ GITHUB_API_URL: url, GITHUB_TOKEN: SANDBOX_TOKEN }),
  /** Responds that the secondary rate limit is exceeded: too much content was created in a short time. */
  throttled() {
    const message = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
    const about = `${DOCUMENTATION}/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits`;
    return Response.json({ message, documentation_url: about }, { status: 403, headers: { 'retry-after': '60' } });
  },
  app(deps) {
    const actions = openActions(deps);
    return new Hono()
      .use(settleFirst(deps))
      .use(requireUserAgent, requireToken)
      .route('/app', appRoutes(deps, actions))
      .route('/repos/:owner/:repo/installation', installationRoute(deps))
      .route('/', issueExchanges(deps))
      .route('/repos/:owner/:repo', gitRoutes(deps, runOnPush(actions, deps.now)))
      .route('/repos/:owner/:repo', deployingRoutes(deps, actions))
      .notFound((c) => errorResponse(c, 404, 'Not Found'));
  },
  sandbox: githubSandbox,
  view: ({ db }): GithubView => ({
    issues: issuesIn(db)
      .all()
      .toReversed()
      .map(({ repository, number, title, body, state, labels, created_at, comments }) => ({
        repository,
        number,
        title,
        body: body ?? '',
        state,
        labels,
        created_at: timestamp(created_at),
        comments: comments.map((comment) => ({ body: comment.body, at: timestamp(comment.created_at) })),
      })),
  }),
} as const satisfies StandIn;

/** "All API requests must include a valid User-Agent header." */
const requireUserAgent: MiddlewareHandler = async (c, next) => {
  if (c.req.header('user-agent')) return next();
  return c.text(
    'Request forbidden by administrative rules. Please make sure your request has a User-Agent header',
    403,
  );
};

/** Accepts every well-formed token of API calls. The stand-in protects nothing; it detects a missing header. */
const requireToken: MiddlewareHandler = async (c, next) => {
  if (!/^\/(?:repos|app)\//.test(c.req.path) || tokenOf(c) !== undefined) return next();
  return errorResponse(c, 401, c.req.header('authorization') ? 'Bad credentials' : 'Requires authentication');
};

const tokenOf = (c: Context): string | undefined =>
  /^(?:Bearer|token) (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
