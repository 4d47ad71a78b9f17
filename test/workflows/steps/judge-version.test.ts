import { expect, test } from 'vitest';
import type { Product } from '../../../functions/assembly/product.ts';
import { JudgementRequest } from '../../../schemas/judge/judgement.ts';
import { Config } from '../../../schemas/config/config.ts';
import { judgeVersion, storableNumber } from '../../../workflows/steps/judge/judge-version.ts';
import { measureOverHttp } from '../../../workflows/steps/judge/measure.ts';
import { SetClock } from '../../support/fake-deps.ts';

const clock = new SetClock('2026-11-20T12:00:00.000Z');
const config = Config.parse({
  version: 'test',
  paging: {},
  services: {
    checkout: {
      environments: {
        production: {
          judge: {
            metrics: [
              { kind: 'http', name: 'probe', url: 'https://shop.test/health' },
              { kind: 'http', name: 'lag', url: 'https://shop.test/{{.version}}', value: '/lag', max: 5 },
            ],
          },
        },
      },
    },
  },
});
const target = JudgementRequest.parse({ service: 'checkout', environment: 'production', version: 'v42' });

const deps = {
  clock,
  config: { current: async () => config },
  changes: { recent: async () => [] },
  metricQueries: {},
  judgeMetrics: {
    derived: () => [],
    measure: async ({ name }: { name: string }, { version }: { version: string }) =>
      name === 'lag' ? { value: version === 'v42' ? 9 : 2, detail: '' } : { value: 0, detail: '' },
  },
} as unknown as Pick<Product, 'clock' | 'config' | 'changes' | 'metricQueries' | 'judgeMetrics'>;

test('measurements over HTTP of several checks are judged, beside the baseline where the URL names the version', async () => {
  const check = async () => {
    clock.set(clock.millis + 30_000);
    return measureOverHttp(deps, { ...target, baseline: 'v41' });
  };
  const samples = [...(await check()), ...(await check())];
  expect(samples.slice(0, 3)).toMatchObject([
    { metric: 'probe', version: 'v42', value: 0 },
    { metric: 'lag', version: 'v42', value: 9 },
    { metric: 'lag', version: 'v41', value: 2 },
  ]);
  expect(await judgeVersion(deps, target, samples)).toMatchObject({ verdict: 'inconclusive', baseline: 'v41' });
  const all = [...samples, ...(await check())];
  expect(await judgeVersion(deps, target, all)).toMatchObject({
    verdict: 'degraded',
    reasons: ['lag: 9, above the limit of 5 in the newest 3 checks'],
    metrics: [
      { name: 'probe', verdict: 'healthy' },
      { name: 'lag', verdict: 'degraded', version: 9, baseline: 2, change: 4.5 },
    ],
  });
});

test('without checks, metrics over HTTP do not count', async () => {
  expect(await judgeVersion(deps, target)).toMatchObject({
    verdict: 'inconclusive',
    reasons: ['all metrics of the service are measured over HTTP, which only watches and canaries do'],
    metrics: [],
  });
});

test('a version is not compared with itself', async () => {
  const samples = ['v42', 'v41'].map((version) => ({
    metric: 'lag',
    version,
    value: 2,
    at: clock.millis / 1000,
  })) as never;
  expect(await judgeVersion(deps, { ...target, baseline: target.version }, samples)).toMatchObject({ baseline: 'v41' });
});

test('numbers can be stored, however small a probability is', () => {
  expect([1e-150, 5e-324, 0.03, 1e200, -Infinity, NaN, null].map(storableNumber)).toEqual([
    0,
    0,
    0.03,
    1e100,
    -1e100,
    null,
    null,
  ]);
});
