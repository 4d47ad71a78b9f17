import { Hono } from 'hono';
import * as z from 'zod';
import type { StandIn } from '../core/stand-in.ts';

const id = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`), `must be ${bytes} bytes in hexadecimal notation`)
    .refine((text) => !/^0+$/.test(text), 'must not be zero');
const nanos = z.union([z.string().regex(/^\d{1,20}$/), z.int().nonnegative()]);
const Attribute = z.object({ key: z.string().min(1), value: z.record(z.string(), z.unknown()) });

/** The fields of a request that a collector needs; it ignores unknown ones. */
const ExportTraceServiceRequest = z.object({
  resourceSpans: z
    .array(
      z.object({
        resource: z.object({ attributes: z.array(Attribute).default([]) }).default({ attributes: [] }),
        scopeSpans: z
          .array(
            z.object({
              spans: z
                .array(
                  z.object({
                    traceId: id(16),
                    spanId: id(8),
                    parentSpanId: z.union([id(8), z.literal('')]).optional(),
                    name: z.string(),
                    kind: z.int().min(0).max(5).default(0),
                    startTimeUnixNano: nanos,
                    endTimeUnixNano: nanos,
                    attributes: z.array(Attribute).default([]),
                    status: z.object({ code: z.int().min(0).max(2).default(0) }).optional(),
                  }),
                )
                .default([]),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
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
    new Hono()
      .post('/v1/traces', async (c) => {
        if (!/^application\/json\b/.test(c.req.header('content-type') ?? ''))
          return c.text('Unsupported Media Type', 415);
        const request = ExportTraceServiceRequest.safeParse(await c.req.json().catch(() => undefined));
        if (!request.success) return c.json({ code: 3, message: z.prettifyError(request.error) }, 400);
        return c.json({ partialSuccess: {} });
      })
      .notFound((c) => c.text('404 page not found', 404)),
  view: null,
} as const satisfies StandIn;
