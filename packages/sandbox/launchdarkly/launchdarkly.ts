import { randomUUID } from 'node:crypto';
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { timestamp } from '../../../schemas/time/time.ts';
import { auditEntries } from './audit.ts';
import { flagTables, openFlags, type Flag, type LaunchDarklyFlags } from './flags.ts';
import { changeJson, flagJson } from './json.ts';
import { globalLimit, limitTables, quotaHeaders } from './limits.ts';
import { readPatch } from './patch.ts';
import { check, readJson } from '../core/problem.ts';
import { SANDBOX_TOKEN, type StandIn, type StandInDeps } from '../core/stand-in.ts';

/**
 * LaunchDarkly: the parts of its REST API to turn flags on and off, and the audit log of these changes. There is one
 * account.
 */
export const launchdarkly = {
  vendor: 'launchdarkly',
  tables: flagTables + limitTables,
  credentialKeys: [],
  settings: (url) => ({ LAUNCHDARKLY_API_URL: url, LAUNCHDARKLY_TOKEN: SANDBOX_TOKEN }),
  throttled,
  app(deps) {
    const flags = openFlags(deps.db);
    return new Hono()
      .use(requireToken, countCalls(deps))
      .get('/api/v2/flags/:project/:flag', (c) => {
        const flag = flagAt(c, flags);
        return flag ? c.json(flagResponse(flag, flags, c.req.queries('env'))) : notFound(c);
      })
      .patch('/api/v2/flags/:project/:flag', async (c) => {
        const flag = flagAt(c, flags);
        return flag ? applyPatch(c, flag, flags, deps) : notFound(c);
      })
      .get('/api/v2/auditlog', (c) => {
        const entries = auditEntries(flags.changes(), c.req.query());
        if ('invalid' in entries) return errorResponse(c, 400, 'invalid_request', entries.invalid);
        return c.json({ _links: {}, items: entries.map(changeJson) });
      })
      .notFound(notFound);
  },
  sandbox(deps) {
    const flags = openFlags(deps.db);
    return new Hono()
      .get('/flags', (c) => c.json(list(flags)))
      .put('/flags', async (c) => {
        provide(check(ManualChange, await readJson(c)), flags, deps.now());
        return c.json(list(flags));
      });
  },
  view({ db }): LaunchDarklyView {
    const flags = openFlags(db);
    return {
      flags: itemsOf(flags),
      changes: flags
        .changes()
        .slice(0, SHOWN_CHANGES)
        .map(({ id: _id, at, ...change }) => ({ ...change, at: timestamp(at) })),
    };
  },
} as const satisfies StandIn;

/** A manual change by a person. Creates the flag if it doesn't exist, and turns it on or off. */
const ManualChange = z.strictObject({
  project: z.string().min(1).default('default'),
  environment: z.string().min(1),
  flag: z.string().min(1),
  on: z.boolean(),
  /** The person who makes the change. */
  by: z.string().min(1).default('Ada'),
  archived: z.boolean().optional(),
  /** Whether the environment requires approvals. If it does, changes by a token are refused. */
  requires_approval: z.boolean().optional(),
});

function provide(change: z.infer<typeof ManualChange>, flags: LaunchDarklyFlags, now: number): void {
  const { project, environment, flag: key, on, by, archived, requires_approval: approval } = change;
  const flag = flags.provide({ project, environment, flag: key }, now);
  if (archived !== undefined) flags.setArchived(flag, archived);
  if (approval !== undefined) flags.setApproval(project, environment, approval);
  flags.turn({ project, environment, flag: key, on, comment: null, member: by, at: now });
}

type Item = {
  project: string;
  environment: string;
  flag: string;
  on: boolean;
  version: number;
  archived: boolean;
  requires_approval: boolean;
};

/** The flags as the page shows them. Times are RFC 3339. */
export type LaunchDarklyView = {
  flags: Item[];
  /** Newest first. */
  changes: {
    project: string;
    environment: string;
    flag: string;
    on: boolean;
    comment: string | null;
    member: string | null;
    at: string;
  }[];
};

/** Maximum number of changes on the page. */
const SHOWN_CHANGES = 50;

const list = (flags: LaunchDarklyFlags) => ({ items: itemsOf(flags), next_cursor: null });

const itemsOf = (flags: LaunchDarklyFlags): Item[] =>
  flags.all().flatMap((flag) =>
    flags.targeting(flag).map(({ environment, on, version, requires_approval }) => ({
      project: flag.project,
      environment,
      flag: flag.key,
      on,
      version,
      archived: flag.archived,
      requires_approval,
    })),
  );

const flagAt = (c: Context, flags: LaunchDarklyFlags): Flag | undefined =>
  flags.get(c.req.param('project') ?? '', c.req.param('flag') ?? '');

/** @param environments environments to include; `undefined` for all */
const flagResponse = (flag: Flag, flags: LaunchDarklyFlags, environments?: readonly string[]): object =>
  flagJson(
    flag,
    flags.targeting(flag).filter(({ environment }) => environments?.includes(environment) ?? true),
  );

/**
 * Applies a patch. The documentation of a missing approval states only the status; the wording of the message is from
 * reports of API users.
 */
async function applyPatch(c: Context, flag: Flag, flags: LaunchDarklyFlags, { now }: StandInDeps): Promise<Response> {
  const turn = readPatch(await c.req.text(), c.req.header('content-type'));
  if ('invalid' in turn) return errorResponse(c, 400, 'invalid_request', turn.invalid);
  const { environment, on, comment } = turn;
  const targeting = flags.targeting(flag).find((each) => each.environment === environment);
  if (!targeting) return notFound(c);
  if (targeting.requires_approval) {
    const message = "Flag configuration updates require approval: action 'updateOn' not allowed";
    return errorResponse(c, 405, 'method_not_allowed', message);
  }
  const { project, key } = flag;
  flags.turn({ project, environment, flag: key, on, comment, member: null, at: now() });
  return c.json(flagResponse(flags.get(project, key) ?? flag, flags));
}

/** Accepts every token. The header contains the token alone, so a value with a scheme is refused. */
const requireToken: MiddlewareHandler = async (c, next) => {
  const token = c.req.header('authorization') ?? '';
  return /^\S+$/.test(token) ? next() : errorResponse(c, 401, 'unauthorized', 'Invalid access token');
};

function countCalls(deps: StandInDeps): MiddlewareHandler {
  const take = globalLimit(deps);
  return async (c, next) => {
    const quota = take();
    if (quota.exceeded) c.res = errorResponse(c, 429, ...RATE_LIMITED);
    else await next();
    for (const [name, value] of Object.entries(quotaHeaders(quota))) c.header(name, value);
  };
}

const RATE_LIMITED = ['rate_limited', "You've exceeded the API rate limit. Try again later."] as const;

/** Responds that the rate limit per IP address is exceeded, with the time to wait. */
function throttled(): Response {
  const [code, message] = RATE_LIMITED;
  return Response.json({ code, message, id: randomUUID() }, { status: 429, headers: { 'retry-after': '1' } });
}

const notFound = (c: Context): Response => errorResponse(c, 404, 'not_found', 'Invalid resource identifier');

const errorResponse = (c: Context, status: 400 | 401 | 404 | 405 | 429, code: string, message: string): Response =>
  c.json({ code, message, id: randomUUID() }, status);
