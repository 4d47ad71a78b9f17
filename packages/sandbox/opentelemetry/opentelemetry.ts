import * as z from 'zod';
import { exchanges } from '../core/exchanges.ts';
import type { StandIn } from '../core/stand-in.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

const id = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`), `must be ${bytes} bytes in hexadecimal notation`)
    .refine((text) => !/^0+$/.test(text), 'must not be zero');
const nanos = z.string().regex(/^\d{1,20}$/);

/** The fields of a request that a collector needs; it ignores the others. */
const Span = z.object({
  traceId: id(16),
  spanId: id(8),
  parentSpanId: z.union([id(8), z.literal('')]).optional(),
  name: z.string(),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes: z.array(z.object({ key: z.string().min(1), value: z.record(z.string(), z.unknown()) })).optional(),
});
const Request = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(Span) })) })),
});

/**
 * A collector of OpenTelemetry: OTLP/HTTP for traces, in JSON. It checks requests and stores nothing; the journal shows
 * them.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp (read 2026-11)
 */
export const opentelemetry = {
  vendor: 'opentelemetry',
  tables: '',
  credentialKeys: [],
  settings: (url) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url }),
  throttled: () =>
    Response.json({ code: 8, message: 'Too many requests' }, { status: 429, headers: { 'retry-after': '1' } }),
  app: () =>
    exchanges({
      'POST /v1/traces'({ json, header }) {
        if (!/^application\/json\b/.test(header('content-type')))
          return new Response('Unsupported Media Type', { status: 415 });
        const { error } = Request.safeParse(json);
        return error
          ? Response.json({ code: 3, message: inputProblemText(error) }, { status: 400 })
          : { partialSuccess: {} };
      },
    }).notFound((c) => c.text('404 page not found', 404)),
  view: null,
} as const satisfies StandIn;
