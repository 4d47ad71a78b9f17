import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onsetOf } from '../../../core/domain/correlation/onset.ts';
import { freePort } from '../../../packages/demo/free-port.ts';
import { plusSeconds, type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { prometheus } from '../../../vendors/prometheus/metrics.ts';
import { serverAt } from '../../../vendors/shared/server.ts';
import { seenByCallers } from '../../../workflows/steps/callers.ts';
import { change } from '../../core/arbitraries.ts';
import { scene } from '../../core/domain/correlation/scenes.ts';
import { have, type Recorded, type Running, startPrometheus } from '../../support/prometheus-stack.ts';

/** The queries in docs/explanation/engine.md, without their comments. */
const QUERIES = (
  /```promql\n([^`]*)```/.exec(
    readFileSync(join(import.meta.dirname, '../../../docs/explanation/engine.md'), 'utf8'),
  )?.[1] ?? ''
)
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** Counts requests per second for ten minutes, until now. */
const counter = (name: string, rate: number, labels: Recorded['labels']): Recorded => ({
  name,
  labels: { job: 'callers', instance: '10.1.0.7:80', ...labels },
  minutes: 10,
  at: (ago) => rate * (600 - ago),
});

const ISTIO = { reporter: 'source', destination_service_name: 'checkout' };
const GRAPH = { client: 'shop', server: 'checkout', connection_type: '' };
const SPANS = { service_name: 'shop', peer_service: 'checkout', span_kind: 'SPAN_KIND_CLIENT', service_version: 's1' };

/** Half of the requests to v42 fail, and none of those to v41. */
const HISTORY = [
  counter('istio_requests_total', 10, { ...ISTIO, destination_version: 'v41', response_code: '200' }),
  counter('istio_requests_total', 5, { ...ISTIO, destination_version: 'v42', response_code: '200' }),
  counter('istio_requests_total', 3, { ...ISTIO, destination_version: 'v42', response_code: '503' }),
  counter('istio_requests_total', 2, { ...ISTIO, destination_version: 'v42', response_code: '0' }),
  counter('istio_requests_total', 9, {
    ...ISTIO,
    reporter: 'destination',
    destination_version: 'v42',
    response_code: '200',
  }),
  counter('traces_service_graph_request_total', 10, { ...GRAPH, server_service_version: 'v41' }),
  counter('traces_service_graph_request_total', 10, { ...GRAPH, server_service_version: 'v42' }),
  counter('traces_service_graph_request_failed_total', 5, { ...GRAPH, server_service_version: 'v42' }),
  counter('traces_spanmetrics_calls_total', 10, {
    ...SPANS,
    peer_service_version: 'v41',
    status_code: 'STATUS_CODE_UNSET',
  }),
  counter('traces_spanmetrics_calls_total', 5, {
    ...SPANS,
    peer_service_version: 'v42',
    status_code: 'STATUS_CODE_UNSET',
  }),
  counter('traces_spanmetrics_calls_total', 5, {
    ...SPANS,
    peer_service_version: 'v42',
    status_code: 'STATUS_CODE_ERROR',
  }),
].toSorted((a, b) => (a.name < b.name ? -1 : 1));

describe.runIf(have('prometheus', 'promtool'))('the documented queries for callers, by a real Prometheus', () => {
  let server: Running;
  // The history ends when it is written, so later windows would lack samples.
  let at: Timestamp;
  beforeAll(async () => {
    at = timestamp(Date.now());
    server = await startPrometheus({
      port: await freePort(),
      targets: [],
      alertmanagers: [],
      rules: 'groups: []',
      history: HISTORY,
    });
  });
  afterAll(() => server.stop());

  test.each(QUERIES)('%s', async (callersByVersion) => {
    const promql = 'sum(rate(errors_total[2m])) / sum(rate(requests_total[2m]))';
    const { callers } = await seenByCallers(
      prometheus(async () => serverAt(server.url)),
      { promql, called: promql, max: 0.01, callersByVersion },
      { own: [change('v42', 4)], onset: onsetOf(scene()), from: plusSeconds(at, -240), at },
    );
    const levels = callers?.versions.map(({ version, curve, traffic }) => ({
      version,
      share: curve.at(-1)?.[1] ?? 0,
      requests: traffic?.at(-1)?.[1],
    }));
    expect(callers?.window).toBe(120);
    expect(levels?.toSorted((a, b) => (a.version < b.version ? -1 : 1))).toEqual([
      { version: 'v41', share: 0, requests: expect.closeTo(10, 0) as number },
      { version: 'v42', share: expect.closeTo(0.5, 1) as number, requests: expect.closeTo(10, 0) as number },
    ]);
  });

  test('are three', () => {
    expect(QUERIES).toHaveLength(3);
  });
});
