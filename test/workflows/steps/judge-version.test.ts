import { describe, expect, test } from 'vitest';
import type { Product } from '../../../functions/assembly/product.ts';
import { JudgementRequest } from '../../../schemas/judge/judgement.ts';
import type { Version } from '../../../schemas/config/names.ts';
import { Config } from '../../../schemas/config/config.ts';
import { judgeVersion, storableNumber } from '../../../workflows/steps/judge/judge-version.ts';
import { measureOverHttp } from '../../../workflows/steps/judge/measure.ts';
import { change } from '../../core/arbitraries.ts';
import { SetClock } from '../../support/fake-deps.ts';

const clock = new SetClock('2026-11-20T12:00:00.000Z');
const withJudge = (judge: object) =>
  Config.parse({
    version: 'test',
    paging: {},
    services: { checkout: { environments: { production: { judge } } } },
  });
const config = withJudge({
  metrics: [
    { kind: 'http', name: 'probe', url: 'https://shop.test/health' },
    { kind: 'http', name: 'lag', url: 'https://shop.test/{{.version}}', value: '/lag', max: 5 },
  ],
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
  for (const baseline of ['v42', '42'] as Version[])
    await expect(judgeVersion(deps, { ...target, baseline })).rejects.toMatchObject({
      status: 422,
      detail: expect.stringContaining('baseline and version are the same'),
    });
});

describe('requests that do not name versions', () => {
  const now = clock.millis / 1000;
  const rate = (value: number) => [
    { labels: {}, values: Array.from({ length: 240 }, (_, n): [number, number] => [now - n * 30, value]) },
  ];
  const deployed = (version: string, minutes: number, commit: string) =>
    change(version, minutes, { commit: commit.repeat(40) });
  const unnamed = (changes: ReturnType<typeof deployed>[], series = rate) =>
    ({
      ...deps,
      config: {
        current: async () =>
          withJudge({ metrics: [{ kind: 'ratio', name: 'errors', bad: 'bad', total: 'all', ignoreBelow: 0 }] }),
      },
      changes: { recent: async () => changes },
      metricQueries: {
        range: async (query: string) => ({ kind: 'series', series: series(query === 'bad' ? 0.1 : 100) }),
      },
    }) as unknown as typeof deps;
  const history = unnamed([deployed('v1', 600, 'a'), deployed('v2', 300, 'b'), deployed('v3', 30, 'c')]);
  const judged = (version: string, baseline: string | null) =>
    judgeVersion(history, { ...target, version, baseline } as JudgementRequest);

  test.each([null, 'v2', '2', 'b'.repeat(40)])(
    'are compared with those before the deploy, as of %s',
    async (baseline) => expect(await judged('v3', baseline)).toMatchObject({ verdict: 'healthy' }),
  );

  test.each([
    ['v3', 'v77', 'errors: no deploy of v77 before v3 is recorded'],
    ['v2', 'v3', 'errors: no deploy of v3 before v2 is recorded'],
    ['v3', 'v1', 'errors: v2 was deployed between v1 and v3'],
  ])('are not those of %s after %s', async (version, baseline, reason) =>
    expect(await judged(version, baseline)).toMatchObject({ verdict: 'inconclusive', baseline, reasons: [reason] }),
  );

  /** 20 % of the requests fail since so many minutes. */
  const failing = (minutes: number) => (value: number) => [
    {
      labels: {},
      values: Array.from({ length: 240 }, (_, n): [number, number] => [
        now - n * 30,
        value === 0.1 && n <= minutes * 2 ? 20 : value,
      ]),
    },
  ];

  test('of the version that replaced it are none of a version', async () => {
    const replaced = unnamed([deployed('v1', 300, 'a'), deployed('v2', 40, 'b'), deployed('v3', 20, 'c')], failing(18));
    const of = (version: string) => judgeVersion(replaced, { ...target, version } as JudgementRequest);
    expect(await of('v2')).toMatchObject({ verdict: 'healthy', baseline: 'v1' });
    expect(await of('v3')).toMatchObject({ verdict: 'degraded', baseline: 'v2' });
  });

  test('of a version before it is deployed again are none of the version before', async () => {
    const again = unnamed([deployed('v1', 300, 'a'), deployed('v2', 20, 'b'), deployed('v2', 9, 'b')], failing(19));
    expect(await judgeVersion(again, { ...target, version: 'v2' } as JudgementRequest)).toMatchObject({
      verdict: 'degraded',
      baseline: 'v1',
    });
  });

  test('are compared with those of the version itself if it has served for an hour before it is deployed again', async () => {
    const again = unnamed([deployed('v1', 600, 'a'), deployed('v2', 300, 'b'), deployed('v2', 10, 'b')], failing(8));
    const of = (baseline: string | null) =>
      judgeVersion(again, { ...target, version: 'v2', baseline } as JudgementRequest);
    expect(await of(null)).toMatchObject({ verdict: 'degraded', baseline: 'the service' });
    expect(await of('v1')).toMatchObject({
      verdict: 'inconclusive',
      reasons: ['errors: v2 had served before, for an hour or more, when it was deployed again'],
    });
  });
});

test('the name of a branch, as a controller sends it, means the commit that runs', async () => {
  const deployed = (commit: string, daysBefore: number) => ({
    ...change('6.4', daysBefore * 24 * 60, { commit: commit.repeat(40) }),
    version: `6.4 (${commit.repeat(7)})` as Version,
    reported_version: '6.4' as Version,
  });
  const now = clock.millis / 1000;
  const series = (version: string, value: number) => ({
    labels: { version },
    values: Array.from({ length: 120 }, (_, n): [number, number] => [now - n * 60, value]),
  });
  const ofBranch = {
    ...deps,
    config: {
      current: async () =>
        withJudge({ metrics: [{ kind: 'value', name: 'lag', query: 'max by (version) (lag)', max: 5 }] }),
    },
    changes: { recent: async () => [deployed('a', 9), deployed('b', 8)] },
    metricQueries: { range: async () => ({ kind: 'series', series: [series('6.4', 9), series('6.3', 2)] }) },
  } as unknown as typeof deps;
  const asked = { ...target, version: '6.4' as Version };
  expect(await judgeVersion(ofBranch, asked)).toMatchObject({ version: '6.4', verdict: 'degraded' });
  const samples = [3, 2, 1].map((n) => ({ metric: 'lag', version: '6.4', value: 9, at: now - n * 30 })) as never;
  expect(await judgeVersion({ ...deps, changes: ofBranch.changes }, asked, samples)).toMatchObject({
    verdict: 'degraded',
  });
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
