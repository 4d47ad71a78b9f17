import * as z from 'zod';
import { recordPipelineRun } from '../actions/record-pipeline-run.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { pooled } from '../../../core/domain/concurrency.ts';
import { serviceOfPipeline } from '../decisions/pipeline-service.ts';
import { whyReportAhead } from '../decisions/report-times.ts';
import type { Deps } from '../ports.ts';
import { type SpanResult, reportOfSpan } from '../vendors/otlp/pipelines.ts';
import {
  jsonResponse,
  type PartialSuccess,
  protobufResponse,
  type Span,
  spansOfJson,
  spansOfProtobuf,
  TracesUnreadable,
} from '../vendors/otlp/traces.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import { type Api, answers, createRoute, endpoint, problems } from '../../../entrances/http/endpoint.ts';
import { readDecompressed } from '../../../entrances/http/middleware/decompressed-body.ts';

type TracesDeps = Pick<Deps, 'clock' | 'config' | 'pipelineRuns' | 'projections'>;

const PROTOBUF = 'application/x-protobuf';

/** Maximum number of reports that are recorded at the same time. */
const CONCURRENT_REPORTS = 8;

const ExportResponse = z
  .object({
    partialSuccess: z
      .object({ rejectedSpans: z.string(), errorMessage: z.string() })
      .optional()
      .meta({ description: 'Absent if all spans were accepted' }),
  })
  .meta({ id: 'ExportTraceServiceResponse' });

/** Registers the OTLP receiver for traces of pipelines. */
export function traceRoutes(app: Api, deps: TracesDeps): void {
  endpoint(
    app,
    deps,
    'pipelines:write',
    createRoute({
      method: 'post',
      path: '/v1/traces',
      tags: ['pipelines'],
      summary: 'Receive traces of pipelines: OTLP/HTTP in JSON or protobuf, also with Content-Encoding: gzip',
      request: {
        body: {
          required: true,
          // A plain schema: the handler reads the body, which can be compressed.
          content: { 'application/json': { schema: { type: 'object' } }, [PROTOBUF]: { schema: { type: 'string' } } },
        },
      },
      responses: {
        200: answers('Recorded, except for the rejected spans', ExportResponse),
        400: problems('Not an export request for traces'),
        413: problems('Larger than 4 MiB, or than 24 MiB when decompressed'),
        415: problems('Neither JSON nor protobuf'),
      },
    }),
    async (c) => {
      const type = (c.req.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
      if (type !== 'application/json' && type !== PROTOBUF)
        throw new Refusal(
          415,
          'unsupported-media-type',
          `Content-Type is ${type.slice(0, 64)}; send application/json or ${PROTOBUF}`,
        );
      const body = await readDecompressed(c);
      const spans = parsedSpans(() =>
        type === PROTOBUF ? spansOfProtobuf(body) : spansOfJson(new TextDecoder().decode(body)),
      );
      const outcome = await recordReports(deps, spans, (service) => c.var.may({ service }));
      if (outcome.rejected > 0) c.var.log.warn('spans of a trace were rejected', { ...outcome });
      if (type !== PROTOBUF) return c.json(jsonResponse(outcome), 200);
      return c.body(protobufResponse(outcome), 200, { 'content-type': PROTOBUF }) as never;
    },
  );
}

/** @throws Refusal 400 if the traces cannot be read */
function parsedSpans(spans: () => Span[]): Span[] {
  try {
    return spans();
  } catch (error) {
    if (error instanceof TracesUnreadable) throw new Refusal(400, 'not-otlp', error.message);
    throw error;
  }
}

/** A span that reports a run of a pipeline, or a stage of one. */
type Report = SpanResult & { kind: 'report' };

/** Records the runs and stages that the spans report. Rejects spans with errors, and those of services that the token may not report. */
async function recordReports(
  deps: TracesDeps,
  spans: readonly Span[],
  may: (service: ServiceName | null) => boolean,
): Promise<PartialSuccess> {
  const config = await deps.config.current();
  const now = deps.clock.now();
  const reasons = new Map<string, number>();
  const reject = (why: string) => reasons.set(why, (reasons.get(why) ?? 0) + 1);
  const reports: Report[] = [];
  for (const span of spans) {
    const result = reportOfSpan(span, (name) => Object.hasOwn(config.services, name));
    if (result.kind === 'rejected') reject(result.why);
    if (result.kind !== 'report') continue;
    const whyAhead = whyReportAhead(result.report, now);
    if (whyAhead !== undefined) reject(whyAhead);
    else if (may(serviceOfPipeline(config, result.report))) reports.push(result);
    else reject('the token may not report this service');
  }
  // Runs before their stages, which count under the branch of their run.
  const [stages, runs] = [reports.filter(isStage), reports.filter((report) => !isStage(report))];
  for (const group of [runs, stages])
    await pooled(
      group,
      CONCURRENT_REPORTS,
      async ({ report, trace }) => void (await recordPipelineRun(deps, report, undefined, trace)),
    );
  return {
    rejected: [...reasons.values()].reduce((sum, count) => sum + count, 0),
    message: [...reasons]
      .map(([why, count]) => `${count}: ${why}`)
      .join('; ')
      .slice(0, 1000),
  };
}

const isStage = ({ report }: Report): boolean => report.finished_at == null;
