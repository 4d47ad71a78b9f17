import type { Context, MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { recordPipelineRun } from '../actions/record-pipeline-run.ts';
import { contentRefusal, Refusal } from '../../../core/domain/refusal.ts';
import { FairTurns } from '../../../core/stores/fair-turns.ts';
import { type Allowance, TokenBuckets } from '../../../core/domain/time/token-bucket.ts';
import { senderOf } from '../../../entrances/http/middleware/authentication.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { serviceOfPipeline, serviceReported } from '../decisions/pipeline-service.ts';
import { whyOneOfManyAhead } from '../decisions/report-times.ts';
import type { Deps } from '../ports.ts';
import { type SpanResult, reportOfSpan } from '../vendors/otlp/pipelines.ts';
import {
  jsonResponse,
  type PartialSuccess,
  protobufResponse,
  protobufStatus,
  type Span,
  SPANS_MAX,
  spansOfJson,
  spansOfProtobuf,
  TracesUnreadable,
} from '../vendors/otlp/traces.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import { type Api, answers, createRoute, endpoint, problems } from '../../../entrances/http/endpoint.ts';
import type { Env } from '../../../entrances/http/context.ts';
import { refusedPartly } from '../../../entrances/http/middleware/refusals.ts';
import { textIn } from '../../../entrances/http/middleware/i-json.ts';
import { readDecompressed } from '../../../entrances/http/middleware/decompressed-body.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

type TracesDeps = Pick<Deps, 'clock' | 'config' | 'pipelineRuns' | 'projections'>;

const PATH = '/v1/traces';

const PROTOBUF = 'application/x-protobuf';

/**
 * Spans that a caller may send to an instance: two of the largest requests at once, then a few large pipelines a minute. To
 * record a span takes one to two milliseconds.
 */
const SPAN_ALLOWANCE: Allowance = { perSecond: 100, burst: 2 * SPANS_MAX };

/** To read a span takes this share of the work to record one. Most spans of some collectors are parts that are not recorded. */
const READING_SHARE = 0.1;

/** Number of callers whose allowance is remembered. */
const CALLERS_MAX = 10_000;

/** Reports that are recorded at the same time: they take about a turn where the store is in this process. */
const CONCURRENT_REPORTS = 4;

const ExportResponse = z
  .object({
    partialSuccess: z
      .object({ rejectedSpans: z.string(), errorMessage: z.string() })
      .optional()
      .meta({ description: 'Absent if all spans were accepted' }),
  })
  .meta({ id: 'ExportTraceServiceResponse' });

/** Answers failed requests of exporters in their format, also those that exceed the rate limit. */
export const traceMiddleware = (app: Api): void => void app.use(PATH, failInProtobuf);

/** Registers the OTLP receiver for traces of pipelines. */
export function traceRoutes(app: Api, deps: TracesDeps): void {
  const turns = { reading: new FairTurns(), recording: new FairTurns() };
  const buckets = new TokenBuckets(SPAN_ALLOWANCE, CALLERS_MAX);
  const takeSpans = (caller: string, spans: number): void => {
    const seconds = buckets.take(caller, millisOf(deps.clock.now()), spans);
    if (seconds === null) return;
    const detail = `more than ${SPAN_ALLOWANCE.burst} spans at once, or ${SPAN_ALLOWANCE.perSecond} per second; try again in ${seconds} s`;
    throw new Refusal(429, 'too-many-requests', detail, { 'retry-after': String(seconds) });
  };
  endpoint(
    app,
    deps,
    'pipelines:write',
    createRoute({
      method: 'post',
      path: PATH,
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
        429: problems('Too many spans; try again after Retry-After'),
      },
    }),
    async (c) => {
      const type = contentType(c);
      if (type !== 'application/json' && type !== PROTOBUF)
        throw new Refusal(
          415,
          'unsupported-media-type',
          `Content-Type is ${type.slice(0, 64)}; send application/json or ${PROTOBUF}`,
        );
      const body = await readDecompressed(c);
      const caller = senderOf(c.var.principal);
      const spans = type === PROTOBUF ? spansOfProtobuf(body) : spansOfJson(textIn(body));
      const read = await reportsIn(deps, { turns: turns.reading, caller }, spans, (service) => c.var.may({ service }));
      takeSpans(caller, read.reports.length + Math.ceil(read.spans * READING_SHARE));
      await record(deps, { turns: turns.recording, caller }, read.reports);
      const outcome = partialSuccess(read);
      if (outcome.rejected > 0) {
        c.var.log.warn('spans of a trace were rejected', { ...outcome });
        refusedPartly(c, `spans were rejected: ${outcome.message}`);
      }
      if (type !== PROTOBUF) return c.json(jsonResponse(outcome), 200);
      return c.body(protobufResponse(outcome), 200, { 'content-type': PROTOBUF }) as never;
    },
  );
}

