/**
 * A W3C trace context: version, trace ID, parent span ID, and flags. IDs of zeros only are invalid.
 *
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:$|-)/;

/** Returns the caller's W3C trace context to keep, so that a span of what it reports is a part of the caller's trace. */
export const traceContextOf = (traceparent: string | undefined): { traceparent?: string } =>
  traceparent !== undefined && TRACEPARENT.test(traceparent) ? { traceparent } : {};
