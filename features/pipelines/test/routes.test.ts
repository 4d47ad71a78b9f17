import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { extensionsOf } from '../../../functions/assembly/features.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import { api } from '../../../entrances/http/app.ts';
import type { Api } from '../../../entrances/http/endpoint.ts';
import { DEFAULT_ALLOWANCE } from '../../../entrances/http/middleware/rate-limit.ts';
import type { TokenRecord } from '../../../schemas/access/access.ts';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import type { PipelineRun, PipelineRunInput, PipelineStage } from '../pipeline-run.ts';
import { withPorts } from '../ports.ts';
import { fields } from '../vendors/otlp/wire.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { tokenRecord } from '../../../test/support/console-world.ts';
import { reportsHere } from '../../../functions/assembly/reports.ts';
import { FakeWorld, silent } from '../../../test/support/fake-deps.ts';

let stores: TableStores;
let deps: Product;
let app: Api;
let token: Pick<TokenRecord, 'actions' | 'services'>;
let config: Config;
let service: string;
let count = 0;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());

beforeEach(() => {
  token = { actions: ['*'], services: null };
  count += 1;
  service = `service-${count}`;
  config = Config.parse({
    ...emptyConfig,
    services: {
      [service]: { repository: `acme/${service}`, match: { service: `Api-${service}` } },
      cart: { repository: 'acme/shop', pipelines: ['Cart'] },
      search: { repository: 'acme/shop', pipelines: ['Search'] },
    },
  });
  deps = {
    ...new FakeWorld().deps,
    ...stores,
    config: { current: async () => config, problems: async () => [] },
    secrets: { get: async () => undefined },
    tokens: Object.assign(Object.create(stores.tokens) as Product['tokens'], {
      find: async () => tokenRecord('ci', [], token),
    }),
    log: silent,
    extensions: extensionsOf(() => deps),
    reports: reportsHere(() => deps),
  };
  app = api(deps);
});

const authorization = 'Bearer token';

const at = (minute: number, second = 0): string =>
  `2026-11-20T10:${String(minute).padStart(2, '0')}:${String(second).padStart(2, '0')}.000Z`;

const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  app.request(path, { method: 'POST', headers: { authorization, ...headers }, body });

async function report(input: Partial<PipelineRunInput>): Promise<{ status: number; body: PipelineRun }> {
  const answer = await post('/v1/pipelines/runs', JSON.stringify({ service, run_id: '7', ...input }), {
    'content-type': 'application/json',
  });
  return { status: answer.status, body: (await answer.json()) as PipelineRun };
}

