import { describe, expect, test } from 'vitest';
import type { StandIns } from '../../core/index.ts';
import { clock, exchange, folder, sandbox, send, start } from '../support.ts';

const REPOSITORY = 'octo-org/checkout-api';

type Deployment = { id: number; sha: string; ref: string; environment: string };
type Status = { state: string; log_url: string; created_at: string };
type Run = { id: number; status: string; conclusion: string | null; run_attempt: number; head_sha: string };

async function call<T>({ urls }: StandIns, method: string, path: string, body?: object) {
  const response = await fetch(`${urls.github}/repos/${REPOSITORY}${path}`, {
    method,
    headers: { authorization: 'Bearer ghs_test' },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as T };
}

const get = async <T>(standIns: StandIns, path: string): Promise<T> => (await call<T>(standIns, 'GET', path)).body;

const push = async (standIns: StandIns, text: string): Promise<string> => {
  const body = { repository: REPOSITORY, files: { text }, tag: text };
  return (await sandbox<{ sha: string }>(standIns, 'POST', '/github/commits', body)).sha;
};

const runs = async (standIns: StandIns, query = ''): Promise<Run[]> =>
  (await get<{ workflow_runs: Run[] }>(standIns, `/actions/runs?${query}`)).workflow_runs;

const rerun = (standIns: StandIns, id: number) =>
  call<{ message: string }>(standIns, 'POST', `/actions/runs/${id}/rerun`);

/** Returns the states of each deployment, both newest first. */
async function states(standIns: StandIns): Promise<string[][]> {
  const deployments = await get<Deployment[]>(standIns, '/deployments');
  return Promise.all(
    deployments.map(async ({ id }) =>
      (await get<Status[]>(standIns, `/deployments/${id}/statuses`)).map(({ state }) => state),
    ),
  );
}

const setting = (standIns: StandIns, settings: object) => sandbox(standIns, 'PUT', '/github/settings', settings);

describe('a push', () => {
  test('runs the workflow, which takes 3 s and deploys', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    const sha = await push(standIns, 'v1');
    const begun = { head_sha: sha, head_branch: 'main', event: 'push', run_attempt: 1 };
    expect(await runs(standIns)).toMatchObject([{ ...begun, status: 'in_progress', conclusion: null }]);
    time.forward(2999);
    expect(await states(standIns)).toEqual([['in_progress']]);
    time.forward(1);
    expect(await runs(standIns)).toMatchObject([{ ...begun, status: 'completed', conclusion: 'success' }]);
    expect(await states(standIns)).toEqual([['success', 'in_progress']]);
    const [deployment] = await get<Deployment[]>(standIns, '/deployments?environment=production');
    expect(deployment).toMatchObject({ sha, ref: 'main' });
    const [success] = await get<Status[]>(standIns, `/deployments/${deployment?.id}/statuses`);
    expect(success?.log_url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/octo-org\/checkout-api\/actions\/runs\/1\/job\/\d+$/);
    expect(success?.created_at).toBe('2026-11-20T06:48:03Z');
  });

  test('with a successful run makes the earlier deployment inactive', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    await push(standIns, 'v1');
    time.forward(3000);
    await push(standIns, 'v2');
    expect(await states(standIns)).toEqual([['in_progress'], ['success', 'in_progress']]);
    time.forward(3000);
    expect(await states(standIns)).toEqual([
      ['success', 'in_progress'],
      ['inactive', 'success', 'in_progress'],
    ]);
  });

  test.each(['failure', 'cancelled', 'timed_out'])('can end with %s', async (conclusion) => {
    const time = clock();
    const standIns = await start({ now: time.now });
    await setting(standIns, { conclusion });
    await push(standIns, 'v1');
    time.forward(3000);
    expect(await runs(standIns)).toMatchObject([{ status: 'completed', conclusion }]);
    expect(await states(standIns)).toEqual([['failure', 'in_progress']]);
  });

  test('takes less time with a time scale, and continues while the process is stopped', async () => {
    const time = clock();
    const options = { dir: folder(), now: time.now, timeScale: 100 };
    const before = await start(options);
    await push(before, 'v1');
    await before.close();
    time.forward(30);
    expect(await states(await start(options))).toEqual([['success', 'in_progress']]);
  });

  test('to another branch, or without on_push, deploys nothing', async () => {
    const standIns = await start();
    await setting(standIns, { branch: 'release' });
    await push(standIns, 'v1');
    await setting(standIns, { on_push: false });
    await push(standIns, 'v2');
    expect(await runs(standIns)).toEqual([]);
  });
});

