import { beforeEach, describe, expect, test } from 'vitest';
import { openTelemetrySpans } from '../../../integrations/opentelemetry/spans.ts';
import { sync } from '../../../projectors/sync/sync.ts';
import { tracesProjector } from '../../../projectors/traces/traces.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import { mergedRun } from '../../../features/pipelines/decisions/merge-run.ts';
import type { ChangeId, ServiceName } from '../../../schemas/config/names.ts';
import {
  type PipelineRun,
  type PipelineRunId,
  type PipelineRunInput,
  PipelineRunReport,
  type RunTrace,
} from '../../../features/pipelines/pipeline-run.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { vendor, type Vendor } from '../../integrations/server.ts';
import { FakeWorld, silent } from '../../support/fake-deps.ts';
import { MemoryProjections } from '../memory-projections.ts';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const ACCEPTED = { body: '{"partialSuccess":{}}' };

let world: FakeWorld;
let projections: MemoryProjections;

beforeEach(() => {
  world = new FakeWorld();
  projections = new MemoryProjections(world.clock, () => undefined);
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

let runs: PipelineRun[] = [];

async function synced(subject: Subject, collector: Vendor, headers?: string): Promise<void> {
  world.clock.set(world.clock.millis + 90_000);
  await projections.changed(subject);
  const { clock, deps } = world;
  const spans = openTelemetrySpans({ endpoint: async () => `${collector.url}/`, headers: async () => headers, clock });
  const projector = tracesProjector({
    spans,
    projections,
    changes: deps.changes,
    pipelineRuns: {
      get: async (id) => runs.filter((one) => one.id === id).map((run) => ({ run, stages: [] }))[0],
    },
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

describe('a run of a pipeline', () => {
  const RUN = `run_${'0'.repeat(26)}` as PipelineRunId;

  /** Adds a report to the run, as the table does. */
  function reported(report: Partial<PipelineRunInput>, trace: RunTrace = {}): void {
    const before = runs[0] && { record: runs[0], stamps: {}, measured: [] };
    const { stages: _, ...rest } = PipelineRunReport.parse({ repository: 'acme/shop/cart', run_id: '4711', ...report });
    runs = [mergedRun(before, RUN, { ...rest, service: 'cart' as ServiceName, trace }, world.clock.now()).record];
  }

  beforeEach(() => {
    runs = [];
  });

  test('is one span after its end, in the trace of the request that reported it', async () => {
    const collector = await vendor(ACCEPTED);
    const started = world.clock.millis;
    reported({ pipeline: 'CI', branch: 'main', commit: 'c0ffee', started_at: world.clock.now() });
    await synced(`pipeline-run:${RUN}`, collector);
    expect(collector.received).toEqual([]);
    reported({ result: 'failed', finished_at: world.clock.now() }, { traceparent: TRACEPARENT });
    for (let n = 0; n < 3; n += 1) await synced(`pipeline-run:${RUN}`, collector);
    const [span, ...more] = spansAt(collector);
    expect(more).toEqual([]);
    expect(span).toMatchObject({
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      parentSpanId: '00f067aa0ba902b7',
      name: 'RUN CI',
      kind: 2,
      startTimeUnixNano: `${started}000000`,
      endTimeUnixNano: `${started + 90_000}000000`,
      status: { code: 2, message: 'CI failed' },
    });
    const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });
    expect(span.attributes).toContainEqual(attribute('cicd.pipeline.result', 'failure'));
    for (const [key, value] of [
      ['service.name', 'cart'],
      ['cicd.pipeline.run.id', '4711'],
      ['cicd.pipeline.name', 'CI'],
      ['vcs.owner.name', 'acme/shop'],
      ['vcs.repository.name', 'cart'],
      ['vcs.ref.head.revision', 'c0ffee'],
    ] as const)
      expect(span.resource.attributes).toContainEqual(attribute(key, value));
  });

  test('waits a minute for the trace of the CI system itself, and has no span of its own then', async () => {
    const collector = await vendor(ACCEPTED);
    reported({ result: 'succeeded', started_at: world.clock.now(), finished_at: plusSeconds(world.clock.now(), 60) });
    await synced(`pipeline-run:${RUN}`, collector); // 30 seconds after the end
    expect(await projections.due('traces')).toMatchObject([
      { notBefore: runs[0] && plusSeconds(runs[0].recorded_at, 120) },
    ]);
    reported({}, { has_trace: true });
    await synced(`pipeline-run:${RUN}`, collector);
    expect(collector.received).toEqual([]);
    expect(await projections.due('traces')).toEqual([]);
  });
});