const get = async (path: string) => {
  const answer = await app.request(path, { headers: { authorization } });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

/** Returns the stored figures of the service, as `name{labels} le`. */
async function figures(): Promise<Record<string, number>> {
  const all = (await withPorts(stores).pipelineFigures.read()).filter((one) => one.service === service);
  return Object.fromEntries(
    all.flatMap(({ branch, counts }) =>
      counts.map(({ name, labels, le, value }) => [[name, branch, ...labels, ...(le ? [le] : [])].join(' '), value]),
    ),
  );
}

describe('POST /v1/pipelines/runs', () => {
  test.each([
    ['success', 'succeeded'],
    ['failure', 'failed'],
    ['timed_out', 'failed'],
    ['canceled', 'cancelled'],
    ['skipped', 'skipped'],
    ['partiallySucceeded', 'failed'],
  ])('the result %s of another system is %s', async (result, expected) => {
    const sent = { started_at: at(1), finished_at: at(9), result };
    const { body } = await report({ ...sent, stages: [{ name: 'build', result }] });
    expect(body.result).toBe(expected);
    expect((await get(`/v1/pipelines/runs/${body.id}`)).body).toMatchObject({ stages: [{ result: expected }] });
  });

  test.each([
    ['refs/heads/main', 'main'],
    ['origin/main', 'main'],
    ['refs/remotes/upstream/release/2', 'release/2'],
    ['*/main', 'main'],
    ['feature/origin', 'feature/origin'],
    ['mallory:main', 'mallory:main'],
  ])('the branch %s is %s, also where it is looked up', async (branch, expected) => {
    const { body } = await report({
      branch,
      default_branch: branch,
      started_at: at(1),
      finished_at: at(2),
      result: 'failed',
    });
    expect(body).toMatchObject({ branch: expected, default_branch: expected });
    const query = `service=${service}&branch=${encodeURIComponent(branch)}`;
    expect((await get(`/v1/pipelines/runs?${query}`)).body['items']).toMatchObject([{ id: body.id }]);
    expect((await get(`/v1/metrics/pipelines?${query}`)).body).toMatchObject({ runs: { failed: 1 } });
  });

  test.each([
    [1795168860, '2026-11-20T10:01:00.000Z'],
    ['1795168860', '2026-11-20T10:01:00.000Z'],
    [1795168860.5, '2026-11-20T10:01:00.500Z'],
    [1795168860123, '2026-11-20T10:01:00.123Z'],
    ['1795168860123456', '2026-11-20T10:01:00.123Z'],
    ['1795168860123456789', '2026-11-20T10:01:00.123Z'],
    ['2026-11-20 10:01:00 UTC', '2026-11-20T10:01:00.000Z'],
    ['2026-11-20T11:01:00+0100', '2026-11-20T10:01:00.000Z'],
    ['2026-11-20 11:01:00 +0100', '2026-11-20T10:01:00.000Z'],
  ])('the time %j', async (started_at, expected) => {
    expect((await report({ started_at, stages: [{ name: 'build', started_at }] })).body.started_at).toBe(expected);
  });

  test.each(['2026-11-20T10:01:00', 'now', 7, '99999999999999999999'])('the time %j is refused', async (started_at) => {
    expect(await report({ started_at })).toMatchObject({ status: 422, body: { code: 'invalid' } });
  });

  test('a run or a stage that waits or runs has no result yet', async () => {
    const sent = (result: string) => result as PipelineRun['result'];
    const { status, body } = await report({ started_at: at(1), result: sent('in_progress') });
    expect([status, body]).toMatchObject([201, { result: null, status: 'running' }]);
    const stages = [
      { name: 'build', result: sent('success') },
      { name: 'production', result: sent('manual') },
    ];
    const ended = await report({ started_at: at(1), finished_at: at(9), result: sent('success'), stages });
    expect(ended).toMatchObject({ status: 200, body: { result: 'succeeded' } });
    expect((await get(`/v1/pipelines/runs/${ended.body.id}`)).body.stages).toMatchObject([
      { name: 'build', result: 'succeeded' },
      { name: 'production', result: null },
    ]);
  });

  test('the trace context of the request is kept, and what is none is ignored', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const send = async (run_id: string, value: string) =>
      (
        await post('/v1/pipelines/runs', JSON.stringify({ service, run_id }), {
          'content-type': 'application/json',
          traceparent: value,
        })
      ).json();
    expect(await send('7', traceparent)).toMatchObject({ traceparent });
    expect(await send('8', 'none')).not.toHaveProperty('traceparent');
  });

  test('reports are merged into one run, and each figure is counted once', async () => {
    const first = await report({
      pipeline: 'CI',
      branch: 'main',
      trigger: 'push',
      queued_at: at(0),
      started_at: at(1),
    });
    expect(first).toMatchObject({ status: 201, body: { status: 'running', service, result: null } });
    const finished: Partial<PipelineRunInput> = {
      result: 'succeeded',
      started_at: at(1),
      finished_at: at(9),
      stages: [
        { name: 'build', result: 'succeeded', queued_at: at(1), started_at: at(1, 30), finished_at: at(3) },
        { name: 'test (1)', result: 'failed', started_at: at(3), finished_at: at(9) },
        { name: 'deploy', result: 'skipped', started_at: at(9), finished_at: at(9) },
      ],
    };
    expect(await report(finished)).toMatchObject({ status: 200, body: { id: first.body.id, result: 'succeeded' } });
    expect((await report(finished)).status).toBe(200);
    expect((await report({ pipeline: 'CI', queued_at: at(0) })).body.status).toBe('finished');
    expect(await figures()).toEqual({
      'pipeline_runs_total main succeeded push': 1,
      'pipeline_duration_seconds main succeeded 600': 1,
      'pipeline_duration_seconds main succeeded sum': 480,
      'time_queued_seconds main  60': 1,
      'time_queued_seconds main  sum': 60,
      'time_queued_seconds main build 30': 1,
      'time_queued_seconds main build sum': 30,
      'pipeline_stage_duration_seconds main build succeeded 120': 1,
      'pipeline_stage_duration_seconds main build succeeded sum': 90,
      'pipeline_stage_duration_seconds main test failed 600': 1,
      'pipeline_stage_duration_seconds main test failed sum': 360,
    });
    const { body } = await get(`/v1/pipelines/runs/${first.body.id}`);
    expect(body['stages']).toMatchObject([
      { name: 'build' },
      { name: 'test (1)', status: 'finished' },
      { name: 'deploy' },
    ]);
  });

  test('another attempt is another run', async () => {
    const first = await report({ result: 'failed' });
    const second = await report({ result: 'succeeded', attempt: 2 });
    expect(second).toMatchObject({ status: 201 });
    expect(second.body.id).not.toBe(first.body.id);
  });

  test('jobs of a large matrix that end at the same moment', async () => {
    const jobs = Array.from({ length: 60 }, (_, n) =>
      report({
        pipeline: 'CI',
        branch: 'main',
        stages: [{ id: `job-${n}`, name: `test (${n})`, result: 'succeeded', started_at: at(1), finished_at: at(2) }],
      }),
    );
    const answers = await Promise.all(jobs);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 201]));
    const { body } = await get(`/v1/pipelines/runs/${answers[0]?.body.id}`);
    expect(body['stages']).toHaveLength(60);
    expect((await figures())['pipeline_stage_duration_seconds main test succeeded 60']).toBe(60);
  });

  test.each([
    [{ conclusion: 'failure', status: 'completed' }, 'failed'],
    [{ status: 'success' }, 'succeeded'],
    [{ status: 'running', conclusion: null }, null],
    [{ result: 'KO' }, 'failed'],
    [{ result: 'killed' }, 'cancelled'],
    [{ result: 'starting' }, null],
    [{ result: 'waiting_for_resource' }, null],
    // GitLab and Buildkite are about to end them.
    [{ status: 'canceling' }, null],
    [{ status: 'failing' }, null],
    [{ result: 'failure', conclusion: 'timed_out', status: 'completed' }, 'failed'],
  ])('%j is the result of a run and of a stage', async (sent, result) => {
    const { status, body } = await report({ ...sent, stages: [{ name: 'build', ...sent }] });
    expect([status, body.result]).toEqual([201, result]);
    expect((await get(`/v1/pipelines/runs/${body.id}`)).body).toMatchObject({ stages: [{ result }] });
  });

  test.each([
    [{ status: 'completed' }, 'result', 'must be one of succeeded, failed, cancelled, skipped'],
    [{ result: 'unknown' }, 'result', 'must be one of'],
    [
      { result: 'success', conclusion: 'failure' },
      'conclusion',
      'result success and conclusion failure contradict each other; send one of them',
    ],
    [{ conclusion: 'cancelled', status: 'ok' }, 'status', 'contradict each other'],
    [{ branch: '${BRANCH}' }, 'branch', '"${BRANCH}" is a variable without a value'],
    [{ run_id: 'undefined' }, 'run_id', '"undefined" is a variable without a value'],
    [{ service: '$SERVICE' }, 'service', '"$SERVICE" is a variable without a value'],
    [{ service: null, repository: 'acme/${REPO}' }, 'repository', '"acme/${REPO}" is a variable without a value'],
    [{ pipeline: 'null' }, 'pipeline', '"null" is a variable without a value'],
  ])('%j is refused', async (sent, field, why) => {
    const { status, body } = await report(sent);
    const { detail } = body as unknown as { detail: string };
    expect([status, detail]).toEqual([422, expect.stringContaining(why)]);
    expect(detail).toContain(`json: ${field}: `);
  });

  test('blanks around texts do not count', async () => {
    const { body } = await report({ branch: ' main ', pipeline: 'CI ', author: ' ada', run_id: '7 ' });
    expect(body).toMatchObject({ branch: 'main', pipeline: 'CI', author: 'ada', run_id: '7' });
  });

  test('a service with other separators is that of the catalogue; one outside of it has a warning, also of the doctor', async () => {
    const loosely = await report({ service: service.replace('-', '_'), run_id: '8' });
    expect(loosely).toMatchObject({ status: 201, body: { service, warnings: [] } });
    const unknown = `${service}x`;
    const why = `the catalogue has no service "${unknown}"; did you mean "${service}"?`;
    for (const result of [null, 'success'])
      expect((await report({ service: unknown, pipeline: 'CI', result })).body).toMatchObject({
        service: unknown,
        warnings: [why],
      });
    const listed = async () => (await get('/v1/pipelines/unmapped')).body['items'] as { service: string | null }[];
    expect((await listed()).filter((one) => one.service === unknown)).toMatchObject([
      { pipeline: 'CI', why, lines: `services:\n  "${unknown}": {}` },
    ]);
    config = Config.parse({ ...config, services: { ...config.services, [unknown]: {} } });
    expect((await listed()).filter((one) => one.service === unknown)).toEqual([]);
  });

  test('the service is that of the repository; of several, the one that lists the pipeline', async () => {
    expect((await report({ service: null, repository: `Acme/${service}` })).body.service).toBe(service);
    const shop = { service: null, repository: 'acme/shop', run_id: `shop-${count}` };
    expect((await report({ ...shop, pipeline: 'Search' })).body.service).toBe('search');
    const unknown = await report({
      ...shop,
      run_id: `lint-${count}`,
      pipeline: 'Lint',
      branch: 'main',
      result: 'failed',
    });
    expect(unknown).toMatchObject({ status: 201, body: { service: null } });
    config = Config.parse({
      ...config,
      services: { ...config.services, [service]: { repository: 'acme/shop', pipelines: ['Lint'] } },
    });
    expect((await report({ ...shop, run_id: `lint-${count}`, pipeline: 'Lint' })).body.service).toBe(service);
    expect(await figures()).toMatchObject({ 'pipeline_runs_total main failed other': 1 });
  });

  test('a run with a stage that has begun is running, also after a report without stages', async () => {
    const stages = [{ name: 'build', queued_at: at(1) }];
    expect((await report({ stages })).body.status).toBe('queued');
    const begun = { stages: [{ name: 'build', started_at: at(2) }] };
    expect((await report(begun)).body.status).toBe('running');
    expect((await report({ pipeline: 'CI' })).body.status).toBe('running');
  });

  test('numbers and their text name the same run, attempt, and stage', async () => {
    const sent = { run_id: 9_876_543_210, attempt: '2', stages: [{ id: 42, name: 'build', result: 'ok' }] };
    const first = await report(sent);
    const stages = [{ id: '42', name: 'build (linux)' }];
    const second = await report({ run_id: '9876543210', attempt: 2, stages });
    expect([first.status, second.status, second.body.id]).toEqual([201, 200, first.body.id]);
    expect([first.body.run_id, first.body.attempt]).toEqual(['9876543210', 2]);
    expect((await get(`/v1/pipelines/runs/${first.body.id}`)).body['stages']).toHaveLength(1);
  });

  test('a service in another letter case is that of the catalogue, also for permissions', async () => {
    token = { actions: ['*'], services: [service] };
    const written = service.toUpperCase();
    const first = await report({ service: written, branch: 'main', trigger: 'push', result: 'success' });
    const second = await report({ branch: 'main', pipeline: 'CI' });
    expect([first.status, first.body.service]).toEqual([201, service]);
    expect([second.status, second.body.id]).toEqual([200, first.body.id]);
    expect(await figures()).toMatchObject({ 'pipeline_runs_total main succeeded push': 1 });
    const xml = '<testsuite><testcase classname="a" name="b"/></testsuite>';
    const tests = await post(`/v1/pipelines/tests?service=${written}&commit=4ae0d6c1&suite=unit`, xml);
    expect([tests.status, ((await tests.json()) as { service: string }).service]).toEqual([201, service]);
    // Two entries differ in letter case only: neither is meant.
    config = Config.parse({ ...config, services: { [service]: {}, [written]: {} } });
    token = { actions: ['*'], services: null };
    const mixed = service.replace('s', 'S');
    expect((await report({ service: mixed, run_id: '8' })).body.service).toBe(mixed);
    expect((await report({ service: written, run_id: '8' })).body.service).toBe(written);
  });

  test('a service can have the name in its alerts, and a branch its whole ref', async () => {
    token = { actions: ['*'], services: [service] };
    const named = { service: `Api-${service}` };
    const branches = { branch: 'refs/heads/main', default_branch: 'refs/heads/main' };
    const { status, body } = await report({ ...named, ...branches, trigger: 'push', result: 'success' });
    expect([status, body]).toEqual([201, expect.objectContaining({ service, branch: 'main', default_branch: 'main' })]);
    expect((await report({ branch: 'main' })).body.id).toBe(body.id);
    expect(await figures()).toMatchObject({ 'pipeline_runs_total main succeeded push': 1 });
    const xml = '<testsuite><testcase classname="a" name="b"/></testsuite>';
    const query = new URLSearchParams({ ...named, ...branches, commit: '4ae0d6c1' });
    expect(await (await post(`/v1/pipelines/tests?${query.toString()}`, xml)).json()).toMatchObject({ service });
    expect((await get(`/v1/pipelines/runs?service=${named.service}`)).body['items']).toHaveLength(1);
    // Two services have the label: neither is meant.
    const match = { service: 'both' };
    config = Config.parse({ ...config, services: { [service]: { match }, other: { match } } });
    token = { actions: ['*'], services: null };
    expect((await report({ service: 'both', run_id: '8' })).body.service).toBe('both');
  });

  test('blank texts of a report are absent, as CI systems send unset variables', async () => {
    const blank = { url: '', trigger: ' \u200B', branch: '', author: '', attempt: '', queued_at: '', coverage: '' };
    const stages = [{ id: ' ', name: 'build', result: '', started_at: '', finished_at: '' }];
    const sent = { repository: ' ', result: '', started_at: at(1), finished_at: '', ...blank, stages } as object;
    expect(await report({ ...sent, run_id: '70' })).toMatchObject({
      status: 201,
      body: { service, repository: null, status: 'running', url: null, attempt: 1, started_at: at(1), coverage: null },
    });
    const found = await report({ ...sent, service: '', repository: `acme/${service}`, run_id: '71' });
    expect(found).toMatchObject({ status: 201, body: { service } });
  });

  test("a pipeline's own words: trigger pr, and the results of OpenTelemetry", async () => {
    const stages = [{ name: 'e2e', result: 'timeout' as const }];
    const { status, body } = await report({ branch: 'main', trigger: 'pr', result: 'success', stages });
    expect([status, body.trigger, body.result]).toEqual([201, 'pull_request', 'succeeded']);
    expect((await get(`/v1/pipelines/runs/${body.id}`)).body).toMatchObject({
      stages: [{ name: 'e2e', result: 'failed' }],
    });
    expect((await report({ run_id: 'new', branch: 'main', trigger: 'a new event', result: 'success' })).status).toBe(
      201,
    );
    for (const [index, result] of (['failure', 'cancellation', 'skip'] as const).entries())
      expect((await report({ run_id: `otel-${index}`, branch: 'main', trigger: 'pr', result })).status).toBe(201);
    expect(await figures()).toMatchObject({
      'pipeline_runs_total main succeeded pr': 1,
      'pipeline_runs_total main succeeded other': 1,
      'pipeline_runs_total main failed pr': 1,
      'pipeline_runs_total main cancelled pr': 1,
      'pipeline_runs_total main skipped pr': 1,
    });
  });

  test.each([
    ['merge_request_event', 'SUCCESS', 'pull_request', 'succeeded'],
    ['workflow_dispatch', 'neutral', 'manual', 'succeeded'],
    ['web', 'UNSTABLE', 'manual', 'failed'],
    ['merge_group', 'stale', 'merge_queue', 'cancelled'],
    ['PR', 'NOT_BUILT', 'pull_request', 'skipped'],
    ['pull-request', 'ok', 'pull_request', 'succeeded'],
    ['Pull Request', 'Timed Out', 'pull_request', 'failed'],
    ['cron', 'errored', 'schedule', 'failed'],
    ['tag', 'pass', 'push', 'succeeded'],
    ['timer', 'startup-failure', 'schedule', 'failed'],
    ['upstream', 'ABORTED', 'pipeline', 'cancelled'],
    ['merge_train', 'SKIPPED', 'merge_queue', 'skipped'],
    ['issue_comment', 'successful', 'other', 'succeeded'],
    ...(
      [
        ['ondemand_dast_scan', 'manual'],
        ['ondemand_dast_validation', 'manual'],
        ['security_orchestration_policy', 'schedule'],
        ['pipeline_execution_policy_schedule', 'schedule'],
        ['container_registry_push', 'other'],
        ['parent_pipeline', 'pipeline'],
        ['webide', 'manual'],
        ['external_pull_request_event', 'pull_request'],
        ['pull_request_review_comment', 'pull_request'],
        ['workflow_run', 'pipeline'],
        ['repository_dispatch', 'api'],
        ['registry_package', 'other'],
        ['hudson.triggers.TimerTrigger$TimerTriggerCause', 'schedule'],
        ['UserIdCause', 'manual'],
        ['jenkins.branch.BranchEventCause', 'push'],
        ['org.jenkinsci.plugins.workflow.support.steps.build.BuildUpstreamCause', 'pipeline'],
        ['com.cloudbees.jenkins.GitHubPushCause', 'push'],
        ['scheduled_pipeline', 'schedule'],
        ['IndividualCI', 'push'],
        ['BuildCompletion', 'pipeline'],
        ['trigger_job', 'pipeline'],
        ['webhook', 'api'],
        ['explicit', 'manual'],
        ['Nightly', 'schedule'],
        ['postsubmit', 'push'],
        ['moon', 'other'],
        ['Because', 'other'],
      ] as const
    ).map(([trigger, expected]) => [trigger, 'success', expected, 'succeeded']),
  ])('the words of CI systems: %s and %s', async (trigger, result, ...expected) => {
    const { status, body } = await report({ trigger, result });
    expect([status, body.trigger, body.result]).toEqual([201, ...expected]);
  });

  test('a time that is not set in Go is absent', async () => {
    const zero = '0001-01-01T00:00:00Z';
    const times = { queued_at: zero, started_at: at(2), finished_at: zero };
    const { status, body } = await report({
      result: 'failed',
      ...times,
      stages: [{ name: 'a', result: 'failed', ...times }],
    });
    expect([status, body.queued_at, body.started_at]).toEqual([201, null, at(2)]);
    expect(JSON.stringify(body)).not.toContain('0001-01-01');
  });

  test.each([
    ['neither service nor repository', { service: null }, 'name the service or the repository'],
    ['an end without a result', { finished_at: at(1) }, 'a finished run or stage needs a result'],
    ['an end before the start', { result: 'failed', started_at: at(2), finished_at: at(1) }, 'is before started_at'],
    [
      'a stage with an end before its start',
      { stages: [{ name: 'a', result: 'failed', started_at: at(2), finished_at: at(1) }] },
      'is before started_at',
    ],
    ['a start in the future', { started_at: '2027-01-01T00:00:00Z' }, 'ahead of Firebreak'],
    ['an unknown field', { duration: 7 }, 'duration'],
    ['a trigger that is no text', { trigger: 7 as never }, 'trigger'],
    ['an unknown result', { result: 'great' }, 'must be one of succeeded, failed, cancelled, skipped, or '],
    ['a run ID that a number cannot hold', { run_id: 2 ** 60 }, 'run_id'],
    ['a blank run ID', { run_id: ' ' }, 'run_id'],
    ['a run ID of invisible characters', { run_id: '\u200B' }, 'run_id: must not be blank'],
    ['a blank name of a stage', { stages: [{ name: '\t' }] }, 'stages'],
    ['a blank name of a suite', { tests: [{ suite: ' ', passed: 1, failed: 0 }] }, 'tests'],
    ['an attempt that is no number', { attempt: 'first' }, 'attempt'],
  ] as [string, Partial<PipelineRunInput>, string][])('%s is refused', async (_, input, reason) => {
    const { status, body } = await report(input);
    expect(status).toBe(422);
    expect((body as unknown as { detail: string }).detail).toContain(reason);
  });

  test('a token of one service reports and reads that one alone', async () => {
    await report({ result: 'succeeded', started_at: at(1), finished_at: at(2) });
    const foreign = await report({ service: null, repository: 'acme/unknown', run_id: `unknown-${count}` });
    token = { actions: ['pipelines:write', 'pipelines:read'], services: [service] };
    expect((await report({ run_id: '8', started_at: at(3) })).status).toBe(201);
    expect((await report({ service: 'cart' })).status).toBe(403);
    expect((await report({ service: null, repository: 'acme/unknown' })).status).toBe(403);
    expect((await get(`/v1/pipelines/runs/${foreign.body.id}`)).status).toBe(403);
    const list = (await get('/v1/pipelines/runs?limit=500')).body['items'] as PipelineRun[];
    expect(list.map((run) => [run.service, run.run_id])).toEqual([
      [service, '8'],
      [service, '7'],
    ]);
    token = { actions: ['deployments:write'], services: null };
    expect((await report({})).status).toBe(403);
  });
});

