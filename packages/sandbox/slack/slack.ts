import { createHash, randomUUID, randomBytes } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { rateLimitTables, rateWindows } from '../core/rate-limit.ts';
import { slackUserActions } from './user-actions/acts.ts';
import { readArguments } from './delivery/arguments.ts';
import { chatMethods } from './chat.ts';
import { conversationMethods } from './conversations.ts';
import { deliveryTables } from './delivery/deliveries.ts';
import { SCOPES } from './directory.ts';
import { historyMethods } from './history.ts';
import { inviteMethods } from './invite.ts';
import { markingMethods } from './blocks/marking.ts';
import type { Call, Method } from './delivery/method.ts';
import { peopleMethods } from './people.ts';
import { Refused, type Fields } from './delivery/refusal.ts';
import { answerOf, respond } from './delivery/responses.ts';
import { mustHaveScope } from './installation.ts';
import { slackSandbox } from './sandbox.ts';
import { slackView } from './blocks/view.ts';
import { viewMethods } from './blocks/views.ts';
import { openWorkspace, workspaceTables, type Workspace } from './workspace.ts';
import type { StandIn, StandInDeps } from '../core/stand-in.ts';

const methods: ReadonlyMap<string, Method> = new Map(
  Object.entries({
    ...peopleMethods,
    ...conversationMethods,
    ...inviteMethods,
    ...historyMethods,
    ...chatMethods,
    ...markingMethods,
    ...viewMethods,
  }),
);

/**
 * Slack's Web API for one app in one workspace: the methods for channels, messages, and people. `/api/` below its
 * address stands for `https://slack.com/api/`.
 *
 * @see https://docs.slack.dev/apis/web-api (read 2026-11)
 */
export const slack = {
  vendor: 'slack',
  tables: workspaceTables + deliveryTables + rateLimitTables,
  credentialKeys: ['token'],
  settings: (url) => ({
    SLACK_API_URL: `${url}/api/`,
    SLACK_BOT_TOKEN: 'xoxb-sandbox-000000000000', // bot tokens have this prefix
    // New for each start: no other process can sign actions of people.
    SLACK_SIGNING_SECRET: randomBytes(16).toString('hex'),
  }),
  throttled: () => throttled(0),
  app(deps) {
    const workspace = openWorkspace(deps.db);
    const admission = rateLimits(deps);
    return new Hono()
      .all('/api/:method', async (c) => {
        const response = await perform(c, workspace, admission, deps);
        response.headers.set('x-oauth-scopes', workspace.installation.scopes().join(','));
        return response;
      })
      .post('/:kind{commands|actions|app}/:team/:at/:secret', async (c) => {
        try {
          const target = workspace.responseUrls.use(new URL(c.req.url).pathname, deps.now());
          respond(workspace, target, answerOf(await c.req.text()), deps.now());
          return c.text('ok');
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          return c.text(error.code, UNUSABLE_URL_ERRORS.includes(error.code) ? 404 : 400);
        }
      });
  },
  sandbox: slackSandbox,
  userActions: slackUserActions,
  view: slackView,
} as const satisfies StandIn;

/** Error codes of a `response_url` that can't be used. */
const UNUSABLE_URL_ERRORS = ['no_service', 'expired_url', 'used_url'];

async function perform(
  c: Context,
  workspace: Workspace,
  admission: ReturnType<typeof rateLimits>,
  deps: StandInDeps,
): Promise<Response> {
  try {
    const name = c.req.param('method') ?? '';
    const method = methods.get(name);
    if (!method) throw new Refused('unknown_method', { req_method: name });
    const account = accountOf(c);
    const call: Call = { args: await readArguments(c.req.raw), at: deps.now(), workspace };
    const waitMs = admission(account, name, method, call);
    if (waitMs > 0) return throttled(waitMs);
    mustHaveScope(workspace.installation, name);
    return jsonResponse(200, { ok: true, ...method.run(call) });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return jsonResponse(200, { ok: false, error: error.code, ...error.extraFields });
  }
}

/**
 * Returns the account of a token. Every bot token is accepted, and belongs to the same app. To test a revoked token,
 * set a fault. Tokens are credentials, so only their hashes are stored.
 *
 * @throws Refused `not_authed` without a token, `invalid_auth` with an invalid one
 */
function accountOf(c: Context): string {
  const token = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
  if (token === undefined) throw new Refused('not_authed');
  if (!token.startsWith('xoxb-')) throw new Refused('invalid_auth');
  return createHash('sha256').update(token).digest('hex');
}

/** Counts a call if it is within all limits of its method. Otherwise, returns the milliseconds until it is. */
function rateLimits(deps: StandInDeps) {
  const windows = rateWindows(deps);

  return (account: string, name: string, { limits }: Method, call: Call): number => {
    const keyed = limits.map((limit, i) => ({
      limit,
      key: `slack:${account}:${name}:${i}:${limit.per ? limit.per(call) : ''}`,
    }));
    const waitMs = Math.max(...keyed.map(({ key, limit }) => windows.waitMs(key, limit)));
    if (waitMs <= 0) for (const { key } of keyed) windows.take(key);
    return waitMs;
  };
}

/**
 * Returns the only response that is not a 200. `Retry-After` is in whole seconds, not divided by the time scale. A
 * client that waits that long succeeds.
 */
function throttled(waitMs: number): Response {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return jsonResponse(429, { ok: false, error: 'ratelimited' }, { 'retry-after': String(seconds) });
}

function jsonResponse(status: 200 | 429, body: Fields, extraHeaders: Record<string, string> = {}): Response {
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'x-oauth-scopes': SCOPES.join(','),
    'x-slack-req-id': randomUUID(),
    ...extraHeaders,
  };
  return new Response(JSON.stringify(body), { status, headers });
}
