import { Hono, type Context } from 'hono';
import * as z from 'zod';
import { type Actions, newestAttempt, type Run } from './actions.ts';
import { deploymentJson, runJson, statusJson, statusOf, WORKFLOW_ID } from './actions-json.ts';
import { errorResponse, notFound, originOf, readBody, repositoryOf } from './answers.ts';
import { type Deployment, openDeployments } from './deployments.ts';
import { pageOf } from './pages.ts';
import { reviewRoutes } from './protection.ts';
import { openRepository } from './git/refs.ts';
import type { StandInDeps } from '../core/stand-in.ts';

const NewDeployment = z.object({ ref: z.string(), environment: z.string().default('production') });
const NewStatus = z.object({
  state: z.enum(['error', 'failure', 'inactive', 'in_progress', 'queued', 'pending', 'success']),
  log_url: z.string().optional(),
});

/** Routes below `/repos/:owner/:repo` for deployments with their statuses, workflow runs, and deployment protection. */
export function deployingRoutes(deps: StandInDeps, actions: Actions): Hono {
  return new Hono()
    .route('/deployments', deploymentRoutes(deps))
    .route('/actions', runRoutes(deps, actions))
    .route('/actions', reviewRoutes(deps, actions));
}

function deploymentRoutes({ db, now }: StandInDeps): Hono {
  const deployments = openDeployments(db);
  const at = (c: Context) => deployments.byId(repositoryOf(c), Number(c.req.param('id')));

  return new Hono()
    .get('/', (c) => {
      const { items, headers } = pageOf(c, deployments.all(repositoryOf(c)).filter(deploymentFilter(c)));
      return c.json(
        items.map((deployment) => deploymentJson(originOf(c), deployment)),
        200,
        headers,
      );
    })
    .post('/', async (c) => {
      const read = await readBody(c, NewDeployment);
      if ('refusal' in read) return read.refusal;
      const { ref, environment } = read.body;
      const commit = openRepository(db, repositoryOf(c)).resolve(ref);
      if (!commit) return errorResponse(c, 422, `No ref found for: ${ref}`);
      const created = deployments.create({ repository: repositoryOf(c), environment, sha: commit.sha, ref }, now());
      return c.json(deploymentJson(originOf(c), created), 201);
    })
    .get('/:id{[0-9]+}', (c) => {
      const deployment = at(c);
      return deployment ? c.json(deploymentJson(originOf(c), deployment)) : notFound(c);
    })
    .get('/:id{[0-9]+}/statuses', (c) => {
      const deployment = at(c);
      if (!deployment) return notFound(c);
      const { items, headers } = pageOf(c, deployment.statuses);
      return c.json(
        items.map((status) => statusJson(originOf(c), deployment, status)),
        200,
        headers,
      );
    })
    .post('/:id{[0-9]+}/statuses', async (c) => {
      const deployment = at(c);
      if (!deployment) return notFound(c);
      const read = await readBody(c, NewStatus);
      if ('refusal' in read) return read.refusal;
      const { state, log_url: log } = read.body;
      const status = deployments.setStatus(deployment, state, log === undefined ? null : log, now());
      return c.json(statusJson(originOf(c), deployment, status), 201);
    });
}

function deploymentFilter(c: Context): (deployment: Deployment) => boolean {
  const { environment, sha, ref } = c.req.query();
  return (deployment) =>
    (environment === undefined || deployment.environment === environment) &&
    (sha === undefined || deployment.sha === sha) &&
    (ref === undefined || deployment.ref === ref);
}

function runRoutes({ now }: StandInDeps, actions: Actions): Hono {
  const at = (c: Context) => actions.run(repositoryOf(c), Number(c.req.param('id')));
  const list = (c: Context): Response => {
    const runs = actions.runs(repositoryOf(c)).filter(runFilter(c));
    const { items, headers } = pageOf(c, runs);
    const shown = items.map((run) => runJson(originOf(c), run, newestAttempt(run)));
    return c.json({ total_count: runs.length, workflow_runs: shown }, 200, headers);
  };

  return new Hono()
    .get('/runs', list)
    .get('/workflows/:workflow/runs', (c) =>
      [String(WORKFLOW_ID), 'deploy.yml'].includes(c.req.param('workflow')) ? list(c) : notFound(c),
    )
    .get('/runs/:id{[0-9]+}', (c) => {
      const run = at(c);
      return run ? c.json(runJson(originOf(c), run, newestAttempt(run))) : notFound(c);
    })
    .get('/runs/:id{[0-9]+}/attempts/:attempt{[0-9]+}', (c) => {
      const run = at(c);
      const attempt = run?.attempts[Number(c.req.param('attempt')) - 1];
      return run && attempt ? c.json(runJson(originOf(c), run, attempt)) : notFound(c);
    })
    .post('/runs/:id{[0-9]+}/rerun', (c) => {
      const run = at(c);
      if (!run) return notFound(c);
      const refusal = actions.rerun(run, now());
      return refusal === undefined ? c.json({}, 201) : errorResponse(c, 403, refusal);
    });
}

/** Returns a filter for runs by the query parameters. `status` can also be a conclusion. */
function runFilter(c: Context): (run: Run) => boolean {
  const { status, event, branch, head_sha: sha } = c.req.query();
  return (run) => {
    const attempt = newestAttempt(run);
    const states: string[] = [statusOf(attempt), ...(attempt.hasEnded ? [attempt.conclusion] : [])];
    return (
      (status === undefined || states.includes(status)) &&
      (event === undefined || run.event === event) &&
      (branch === undefined || run.head_branch === branch) &&
      (sha === undefined || run.head_sha === sha)
    );
  };
}
