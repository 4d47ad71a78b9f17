import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Hono } from 'hono';
import { expect, onTestFinished, test } from 'vitest';
import type { RecordedCall } from '../../core/journal.ts';
import { calls, clock, exchange, folder, incidents, sandbox, send, start } from '../support.ts';

const trigger = exchange('pagerduty/enqueue-trigger');
const rollback = exchange('cd/generic-rollback-202');

test('a call is recorded completely, with its response and without its credentials', async () => {
  const standIns = await start({ now: clock().now });
  await send(standIns.urls.pagerduty, trigger);
  await fetch(`${standIns.urls.pagerduty}/incidents?incident_key=a&limit=1`, {
    headers: { authorization: 'Token token=u+0123456789abcdefWXYZ', accept: 'application/json' },
  });
  const [lookup, page, ...others] = await calls(standIns);
  expect(others).toEqual([]);
  expect(page).toEqual({
    id: 'call_1',
    vendor: 'pagerduty',
    method: 'POST',
    path: '/v2/enqueue',
    query: null,
    headers: expect.objectContaining({ 'content-type': 'application/json' }) as unknown,
    body: { ...(JSON.parse(trigger.request.body) as object), routing_key: 'R012…789A' },
    outcome: 202,
    status: 202,
    at: '2026-11-20T06:48:00.000Z',
    fault: null,
  });
  expect(lookup).toMatchObject({
    method: 'GET',
    path: '/incidents',
    query: 'incident_key=a&limit=1',
    headers: { authorization: 'Token token=u+01…WXYZ' },
    body: null,
    status: 200,
  });
});

test('a body that is not JSON is recorded as text, without its credential', async () => {
  const standIns = await start();
  const body = '{"routing_key":"R0123456789ABCDEFGHIJ0123456789A","event_action":';
  const response = await fetch(`${standIns.urls.pagerduty}/v2/enqueue`, { method: 'POST', body });
  expect(response.status).toBe(400);
  expect(await calls(standIns)).toMatchObject([{ body: '{"routing_key":"R012…789A","event_action":', status: 400 }]);
});

test('a short credential is redacted completely', async () => {
  const standIns = await start();
  await send(standIns.urls.cd, rollback);
  const [call] = await calls(standIns);
  expect(call?.headers.authorization).toBe('Bearer [redacted]');
  expect(call?.headers['idempotency-key']).toBe(rollback.request.headers['Idempotency-Key']);
});

test('calls come newest first, by vendor, after a call or a time, and in pages', async () => {
  const time = clock();
  const standIns = await start({ now: time.now });
  for (const _ of [1, 2]) {
    await send(standIns.urls.pagerduty, trigger);
    time.forward(1000);
    await send(standIns.urls.cd, rollback);
    time.forward(1000);
  }
  const ids = async (query: string) => (await calls(standIns, query)).map(({ id }) => id);
  expect(await ids('')).toEqual(['call_4', 'call_3', 'call_2', 'call_1']);
  expect(await ids('?vendor=cd')).toEqual(['call_4', 'call_2']);
  expect(await ids('?since=call_2')).toEqual(['call_4', 'call_3']);
  expect(await ids('?since=2026-11-20T06:48:02.000Z')).toEqual(['call_4']);
  expect(await ids(`?since=${encodeURIComponent('2026-11-20T07:48:01.999+01:00')}`)).toEqual(['call_4', 'call_3']);

  type Page = { items: RecordedCall[]; next_cursor: string | null };
  const first = await sandbox<Page>(standIns, 'GET', '/calls?limit=3');
  expect(first).toMatchObject({ items: [{ id: 'call_4' }, {}, { id: 'call_2' }], next_cursor: 'call_2' });
  const second = await sandbox<Page>(standIns, 'GET', `/calls?limit=3&cursor=${first.next_cursor}`);
  expect(second).toMatchObject({ items: [{ id: 'call_1' }], next_cursor: null });
});

test.each(['vendor=fax', 'since=yesterday', 'limit=0', 'limit=10001', 'limit=many', 'cursor=7', 'verdor=cd'])(
  'an invalid query, %s, is a 400 that names the parameter',
  async (query) => {
    const { app } = await start();
    const response = await app.request(`/sandbox/calls?${query}`);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(((await response.json()) as { detail: string }).detail).toContain(query.split('=')[0]);
  },
);

test('the journal survives a restart', async () => {
  const dir = folder();
  const before = await start({ dir });
  await send(before.urls.pagerduty, trigger);
  await before.close();
  const after = await start({ dir });
  await send(after.urls.pagerduty, trigger);
  expect(await calls(after)).toMatchObject([
    { id: 'call_2', status: 202 },
    { id: 'call_1', status: 202 },
  ]);
});

test('mounted in another app, it handles only its own errors', async () => {
  const { app, close } = await start();
  const main = new Hono().onError((_, c) => c.text('main error', 599 as 500)).notFound((c) => c.text('main 404', 404));
  main.route('/', app).get('/broken', () => {
    throw new Error('not from the sandbox');
  });
  const answer = async (path: string) => {
    const response = await main.request(path);
    return `${response.status} ${response.headers.get('content-type')}`;
  };
  expect(await answer('/sandbox/calls')).toContain('200 application/json');
  expect(await answer('/sandbox/calls?limit=0')).toBe('400 application/problem+json');
  expect(await answer('/broken')).toContain('599');
  expect(await answer('/other')).toContain('404');
  await close();
  expect(await answer('/sandbox/calls')).toBe('500 application/problem+json');
});

test('a kill loses neither the effect nor the call without a response', async () => {
  const dir = folder();
  const child = await startInChild(dir);
  const put = (fault: object) =>
    fetch(`${child.sandbox}/sandbox/faults`, {
      method: 'PUT',
      body: JSON.stringify({ vendor: 'pagerduty', fault, times: 1 }),
    });
  await put({ kind: 'lost' });
  await expect(send(child.pagerduty, trigger)).rejects.toThrow();
  await put({ kind: 'hang' });
  const hanging = send(child.pagerduty, trigger, { dedup_key: 'never' }).catch((error: unknown) => error);
  const recorded = async () =>
    ((await (await fetch(`${child.sandbox}/sandbox/calls`)).json()) as { items: RecordedCall[] }).items.length;
  await expect.poll(recorded).toBe(2);
  await child.kill();
  expect(await hanging).toBeInstanceOf(Error);

  const after = await start({ dir });
  expect(await calls(after)).toMatchObject([
    { fault: 'hang', outcome: null, status: null, body: { dedup_key: 'never' } },
    { fault: 'lost', outcome: 202, status: null },
  ]);
  const found = await incidents(after);
  expect(found).toMatchObject([{ status: 'triggered' }]);
});

/** Starts stand-ins in a process of their own, which can be killed. */
async function startInChild(dir: string) {
  const module = new URL('../../core/index.ts', import.meta.url).href;
  const script = `
    const { startStandIns } = await import(${JSON.stringify(module)});
    const { serve } = await import('@hono/node-server');
    const standIns = await startStandIns({ dir: ${JSON.stringify(dir)} });
    serve({ fetch: standIns.app.fetch, port: 0, hostname: '127.0.0.1', overrideGlobalObjects: false }, ({ port }) => {
      console.log(JSON.stringify({ ...standIns.urls, sandbox: 'http://127.0.0.1:' + port }));
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  onTestFinished(kill);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { ...(JSON.parse(line) as { pagerduty: string; sandbox: string }), kill };
}
