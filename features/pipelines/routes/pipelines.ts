import * as z from 'zod';
import { recordPipelineRun } from '../actions/record-pipeline-run.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { EVERYWHERE } from '../../../core/domain/access/access.ts';
import { unmappedPipelines } from '../decisions/unmapped-pipelines.ts';
import { whyReportAhead } from '../decisions/report-times.ts';
import type { Deps } from '../ports.ts';
import { ServiceName } from '../../../schemas/config/names.ts';
import {
  branchOfRef,
  PipelineRun,
  PipelineRunId,
  PipelineRunReport,
  PipelineStage,
  ReportedResult,
} from '../pipeline-run.ts';
import { traceContextOf } from '../../../schemas/parsing/traceparent.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
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
} from '../../../entrances/http/endpoint.ts';

const Shown = PipelineRun.meta({ id: 'PipelineRun' });
const Reported = PipelineRun.extend({
  warnings: z.array(z.string()).meta({ description: 'A service that the configuration does not have' }),
}).meta({ id: 'ReportedPipelineRun' });
const WithStages = PipelineRun.extend({ stages: z.array(PipelineStage) }).meta({ id: 'PipelineRunWithStages' });

const Unmapped = z
  .object({
    service: z.string().nullable().meta({ description: 'The service that its reports name; null: none' }),
    repository: z.string().nullable(),
    pipeline: z.string().nullable(),
    why: z.string(),
    lines: z.string().meta({ description: 'Lines of config/services.yaml that map it' }),
    /** When the newest run began. */
    at: Timestamp,
    url: z.string().nullable().meta({ description: 'Link to the newest run' }),
  })
  .meta({ id: 'UnmappedPipeline' });

/** Registers the routes of pipeline runs. */
export function runRoutes(app: Api, deps: Pick<Deps, 'clock' | 'config' | 'pipelineRuns' | 'projections'>): void {
  endpoint(
    app,
    deps,
    'pipelines:write',
    createRoute({
      method: 'post',
      path: '/v1/pipelines/runs',
      tags: ['pipelines'],
      summary: 'Report a run of a pipeline; reports of one run and attempt are merged, in any order',
      request: body(PipelineRunReport),
      responses: {
        201: answers('Recorded', Reported),
        200: answers('Merged into the run', Reported),
        422: problems('Validation failed'),
      },
    }),
    async (c) => {
      const report = c.req.valid('json');
      const ahead = whyReportAhead(report, deps.clock.now());
      if (ahead !== undefined) throw new Refusal(422, 'invalid', `json: ${ahead}`);
      const { run, created, warnings } = await recordPipelineRun(
        deps,
        report,
        c.var.allow,
        traceContextOf(c.req.header('traceparent')),
      );
      return c.json({ ...run, warnings }, created ? 201 : 200);
    },
  );

  endpoint(
    app,
    deps,
    'pipelines:read',
    createRoute({
      method: 'get',
      path: '/v1/pipelines/runs',
      tags: ['pipelines'],
      summary: 'List runs of pipelines, newest first',
      request: {
        query: z.object({
          ...listQuery,
          service: ServiceName.optional(),
          branch: z.string().min(1).max(512).transform(branchOfRef).optional(),
          result: ReportedResult.optional(),
        }),
      },
      responses: { 200: answers('A page of results', pageOf(Shown)) },
    }),
    async (c) => {
      const { limit, cursor, service, branch, result } = c.req.valid('query');
      const scope = await scopeOf(deps, c, { service });
      const wanted = { ...scope, ...(branch && { branch }), ...(result && { result }) };
      const read = (from?: string) => deps.pipelineRuns.list({ limit, ...(from && { cursor: from }), ...wanted });
      const isReadable = (run: PipelineRun): boolean => c.var.may({ service: run.service });
      return c.json(await readableWhere(isReadable, read, cursor), 200);
    },
  );

  endpoint(
    app,
    deps,
    'pipelines:read',
    createRoute({
      method: 'get',
      path: '/v1/pipelines/unmapped',
      tags: ['pipelines'],
      summary: 'List pipelines whose runs belong to no single service of the catalogue',
      responses: { 200: answers('The newest first', z.object({ items: z.array(Unmapped) })) },
    }),
    async (c) => {
      c.var.allow(EVERYWHERE); // they can belong to any service
      const [{ services }, runs] = await Promise.all([deps.config.current(), deps.pipelineRuns.unmapped()]);
      return c.json({ items: unmappedPipelines(services, runs) }, 200);
    },
  );

  endpoint(
    app,
    deps,
    'pipelines:read',
    createRoute({
      method: 'get',
      path: '/v1/pipelines/runs/{id}',
      tags: ['pipelines'],
      summary: 'Get a run of a pipeline with its stages',
      request: { params: z.object({ id: PipelineRunId }) },
      responses: { 200: answers('The run', WithStages), 404: problems('Not found') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const found = await deps.pipelineRuns.get(id);
      if (found === undefined) throw new Refusal(404, 'unknown-pipeline-run', `no pipeline run has the ID ${id}`);
      c.var.allow({ service: found.run.service });
      return c.json({ ...found.run, stages: found.stages }, 200);
    },
  );
}
