import { createRoute, z } from '@hono/zod-openapi';
import { recordPipelineRun } from '../../../actions/delivery/record-pipeline-run.ts';
import { Refusal } from '../../../actions/refusal.ts';
import { pooled } from '../../../actions/shared/concurrency.ts';
import { serviceOfPipeline } from '../../../domain/delivery/pipeline-service.ts';
import { whyReportAhead } from '../../../domain/delivery/report-times.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import { type SpanResult, reportOfSpan } from '../../../integrations/otlp/pipelines.ts';
import {
  jsonResponse,
  type PartialSuccess,
  protobufResponse,
  type Span,
  spansOfJson,
  spansOfProtobuf,
  TracesUnreadable,
} from '../../../integrations/otlp/traces.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import { answers, type Api, endpoint, problems } from '../../endpoint.ts';
import { readDecompressed } from '../../middleware/decompressed-body.ts';

const PROTOBUF = 'application/x-protobuf';

/** Number of reports that are recorded at the same time. */
const AT_ONCE = 8;

const Response = z
  .object({
    partialSuccess: z
      .object({ rejectedSpans: z.string(), errorMessage: z.string() })
      .optional()
      .openapi({ description: 'Absent if all spans were accepted' }),
  })
  .meta({ id: 'ExportTraceServiceResponse' });

/** Registers OTLP's receiver of traces, for those of pipelines. */
export function traceRoutes(app: Api, deps: Deps): void {
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
        200: answers('Recorded, except for the rejected spans', Response),
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
      const spans = read(() =>
        type === PROTOBUF ? spansOfProtobuf(body) : spansOfJson(new TextDecoder().decode(body)),
      );
      const outcome = await record(deps, spans, (service) => c.var.may({ service }));
      if (outcome.rejected > 0) c.var.log.warn('spans of a trace were rejected', { ...outcome });
      if (type !== PROTOBUF) return c.json(jsonResponse(outcome), 200);
      return c.body(protobufResponse(outcome), 200, { 'content-type': PROTOBUF }) as never;
    },
  );
}

/** @throws Refusal 400 if the traces cannot be read */
function read(spans: () => Span[]): Span[] {
  try {
    return spans();
  } catch (error) {
    if (error instanceof TracesUnreadable) throw new Refusal(400, 'not-otlp', error.message);
    throw error;
  }
}

type Report = SpanResult & { kind: 'report' };

async function record(
  deps: Deps,
  spans: readonly Span[],
  may: (service: ServiceName | null) => boolean,
): Promise<PartialSuccess> {
  const config = await deps.config.current();
  const now = deps.clock.now();
  const reasons = new Map<string, number>();
  const reject = (why: string) => reasons.set(why, (reasons.get(why) ?? 0) + 1);
  const reports: Report[] = [];
  for (const span of spans) {
    const found = reportOfSpan(span, (name) => Object.hasOwn(config.services, name));
    if (found.kind === 'rejected') reject(found.why);
    if (found.kind !== 'report') continue;
    const wrong = whyReportAhead(found.report, now);
    if (wrong !== undefined) reject(wrong);
    else if (may(serviceOfPipeline(config, found.report))) reports.push(found);
    else reject('the token may not report this service');
  }
  // Runs before their stages, which count under the branch of their run.
  const [stages, runs] = [reports.filter(isStage), reports.filter((one) => !isStage(one))];
  for (const all of [runs, stages])
    await pooled(
      all,
      AT_ONCE,
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

const isStage = ({ report }: Report): boolean => report.stages.length > 0;