test('GET /v1/pipelines/runs lists the runs of a service, newest first, in pages', async () => {
  for (const minute of [3, 1, 2]) await report({ run_id: String(minute), started_at: at(minute) });
  const first = await get(`/v1/pipelines/runs?service=${service}&limit=2`);
  const ids = (body: Record<string, unknown>) => (body['items'] as PipelineRun[]).map(({ run_id }) => run_id);
  expect(ids(first.body)).toEqual(['3', '2']);
  const second = await get(`/v1/pipelines/runs?service=${service}&limit=2&cursor=${String(first.body['next_cursor'])}`);
  expect(ids(second.body)).toEqual(['1']);
});

describe('POST /v1/pipelines/tests', () => {
  const file = (name: string): string =>
    readFileSync(new URL(`../../../test/fixtures/junit/${name}`, import.meta.url), 'utf8');
  const query = (more: Record<string, string> = {}) =>
    `/v1/pipelines/tests?${new URLSearchParams({ service, commit: 'abc', branch: 'main', run_id: '7', ...more }).toString()}`;
  const upload = async (body: string, more: Record<string, string> = {}) => {
    const answer = await post(query(more), body, { 'content-type': 'application/xml' });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const from = '2026-11-01T00:00:00.000Z' as Timestamp;

  test('a test that failed and then passed in the same commit is flaky, and is counted once', async () => {
    const first = await upload(file('node-attempt-1.xml'));
    expect(first).toMatchObject({
      status: 201,
      body: { service, suite: 'tests', passed: 1, failed: 1, skipped: 1, flaky_count: 0 },
    });
    const second = await upload(file('node-attempt-2.xml'), { attempt: '2' });
    expect(second.body).toMatchObject({ passed: 2, failed: 0, flaky_count: 1 });
    const name = (second.body['flaky'] as { name: string }[])[0]?.name;
    expect(name).toContain('applies a <discount>');
    expect(await upload(file('node-attempt-2.xml'), { attempt: '2' })).toMatchObject({
      status: 200,
      body: second.body,
    });
    expect((await upload(file('node-attempt-1.xml'), { attempt: '3' })).body).toMatchObject({ flaky_count: 0 });
    expect(await figures()).toEqual({
      'pipeline_tests_total main tests passed': 4,
      'pipeline_tests_total main tests failed': 2,
      'pipeline_tests_total main tests skipped': 3,
      'pipeline_test_results main tests passed': 1,
      'pipeline_test_results main tests failed': 1,
      'pipeline_test_results main tests skipped': 1,
      'pipeline_flaky_tests_total main tests': 1,
    });
    expect(await withPorts(stores).pipelineTests.flaky(service as ServiceName, from)).toMatchObject([
      { commit: 'abc', suite: 'tests', branch: 'main', count: 1, tests: [{ classname: 'cart', name }] },
    ]);
  });

  test('passed first, and failed in another run of the commit', async () => {
    await upload(file('node-attempt-2.xml'));
    expect((await upload(file('node-attempt-1.xml'), { run_id: '8' })).body).toMatchObject({ flaky_count: 1 });
  });

  test.each([
    ['another commit', { commit: 'def', attempt: '2' }],
    ['another suite, such as another operating system', { suite: 'windows', attempt: '2' }],
    ['the same attempt, which has several configurations', {}],
  ])('different results of %s are not flaky', async (_, more: Record<string, string>) => {
    await upload(file('node-attempt-1.xml'));
    expect((await upload(file('node-attempt-2.xml'), more)).body).toMatchObject({ flaky_count: 0 });
  });

  test('files of the same attempt are the parts of one result', async () => {
    const part = (name: string) => `<testsuite><testcase name="${name}"/></testsuite>`;
    await upload(part('a'));
    await upload(part('b'));
    expect(await figures()).toMatchObject({ 'pipeline_test_results main tests passed': 2 });
  });

  test('parallel uploads of a commit are all compared', async () => {
    const failed = '<testsuite><testcase name="a"><failure/></testcase></testsuite>';
    const passed = '<testsuite><testcase name="a"/></testsuite>';
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => upload(n % 2 ? failed : passed, { attempt: String(n + 1) })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect((await figures())['pipeline_flaky_tests_total main tests']).toBe(1);
  });

  test('a compressed file', async () => {
    const answer = await post(query(), gzipSync(file('surefire-rerun.xml')), { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(201);
    expect(await answer.json()).toMatchObject({ flaky_count: 1, flaky: [{ name: 'reserves' }] });
  });

  test('20,000 tests with different results in two attempts', async () => {
    const many = (inner: string) =>
      `<testsuite>${Array.from({ length: 20_000 }, (_, n) => `<testcase classname="suite of many tests" name="test ${n}">${inner}</testcase>`).join('')}</testsuite>`;
    expect((await upload(many('<error/>'))).body).toMatchObject({ failed: 20_000 });
    const { body } = await upload(many(''), { attempt: '2' });
    expect(body).toMatchObject({ passed: 20_000, flaky_count: 20_000 });
    expect(body['flaky']).toHaveLength(200);
  });

  test('hostile and wrong bodies are refused', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '));
    expect((await post(query(), bomb, { 'content-encoding': 'gzip' })).status).toBe(413);
    expect((await post(query(), 'no gzip', { 'content-encoding': 'gzip' })).status).toBe(400);
    expect((await post(query(), 'a', { 'content-encoding': 'br' })).status).toBe(415);
    expect((await post(query(), Buffer.from([0xff, 0xfe, 0x3c]))).status).toBe(400);
    expect((await post(query(), Buffer.alloc(5 * 1024 * 1024, ' '))).status).toBe(413);
    const dtd = await upload('<!DOCTYPE a [<!ENTITY b "c">]><testsuite/>');
    expect(dtd).toMatchObject({ status: 422, body: { detail: expect.stringContaining('a document type') } });
    for (const commit of ['', ' ']) expect((await upload('<testsuite/>', { commit })).status).toBe(422);
    expect(await figures()).toEqual({});
  });

  test('a repository without a single service is refused with the line that maps it', async () => {
    const answer = await post('/v1/pipelines/tests?repository=acme/shop&commit=abc&run_id=7', '<testsuite/>');
    expect(answer.status).toBe(422);
    expect(((await answer.json()) as { detail: string }).detail).toContain('"repository: acme/shop"');
  });
});

test('GET /metrics has the figures as histograms and counters', async () => {
  token = { actions: ['*'], services: [service] };
  deps = {
    ...deps,
    queues: { read: async () => [], dead: async () => [], redrive: async () => 0 },
    drills: Object.assign({}, deps.drills, { proved: async () => [] }),
  };
  app = api(deps);
  await report({ branch: 'main', trigger: 'push', result: 'failed', started_at: at(0), finished_at: at(9) });
  await report({
    run_id: '8',
    branch: 'main',
    trigger: 'push',
    result: 'failed',
    started_at: at(0),
    finished_at: at(20),
  });
  const text = await (await app.request('/metrics', { headers: { authorization } })).text();
  const own = text.split('\n').filter((line) => line.includes(`service="${service}"`));
  const labels = `service="${service}",branch="main",result="failure"`;
  expect(own).toContain(`pipeline_runs_total{${labels},trigger="push"} 2`);
  // `increase` does not see the first value of a series: the next run may be the first that succeeds.
  expect(own).toContain(`pipeline_runs_total{service="${service}",branch="main",result="success",trigger="push"} 0`);
  expect(own).toContain(`pipeline_duration_seconds_bucket{${labels},le="450"} 0`);
  expect(own).toContain(`pipeline_duration_seconds_bucket{${labels},le="600"} 1`);
  expect(own).toContain(`pipeline_duration_seconds_bucket{${labels},le="+Inf"} 2`);
  expect(own).toContain(`pipeline_duration_seconds_sum{${labels}} 1740`);
  expect(own).toContain(`pipeline_duration_seconds_count{${labels}} 2`);
  expect(text).toContain('# TYPE pipeline_duration_seconds histogram');
});

describe("GitHub's webhooks", () => {
  const octokit = (name: string): any =>
    JSON.parse(readFileSync(new URL(`../../../test/fixtures/github/octokit/${name}.json`, import.meta.url), 'utf8'));
  const secret = 'a-webhook-secret';
  const send = async (event: string, payload: unknown, key = secret) => {
    const body = JSON.stringify(payload);
    const answer = await app.request('/integrations/github/webhook', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': event,
        'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
      },
      body,
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  };

  beforeEach(() => {
    deps = { ...deps, secrets: { get: async (name) => (name === 'GITHUB_WEBHOOK_SECRET' ? secret : undefined) } };
    app = api(deps);
  });

  test('events of a run and its jobs, delivered twice and in the wrong order, are one run', async () => {
    const repository = { full_name: `acme/${service}`, default_branch: 'master' };
    const of = (name: string, more: object) => {
      const payload = octokit(name);
      const [key] = Object.keys(payload).filter((one) => one === 'workflow_run' || one === 'workflow_job');
      return { ...payload, repository, [key ?? '']: { ...payload[key ?? ''], head_repository: repository, ...more } };
    };
    const ended = { updated_at: '2020-10-05T16:40:00Z', run_started_at: '2020-10-05T16:33:24Z' };
    const events: [string, unknown][] = [
      ['workflow_job', of('workflow_job-completed.failure', { run_id: 289782451 })],
      ['workflow_run', of('workflow_run-completed', ended)],
      ['workflow_run', of('workflow_run-requested', { run_started_at: '2020-10-05T16:33:24Z' })],
      ['workflow_job', of('workflow_job-completed.failure', { run_id: 289782451 })],
      ['workflow_run', of('workflow_run-completed', ended)],
    ];
    const ids = new Set<string | undefined>();
    for (const [event, payload] of events) {
      const { status, body } = await send(event, payload);
      expect(status).toBe(202);
      ids.add(body['pipeline_run']);
    }
    expect(ids.size).toBe(1);
    const { body } = await get(`/v1/pipelines/runs/${[...ids][0]}`);
    expect(body).toMatchObject({ service, result: 'succeeded', branch: 'master', stages: [{ name: 'linters' }] });
    expect(await figures()).toMatchObject({
      'pipeline_runs_total master succeeded api': 1,
      'pipeline_duration_seconds master succeeded sum': 396,
      'pipeline_stage_duration_seconds other linters failed sum': 198,
      'time_queued_seconds other linters 60': 1,
    });
  });

  test('a wrong signature, and a payload that does not match', async () => {
    expect((await send('workflow_run', octokit('workflow_run-completed'), 'wrong')).status).toBe(401);
    expect((await send('workflow_run', octokit('workflow_job-queued'))).status).toBe(422);
  });

  test('a run of an unknown repository is kept', async () => {
    const { body } = await send('workflow_run', octokit('workflow_run-completed'));
    expect(body['unmapped']).toContain('octo-org/octo-repo');
    expect((await get(`/v1/pipelines/runs/${body['pipeline_run']}`)).body).toMatchObject({ service: null });
    await send('workflow_run', octokit('workflow_run-completed'));
    const listed = (await get('/v1/pipelines/unmapped')).body['items'] as { repository: string }[];
    expect(listed.filter(({ repository }) => repository === 'octo-org/octo-repo')).toMatchObject([
      {
        pipeline: 'test',
        why: 'no service has the repository "octo-org/octo-repo"',
        lines: 'services:\n  octo-repo:\n    repository: "octo-org/octo-repo"',
      },
    ]);
  });
});

describe('POST /v1/traces', () => {
  const otlp = (name: string): string =>
    readFileSync(new URL(`../../../test/fixtures/otlp/${name}`, import.meta.url), 'utf8').replaceAll(
      'acme/checkout',
      `acme/${service}`,
    );
  const send = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
    post('/v1/traces', body, headers);

  test('JSON, compressed as by the collector', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const answer = await send(gzipSync(otlp('github-receiver.json')), headers);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({});
    const [run] = (await get(`/v1/pipelines/runs?service=${service}`)).body['items'] as PipelineRun[];
    expect(run).toMatchObject({
      has_trace: true,
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    });
    expect(await figures()).toMatchObject({
      'pipeline_runs_total main failed other': 1,
      'pipeline_duration_seconds main failed sum': 480,
      'pipeline_stage_duration_seconds main test failed sum': 360,
    });
  });

  test('protobuf, with the spans of a repository that the catalogue does not have', async () => {
    const body = new Uint8Array(Buffer.from(otlp('github-receiver.pb.base64'), 'base64'));
    const answer = await send(body, { 'content-type': 'application/x-protobuf' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/x-protobuf');
    expect((await answer.arrayBuffer()).byteLength).toBe(0);
    const all = (await get('/v1/pipelines/runs?limit=500')).body['items'] as PipelineRun[];
    expect(all.find(({ repository }) => repository === 'acme/checkout')).toMatchObject({
      run_id: '289782451',
      service: null,
    });
  });

  test('plain spans of otel-cli: the trace is the run, and each span a stage with its name', async () => {
    const body = otlp('otel-cli.json').replaceAll('"checkout"', JSON.stringify(service));
    expect(await (await send(body, { 'content-type': 'application/json' })).json()).toEqual({});
    const [{ id, ...run } = expect.unreachable()] = (await get(`/v1/pipelines/runs?service=${service}`)).body[
      'items'
    ] as PipelineRun[];
    expect(run).toMatchObject({
      pipeline: 'pipeline',
      run_id: '0c1f6e9f0c4b8d5d8a2e7b6f3a4d5e6f',
      result: 'failed',
      started_at: '2026-11-20T10:00:00.000Z',
      finished_at: '2026-11-20T10:03:20.000Z',
    });
    const { stages } = (await get(`/v1/pipelines/runs/${id}`)).body as { stages: PipelineStage[] };
    expect(Object.fromEntries(stages.map(({ name, result }) => [name, result]))).toEqual({
      build: 'succeeded',
      test: 'failed',
      pipeline: 'failed',
    });
  });

  test('a run whose own span never arrives is running, and incomplete after a day', async () => {
    const { resourceSpans, ...rest } = JSON.parse(
      otlp('otel-cli.json').replaceAll('"checkout"', JSON.stringify(service)),
    ) as { resourceSpans: { scopeSpans: { spans: { parentSpanId?: string }[] }[] }[] };
    const spansOf = (isRoot: boolean) =>
      JSON.stringify({
        ...rest,
        resourceSpans: resourceSpans.map((resource) => ({
          ...resource,
          scopeSpans: resource.scopeSpans.map((scope) => ({
            ...scope,
            spans: scope.spans.filter(({ parentSpanId = '' }) => (parentSpanId === '') === isRoot),
          })),
        })),
      });
    const headers = { 'content-type': 'application/json' };
    await send(spansOf(false), headers);
    const shown = async () => {
      const [run = expect.unreachable()] = (await get(`/v1/pipelines/runs?service=${service}`)).body[
        'items'
      ] as PipelineRun[];
      const { status } = (await get(`/v1/pipelines/runs/${run.id}`)).body;
      return [run.status, status];
    };
    expect(await shown()).toEqual(['running', 'running']);
    const now = stores.clock.millis;
    stores.clock.set(now + 25 * 3_600_000);
    expect(await shown()).toEqual(['incomplete', 'incomplete']);
    await send(spansOf(true), headers);
    expect(await shown()).toEqual(['finished', 'finished']);
    stores.clock.set(now);
  });

  test.each([
    ['in another letter case', (name: string) => name.toUpperCase()],
    ['with other separators', (name: string) => name.replace('-', '_')],
    ['after its owner', (name: string) => `acme/${name}`],
  ])('a service.name %s is the service of the catalogue', async (_, written) => {
    const body = otlp('otel-cli.json').replaceAll('"checkout"', JSON.stringify(written(service)));
    expect(await (await send(body, { 'content-type': 'application/json' })).json()).toEqual({});
    expect((await get(`/v1/pipelines/runs?service=${service}`)).body['items']).toHaveLength(1);
  });

  test('rejected spans are counted with their reasons', async () => {
    token = { actions: ['pipelines:write'], services: ['another'] };
    const answer = await send(otlp('github-receiver.json'), { 'content-type': 'application/json' });
    expect(await answer.json()).toEqual({
      partialSuccess: { rejectedSpans: '2', errorMessage: '2: the token may not report this service' },
    });
    expect(await figures()).toEqual({});
  });

  const IDS = { traceId: '5b8efff798038103d269b633813fc60c', spanId: 'eee19b7ec3c1b174' };

  test('spans without a valid ID or a known result are rejected, with the reasons', async () => {
    const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
    const resource = { attributes: [text('vcs.repository.url.full', `https://github.com/acme/${service}`)] };
    const run = {
      ...IDS,
      attributes: [text('cicd.pipeline.run.id', 'unknown')],
      endTimeUnixNano: '1795168860000000000',
    };
    const gone = [...run.attributes, text('cicd.pipeline.result', 'gone')];
    const spans = [
      { ...run, traceId: '0'.repeat(32) },
      { ...run, traceId: 'ab'.repeat(17) },
      { ...run, attributes: gone },
    ];
    const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] });
    expect(await (await send(body, { 'content-type': 'application/json' })).json()).toEqual({
      partialSuccess: {
        rejectedSpans: '3',
        errorMessage: expect.stringMatching(
          /^2: the trace ID must have 16 bytes, not only zeros; 1: cicd.pipeline.result: must be one of succeeded/,
        ),
      },
    });
  });

  test('spans that end at different times in the future are rejected for one reason', async () => {
    const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
    const resource = { attributes: [text('service.name', service)] };
    const ahead = BigInt(stores.clock.millis + 3_600_000) * 1_000_000n;
    const spans = [0n, 1n, 2n].map((minutes) => ({
      ...IDS,
      name: 'build',
      parentSpanId: IDS.spanId,
      attributes: [text('cicd.pipeline.task.name', 'build')],
      endTimeUnixNano: String(ahead + minutes * 60_000_000_000n),
    }));
    const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] });
    expect(await (await send(body, { 'content-type': 'application/json' })).json()).toEqual({
      partialSuccess: {
        rejectedSpans: '3',
        errorMessage:
          "3: reported_at is more than 15 minutes ahead of Firebreak's clock. Check the clock of the sender",
      },
    });
  });

  test('a span with an attribute that is too long is rejected by its name', async () => {
    const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
    // An expression with backtracking reads it slowly.
    const url = attribute('vcs.repository.url.full', `https://github.com/a${'/'.repeat(120_000)}b`);
    const spans = [{ ...IDS, attributes: [attribute('cicd.pipeline.run.id', '1')], endTimeUnixNano: '1' }];
    const trace = { resourceSpans: [{ resource: { attributes: [url] }, scopeSpans: [{ spans }] }] };
    const answer = await send(JSON.stringify(trace), { 'content-type': 'application/json' });
    expect(await answer.json()).toEqual({
      partialSuccess: {
        rejectedSpans: '1',
        errorMessage: '1: vcs.repository.url.full is longer than 2048 characters',
      },
    });
  });

  const runs = (length: number) => {
    const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
    const attributes = [text('vcs.repository.url.full', `https://github.com/acme/${service}`)];
    const spans = Array.from({ length }, (_, n) => ({
      ...IDS,
      attributes: [text('cicd.pipeline.run.id', `${n}`)],
      startTimeUnixNano: '1795168800000000000',
      endTimeUnixNano: '1795168860000000000',
    }));
    return JSON.stringify({ resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans }] }] });
  };
  const json = { 'content-type': 'application/json' };

  test('a large export gives up the thread while it is read, and spans are limited before they are recorded', async () => {
    const none = (spans: number) =>
      JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: Array.from({ length: spans }, () => IDS) }] }] });
    /** Returns the turns of the event loop until the answer. */
    const turnsOf = async (spans: number): Promise<number> => {
      let status: number | undefined;
      void Promise.resolve(send(none(spans), json)).then((answer) => (status = answer.status));
      for (let turns = 0; ; turns += 1) {
        if (status !== undefined) return status === 200 ? turns : expect.unreachable(`${status}`);
        await new Promise(setImmediate);
      }
    };
    expect((await send(none(10_001), json)).status).toBe(400);
    expect(await turnsOf(9_999)).toBeGreaterThan((await turnsOf(1)) + 5);
    // Spans that are not recorded count a tenth.
    for (let sent = 0; sent < 18; sent += 1) expect((await send(none(10_000), json)).status).toBe(200);
    expect((await send(none(9_000), json)).status).toBe(200);
    const refused = await send(runs(200), json);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2']);
    expect((await get(`/v1/pipelines/runs?service=${service}`)).body['items']).toEqual([]);
  });

  test('other bodies are refused', async () => {
    expect((await send('{}', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await send('no JSON', { 'content-type': 'application/json' })).status).toBe(400);
    expect((await send('{"resourceSpans": 7}', { 'content-type': 'application/json' })).status).toBe(400);
    const latin = await send(new Uint8Array(Buffer.from('{"sent by": "José"}', 'latin1')), {
      'content-type': 'application/json',
    });
    expect([latin.status, await latin.json()]).toEqual([
      400,
      expect.objectContaining({ code: 'not-json', detail: 'the body is not UTF-8' }),
    ]);
    token = { actions: ['deployments:write'], services: null };
    expect((await send('{}', { 'content-type': 'application/json' })).status).toBe(403);
  });

  test('a refused body in protobuf is answered with a google.rpc.Status in protobuf', async () => {
    const type = { 'content-type': 'application/x-protobuf' };
    const messageOf = async (answer: Response): Promise<string | undefined> => {
      expect(Object.fromEntries(answer.headers)).toMatchObject({ ...type, 'x-request-id': expect.any(String) });
      const [message, ...others] = [...fields(new Uint8Array(await answer.arrayBuffer()))];
      expect([message?.number, others]).toEqual([2, []]);
      return Buffer.from(message?.value as Uint8Array).toString();
    };
    const unreadable = await send('no protobuf', type);
    expect([unreadable.status, await messageOf(unreadable)]).toEqual([400, expect.stringMatching(/\w+ \w+/)]);
    token = { actions: ['deployments:write'], services: null };
    const forbidden = await send('', type);
    expect([forbidden.status, await messageOf(forbidden)]).toEqual([403, expect.stringContaining('pipelines:write')]);
    const unknown = await send('', { ...type, authorization: '' });
    expect([unknown.status, await messageOf(unknown)]).toEqual([401, expect.stringMatching(/\w+ \w+/)]);
    expect(unknown.headers.get('www-authenticate')).toBe('Bearer');
    for (let n = 0; n < DEFAULT_ALLOWANCE.burst; n += 1) await get('/v1/drills?limit=0');
    const limited = await send('', type);
    expect([limited.status, await messageOf(limited)]).toEqual([429, expect.stringContaining('requests per second')]);
    expect(limited.headers.get('retry-after')).toBe('1');
  });
});

