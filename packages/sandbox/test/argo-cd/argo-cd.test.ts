import { describe, expect, test } from 'vitest';
import type { StandIns } from '../../core/index.ts';
import { clock, exchange, folder, sandbox, send, start } from '../support.ts';

const [GOOD, BAD] = ['9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b', '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1'];
const NEWER = '7d6c5b4a39281706f5e4d3c2b1a0998877665544';
const URL_PATH = '/api/v1/applications/checkout-api';

type App = {
  metadata: { resourceVersion: string; annotations?: Record<string, string> };
  spec: { syncPolicy?: object };
  operation?: { sync: object; initiatedBy: object };
  status: {
    sync: { status: string; revision: string };
    health: { status: string };
    history: { id: number; revision: string; initiatedBy: object }[];
    operationState?: { phase: string; operation: { sync: { revision: string }; initiatedBy: object } };
    reconciledAt: string;
    summary: { images?: string[] };
  };
};

const json = async <T = App>(response: Response) => ({ status: response.status, body: (await response.json()) as T });

/** Creates the application of the documented exchanges: two deployments, of which the second is running. */
async function open(change: object = {}, options: Parameters<typeof start>[0] = {}) {
  const time = clock();
  const standIns = await start({ now: time.now, ...options });
  const tell = <T>(method: string, path: string, body?: unknown) =>
    sandbox<T>(standIns, method, `/argo-cd/applications/checkout-api${path}`, body);
  await tell('PUT', '', {
    project: 'payments',
    spec: { destination: { server: 'https://kubernetes.default.svc', namespace: 'checkout' } },
    labels: { service: 'checkout-api', env: 'production' },
    source: { repoURL: 'https://git.example.com/deploy.git', path: 'checkout-api/prod', targetRevision: 'main' },
    history: [
      ...Array.from({ length: 10 }, (_, i) => ({ revision: `${i}`.repeat(40) })),
      { revision: GOOD, images: ['registry.example.com/checkout-api:2026.11.19-2'] },
      { revision: BAD, images: ['registry.example.com/checkout-api:2026.11.20-4'] },
    ],
    ...change,
  });
  return { standIns, time, tell, ...callsOf(standIns) };
}

function callsOf({ urls }: StandIns) {
  const headers = { authorization: 'Bearer argocd-test-token', 'content-type': 'application/json' };
  const at = urls['argo-cd'];
  return {
    get: async <T = App>(path = '') => json<T>(await fetch(at + URL_PATH + path, { headers })),
    post: async <T = App>(path: string, body: object) =>
      json<T>(await fetch(at + URL_PATH + path, { method: 'POST', headers, body: JSON.stringify(body) })),
    patch: async (body: object) =>
      json(await fetch(at + URL_PATH, { method: 'PATCH', headers, body: JSON.stringify(body) })),
    exchanged: async (name: string, change: Record<string, unknown> = {}) => {
      const documented = exchange(`argo-cd/${name}`);
      const got = await json(await send(at, documented, change));
      return {
        got,
        documented: { status: documented.response.status, body: JSON.parse(documented.response.body) as App },
      };
    },
  };
}

