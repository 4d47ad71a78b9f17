import { createRoute, z } from '@hono/zod-openapi';
import type { Deps } from '../../domain/ports.ts';
import { planOf } from '../../domain/runbooks/plan.ts';
import { byPriority } from '../../domain/runbooks/select.ts';
import { EnvironmentName, IncidentId, Mode, ServiceName } from '../../schemas/names.ts';
import { RunbookName, type Runbook } from '../../schemas/runbook.ts';
import { Input, InputName } from '../../schemas/runbook/inputs.ts';
import { InputValues, RunId, runId, RunPlan, RunView } from '../../schemas/runbook/runs.ts';
import { FailureAction } from '../../schemas/runbook/steps.ts';
import { planRun, runbookOf } from '../acts/runbook-plan.ts';
import { planRetry, retryRun, startRun, viewRun } from '../acts/runbook-runs.ts';
import type { Env } from './context.ts';
import { answers, type Api, body, endpoint, listQuery, pageOf, problems, seen } from './endpoint.ts';

const Run = RunView.meta({ id: 'RunbookRun' });
const Plan = RunPlan.meta({ id: 'RunbookPlan' });

const Summary = z
  .object({
    name: RunbookName,
    title: z.string(),
    file: z.string(),
    version: z.string(),
    mode: Mode.nullable(),
    services: z.array(ServiceName).nullable().openapi({ description: 'Null: for all' }),
    environments: z.array(EnvironmentName).nullable().openapi({ description: 'Null: for all' }),
    inputs: z.record(InputName, Input),
    steps: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        uses: z.string(),
        changes_production: z.boolean(),
        approval: z.boolean(),
        when: z.array(z.string()),
        timeout_s: z.number(),
        on_failure: FailureAction,
      }),
    ),
  })
  .meta({ id: 'Runbook' });

const WithText = Summary.extend({ text: z.string().openapi({ description: 'Markdown, for people' }) }).meta({
  id: 'RunbookWithText',
});

const planOnly = z.boolean().default(false).openapi({ description: 'Answer with the plan, and start nothing' });

const NewRun = z.strictObject({
  service: ServiceName.optional(),
  environment: EnvironmentName.optional().openapi({
    description: "Absent: the service's default, its only one, or production",
  }),
  incident_id: IncidentId.optional().openapi({
    description: 'Absent: the incident that is open for the service and environment, or a new one',
  }),
  inputs: InputValues.default({}),
  version: z.string().optional().openapi({
    description: 'The version of the plan that was confirmed; refused where the runbook has changed since',
  }),
  plan: planOnly,
});

const named = z.object({ name: RunbookName });
const run = z.object({ id: RunId });

/** Runbooks, and runs that people start. */
export function runbookRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/runbooks',
      tags: ['runbooks'],
      summary: 'Runbooks, in the order in which alerts choose',
      responses: { 200: answers('All of them', pageOf(Summary)) },
    }),
    async (c) => {
      const { runbooks } = (await deps.config.current()).runbooks;
      const items = byPriority(runbooks).flatMap((runbook) => seenBy(c.var, runbook) ?? []);
      return c.json({ items: items.map(summary), next_cursor: null }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/runbooks/runs',
      tags: ['runbooks'],
      summary: 'Runs of runbooks, newest first',
      request: { query: z.object({ ...listQuery, incident: IncidentId.optional() }) },
      responses: { 200: answers('A page', pageOf(Run)) },
    }),
    async (c) => {
      const { limit, cursor, incident } = c.req.valid('query');
      const read = async (from?: string) => {
        const { items, next_cursor } =
          incident === undefined
            ? await deps.runbooks.list({ limit, ...(from && { cursor: from }) })
            : { items: await runsOf(deps, incident), next_cursor: null };
        const ids = items.map((one) => runId(one.incident, one.number));
        return { items: await Promise.all(ids.map((id) => viewRun(deps, id))), next_cursor };
      };
      return c.json(await seen(c.var, read, cursor), 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/runbooks/runs/{id}',
      tags: ['runbooks'],
      summary: 'Read a run',
      request: { params: run },
      responses: { 200: answers('The run', Run), 404: problems('Unknown') },
    }),
    async (c) => {
      const found = await viewRun(deps, c.req.valid('param').id);
      c.var.allow(found);
      return c.json(found, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:act',
    createRoute({
      method: 'post',
      path: '/v1/runbooks/runs/{id}/actions/retry',
      tags: ['runbooks'],
      summary: 'Continue a run that has failed, from the step that has failed',
      request: { params: run, ...body(z.strictObject({ plan: planOnly })) },
      responses: {
        201: answers('A new run, which has begun', Run),
        200: answers('The plan', Plan),
        404: problems('Unknown'),
        409: problems('It has not failed, or not now'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      if (c.req.valid('json').plan) return c.json((await planRetry(deps, c.var.who, id)).plan, 200);
      return c.json(await retryRun(deps, c.var.who, id), 201);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/runbooks/{name}',
      tags: ['runbooks'],
      summary: 'Read a runbook',
      request: { params: named },
      responses: { 200: answers('The runbook', WithText), 404: problems('Unknown') },
    }),
    async (c) => {
      const found = await runbookOf(deps, c.req.valid('param').name);
      const [service, environment] = [found.services?.[0], found.environments?.[0]];
      const seenThere = seenBy(c.var, found);
      if (seenThere === undefined) c.var.allow({ ...(service && { service }), ...(environment && { environment }) });
      return c.json({ ...summary(seenThere ?? found), text: found.body }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'incidents:act',
    createRoute({
      method: 'post',
      path: '/v1/runbooks/{name}/runs',
      tags: ['runbooks'],
      summary: 'Start a runbook by hand, or show what that would do',
      request: { params: named, ...body(NewRun) },
      responses: {
        201: answers('A run, which has begun', Run),
        200: answers('The plan', Plan),
        404: problems('Unknown'),
        409: problems('Not now'),
        422: problems('What is wrong with it'),
      },
    }),
    async (c) => {
      const { plan, incident_id: incident, ...said } = c.req.valid('json');
      const wanted = { ...said, incident, runbook: c.req.valid('param').name };
      if (plan) return c.json((await planRun(deps, c.var.who, wanted)).plan, 200);
      return c.json(await startRun(deps, c.var.who, wanted, c.var.trace), 201);
    },
  );
}

function summary(runbook: Runbook): z.infer<typeof Summary> {
  const { name, title, file, version, mode = null, services = null, environments = null, inputs } = runbook;
  const steps = planOf(runbook).steps.map((step) => ({
    id: step.id,
    name: step.name,
    uses: step.uses,
    changes_production: step.mutating,
    approval: step.approval !== null || step.uses === 'approve',
    when: step.when,
    timeout_s: step.timeoutSeconds,
    on_failure: step.onFailure,
  }));
  return { name, title, file, version, mode, services, environments, inputs, steps };
}

/** With those of its services and environments that the caller may see. Undefined: it is for others only. */
function seenBy({ may }: Pick<Env['Variables'], 'may'>, runbook: Runbook): Runbook | undefined {
  const services = runbook.services?.filter((service) => may({ service }));
  const environments = runbook.environments?.filter((environment) => may({ environment }));
  if (services?.length === 0 || environments?.length === 0) return undefined;
  return { ...runbook, services, environments };
}

/** Newest first. */
async function runsOf(deps: Deps, incident: IncidentId): Promise<{ incident: IncidentId; number: number }[]> {
  const runs = (await deps.incidents.read(incident)) === undefined ? [] : await deps.runbooks.of(incident);
  return runs.map(({ number }) => ({ incident, number })).toReversed();
}