describe('GET /v1/metrics/pipelines', () => {
  test('the figures of the runs in the window', async () => {
    const stages = [{ name: 'test', result: 'succeeded' as const, started_at: at(1), finished_at: at(4) }];
    await report({ branch: 'main', result: 'succeeded', started_at: at(0), finished_at: at(5), stages });
    await report({ run_id: '8', branch: 'feature', result: 'failed', started_at: at(0), finished_at: at(1) });
    const old = { started_at: '2026-10-01T10:00:00Z', finished_at: '2026-10-01T10:30:00Z' };
    await report({ run_id: '9', branch: 'main', result: 'failed', ...old });
    const all = await get(`/v1/metrics/pipelines?service=${service}&window=7d`);
    expect(all).toMatchObject({
      status: 200,
      body: { service, branch: null, success_ratio: 0.5, runs: { total: 2 }, duration: { mean_s: 180 } },
    });
    expect((await get(`/v1/metrics/pipelines?service=${service}&window=12w&branch=main`)).body).toMatchObject({
      success_ratio: 0.5,
      runs: { total: 2 },
      duration: { p95_s: 1800 },
      stages: [{ stage: 'test', p95_s: 180 }],
    });
  });

  test('a wrong window, and a service that the token may not read', async () => {
    expect((await get(`/v1/metrics/pipelines?service=${service}&window=soon`)).status).toBe(422);
    token = { actions: ['pipelines:read'], services: ['another'] };
    expect((await get(`/v1/metrics/pipelines?service=${service}`)).status).toBe(403);
  });
});