describe('documented exchanges', () => {
  test('an application has the documented fields', async () => {
    const { exchanged } = await open();
    const { got, documented } = await exchanged('app-get');
    expect(got.status).toBe(documented.status);
    const { history, health: _, ...status } = documented.body.status;
    expect(Object.keys(got.body.status)).toEqual(expect.arrayContaining(Object.keys(status)));
    expect(got.body.status.sync).toEqual(documented.body.status.sync);
    expect(got.body.status.history.slice(-2).map(({ id, revision }) => ({ id, revision }))).toEqual(
      history.map(({ id, revision }) => ({ id, revision })),
    );
    expect(got.body.spec).toMatchObject({ source: { path: 'checkout-api/prod' }, project: 'payments', syncPolicy: {} });
    expect(got.body.status.summary).toEqual(documented.body.status.summary);
  });

  test('a rollback is accepted as an operation', async () => {
    const { exchanged } = await open();
    const { got, documented } = await exchanged('rollback');
    expect(got.status).toBe(documented.status);
    expect(got.body.operation).toEqual(documented.body.operation);
    expect(got.body.status.sync).toEqual(documented.body.status.sync);
  });

  test('an operation in progress, and when it is completed', async () => {
    const { exchanged, time, get } = await open();
    await exchanged('rollback');
    const running = await exchanged('app-get-rollback-running');
    expect(running.got.body.status.operationState).toMatchObject({
      phase: 'Running',
      operation: running.documented.body.status.operationState?.operation,
    });
    time.forward(5000);
    const done = await exchanged('app-get-rollback-done');
    expect(done.got.body.status).toMatchObject({
      sync: { status: 'OutOfSync', revision: BAD },
      health: { status: 'Healthy' },
      operationState: { phase: 'Succeeded', operation: done.documented.body.status.operationState?.operation },
      summary: { images: ['registry.example.com/checkout-api:2026.11.19-2'] },
    });
    expect((await get()).body.operation).toBeUndefined();
  });

  test('a failed rollback', async () => {
    const { exchanged, standIns, time, get } = await open();
    await sandbox(standIns, 'PUT', '/argo-cd/settings', { outcome: 'Failed' });
    await exchanged('rollback');
    time.forward(2000);
    const { got, documented } = await exchanged('app-get-rollback-failed');
    const { phase, message } = documented.body.status.operationState as { phase: string; message?: string };
    expect(got.body.status.operationState).toMatchObject({ phase, message });
    expect((await get()).body.status.history.at(-1)).toMatchObject({ id: 11, revision: BAD });
  });

  test.each([
    ['rollback-automated-refused', { automated: { prune: true, selfHeal: true } }],
    ['rollback-bad-id', {}],
  ])('%s', async (name, change) => {
    const { exchanged } = await open(change);
    const { got, documented } = await exchanged(name);
    expect(got).toEqual(documented);
  });

  test('only one operation runs at a time', async () => {
    const { exchanged } = await open();
    await exchanged('rollback');
    const { got, documented } = await exchanged('rollback-operation-in-progress');
    expect(got).toEqual(documented);
  });

  test('a caller without the permission is refused', async () => {
    const { exchanged, standIns } = await open();
    await sandbox(standIns, 'PUT', '/argo-cd/settings', { denied: ['sync'] });
    const { got, documented } = await exchanged('rollback-permission-denied');
    expect(got).toEqual(documented);
  });

  test('a caller without a session is refused', async () => {
    const { standIns } = await open();
    const { request, response } = exchange('argo-cd/unauthenticated');
    const { Authorization: _, ...headers } = request.headers;
    const got = await fetch(standIns.urls['argo-cd'] + request.path, { headers });
    expect({ status: got.status, body: await got.text() }).toEqual({ status: response.status, body: response.body });
  });

  test('automated sync is switched off by a patch', async () => {
    const { exchanged } = await open({ automated: { prune: true, selfHeal: true } });
    expect((await exchanged('app-get-automated')).got.body.spec.syncPolicy).toEqual({
      automated: { prune: true, selfHeal: true },
    });
    const { got } = await exchanged('patch-disable-autosync');
    expect(got.status).toBe(200);
    expect(got.body.spec.syncPolicy ?? {}).toEqual({});
    expect((await exchanged('rollback')).got.status).toBe(200);
  });

  test('a sync to an explicit revision', async () => {
    const { exchanged, time, get } = await open();
    const { got, documented } = await exchanged('sync');
    expect(got).toMatchObject({ status: 200, body: { operation: documented.body.operation } });
    time.forward(2000);
    expect((await get()).body.status.history.at(-1)).toMatchObject({ id: 12, revision: GOOD });
  });
});