const contentType = (c: Context): string => c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';

/**
 * Answers a failed request in protobuf with a `google.rpc.Status`, in place of a problem document.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#failures
 */
const failInProtobuf: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  if (c.res.status < 400 || contentType(c) !== PROTOBUF) return;
  const status = protobufStatus(c.get('refusedFor') ?? '');
  c.res = new Response(status, { status: c.res.status, headers: { 'content-type': PROTOBUF } });
};

/** A span that reports a run of a pipeline, or a stage of one. */
type Report = SpanResult & { kind: 'report' };

/** What an export says. `refused`: why spans are rejected, and how many. `spans`: all of them. */
type Export = { reports: Report[]; refused: Map<string, number>; spans: number };

/**
 * Reads an export, in turns. Rejects spans with errors, and those of services that the token may not report.
 *
 * @throws Refusal 400 if it cannot be read
 */
async function reportsIn(
  deps: Pick<TracesDeps, 'clock' | 'config'>,
  { turns, caller }: { turns: FairTurns; caller: string },
  spans: Iterable<Span>,
  may: (service: ServiceName | null) => boolean,
): Promise<Export> {
  const config = await deps.config.current();
  const now = deps.clock.now();
  const resultOf = (span: Span): SpanResult => {
    const result = reportOfSpan(span, (name) => serviceReported(config.services, name) !== undefined);
    if (result.kind !== 'report') return result;
    const why =
      whyOneOfManyAhead(result.report, now) ??
      (may(serviceOfPipeline(config, result.report)) ? undefined : 'the token may not report this service');
    return why === undefined ? result : { kind: 'rejected', why };
  };
  const refused = new Map<string, number>();
  const results = await turns.map(caller, spans, resultOf).catch(refuseUnreadable);
  for (const result of results)
    if (result.kind === 'rejected') refused.set(result.why, (refused.get(result.why) ?? 0) + 1);
  return { reports: results.filter((result) => result.kind === 'report'), refused, spans: results.length };
}

function refuseUnreadable(error: unknown): never {
  if (error instanceof TracesUnreadable) throw contentRefusal(400, 'not-otlp', error.message);
  throw error;
}

/** Records reports, in turns: runs before their stages, which count under the branch of their run. */
async function record(
  deps: TracesDeps,
  { turns, caller }: { turns: FairTurns; caller: string },
  reports: readonly Report[],
): Promise<void> {
  const [stages, runs] = [reports.filter(isStage), reports.filter((report) => !isStage(report))];
  for (const group of [runs, stages])
    await turns.map(caller, parts(group, CONCURRENT_REPORTS), (some) =>
      Promise.all(some.map(({ report, trace }) => recordPipelineRun(deps, report, undefined, trace))),
    );
}

function* parts<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
}

const partialSuccess = ({ refused }: Export): PartialSuccess => ({
  rejected: [...refused.values()].reduce((sum, count) => sum + count, 0),
  message: truncated([...refused].map(([why, count]) => `${count}: ${why}`).join('; '), 1000),
});

const isStage = ({ report }: Report): boolean => report.finished_at == null;
