import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { grafana, type GrafanaView } from '../../grafana/grafana.ts';
import type { StandIns } from '../../core/index.ts';
import { clock, exchange, folder, send, setFault, start, type Exchange } from '../support.ts';

type Annotation = {
  id: number;
  time: number;
  timeEnd: number;
  text: string;
  tags: string[];
  dashboardUID: string | null;
};
type Answer = { message: string; id: number };

async function call<T = Answer>({ urls }: StandIns, method: string, path: string, body?: unknown) {
  const response = await fetch(`${urls.grafana}/api/annotations${path}`, {
    method,
    headers: { authorization: 'Bearer glsa_test_dev', 'content-type': 'application/json' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as T };
}

const found = async (standIns: StandIns, query: string) =>
  (await call<Annotation[]>(standIns, 'GET', `?${query}`)).body.map(({ text }) => text);

const expectAnswer = async (response: Response, { response: { status, body } }: Exchange) => {
  expect([response.status, await response.text()]).toEqual([status, body]);
  expect(response.headers.get('content-type')).toContain('application/json');
};

describe('documented exchanges', () => {
  test('an annotation is created, patched into a region, and found', async () => {
    const standIns = await start();
    for (const name of ['annotations-create', 'annotations-create-region', 'annotations-patch']) {
      const documented = exchange(`grafana/${name}`);
      await expectAnswer(await send(standIns.urls.grafana, documented), documented);
    }
    const { request, response } = exchange('grafana/annotations-find');
    const answer = await fetch(standIns.urls.grafana + request.path, { headers: request.headers });
    const [expected] = JSON.parse(response.body) as Record<string, unknown>[];
    expect(await answer.json()).toMatchObject([{ ...expected, dashboardId: expect.any(Number) as number }]);
  });

  test('annotations-unauthorized: without a bearer token', async () => {
    const { urls } = await start();
    const documented = exchange('grafana/annotations-unauthorized');
    for (const Authorization of ['', 'Bearer ', 'Basic YWRtaW46YWRtaW4=']) {
      const request = { ...documented.request, headers: { ...documented.request.headers, Authorization } };
      await expectAnswer(await send(urls.grafana, { ...documented, request }), documented);
    }
    expect((await fetch(`${urls.grafana}/api/health`)).status).toBe(200);
  });

  test('annotations-forbidden is a fault', async () => {
    const standIns = await start();
    const documented = exchange('grafana/annotations-forbidden');
    const body = JSON.parse(documented.response.body) as Record<string, string>;
    await setFault(standIns, { vendor: 'grafana', fault: { kind: 'status', status: 403, body }, times: 1 });
    await expectAnswer(await send(standIns.urls.grafana, documented), documented);
    expect(await found(standIns, '')).toEqual([]);
    expect((await send(standIns.urls.grafana, documented)).status).toBe(200);
  });

  test('a rate limit, which only a hosted Grafana has, is a fault', async () => {
    const standIns = await start();
    await setFault(standIns, { vendor: 'grafana', fault: { kind: 'rate_limit' }, times: 1 });
    expect((await call(standIns, 'POST', '', { text: 'x' })).status).toBe(429);
    expect((await call(standIns, 'POST', '', { text: 'x' })).status).toBe(200);
  });
});

describe('searching', () => {
  const withAnnotations = async () => {
    const standIns = await start({ now: clock().now });
    for (const [text, time, timeEnd, tags] of [
      ['deploy', 1000, 0, ['deploy', 'service:checkout']],
      ['incident', 2000, 5000, ['incident', 'service:checkout']],
      ['other deploy', 3000, 0, ['deploy', 'service:search']],
    ] as const) {
      expect((await call(standIns, 'POST', '', { text, time, timeEnd, tags })).status).toBe(200);
    }
    return standIns;
  };

  test.each([
    ['all annotations, the latest end first', '', ['incident', 'other deploy', 'deploy']],
    ['all tags must match', 'tags=deploy&tags=service:checkout', ['deploy']],
    [
      'with matchAny one tag is enough',
      'tags=deploy&tags=incident&matchAny=true',
      ['incident', 'other deploy', 'deploy'],
    ],
    ['a key without a value matches all its values', 'tags=service', ['incident', 'other deploy', 'deploy']],
    ['a tag without annotations', 'tags=rollback', []],
    ['regions that overlap the time range', 'from=4000&to=9000', ['incident']],
    ['points at the bounds of the time range', 'from=3000&to=3000', ['incident', 'other deploy']],
    ['without an end the time range does not apply', 'from=4000', ['incident', 'other deploy', 'deploy']],
    ['a limit', 'limit=1', ['incident']],
    ['annotations by people', 'type=annotation&limit=1', ['incident']],
    ['annotations by alerts', 'type=alert', []],
  ])('%s', async (_, query, texts) => {
    expect(await found(await withAnnotations(), query)).toEqual(texts);
  });

  test('the default limit is 100', async () => {
    const standIns = await start();
    for (let i = 0; i < 101; i++) await call(standIns, 'POST', '', { text: String(i), time: 1000 + i });
    const texts = await found(standIns, '');
    expect([texts.length, texts[0], texts.at(-1)]).toEqual([100, '100', '1']);
  });
});

describe('writing', () => {
  const one = async (standIns: StandIns) => (await call<Annotation>(standIns, 'GET', '/1')).body;

  test('uses the current time by default, and swaps an end before the start', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    await call(standIns, 'POST', '', { text: 'now' });
    expect(await one(standIns)).toMatchObject({ time: time.now(), timeEnd: time.now(), tags: [], dashboardUID: null });
    await call(standIns, 'PATCH', '/1', { time: 9000, timeEnd: 4000 });
    expect(await one(standIns)).toMatchObject({ time: 4000, timeEnd: 9000, text: 'now' });
  });

  test('PATCH keeps absent fields, PUT does not', async () => {
    const standIns = await start();
    await call(standIns, 'POST', '', {
      text: 'deploy',
      time: 1000,
      tags: ['deploy', ' service : checkout ', 'deploy'],
    });
    await call(standIns, 'PATCH', '/1', { timeEnd: 2000 });
    const patched = { text: 'deploy', time: 1000, timeEnd: 2000, tags: ['deploy', 'service:checkout'] };
    expect(await one(standIns)).toMatchObject(patched);
    expect((await call(standIns, 'PUT', '/1', { text: 'put' })).body).toEqual({ message: 'Annotation updated' });
    expect(await one(standIns)).toMatchObject({ text: 'put', time: 1000, timeEnd: 2000, tags: [] });
  });

  test('text after a second colon of a tag is dropped, so that two tags become one', async () => {
    const standIns = await start();
    await call(standIns, 'POST', '', { text: 'x', tags: ['firebreak:effect:1', 'firebreak:effect:2'] });
    expect((await one(standIns)).tags).toEqual(['firebreak:effect']);
    expect(await found(standIns, 'tags=firebreak:effect:3')).toEqual(['x']);
  });

  test('DELETE removes an annotation for good: its ID is not reused', async () => {
    const standIns = await start();
    await call(standIns, 'POST', '', { text: 'x' });
    expect((await call(standIns, 'DELETE', '/1')).body).toEqual({ message: 'Annotation deleted' });
    for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
      const answer = await call(standIns, method, '/1', method === 'GET' ? undefined : {});
      expect(answer).toEqual({ status: 404, body: { message: 'Annotation not found' } });
    }
    expect((await call(standIns, 'POST', '', { text: 'y' })).body.id).toBe(2);
  });

  test.each([
    ['no text', { time: 1 }, 400, 'Failed to save annotation'],
    ['invalid JSON', 'x', 400, 'bad request data'],
    ['a time that is a text', { text: 'x', time: '2026-11-20' }, 400, 'bad request data'],
    ['tags of 500 bytes', { text: 'x', tags: ['é'.repeat(248)] }, 200, 'Annotation added'],
    [
      'tags of 501 bytes',
      { text: 'x', tags: [`${'é'.repeat(248)}x`] },
      400,
      'Tags length exceeds the maximum allowed.',
    ],
  ])('%s', async (_, body, status, message) => {
    const standIns = await start();
    const answer = await call(standIns, 'POST', '', body);
    expect([answer.status, answer.body.message]).toEqual([status, message]);
    expect(await found(standIns, '')).toHaveLength(status === 200 ? 1 : 0);
  });
});

test('annotations survive a restart, and are in the view', async () => {
  const options = { dir: folder(), now: clock().now };
  const before = await start(options);
  await call(before, 'POST', '', { text: 'deploy 12', tags: ['deploy'], dashboardUID: 'slo-checkout' });
  await call(before, 'POST', '', { text: 'incident', tags: ['incident'], timeEnd: options.now() + 60_000 });
  await before.close();

  const after = await start(options);
  expect(await found(after, '')).toEqual(['incident', 'deploy 12']);
  const db = new DatabaseSync(join(options.dir, 'standins.sqlite'));
  const view: GrafanaView = grafana.view({ db, now: options.now, timeScale: 1 });
  db.close();
  const from = '2026-11-20T06:48:00.000Z';
  expect(view.annotations).toEqual([
    { id: 2, from, until: '2026-11-20T06:49:00.000Z', text: 'incident', tags: ['incident'], dashboard: null },
    { id: 1, from, until: null, text: 'deploy 12', tags: ['deploy'], dashboard: 'slo-checkout' },
  ]);
});
