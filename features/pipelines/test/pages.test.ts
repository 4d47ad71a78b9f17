import { afterAll, beforeAll, expect, test } from 'vitest';
import { unmappedPanel } from '../pages/panels.ts';
import { loadPipelines, pipelinesMain } from '../pages/pipelines.ts';
import type { PageRequest, ConsoleDeps } from '../../../entrances/console/pages/page.ts';
import { PipelineRunReport } from '../pipeline-run.ts';
import { withPorts } from '../ports.ts';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { consoleWorld } from '../../../test/support/console-world.ts';
import { expectHarmless, hostile, textOf } from '../../../test/support/hostile.ts';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';

const config = Config.parse({
  ...emptyConfig,
  services: {
    cart: { environments: { production: {} } },
    payments: { environments: { production: {} } },
    search: { environments: { production: {} } },
  },
});

let stores: TableStores;
let site: ReturnType<typeof consoleWorld>;
let ports: Partial<ConsoleDeps>;
let now: Timestamp;

beforeAll(async () => {
  stores = await openTable();
  const { pipelineTests, clock } = withPorts(stores);
  ports = {
    config: { current: async () => config, problems: async () => [] },
    features: stores.features,
    clock,
  };
  site = consoleWorld(() => ports);
  now = clock.now();
  // Of cart: two of four runs on main fail, which take 5, 10, 15, and 20 minutes; each waits a minute.
  for (let n = 1; n <= 4; n += 1) await run('cart', n, n * 300, n % 2 === 0 ? 'failed' : 'succeeded', 'main');
  await run('cart', 5, 60, 'succeeded', 'a-branch');
  await run('payments', 6, 120, 'succeeded', 'main');
  const one = { classname: 'Cart', name: 'adds <b>two</b>', flaky: false };
  for (const attempt of [1, 2])
    await pipelineTests.record({
      service: 'cart' as ServiceName,
      commit: 'abc',
      branch: 'main',
      branchLabel: 'main',
      suite: 'unit',
      run: { run_id: '1', attempt },
      cases: [{ ...one, outcome: attempt === 1 ? 'failed' : 'passed' }],
      hash: `hash-${attempt}`,
    });
});

afterAll(async () => stores.close());

async function run(service: string, n: number, seconds: number, result: string, branch: string): Promise<void> {
  const started_at = plusSeconds(now, -n * 3600);
  const times = { queued_at: plusSeconds(started_at, -60), started_at, finished_at: plusSeconds(started_at, seconds) };
  const stages = [{ name: 'test', result, started_at, finished_at: plusSeconds(started_at, seconds - 10) }];
  const report = { service, pipeline: 'CI', run_id: String(n), branch, result, ...times, stages };
  await withPorts(stores).pipelineRuns.record(PipelineRunReport.parse(report), service as ServiceName);
}

const PATH = '/console/delivery/pipelines';
const get = (query = '', token = 'vera') => site.get(`${PATH}${query}`, { token });
/** Returns the text without spaces, which markup does not have between cells. */
const read = async (query = '', token = 'vera') => textOf(await (await get(query, token)).text()).replaceAll(' ', '');

const words = (text: string): string => text.replaceAll(' ', '');

test('shows the figures of each service, and which miss a target', async () => {
  const text = await read();
  // Of cart: 3 of 5 runs succeeded, and (300 + 600 + 900 + 1200 + 60) / 5 = 612 s.
  expect(text).toContain(words('cart 5 60 % ▲ target missed 10 min ▲ target missed 1 min 1 payments'));
  expect(text).toContain(words('payments 1 100 % 2 min 1 min 0 Duration'));
  expect(await read('?branch=main')).toContain(words('cart 4 50 % ▲ target missed 13 min ▲ target missed'));
});

test('shows the stages and the flaky tests of a service', async () => {
  const text = await read('?service=cart&branch=main');
  expect(text).toContain(words('2 succeeded, 2 failed, 0 cancelled, 0 skipped, 0 not finished'));
  expect(text).toContain(words('median 13 min; 95 % within 20 min; 4 runs'));
  expect(text).toContain(words('test 20 min 12 min 12 min 4 2'));
  expect(text).toContain(words('adds <b>two</b> Cart unit 1'));
});

test('says how runs get here, and that a service is unknown', async () => {
  expect(await read('?service=search')).toContain(words('GitHub and GitLab report runs by webhook'));
  expect((await get('?service=nowhere')).status).toBe(404);
});

test('shows a person only their services', async () => {
  const text = await read('', 'cora');
  expect(text).toContain('cart5');
  expect(text).not.toContain('payments');
  expect((await get('?service=payments', 'cora')).status).toBe(404);
  expect((await get('', 'ci')).status).toBe(403);
});

test('hostile texts are shown as text', async () => {
  const asked = {
    viewer: { may: () => true, csrfToken: 'key' },
    param: {},
    query: new URLSearchParams({ service: 'cart', branch: hostile<string>('branch') }),
  } as unknown as PageRequest;
  const data = await loadPipelines(ports as ConsoleDeps, asked);
  const all = await loadPipelines(ports as ConsoleDeps, { ...asked, query: new URLSearchParams({ service: 'cart' }) });
  const reports = all.reports.map((report) => ({
    ...report,
    service: hostile<ServiceName>('service'),
    stages: report.stages.map((one) => ({ ...one, stage: hostile<string>('stage') })),
    flaky_tests: report.flaky_tests.map((one) => ({
      ...one,
      name: hostile<string>('name'),
      classname: hostile<string>('class'),
      suite: hostile<string>('suite'),
    })),
  }));
  expectHarmless(String(await pipelinesMain({ ...data, reports })), 5);
});

test('hostile texts of pipelines outside the catalogue are shown as text', async () => {
  const pipeline = {
    service: null,
    repository: 'acme/checkout',
    pipeline: hostile('pipeline'),
    why: hostile('why'),
    lines: hostile('services:'),
    at: now,
    url: 'javascript:alert(1)',
  };
  expectHarmless(String(await unmappedPanel([pipeline], now)), 3);
});
