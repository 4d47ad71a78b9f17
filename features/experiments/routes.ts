import * as z from 'zod';
import { recordExperiment, sendExperimentRequest, viewExperiment } from './actions/record-experiment.ts';
import { unobservedChaos } from './actions/observe-chaos.ts';
import { EVERYWHERE } from '../../core/domain/access/access.ts';
import { reportOf } from './decisions/report.ts';
import type { FeatureDeps } from '../manifest.ts';
import { withPorts } from './ports.ts';
import { RequestReason } from '../../schemas/access/request-reason.ts';
import {
  ExpectedAlert,
  Experiment,
  ExperimentEvent,
  ExperimentId,
  ExperimentPatch,
  NewExperiment,
  Observation,
} from './experiment.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import {
  type Api,
  answers,
  body,
  createRoute,
  endpoint,
  listQuery,
  pageOf,
  problems,
  readableWhere,
  scopeOf,
  scopeQuery,
} from '../../entrances/http/endpoint.ts';
import { newUlid } from '../../entrances/http/new-id.ts';

const Shown = Experiment.meta({ id: 'Experiment' });
const Story = Experiment.extend({
  events: z.array(ExperimentEvent),
  observations: z.array(Observation),
  alerts: z.array(ExpectedAlert),
}).meta({ id: 'ExperimentStory' });
const Unobserved = z
  .object({
    object: z.string().meta({ description: 'Kind, namespace, and name' }),
    why: z.string(),
    fix: z.string().meta({ description: 'What to change' }),
    at: Timestamp,
  })
  .meta({ id: 'UnobservedChaos' });
const params = z.object({ id: ExperimentId });

const StopBody = z.strictObject({
  reason: RequestReason,
});

/** Registers the routes of chaos experiments: observation, and alerts that are expected meanwhile. */
export function experimentRoutes(app: Api, core: FeatureDeps): void {
  const deps = withPorts(core);
  endpoint(
    app,
    deps,
    'experiments:write',
    createRoute({
      method: 'post',
      path: '/v1/experiments',
      tags: ['experiments'],
      summary: 'Record a chaos experiment: measure its steady state, and observe its hypothesis',
      request: body(NewExperiment),
      responses: {
        202: answers('Recorded; its steady state is being measured', Shown),
        409: problems('A service does not allow experiments, or has one in progress'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const id = ExperimentId.parse(newUlid(c, deps.clock));
      const request = { id, experiment: c.req.valid('json'), trace: c.var.trace };
      return c.json(await recordExperiment(deps, c.var.caller, request), 202);
    },
  );

  endpoint(
    app,
    deps,
    'experiments:read',
    createRoute({
      method: 'get',
      path: '/v1/experiments',
      tags: ['experiments'],
      summary: 'List chaos experiments, newest first',
      request: {
        query: z.object({ ...listQuery, ...scopeQuery }),
      },
      responses: { 200: answers('A page of results', pageOf(Shown)) },
    }),
    async (c) => {
      const { limit, cursor, ...query } = c.req.valid('query');
      const scope = await scopeOf(deps, c, query);
      const read = (from?: string) => deps.experiments.list({ limit, ...(from && { cursor: from }), ...scope });
      const isReadable = (experiment: Experiment): boolean =>
        experiment.scope.every((serviceEnvironment) => c.var.may(serviceEnvironment));
      return c.json(await readableWhere(isReadable, read, cursor), 200);
    },
  );

  endpoint(
    app,
    deps,
    'experiments:read',
    createRoute({
      method: 'get',
      path: '/v1/experiments/unobserved',
      tags: ['experiments'],
      summary: 'List runs of chaos systems of the last 30 days that could not be observed, with the reason',
      responses: { 200: answers('The newest first', z.object({ items: z.array(Unobserved) })) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE); // they can belong to any service
      return c.json({ items: await unobservedChaos(deps) }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'experiments:read',
    createRoute({
      method: 'get',
      path: '/v1/experiments/{id}',
      tags: ['experiments'],
      summary: 'Get a chaos experiment with its observations, expected alerts, and events, oldest first',
      request: { params },
      responses: { 200: answers('The experiment', Story), 404: problems('Not found') },
    }),
    async (c) => c.json(await viewExperiment(deps, c.var.caller, c.req.valid('param').id), 200),
  );

  endpoint(
    app,
    deps,
    'experiments:read',
    createRoute({
      method: 'get',
      path: '/v1/experiments/{id}/report',
      tags: ['experiments'],
      summary: 'Get the report of a chaos experiment as Markdown',
      request: { params },
      responses: {
        200: { description: 'The report', content: { 'text/markdown': { schema: z.string() } } },
        404: problems('Not found'),
      },
    }),
    async (c) => {
      const story = await viewExperiment(deps, c.var.caller, c.req.valid('param').id);
      return c.body(reportOf(story), 200, { 'content-type': 'text/markdown; charset=utf-8' });
    },
  );

  endpoint(
    app,
    deps,
    'experiments:write',
    createRoute({
      method: 'patch',
      path: '/v1/experiments/{id}',
      tags: ['experiments'],
      summary: 'Report that an experiment has started or is over',
      request: { params, ...body(ExperimentPatch) },
      responses: {
        202: answers('Requested; the experiment as it was before', Shown),
        404: problems('Not found'),
        409: problems('The experiment is not ready, not running, or has ended'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const { status, reason } = c.req.valid('json');
      const kind = status === 'running' ? 'start' : 'finish';
      return c.json(await sendExperimentRequest(deps, c.var.caller, c.req.valid('param').id, { kind, reason }), 202);
    },
  );

  endpoint(
    app,
    deps,
    'experiments:write',
    createRoute({
      method: 'post',
      path: '/v1/experiments/{id}/actions/stop',
      tags: ['experiments'],
      summary: 'Stop an experiment at the chaos system, or cancel one that has not started',
      request: { params, body: { required: false, content: { 'application/json': { schema: StopBody } } } },
      responses: {
        202: answers('Requested; the experiment as it was before', Shown),
        404: problems('Not found'),
        409: problems('The experiment has ended'),
      },
    }),
    async (c) => {
      const { reason } = StopBody.parse(c.req.valid('json') ?? {});
      return c.json(
        await sendExperimentRequest(deps, c.var.caller, c.req.valid('param').id, { kind: 'stop', reason }),
        202,
      );
    },
  );
}
