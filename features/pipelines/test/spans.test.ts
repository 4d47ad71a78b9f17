import { beforeEach, describe, expect, test } from 'vitest';
import { openTelemetrySpans } from '../../../vendors/opentelemetry/spans.ts';
import { sync } from '../../../core/projectors/sync.ts';
import { tracesProjector } from '../../../vendors/opentelemetry/projector/traces.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { vendor, type Vendor } from '../../../test/vendors/server.ts';
import { StoredProjections } from '../../../test/vendors/projectors/stored-projections.ts';
import { FakeWorld, silent } from '../../../test/support/fake-deps.ts';
import { runSpans } from '../actions/run-spans.ts';
import { mergedRun } from '../decisions/merge-run.ts';
import {
  type PipelineRun,
  type PipelineRunId,
  type PipelineRunInput,
  PipelineRunReport,
  type RunTrace,
} from '../pipeline-run.ts';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const ACCEPTED = { body: '{"partialSuccess":{}}' };

let world: FakeWorld;
let projections: StoredProjections;
let runs: PipelineRun[] = [];

beforeEach(() => {
  world = new FakeWorld();
  projections = new StoredProjections(world.clock);
});

/** Marks the run, advances the time, and runs the projector against a collector. */
async function synced(subject: Subject, collector: Vendor): Promise<void> {
  world.clock.set(world.clock.millis + 90_000);
  await projections.changed(subject);
  const { clock, deps } = world;
  const spans = openTelemetrySpans({
    endpoint: async () => `${collector.url}/`,
    headers: async () => undefined,
    clock,
  });
  const part = runSpans({
    pipelineRuns: { get: async (id) => runs.filter((one) => one.id === id).map((run) => ({ run, stages: [] }))[0] },
  });
  const extensions = { spans: [{ isConfigured: () => true, load: async () => part }] };
  const projector = tracesProjector({ spans, projections, changes: deps.changes, extensions });
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
