import * as z from 'zod';
import { requestCanaryCommand, startCanary, viewCanary } from './actions/canaries.ts';
import type { FeatureDeps } from '../manifest.ts';
import { withPorts } from './ports.ts';
import {
  Canary,
  CanaryCheck,
  CanaryCommandBody,
  CanaryCommandKind,
  CanaryEvent,
  CanaryId,
  NewCanary,
} from './canary.ts';
import {
  type Api,
  answers,
  body,
  createRoute,
  endpoint,
  listQuery,
  pageOf,
  problems,
  readable,
  scopeOf,
  scopeQuery,
} from '../../entrances/http/endpoint.ts';
import { newUlid } from '../../entrances/http/new-id.ts';

const Shown = Canary.meta({ id: 'Canary' });
const Story = Canary.extend({ events: z.array(CanaryEvent), checks: z.array(CanaryCheck) }).meta({ id: 'CanaryStory' });
const params = z.object({ id: CanaryId });

const SUMMARIES = {
  promote: 'Continue with the next share of the traffic now; with full, give the version all traffic',
  hold: 'Keep the share of the traffic until a person promotes',
  abort: 'Give all traffic back to the stable version',
} as const satisfies Record<CanaryCommandKind, string>;

/** Registers the routes of canaries, which give a new version traffic step by step. */
export function canaryRoutes(app: Api, core: FeatureDeps): void {
  const deps = withPorts(core);
  endpoint(
    app,
    deps,
    'canaries:write',
    createRoute({
      method: 'post',
      path: '/v1/canaries',
      tags: ['canaries'],
      summary: 'Start a canary: give a version traffic step by step while the judge finds it healthy',
      request: body(NewCanary),
      responses: {
        202: answers('Started', Shown),
        409: problems('Canaries are not configured, one is in progress, or the stable version is unknown'),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const request = { id: CanaryId.parse(newUlid(c, deps.clock)), canary: c.req.valid('json'), trace: c.var.trace };
      return c.json(await startCanary(deps, c.var.caller, request), 202);
    },
  );

  endpoint(
    app,
    deps,
    'canaries:read',
    createRoute({
      method: 'get',
      path: '/v1/canaries',
      tags: ['canaries'],
      summary: 'List canaries, newest first',
      request: {
        query: z.object({ ...listQuery, ...scopeQuery }),
      },
      responses: { 200: answers('A page of results', pageOf(Shown)) },
    }),
    async (c) => {
      const { limit, cursor, ...query } = c.req.valid('query');
      const scope = await scopeOf(deps, c, query);
      const read = (from?: string) => deps.canaries.list({ limit, ...(from && { cursor: from }), ...scope });
      return c.json(await readable(c.var, read, cursor), 200);
    },
  );

  endpoint(
    app,
    deps,
    'canaries:read',
    createRoute({
      method: 'get',
      path: '/v1/canaries/{id}',
      tags: ['canaries'],
      summary: 'Get a canary with its newest events and checks, newest first',
      request: { params },
      responses: { 200: answers('The canary', Story), 404: problems('Not found') },
    }),
    async (c) => c.json(await viewCanary(deps, c.var.caller, c.req.valid('param').id), 200),
  );

  for (const kind of CanaryCommandKind.options)
    endpoint(
      app,
      deps,
      'canaries:write',
      createRoute({
        method: 'post',
        path: `/v1/canaries/{id}/actions/${kind}`,
        tags: ['canaries'],
        summary: SUMMARIES[kind],
        request: {
          params,
          body: { required: false, content: { 'application/json': { schema: CanaryCommandBody } } },
        },
        responses: {
          202: answers('Requested; the canary as it was before', Shown),
          404: problems('Not found'),
          409: problems('The canary has ended, is being aborted, was found worse, or may not get more traffic now'),
        },
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        const { reason, full } = CanaryCommandBody.parse(c.req.valid('json') ?? {});
        return c.json(await requestCanaryCommand(deps, c.var.caller, id, { kind, reason, full }), 202);
      },
    );
}
