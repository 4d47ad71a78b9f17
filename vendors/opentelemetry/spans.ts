import { hash } from 'node:crypto';
import * as z from 'zod';
import type { Span, Spans } from '../../core/domain/changes/span.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { TRACEPARENT } from '../../schemas/parsing/traceparent.ts';
import { millisOf, type Timestamp } from '../../schemas/time/time.ts';
import { vendorClient, withoutTrailingSlash } from '../shared/client.ts';
import { truncate } from '../shared/text.ts';

/** Milliseconds for one request, a third of the time limit of the projectors at most. */
const ATTEMPT_TIMEOUT_MS = 10_000;

/** Characters of an attribute value. The specification sets no limit; collectors and tracing systems cut long ones. */
const VALUE_MAX_CHARS = 1_024;

/** The response of a collector. `partialSuccess` also carries warnings, with no rejected span. */
const ExportTraceServiceResponse = z.object({
  partialSuccess: z
    .object({
      rejectedSpans: z.coerce.number().nullish(), // an int64, which JSON may write as text
      errorMessage: z.string().nullish(),
    })
    .nullish(),
});

type Options = {
  /** The endpoint for all signals; `/v1/traces` is appended, as OpenTelemetry's exporters do. */
  endpoint: () => Promise<string | undefined>;
  /** Headers of each request, as `key=value` pairs separated by commas, percent-encoded. */
  headers: () => Promise<string | undefined>;
  clock: Clock;
};

/**
 * Creates a client that sends spans over OTLP/HTTP in JSON.
 *
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp (read 2026-11)
 * @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/ (read 2026-11)
 */
export function openTelemetrySpans(options: Options): Spans {
  const client = vendorClient({
    vendor: 'OpenTelemetry',
    clock: options.clock,
    async access() {
      const endpoint = await options.endpoint();
      if (!endpoint) return { kind: 'off', detail: 'traces are off: OTEL_EXPORTER_OTLP_ENDPOINT is not set' };
      const headers = headersOf((await options.headers()) ?? '');
      return headers === undefined
        ? {
            kind: 'refused',
            code: 'bad_headers',
            detail: 'OTEL_EXPORTER_OTLP_HEADERS is not a list of key=value pairs, such as api-key=abc,tenant=shop',
          }
        : { url: withoutTrailingSlash(endpoint), headers };
    },
    timeoutMs: ATTEMPT_TIMEOUT_MS,
    errorBody: z.object({ message: z.string().nullish() }).transform(({ message }) => message ?? undefined),
  });

  async function send(spans: readonly Span[]): Promise<VendorResponse<null>> {
    const response = await client({
      method: 'POST',
      path: '/v1/traces',
      body: { resourceSpans: spans.map(resourceSpans) },
      schema: ExportTraceServiceResponse,
    });
    // The same span again has the same IDs, so a repeat does no harm.
    if (response.kind === 'unclear') return { kind: 'later', detail: response.detail, afterSeconds: null };
    if (response.kind !== 'done') return response;
    const { rejectedSpans, errorMessage } = response.value.partialSuccess ?? {};
    return rejectedSpans
      ? { kind: 'refused', code: 'rejected', detail: `the span was rejected: ${errorMessage ?? 'no reason given'}` }
      : { kind: 'done', value: null };
  }

  return { send: (span) => send([span]), check: () => send([]) };
}

/** Returns the headers of a list. Undefined: it is not one. @see https://www.w3.org/TR/baggage/#header-content */
function headersOf(list: string): Record<string, string> | undefined {
  const pairs = list
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .map((pair) => /^([^=\s]+)\s*=\s*(\S.*|)$/.exec(pair));
  try {
    return Object.fromEntries(
      pairs.map((pair) => [(pair?.[1] ?? failParsing()).toLowerCase(), decodeURIComponent(pair?.[2] ?? failParsing())]),
    );
  } catch {
    return undefined;
  }
}

function failParsing(): never {
  throw new TypeError('not a key=value pair');
}

const SPAN_KINDS = { internal: 1, server: 2 } as const;
const STATUS_ERROR = 2;

function resourceSpans({ key, kind, traceparent, name, from, until, failure, resource, attributes }: Span): object {
  const idHash = hash('sha256', key);
  const [, traceId = idHash.slice(0, 32), parentSpanId] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  return {
    resource: { attributes: attributesOf(resource) },
    scopeSpans: [
      {
        scope: { name: 'firebreak' },
        spans: [
          {
            traceId,
            spanId: idHash.slice(32, 48),
            ...(parentSpanId !== undefined && { parentSpanId }),
            name: truncate(name, VALUE_MAX_CHARS),
            kind: SPAN_KINDS[kind],
            startTimeUnixNano: nanos(from),
            endTimeUnixNano: nanos(until),
            attributes: attributesOf(attributes),
            status: failure === null ? {} : { code: STATUS_ERROR, message: truncate(failure, VALUE_MAX_CHARS) },
          },
        ],
      },
    ],
  };
}

const attributesOf = (attributes: Span['attributes']): object[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: truncate(value, VALUE_MAX_CHARS) } }));

/** Returns nanoseconds since the Unix epoch, as text: JSON numbers cannot hold them. */
const nanos = (at: Timestamp): string => `${millisOf(at)}000000`;