describe('a run', () => {
  test('that is repeated is another attempt with another deployment', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    await push(standIns, 'v1');
    expect(await rerun(standIns, 1)).toMatchObject({
      status: 403,
      body: { message: 'This workflow is already running' },
    });
    time.forward(3000);
    expect(await rerun(standIns, 1)).toEqual({ status: 201, body: {} });
    expect(await get<Run>(standIns, '/actions/runs/1')).toMatchObject({ run_attempt: 2, status: 'in_progress' });
    expect(await get<Run>(standIns, '/actions/runs/1/attempts/1')).toMatchObject({
      run_attempt: 1,
      conclusion: 'success',
    });
    expect((await call(standIns, 'GET', '/actions/runs/1/attempts/3')).status).toBe(404);
    time.forward(3000);
    expect(await states(standIns)).toEqual([
      ['success', 'in_progress'],
      ['inactive', 'success', 'in_progress'],
    ]);
  });

  test("from more than 30 days ago can't be repeated", async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    await push(standIns, 'v1');
    time.forward(30 * 24 * 3_600_000 + 1);
    expect(await rerun(standIns, 1)).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining('over a month ago') as string },
    });
    expect((await rerun(standIns, 2)).status).toBe(404);
  });

  test('waits for an approval if one is required', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    await setting(standIns, { approval: true });
    await push(standIns, 'v1');
    time.forward(60_000);
    expect(await runs(standIns, 'status=waiting')).toMatchObject([{ status: 'waiting', conclusion: null }]);
    expect(await states(standIns)).toEqual([['waiting']]);
    await sandbox(standIns, 'POST', '/github/approvals', { repository: REPOSITORY, run: 1 });
    time.forward(3000);
    expect(await states(standIns)).toEqual([['success', 'in_progress', 'waiting']]);
  });

  test('is listed by state, event, branch, and commit', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    const sha = await push(standIns, 'v1');
    time.forward(3000);
    await push(standIns, 'v2');
    await sandbox(standIns, 'POST', '/github/deploys', { repository: REPOSITORY, ref: 'v1', environment: 'staging' });
    const ids = async (query: string) => (await runs(standIns, query)).map(({ id }) => id);
    expect(await ids('')).toEqual([3, 2, 1]);
    expect(await ids('status=in_progress')).toEqual([3, 2]);
    expect(await ids('status=success')).toEqual([1]);
    expect(await ids('event=push&branch=main')).toEqual([2, 1]);
    expect(await ids(`head_sha=${sha}`)).toEqual([3, 1]);
    const list = await get<{ total_count: number }>(standIns, '/actions/workflows/deploy.yml/runs?per_page=1');
    expect(list.total_count).toBe(3);
    expect((await call(standIns, 'GET', '/actions/workflows/1/runs')).status).toBe(404);
  });

  test('ends when a person ends it', async () => {
    const standIns = await start();
    await push(standIns, 'v1');
    await sandbox(standIns, 'POST', '/github/ends', { repository: REPOSITORY, run: 1, conclusion: 'cancelled' });
    expect(await runs(standIns)).toMatchObject([{ status: 'completed', conclusion: 'cancelled' }]);
    const unknown = sandbox(standIns, 'POST', '/github/approvals', { repository: REPOSITORY, run: 2 });
    await expect(unknown).rejects.toThrow('no workflow run 2');
  });
});

describe('a deployment', () => {
  test('can be created by any client, as documented', async () => {
    const standIns = await start();
    await setting(standIns, { on_push: false });
    const sha = await push(standIns, 'v1');
    const documented = exchange('github/create-deployment-rollback');
    const response = await send(standIns.urls.github, documented, { ref: sha });
    expect(response.status).toBe(documented.response.status);
    const made = (await response.json()) as Deployment;
    expect(Object.keys(JSON.parse(documented.response.body) as object)).toEqual(
      expect.arrayContaining(Object.keys(made)),
    );
    expect(made).toMatchObject({ sha, ref: sha, environment: 'production' });
    const status = { state: 'success', log_url: 'https://ci.test/7' };
    expect((await call(standIns, 'POST', `/deployments/${made.id}/statuses`, status)).status).toBe(201);
    expect(await get(standIns, `/deployments/${made.id}/statuses`)).toMatchObject([status]);
    expect(await get(standIns, `/deployments/${made.id}`)).toEqual(made);
  });

  test('is found by environment, commit, and ref', async () => {
    const standIns = await start();
    await setting(standIns, { on_push: false });
    const sha = await push(standIns, 'v1');
    await push(standIns, 'v2');
    for (const body of [{ ref: 'v1' }, { ref: 'v2' }, { ref: sha, environment: 'qa' }])
      await call(standIns, 'POST', '/deployments', body);
    const ids = async (query: string) =>
      (await get<Deployment[]>(standIns, `/deployments?${query}`)).map(({ id }) => id);
    expect(await ids('environment=production')).toEqual([2, 1]);
    expect(await ids(`sha=${sha}`)).toEqual([3, 1]);
    expect(await ids('ref=v2')).toEqual([2]);
  });

  test.each([
    ['/deployments', { ref: 'nowhere' }, 422],
    ['/deployments/7/statuses', { state: 'success' }, 404],
  ])('POST %s %j is a %i', async (path, body, status) => {
    expect((await call(await start(), 'POST', path, body)).status).toBe(status);
  });
});
