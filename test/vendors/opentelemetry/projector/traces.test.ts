import { beforeEach, expect, test } from 'vitest';
import { openTelemetrySpans } from '../../../../vendors/opentelemetry/spans.ts';
import { sync } from '../../../../core/projectors/sync.ts';
import { tracesProjector } from '../../../../vendors/opentelemetry/projector/traces.ts';
import { noExtensions } from '../../../../core/domain/ports/extensions.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import type { ChangeId } from '../../../../schemas/config/names.ts';
import type { Subject } from '../../../../schemas/incidents/projection.ts';
import { vendor, type Vendor } from '../../server.ts';
import { FakeWorld, silent } from '../../../support/fake-deps.ts';
import { StoredProjections } from '../../projectors/stored-projections.ts';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const ACCEPTED = { body: '{"partialSuccess":{}}' };

let world: FakeWorld;
let projections: StoredProjections;

beforeEach(() => {
  world = new FakeWorld();
  projections = new StoredProjections(world.clock);
});

async function recorded(more: object, traceparent?: string): Promise<ChangeId> {
  const change = { service: 'checkout', environment: 'production', version: 'v7', started_at: world.clock.now() };
  const extra = traceparent === undefined ? {} : { traceparent };
  return (await world.deps.changes.record(NewChange.parse({ ...change, ...more }), extra)).change.id;
}

/** Marks the change, advances the time, and runs the projector against a collector. */
async function changed(id: ChangeId, collector: Vendor, headers?: string): Promise<void> {
  await synced(`change:${id}`, collector, headers);
}

async function synced(subject: Subject, collector: Vendor, headers?: string): Promise<void> {
  world.clock.set(world.clock.millis + 90_000);
  await projections.changed(subject);
  const { clock, deps } = world;
  const spans = openTelemetrySpans({ endpoint: async () => `${collector.url}/`, headers: async () => headers, clock });
  const projector = tracesProjector({
    spans,
    projections,
    changes: deps.changes,
    extensions: noExtensions,
  });
  await sync('traces', { clock, log: silent, projections }, projector);
}

const spansAt = ({ received }: Vendor) =>
  received.flatMap(({ body }) =>
    JSON.parse(body).resourceSpans.map(
      ({ resource, scopeSpans }: { resource: object; scopeSpans: { spans: object[] }[] }) => ({
        resource,
        ...scopeSpans[0]?.spans[0],
      }),
    ),
  );

test('a change is one span, sent once it has ended, in the trace of the request that recorded it', async () => {
  const collector = await vendor({ status: 503 }, ACCEPTED);
  const started = world.clock.millis;
  const id = await recorded({ status: 'started', commit: 'c0ffee', author: 'ada' }, TRACEPARENT);
  await changed(id, collector);
  expect(collector.received).toEqual([]);

  await world.deps.changes.patch(id, { status: 'failed', finished_at: world.clock.now() });
  for (let n = 0; n < 3; n += 1) await changed(id, collector, 'api-key=a%20b, x-tenant=shop');
  expect(collector.received.map(({ path, headers }) => [path, headers['api-key'], headers['x-tenant']])).toEqual([
    ['/v1/traces', 'a b', 'shop'],
    ['/v1/traces', 'a b', 'shop'],
  ]);
  const [first, second] = spansAt(collector);
  expect(second).toEqual(first);
  expect(second).toMatchObject({
    resource: {
      attributes: [
        { key: 'service.name', value: { stringValue: 'checkout' } },
        { key: 'service.version', value: { stringValue: 'v7' } },
        { key: 'deployment.environment.name', value: { stringValue: 'production' } },
      ],
    },
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
    parentSpanId: '00f067aa0ba902b7',
    name: 'Deploy checkout',
    startTimeUnixNano: `${started}000000`,
    endTimeUnixNano: `${started + 90_000}000000`,
    status: { code: 2, message: 'Deploy of v7 failed' },
  });
  expect(second.attributes).toContainEqual({ key: 'deployment.status', value: { stringValue: 'failed' } });
  expect(second.attributes).toContainEqual({ key: 'vcs.ref.head.revision', value: { stringValue: 'c0ffee' } });
});

test('changes without a trace context begin a trace each', async () => {
  const collector = await vendor(ACCEPTED);
  await changed(await recorded({}), collector);
  await changed(await recorded({ version: 'v8' }), collector);
  const spans = spansAt(collector);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(2);
  expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual([undefined, undefined]);
});

test('a rejected span is retried, and unreadable headers are a refusal', async () => {
  const rejected = { body: '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}' };
  const collector = await vendor(rejected, ACCEPTED);
  const id = await recorded({});
  await changed(id, collector, 'no pairs here');
  expect(collector.received).toEqual([]);
  for (let n = 0; n < 3; n += 1) {
    world.clock.set(world.clock.millis + 3600_000);
    await changed(id, collector);
  }
  expect(collector.received).toHaveLength(2);
});
