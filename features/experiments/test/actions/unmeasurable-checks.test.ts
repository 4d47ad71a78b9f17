import { expect, test } from 'vitest';
import { unmeasurableChecks } from '../../actions/unmeasurable-checks.ts';
import { prometheusQueries } from '../../../../vendors/prometheus/queries.ts';
import { NewExperiment } from '../../experiment.ts';
import { type Reply, vendorThat } from '../../../../test/vendors/server.ts';
import { FakeWorld } from '../../../../test/support/fake-deps.ts';
import { serverAt } from '../../../../vendors/shared/server.ts';

const planned = (more: object = {}): NewExperiment =>
  NewExperiment.parse({
    name: 'kill one pod',
    scope: [{ service: 'checkout', environment: 'production' }],
    hypothesis: 'It survives',
    checks: [{ name: 'errors', promql: 'sum(rate(errors_total[1m])) / sum(rate(requests_total[1m]))', max: 1 }],
    duration_seconds: 60,
    ...more,
  });

const vector = (...values: number[]): Reply => ({
  body: JSON.stringify({
    status: 'success',
    data: { resultType: 'vector', result: values.map((value) => ({ metric: {}, value: [0, String(value)] })) },
  }),
});
const nothing: Reply = { body: '{"status":"success","data":{"resultType":"matrix","result":[]}}' };

/** What cannot be measured with a Prometheus that has series of these metrics. @param range its response about the period */
async function unmeasurable(input: NewExperiment, known: readonly string[], range: Reply = nothing): Promise<string[]> {
  const server = await vendorThat(({ path, body }) => {
    const query = new URLSearchParams(body || path.split('?')[1]).get('query') ?? '';
    if (path.startsWith('/api/v1/query_range')) return range;
    return vector(...known.filter((name) => query.includes(`"${name}"`)).map(() => 1));
  });
  const { deps } = new FakeWorld();
  return unmeasurableChecks({ ...deps, metricQueries: prometheusQueries(async () => serverAt(server.url)) }, input);
}

test('names the metrics without series, and else the query', async () => {
  const unknown = await unmeasurable(planned(), ['requests_total']);
  expect(unknown).toEqual(['errors: Prometheus has no series of errors_total']);
  const known = await unmeasurable(planned({ steady_state_seconds: 120 }), ['requests_total', 'errors_total']);
  expect(known).toEqual(['errors: the query had no result in the last 120 s']);
});

test('a metric that is not configured is named, also if the experiment runs', async () => {
  const checks = [{ name: 'errors', metric: 'eror', max: 1 }];
  const found = await unmeasurable(planned({ checks, status: 'running' }), []);
  expect(found).toEqual(['errors: the first service of the scope has no metric eror in judge.metrics']);
});

test('a Prometheus with samples, or with no or an incomplete answer, refuses nothing', async () => {
  const sample = '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"0"]]}]}}';
  const partial = nothing as { body: string };
  const replies: Reply[] = [
    { body: sample },
    { status: 503, body: 'starting' },
    { status: 400, body: '{"status":"error","errorType":"bad_data","error":"unknown function"}' },
    { body: partial.body.replace('"data"', '"warnings":["a store did not answer"],"data"') },
  ];
  for (const reply of replies) expect(await unmeasurable(planned(), [], reply)).toEqual([]);
  expect(await unmeasurable(planned({ status: 'running' }), [])).toEqual([]);
  const { deps } = new FakeWorld();
  const away = prometheusQueries(async () => serverAt('http://127.0.0.1:1'));
  expect(await unmeasurableChecks({ ...deps, metricQueries: away }, planned())).toEqual([]);
});