describe('GET /v1/metrics/code', () => {
  test('commits, pull requests, reviews, and coverage of a service or a team', async () => {
    config = Config.parse({
      ...emptyConfig,
      services: { [service]: { repository: `acme/${service}`, team: `team-${service}` }, cart: { team: 'another' } },
    });
    const now = deps.clock.now();
    const repository = `acme/${service}`;
    const webhook = async (event: string, payload: object) => {
      const body = JSON.stringify(payload);
      const signature = `sha256=${createHmac('sha256', 'hook secret').update(body).digest('hex')}`;
      deps.secrets = { get: async () => 'hook secret' };
      const headers = { 'content-type': 'application/json', 'x-github-event': event, 'x-hub-signature-256': signature };
      return (await app.request('/integrations/github/webhook', { method: 'POST', headers, body })).status;
    };
    const [before, after] = ['a'.repeat(40), 'b'.repeat(40)];
    const paths = { added: [], removed: [], modified: ['a.ts'] };
    const push = { ref: 'refs/heads/develop', before, after, commits: [{ id: after, timestamp: now, ...paths }] };
    expect(await webhook('push', { ...push, repository: { full_name: repository, default_branch: 'develop' } })).toBe(
      202,
    );
    const pull_request = {
      number: 7,
      title: 'Add',
      user: { login: 'ada' },
      base: { ref: 'develop' },
      head: { ref: 'add' },
      created_at: plusSeconds(now, -7200),
      updated_at: now,
      closed_at: now,
      merged_at: now,
      merge_commit_sha: after,
    };
    const review = { user: { login: 'grace' }, state: 'approved', submitted_at: plusSeconds(now, -3600) };
    const reviewed = { action: 'submitted', pull_request, review, repository: { full_name: repository } };
    expect(await webhook('pull_request_review', reviewed)).toBe(202);
    expect((await report({ branch: 'main', coverage: 0.9, started_at: now })).status).toBe(201);
    const expected = {
      services: [service],
      commits: 1,
      pull_requests: { opened: 1, merged: 1, closed: 0 },
      first_review: { count: 1, median_s: 3600, p90_s: 3600 },
      merge: { count: 1, median_s: 7200 },
      coverage: [{ service, value: 0.9 }],
    };
    expect(await get(`/v1/metrics/code?service=${service}`)).toMatchObject({ status: 200, body: expected });
    expect((await get(`/v1/metrics/code?team=team-${service}&window=4w`)).body).toMatchObject(expected);
    expect((await get('/v1/metrics/code?team=another')).body).toMatchObject({ services: ['cart'], commits: 0 });
    expect(await figures()).toMatchObject({ 'pipeline_coverage_ratio main': 0.9 });
    token = { actions: ['pipelines:read'], services: ['cart'] };
    expect((await get(`/v1/metrics/code?service=${service}`)).status).toBe(403);
  });
});
