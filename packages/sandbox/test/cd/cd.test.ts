import { describe, expect, test } from 'vitest';
import type { StandIns } from '../../core/index.ts';
import { clock, exchange, folder, sandbox, send, setFault, start, type Exchange } from '../support.ts';

const accepted = exchange('cd/generic-rollback-202');
const KEY = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B.roll-back.1';

type Answer = { id?: string; status?: string; status_url?: string; error?: string; current_version?: string };

const expectAnswer = async (response: Response, { response: { status, headers, body } }: Exchange) => {
  expect({ status: response.status, body: await response.text() }).toEqual({ status, body });
  expect(response.headers.get('content-type')).toBe(headers['Content-Type']);
};

/** Sends the rollback of the fixture with another key and other changes. */
const rollBack = async ({ urls }: StandIns, key: string, change: Record<string, unknown> = {}) => {
  const { request, response } = accepted;
  const headers = { ...request.headers, 'Idempotency-Key': key };
  const answered = await send(
    urls.cd,
    { response, request: { ...request, headers } },
    { idempotency_key: key, ...change },
  );
  return { status: answered.status, body: (await answered.json()) as Answer };
};

const poll = async ({ urls }: StandIns, path: string) => (await (await fetch(urls.cd + path)).json()) as Answer;

const live = async (standIns: StandIns) =>
  (await sandbox<{ items: { service: string; version: string }[] }>(standIns, 'GET', '/cd/live')).items;

describe('documented exchanges', () => {
  test('202, then 200 with the first response for the same key', async () => {
    const { urls } = await start({ now: clock().now });
    await expectAnswer(await send(urls.cd, accepted), accepted);
    const duplicate = exchange('cd/generic-rollback-200-duplicate');
    await expectAnswer(await send(urls.cd, duplicate), duplicate);
  });

  test('404 for an unknown service', async () => {
    const standIns = await start();
    await sandbox(standIns, 'PUT', '/cd/settings', { services: ['checkout-api'] });
    const documented = exchange('cd/generic-rollback-404-unknown-service');
    await expectAnswer(await send(standIns.urls.cd, documented), documented);
    expect((await send(standIns.urls.cd, accepted)).status).toBe(202);
  });

  test('409 with current_version if another version is running', async () => {
    const standIns = await start();
    const running = { service: 'checkout-api', environment: 'production', version: '2026.11.20-5' };
    await sandbox(standIns, 'PUT', '/cd/live', running);
    const documented = exchange('cd/generic-rollback-409-version-changed');
    await expectAnswer(await send(standIns.urls.cd, documented), documented);
    expect(await live(standIns)).toEqual([running]);
  });

  test('409 without current_version while a rollback is in progress', async () => {
    const standIns = await start({ now: clock().now });
    await rollBack(standIns, 'another');
    const documented = exchange('cd/generic-rollback-409-in-progress');
    const response = await send(standIns.urls.cd, documented);
    expect(response.status).toBe(documented.response.status);
    expect(await response.json()).toEqual({ ...(JSON.parse(documented.response.body) as object), id: 'rb_01' });
  });

  test('422 without a target version', async () => {
    const { urls } = await start();
    const documented = exchange('cd/generic-rollback-422-no-target');
    await expectAnswer(await send(urls.cd, documented), documented);
  });

  test('503 is a fault, and the same key is accepted afterwards', async () => {
    const standIns = await start();
    const fault = { kind: 'status', status: 503, retry_after: 5 } as const;
    await setFault(standIns, { vendor: 'cd', fault, times: 1 });
    const documented = exchange('cd/generic-rollback-503');
    const response = await send(standIns.urls.cd, documented);
    expect(response.headers.get('retry-after')).toBe('5');
    await expectAnswer(response, documented);
    expect((await send(standIns.urls.cd, documented)).status).toBe(202);
  });
});

