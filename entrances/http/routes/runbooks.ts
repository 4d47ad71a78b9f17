import * as z from 'zod';
import type { ApiDeps } from '../deps.ts';
import { planOf } from '../../../core/domain/runbooks/plan.ts';
import { byPriority } from '../../../core/domain/runbooks/select.ts';
import { matchersText } from '../../../schemas/alerts/matcher-syntax.ts';
import { EnvironmentName, IncidentId, Mode, ServiceName, Severity } from '../../../schemas/config/names.ts';
import { RunbookName, type Runbook } from '../../../schemas/runbooks/runbook.ts';
import { Input, InputName } from '../../../schemas/runbooks/parts/inputs.ts';
import { InputValues, RunId, runId, RunPlan, RunView } from '../../../schemas/runbooks/parts/runs.ts';
import { FailureAction } from '../../../schemas/runbooks/parts/steps.ts';
import { planRun, runbookOf } from '../../../core/actions/runbooks/plan-run.ts';
import { planRetry, retryRun, startRun, viewRun } from '../../../core/actions/runbooks/start-run.ts';
import { visibleRunbook } from '../../../core/actions/runbooks/visible.ts';
import { BadCursor } from '../../../core/stores/cursors.ts';
import { newUlid } from '../new-id.ts';
import { type Api, answers, body, createRoute, endpoint, listQuery, pageOf, problems, readable } from '../endpoint.ts';
import { incidentReference } from '../incident-param.ts';

const Run = RunView.meta({ id: 'RunbookRun' });
const Plan = RunPlan.meta({ id: 'RunbookPlan' });

const Summary = z
  .object({
    name: RunbookName,
    title: z.string(),
    file: z.string(),
    version: z.string(),
    mode: Mode.nullable(),
    services: z.array(ServiceName).nullable().meta({ description: 'Null: all' }),
    environments: z.array(EnvironmentName).nullable().meta({ description: 'Null: all' }),
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

const WithText = Summary.extend({
  text: z.string().meta({ description: 'The Markdown text' }),
  match: z.array(z.string()).meta({
    description:
      'Sets of matchers in Alertmanager syntax: an alert that matches one of them selects it; empty text: any',
  }),
  severity: z.array(Severity).nullable().meta({ description: 'Null: all' }),
  when: z.string().nullable().meta({ description: 'CEL expression that must be true for the alert. Null: none' }),
}).meta({
  id: 'RunbookWithText',
});

const planOnly = z.boolean().default(false).meta({ description: 'Only return the plan, without starting a run' });

/** With `incident_id`; absent: the open incident of the service and environment, or else a new one. */
const NewRun = z.strictObject({
  service: ServiceName.optional(),
  environment: EnvironmentName.optional().meta({
    description: "Defaults to the service's default environment, its only environment, or production",
  }),
  inputs: InputValues.default({}),
  version: z.string().max(64).optional().meta({
    description: 'The version of the confirmed plan; the request is refused if the runbook has changed since',
  }),
  plan: planOnly,
});

const RunbookParams = z.object({ name: RunbookName });
const RunParams = z.object({ id: RunId });

/** Registers the routes of runbooks and their runs. */
export function runbookRoutes(app: Api, deps: ApiDeps): void {
  endpoint(
    app,
    deps,
    'incidents:read',
    createRoute({
      method: 'get',
      path: '/v1/runbooks',
      tags: ['runbooks'],
      summary: 'List runbooks, in the order in which alerts are matched to them',
      responses: { 200: answers('All runbooks', pageOf(Summary)) },
    }),
    async (c) => {
      const { runbooks } = (await deps.config.current()).runbooks;
      const items = byPriority(runbooks).flatMap((runbook) => visibleRunbook(c.var.may, runbook) ?? []);
      return c.json({ items: items.map(summaryOf), next_cursor: null }, 200);
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
      summary: 'List runbook runs, newest first',
      request: { query: z.object({ ...listQuery, incident: incidentReference(deps).optional() }) },
      responses: { 200: answers('A page of results', pageOf(Run)) },
    }),
    async (c) => {
      const { limit, cursor, incident } = c.req.valid('query');
      if (incident !== undefined && cursor !== undefined) throw new BadCursor(); // the list of an incident has one page
      const read = async (from?: string) => {
        const { items, next_cursor } =
          incident === undefined
            ? await deps.runbooks.list({ limit, ...(from && { cursor: from }) })
            : { items: await runsOf(deps, incident), next_cursor: null };
        const ids = items.map((run) => runId(run.incident, run.number));
        return { items: await Promise.all(ids.map((id) => viewRun(deps, id))), next_cursor };
      };
      return c.json(await readable(c.var, read, cursor), 200);
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
      summary: 'Get a run',
      request: { params: RunParams },
      responses: { 200: answers('The run', Run), 404: problems('Not found') },
    }),
    async (c) => {
      const run = await viewRun(deps, c.req.valid('param').id);
      c.var.allow(run);
      return c.json(run, 200);
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
      summary: 'Continue a failed run from the failed step',
      request: { params: RunParams, ...body(z.strictObject({ plan: planOnly })) },
      responses: {
        201: answers('The new run, which has started', Run),
        200: answers('The plan', Plan),
        404: problems('Not found'),
        409: problems('The run has not failed, or a retry is not possible now'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      if (c.req.valid('json').plan) return c.json((await planRetry(deps, c.var.caller, id)).plan, 200);
      return c.json(await retryRun(deps, c.var.caller, id, c.var.requestKey), 201);
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
      summary: 'Get a runbook',
      request: { params: RunbookParams },
      responses: { 200: answers('The runbook', WithText), 404: problems('Not found') },
    }),
    async (c) => {
      const runbook = await runbookOf(deps, c.req.valid('param').name);
      const [service, environment] = [runbook.services?.[0], runbook.environments?.[0]];
      const visible = visibleRunbook(c.var.may, runbook);
      // Throws the refusal that names a service and environment of the runbook.
      if (visible === undefined) c.var.allow({ ...(service && { service }), ...(environment && { environment }) });
      const { body: text, match, severity = null, when = null } = runbook;
      return c.json(
        { ...summaryOf(visible ?? runbook), text, match: match.any.map(matchersText), severity, when },
        200,
      );
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
      summary: 'Start a run of a runbook by hand, or show its plan',
      request: { params: RunbookParams, ...body(NewRun.extend({ incident_id: incidentReference(deps).optional() })) },
      responses: {
        201: answers('The run, which has started', Run),
        200: answers('The plan', Plan),
        404: problems('Not found'),
        409: problems('A run is not possible now'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { plan, incident_id: incident, ...given } = c.req.valid('json');
      const requested = { ...given, incident, runbook: c.req.valid('param').name };
      if (plan) return c.json((await planRun(deps, c.var.caller, requested)).plan, 200);
      const { trace, requestKey: key } = c.var;
      const request = { trace, key, incident: IncidentId.parse(newUlid(c, deps.clock)) };
      return c.json(await startRun(deps, c.var.caller, requested, request), 201);
    },
  );
}

function summaryOf(runbook: Runbook): z.infer<typeof Summary> {
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

/** Returns the runs of an incident, newest first. None if the incident does not exist, as for any other filter. */
async function runsOf(deps: ApiDeps, incident: IncidentId): Promise<{ incident: IncidentId; number: number }[]> {
  const runs = (await deps.incidents.read(incident)) === undefined ? [] : await deps.runbooks.of(incident);
  return runs.map(({ number }) => ({ incident, number })).toReversed();
}
