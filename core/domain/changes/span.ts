import { ofVersion } from './change-words.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { changeTitle } from '../correlation/words.ts';
import type { VendorResponse } from '../ports/vendor-response.ts';

/** A span of OpenTelemetry: something that has ended, with its place in a trace. */
export type Span = {
  /** Identifies the span. The same key is the same span ID, and without a parent the same trace ID. */
  key: string;
  kind: 'internal' | 'server';
  /** W3C trace context of the request that reported it: the span's parent. Null: the span begins a trace. */
  traceparent: string | null;
  name: string;
  from: Timestamp;
  until: Timestamp;
  /** Why it failed. Null: it did not fail. */
  failure: string | null;
  /** What the span is about, by OpenTelemetry's semantic conventions for resources. */
  resource: Readonly<Record<string, string>>;
  attributes: Readonly<Record<string, string>>;
};

export type Spans = {
  /** Sends a span in one attempt. A repeat sends the same IDs, so that tracing systems can recognize it. */
  send(span: Span): Promise<VendorResponse<null>>;
  /** Sends no span, to check the connection. */
  check(): Promise<VendorResponse<null>>;
};

/**
 * Returns the span of a change. Undefined: it has not ended.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/deployment/ (read 2026-11)
 */
export function changeSpan(change: Change): Span | undefined {
  const { id, kind, service, environment, version, status, started_at, finished_at } = change;
  if (status === 'started') return undefined;
  const optional = {
    'vcs.ref.head.revision': change.commit,
    'url.full': change.url,
    'firebreak.change.author': change.author,
    'firebreak.change.previous_version': change.previous_version,
    'firebreak.incident.id': change.made_for,
  };
  return {
    key: `change:${id}`,
    kind: 'internal',
    traceparent: change.traceparent ?? null,
    name: `${changeTitle(kind)} ${service}`,
    from: started_at,
    until: finished_at === null || finished_at < started_at ? started_at : finished_at,
    failure: status === 'failed' ? `${changeTitle(kind)} ${ofVersion(change)} failed` : null,
    resource: { 'service.name': service, 'service.version': version, 'deployment.environment.name': environment },
    attributes: {
      'deployment.id': id,
      'deployment.name': `${service} ${version}`,
      'deployment.status': status,
      'firebreak.change.kind': kind,
      ...Object.fromEntries(Object.entries(optional).filter((entry): entry is [string, string] => entry[1] !== null)),
    },
  };
}
