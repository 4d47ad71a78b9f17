import { Hono, type Context, type MiddlewareHandler } from 'hono';
import * as z from 'zod';
import {
  ARGOCD_NAMESPACE,
  type Applications,
  openApplications,
  type State,
  type SyncOperation,
} from './applications.ts';
import { beginOperation, compareWithGit, isAutomated, settle } from './controller.ts';
import { applicationJson, errorJson } from './json.ts';
import { argoSandbox } from './sandbox.ts';
import { applyMergePatch, windowsJson } from './changes.ts';
import { documentTables } from '../core/exchanges.ts';
import { SANDBOX_TOKEN, type StandIn, type StandInDeps } from '../core/stand-in.ts';

/** The user of the token. */
const USER = 'firebreak';

/**
 * Argo CD: applications with one source each, their history, operations that take time, automated sync, sync windows,
 * and projects. There is no cluster and no Git repository; set what is deployed and what a branch contains in
 * `/sandbox/argo-cd`.
 */
export const argoCd = {
  vendor: 'argo-cd',
  tables: documentTables,
  credentialKeys: [],
  settings: (url) => ({ ARGOCD_URL: url, ARGOCD_TOKEN: SANDBOX_TOKEN }),
  throttled: () => Response.json({ error: 'too many requests' }, { status: 429, headers: { 'retry-after': '1' } }),
  app(deps) {
    const applications = openApplications(deps.db);
    return new Hono()
      .use(settleFirst(deps, applications))
      .use('/api/v1/*', authenticated(applications))
      .route('/api/v1/applications', applicationRoutes(deps, applications))
      .get('/api/version', (c) => c.json({ Version: 'v3.2.0' }))
      .notFound((c) => c.json({ error: 'Not Found', code: 5, message: 'Not Found' }, 404));
  },
  sandbox(deps) {
    const applications = openApplications(deps.db);
    return new Hono().use(settleFirst(deps, applications)).route('/', argoSandbox(deps, applications));
  },
  view: null,
} as const satisfies StandIn;

/** Applies the controller's changes that are due before each request is handled. */
const settleFirst =
  (deps: StandInDeps, applications: Applications): MiddlewareHandler =>
  async (_, next) => {
    const settings = applications.settings();
    for (const state of applications.all()) {
      const after = settle(state, settings, deps);
      if (after !== null) applications.put(after);
    }
    await next();
  };

const authenticated =
  (applications: Applications): MiddlewareHandler =>
  async (c, next) => {
    const [, token] = /^Bearer (\S+)$/.exec(c.req.header('authorization') ?? '') ?? [];
    if (token === undefined) return errorJson(16, 'no session information');
    const expectedToken = applications.settings().token;
    return expectedToken === null || expectedToken === token
      ? next()
      : errorJson(16, 'invalid session: signature is invalid');
  };

type Action = 'get' | 'sync' | 'update';

function applicationRoutes(deps: StandInDeps, applications: Applications): Hono {
  const shown = (state: State) => Response.json(applicationJson(state, deps.now()));
  const find = finder(applications);
  return new Hono()
    .get('/:name', (c) => {
      const found = find(c, 'get', c.req.query());
      if (found instanceof Response) return found;
      return shown(c.req.query('refresh') ? applications.put(compareWithGit(found, deps.now())) : found);
    })
    .get('/:name/syncwindows', (c) => {
      const found = find(c, 'get', c.req.query());
      return found instanceof Response ? found : c.json(windowsJson(found));
    })
    .patch('/:name', async (c) => {
      const body = await readBody(c);
      const found = find(c, 'update', body);
      if (found instanceof Response) return found;
      const patched = applyMergePatch(found, body);
      return typeof patched === 'string' ? errorJson(3, patched) : shown(applications.put(patched));
    })
    .post('/:name/rollback', async (c) => {
      const body = await readBody(c);
      const found = find(c, 'sync', body);
      if (found instanceof Response) return found;
      const sync = rollbackOf(found, body);
      return sync instanceof Response ? sync : startOperation(found, sync);
    })
    .post('/:name/sync', async (c) => {
      const body = await readBody(c);
      const found = find(c, 'sync', body);
      if (found instanceof Response) return found;
      if (!windowsJson(found).canSync) return errorJson(7, 'cannot sync: blocked by sync window');
      const { revision = found.known, prune, dryRun } = body;
      if (isAutomated(found) && revision !== found.known && dryRun !== true)
        return errorJson(
          9,
          `Cannot sync to ${revision}: auto-sync currently set to ${found.spec.source.targetRevision ?? ''}`,
        );
      return startOperation(found, { revision, syncStrategy: { hook: {} }, ...flags({ prune, dryRun }) });
    });

  /** Starts an operation. Only one operation can run at a time. */
  function startOperation(state: State, sync: SyncOperation): Response {
    if (state.operation) return errorJson(9, 'another operation is already in progress');
    const durationMs = applications.settings().sync_ms / deps.timeScale;
    const before = applicationJson(state, deps.now());
    const after = applications.put(beginOperation(state, sync, { username: USER }, deps.now(), durationMs));
    // The response contains the operation. The controller sets its state later.
    const { metadata, operation } = applicationJson(after, deps.now()) as { metadata: object; operation: object };
    return Response.json({ ...before, metadata, operation });
  }
}

const Body = z.looseObject({
  project: z.string().nullish(),
  appNamespace: z.string().nullish(),
  id: z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]).optional(),
  revision: z.string().min(1).optional(),
  prune: z.boolean().optional(),
  dryRun: z.boolean().optional(),
  patch: z.string().optional(),
  patchType: z.string().optional(),
});
export type Body = z.infer<typeof Body>;

/** Reads the body. An unreadable body counts as empty, and is rejected for its missing fields. */
async function readBody(c: Context): Promise<Body> {
  const read = Body.safeParse(await c.req.json().catch(() => ({})));
  return read.success ? read.data : {};
}

/**
 * Finds an application, or returns the error. Without a project in the request, an unknown application gives
 * "permission denied". With a project, it gives "not found", even if the token has no permission for the project.
 */
const finder =
  (applications: Applications) =>
  (c: Context, action: Action, { project, appNamespace }: Pick<Body, 'project' | 'appNamespace'>): State | Response => {
    const name = c.req.param('name') ?? '';
    const state = applications.get(name, appNamespace || ARGOCD_NAMESPACE);
    const { denied } = applications.settings();
    const notFound = project
      ? errorJson(5, `applications.argoproj.io "${name}" not found`)
      : errorJson(7, 'permission denied');
    if (state === undefined || (project && project !== state.spec.project) || denied.includes('get')) return notFound;
    if (denied.includes(action))
      return errorJson(7, `permission denied: applications, ${action}, ${state.spec.project}/${name}, sub: ${USER}`);
    return state;
  };

function rollbackOf(state: State, { id, prune, dryRun }: Body): SyncOperation | Response {
  if (isAutomated(state)) return errorJson(9, 'rollback cannot be initiated when auto-sync is enabled');
  const entry = state.history.find((each) => each.id === id);
  if (!entry) return errorJson(3, `application ${state.name} does not have deployment with id ${String(id)}`);
  const { revision, source } = entry;
  return { revision, source, syncStrategy: { apply: {} }, ...flags({ prune, dryRun }) };
}

/** Omits flags that are false, as the API does. */
const flags = ({ prune, dryRun }: Pick<Body, 'prune' | 'dryRun'>) => ({
  ...(prune === true && { prune }),
  ...(dryRun === true && { dryRun }),
});