describe('a rollback', () => {
  test('is in progress for 2 s, then succeeds and changes the running version', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    const { body } = await rollBack(standIns, KEY);
    expect(body).toEqual({ id: 'rb_01', status: 'in_progress', status_url: '/api/v1/rollback/rb_01' });
    expect(await live(standIns)).toMatchObject([{ version: '2026.11.20-4' }]);

    time.forward(1999);
    expect(await poll(standIns, '/api/v1/rollback/rb_01')).toMatchObject({ status: 'in_progress' });
    time.forward(1);
    expect(await poll(standIns, '/api/v1/rollback/rb_01')).toEqual({ ...body, status: 'succeeded' });
    expect(await rollBack(standIns, KEY)).toEqual({ status: 200, body: { ...body, status: 'succeeded' } });
    expect(await live(standIns)).toMatchObject([{ version: '2026.11.19-2' }]);
  });

  test('can fail, and then the running version stays', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    await sandbox(standIns, 'PUT', '/cd/settings', { outcome: 'failed' });
    await rollBack(standIns, KEY);
    time.forward(2000);
    expect(await poll(standIns, '/api/v1/rollback/rb_01')).toMatchObject({ status: 'failed' });
    expect(await live(standIns)).toMatchObject([{ version: '2026.11.20-4' }]);
  });

  test('continues while the process is stopped: responses by key and the running version survive a restart', async () => {
    const time = clock();
    const dir = folder();
    const before = await start({ dir, now: time.now });
    await rollBack(before, KEY);
    await before.close();
    time.forward(2000);

    const after = await start({ dir, now: time.now });
    expect(await live(after)).toMatchObject([{ version: '2026.11.19-2' }]);
    expect(await rollBack(after, KEY)).toMatchObject({ status: 200, body: { id: 'rb_01', status: 'succeeded' } });
  });

  test('trusts the caller about the running version until it is set, since deploys do not go through this system', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    await rollBack(standIns, KEY);
    time.forward(2000);
    expect(await rollBack(standIns, 'the next deploy is bad, too')).toMatchObject({ status: 202 });
    time.forward(2000);
    await sandbox(standIns, 'PUT', '/cd/live', { service: 'checkout-api', environment: 'production', version: '3' });
    const changed = await rollBack(standIns, 'another');
    expect(changed).toEqual({ status: 409, body: { error: 'version changed', current_version: '3' } });
  });
});

describe('a key', () => {
  test('creates one rollback for any number of concurrent calls', async () => {
    const standIns = await start();
    const answers = await Promise.all(Array.from({ length: 20 }, () => rollBack(standIns, KEY)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(19);
    expect(new Set(answers.map(({ body }) => body.id))).toEqual(new Set(['rb_01']));
  });

  test('of a refused rollback is evaluated again', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    await sandbox(standIns, 'PUT', '/cd/settings', { outcome: 'failed' });
    await rollBack(standIns, 'first');
    expect((await rollBack(standIns, 'second')).status).toBe(409);
    time.forward(2000);
    expect(await rollBack(standIns, 'second')).toMatchObject({ status: 202, body: { id: 'rb_02' } });
  });

  test('can be used for one rollback only', async () => {
    const standIns = await start();
    await rollBack(standIns, KEY);
    expect((await rollBack(standIns, KEY, { service: 'payments' })).status).toBe(422);
  });

  test('must be the same in the header and in the body', async () => {
    const standIns = await start();
    expect(await rollBack(standIns, KEY, { idempotency_key: 'another' })).toMatchObject({
      status: 422,
      body: { error: 'header Idempotency-Key does not match idempotency_key in the body' },
    });
  });
});

test('an invalid body is refused with the missing fields', async () => {
  const { urls } = await start();
  const post = async (body: string) => {
    const response = await fetch(`${urls.cd}/rollback`, { method: 'POST', body });
    return { status: response.status, ...((await response.json()) as Answer) };
  };
  expect(await post('{')).toEqual({ status: 422, error: 'the body is not valid JSON' });
  expect((await post('{}')).error).toContain('service: is required');
});