describe('an operation', () => {
  test('takes the sync duration, then the rollout duration; the time scale divides both', async () => {
    const { post, get, time } = await open({}, { timeScale: 10 });
    await post('/rollback', { id: 10 });
    time.forward(199);
    expect((await get()).body.status.operationState?.phase).toBe('Running');
    time.forward(1);
    expect((await get()).body.status).toMatchObject({
      operationState: { phase: 'Succeeded' },
      health: { status: 'Progressing' },
    });
    time.forward(200);
    expect((await get()).body.status.health.status).toBe('Healthy');
  });

  test('continues while the process is stopped, and every change has a newer version', async () => {
    const time = clock();
    const dir = folder();
    const first = await open({}, { dir, now: time.now });
    const { body } = await first.post('/rollback', { id: '10', dryRun: false });
    await first.standIns.close();
    time.forward(2000);
    const after = callsOf(await start({ dir, now: time.now }));
    const { body: now } = await after.get();
    expect(now.status.history.at(-1)).toMatchObject({ id: 12, revision: GOOD, initiatedBy: { username: 'firebreak' } });
    expect(Number(now.metadata.resourceVersion)).toBeGreaterThan(Number(body.metadata.resourceVersion));
  });

  test('that is a dry run changes nothing', async () => {
    const { post, get, time } = await open();
    await post('/rollback', { id: 10, dryRun: true });
    time.forward(2000);
    expect((await get()).body.status.history.at(-1)).toMatchObject({ id: 11, revision: BAD });
  });

  test('the history keeps ten entries', async () => {
    const { get } = await open();
    const { history } = (await get()).body.status;
    expect(history.map(({ id }) => id)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});

describe('automated sync', () => {
  test('syncs the branch when Argo CD polls Git (after three minutes) or is refreshed', async () => {
    const { tell, get, time } = await open({ automated: true });
    await tell('POST', '/commit', { revision: NEWER });
    expect((await get()).body.status.sync).toMatchObject({ status: 'Synced', revision: BAD });
    expect((await get('?refresh=normal')).body.status.sync).toMatchObject({ status: 'OutOfSync', revision: NEWER });
    expect((await get()).body.status.operationState).toMatchObject({
      phase: 'Running',
      operation: { initiatedBy: { automated: true }, sync: { revision: NEWER } },
    });
    time.forward(2000);
    expect((await get()).body.status.history.at(-1)).toMatchObject({ revision: NEWER });

    await tell('POST', '/commit', { revision: GOOD });
    time.forward(180_000);
    await get();
    time.forward(2000);
    expect((await get()).body.status).toMatchObject({ sync: { status: 'Synced', revision: GOOD } });
  });

  test('waits for the end of an active deny window, even one that allows manual syncs', async () => {
    const { tell, get, time } = await open({ automated: true });
    const deny = { kind: 'deny', manualSync: true, active: true };
    await tell('PUT', '/windows', [deny]);
    await tell('POST', '/commit', { revision: NEWER });
    await get('?refresh=normal');
    time.forward(2000);
    expect((await get()).body.status.sync).toMatchObject({ status: 'OutOfSync', revision: NEWER });
    await tell('PUT', '/windows', [{ ...deny, active: false }]);
    await get();
    time.forward(2000);
    expect((await get()).body.status.sync).toMatchObject({ status: 'Synced', revision: NEWER });
  });

  test('tries each revision once', async () => {
    const { standIns, tell, get, time } = await open({ automated: true });
    await sandbox(standIns, 'PUT', '/argo-cd/settings', { outcome: 'Failed' });
    await tell('POST', '/commit', { revision: NEWER });
    await get('?refresh=normal');
    await get();
    time.forward(2000);
    expect((await get()).body.status.operationState?.phase).toBe('Failed');
    time.forward(180_000);
    expect((await get()).body.operation).toBeUndefined();
  });

  test('undoes a rollback as soon as it is enabled again', async () => {
    const { post, tell, get, time } = await open();
    await post('/rollback', { id: 10 });
    time.forward(2000);
    await tell('PUT', '/automated', { automated: { selfHeal: true } });
    expect((await get()).body.operation).toMatchObject({ sync: { revision: BAD }, initiatedBy: { automated: true } });
  });

  test("can't be bypassed by a sync to another revision", async () => {
    const { post } = await open({ automated: true });
    expect(await post('/sync', { revision: GOOD })).toMatchObject({
      status: 400,
      body: { code: 9, message: `Cannot sync to ${GOOD}: auto-sync currently set to main` },
    });
  });
});

test('sync windows are listed, and block manual syncs', async () => {
  const { tell, get, post } = await open();
  const windows = '/syncwindows';
  expect(await get(windows)).toEqual({ status: 200, body: { canSync: true } });
  const deny = { kind: 'deny', schedule: '0 22 * * *', duration: '8h', manualSync: false };
  await tell('PUT', '/windows', [{ ...deny, active: true }]);
  expect(await get(windows)).toEqual({
    status: 200,
    body: { activeWindows: [deny], assignedWindows: [deny], canSync: false },
  });
  expect(await post('/sync', {})).toMatchObject({
    status: 403,
    body: { message: 'cannot sync: blocked by sync window' },
  });
  await tell('PUT', '/windows', [{ ...deny, manualSync: true, active: true }]);
  expect((await get<{ canSync: boolean }>(windows)).body.canSync).toBe(true);
});

test("projects: without the project's name, a caller doesn't learn whether an application exists", async () => {
  const { get, standIns } = await open();
  expect((await get('?project=payments')).status).toBe(200);
  expect(await get('?project=search')).toMatchObject({ status: 404, body: { code: 5 } });
  const headers = { authorization: 'Bearer argocd-test-token' };
  const none = await fetch(`${standIns.urls['argo-cd']}/api/v1/applications/nobody`, { headers });
  expect(await json<object>(none)).toEqual({
    status: 403,
    body: { error: 'permission denied', code: 7, message: 'permission denied' },
  });
});

test('if a token is set, only this token is accepted', async () => {
  const { get, standIns } = await open();
  await sandbox(standIns, 'PUT', '/argo-cd/settings', { token: 'another' });
  expect(await get()).toMatchObject({ status: 401, body: { code: 16 } });
});

test('only spec, labels, and annotations can be patched, and the result must be valid', async () => {
  const { patch } = await open();
  const change = (body: object) => ({ name: 'checkout-api', patchType: 'merge', patch: JSON.stringify(body) });
  expect((await patch(change({ metadata: { annotations: { note: 'x' } }, status: { sync: {} } }))).body).toMatchObject({
    metadata: { annotations: { note: 'x' } },
    status: { sync: { revision: BAD } },
  });
  expect(await patch(change({ spec: { source: null } }))).toMatchObject({ status: 400, body: { code: 3 } });
  expect(await patch({ ...change({}), patchType: 'strategic' })).toMatchObject({ status: 400 });
});

test('the sandbox lists applications, and rejects unknown ones', async () => {
  const { tell, standIns } = await open();
  expect(await sandbox(standIns, 'GET', '/argo-cd/applications')).toMatchObject({
    items: [{ name: 'checkout-api', project: 'payments', automated: false, running: BAD, head: BAD, operation: null }],
  });
  await expect(sandbox(standIns, 'POST', '/argo-cd/applications/nobody/deploy', { revision: GOOD })).rejects.toThrow(
    'create it with PUT',
  );
  await expect(tell('PUT', '', { history: [] })).rejects.toThrow('history');
});
