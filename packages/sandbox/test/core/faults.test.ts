import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FaultRule } from '../../core/faults.ts';
import type { StandIns } from '../../core/index.ts';
import {
  calls,
  exchange,
  folder,
  incidents,
  release,
  sandbox,
  send,
  setFault,
  start,
  UNTIL_RELEASED,
} from '../support.ts';

const trigger = exchange('pagerduty/enqueue-trigger');
const rollback = exchange('cd/generic-rollback-202');

/** Starts stand-ins with this fault for PagerDuty. */
const withFault = async (fault: FaultRule['fault'], more: Partial<FaultRule> = {}) => {
  const standIns = await start();
  await setFault(standIns, { vendor: 'pagerduty', fault, match: { path: '/v2/*' }, ...more });
  return standIns;
};

/** Sends the trigger of the fixture from a client that gives up without a response after the call has arrived. */
async function sendImpatiently(standIns: StandIns): Promise<void> {
  const limit = new AbortController();
  const { method, path, headers, body } = trigger.request;
  const given = fetch(standIns.urls.pagerduty + path, { method, headers, body, signal: limit.signal }).catch(
    (error: unknown) => error,
  );
  await expect.poll(() => calls(standIns)).toContainEqual(expect.objectContaining({ method, status: null }));
  limit.abort(new Error('client gave up'));
  expect(await given).toMatchObject({ message: 'client gave up' });
}

describe('the effect of each fault', () => {
  test('status: the given response, no effect', async () => {
    const standIns = await withFault({ kind: 'status', status: 502, body: { error: 'bad gateway' }, retry_after: 7 });
    const response = await send(standIns.urls.pagerduty, trigger);
    expect(response.status).toBe(502);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(await response.json()).toEqual({ error: 'bad gateway' });
    expect(await incidents(standIns)).toEqual([]);
    expect(await calls(standIns, '?vendor=pagerduty')).toMatchObject([
      { method: 'GET', status: 200, fault: null },
      { method: 'POST', status: 502, outcome: 502, fault: 'status' },
    ]);
  });

  test('slow: an immediate effect, a late response', async () => {
    const standIns = await withFault({ kind: 'slow', delay_ms: 300_000 });
    const given = send(standIns.urls.pagerduty, trigger).catch((error: unknown) => error);
    await expect.poll(() => incidents(standIns)).toHaveLength(1);
    const [call] = (await calls(standIns)).filter(({ method }) => method === 'POST');
    expect(call).toMatchObject({ outcome: 202, status: null });
    await standIns.close();
    expect(await given).toBeInstanceOf(Error);

    const patient = await withFault({ kind: 'slow', delay_ms: 20 });
    expect((await send(patient.urls.pagerduty, trigger)).status).toBe(202);
  });

  test("rate_limit: the vendor's response to exceeding its limit", async () => {
    const standIns = await withFault({ kind: 'rate_limit' });
    const documented = exchange('pagerduty/enqueue-429');
    const response = await send(standIns.urls.pagerduty, documented);
    expect({ status: response.status, body: await response.text() }).toEqual({
      status: 429,
      body: documented.response.body,
    });
    expect(await incidents(standIns)).toEqual([]);

    await setFault(standIns, { vendor: 'cd', fault: { kind: 'rate_limit' } });
    const fromCd = await send(standIns.urls.cd, rollback);
    expect({ status: fromCd.status, retryAfter: fromCd.headers.get('retry-after') }).toEqual({
      status: 429,
      retryAfter: '1',
    });
  });

  test('hang: no effect and no response', async () => {
    const standIns = await withFault({ kind: 'hang' });
    await sendImpatiently(standIns);
    expect(await incidents(standIns)).toEqual([]);
    expect((await calls(standIns)).at(-1)).toMatchObject({ fault: 'hang', outcome: null, status: null });
  });

  test('reset: no effect, and the connection is reset', async () => {
    const standIns = await withFault({ kind: 'reset' });
    const error: unknown = await send(standIns.urls.pagerduty, trigger).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(await incidents(standIns)).toEqual([]);
    expect((await calls(standIns)).at(-1)).toMatchObject({ fault: 'reset', outcome: null, status: null });
  });

  test('lost: the effect without a response', async () => {
    const standIns = await withFault({ kind: 'lost' });
    await expect(send(standIns.urls.pagerduty, trigger)).rejects.toThrow();
    expect(await incidents(standIns)).toHaveLength(1);
    expect((await calls(standIns)).at(-1)).toMatchObject({ fault: 'lost', outcome: 202, status: null });
  });

  test('late: no effect while the client waits', async () => {
    const standIns = await withFault({ kind: 'late', delay_ms: UNTIL_RELEASED });
    await sendImpatiently(standIns);
    expect(await incidents(standIns)).toEqual([]);
    expect((await calls(standIns)).at(-1)).toMatchObject({ fault: 'late', outcome: null, status: null });
  });

  test('late: the effect comes after the client has given up', async () => {
    const standIns = await withFault({ kind: 'late', delay_ms: UNTIL_RELEASED });
    await sendImpatiently(standIns);
    expect(await incidents(standIns)).toEqual([]); // this round trip ends after the stand-in knows that the client is gone
    release(standIns);
    await expect.poll(() => incidents(standIns)).toHaveLength(1);
    expect((await calls(standIns)).at(-1)).toMatchObject({ fault: 'late', outcome: 202, status: null });
  });

  test('late: a client that waits gets the response', async () => {
    const standIns = await withFault({ kind: 'late', delay_ms: 20 });
    expect((await send(standIns.urls.pagerduty, trigger)).status).toBe(202);
    expect(await calls(standIns)).toMatchObject([{ fault: 'late', outcome: 202, status: 202 }]);
  });

  test('late: the effect comes even after a restart of all stand-ins', async () => {
    const dir = folder();
    const before = await start({ dir });
    await setFault(before, { vendor: 'pagerduty', fault: { kind: 'late', delay_ms: 60_000 }, times: 1 });
    await sendImpatiently(before);
    await before.close();

    const soon = await start({ dir });
    expect(await incidents(soon)).toEqual([]);
    await soon.close();

    const later = await start({ dir, now: () => Date.now() + 60_000 });
    await expect.poll(() => incidents(later)).toHaveLength(1);
    await later.close();

    const again = await start({ dir, now: () => Date.now() + 120_000 });
    expect(await incidents(again)).toHaveLength(1);
    expect((await calls(again)).at(-1)).toMatchObject({ fault: 'late', outcome: 202, status: null });
  });
});

describe('a fault applies', () => {
  const status = (code: number) => ({ kind: 'status', status: code }) as const;
  const answers = async (url: string, count: number) => {
    const given: number[] = [];
    for (let i = 0; i < count; i++) given.push((await send(url, trigger)).status);
    return given;
  };

  test('for its number of times, then no longer', async () => {
    const standIns = await withFault(status(500), { times: 2 });
    expect(await answers(standIns.urls.pagerduty, 3)).toEqual([500, 500, 202]);
    expect(await sandbox(standIns, 'GET', '/faults')).toEqual({ items: [], next_cursor: null });
  });

  test('in the order of the list', async () => {
    const standIns = await start();
    await setFault(standIns, [
      { vendor: 'pagerduty', fault: status(500), times: 1 },
      { vendor: 'pagerduty', fault: status(429), times: 1 },
      { vendor: 'pagerduty', fault: status(503) },
    ]);
    expect(await answers(standIns.urls.pagerduty, 4)).toEqual([500, 429, 503, 503]);
  });

  test('as last set for the same calls', async () => {
    const standIns = await withFault(status(500));
    await setFault(standIns, { vendor: 'pagerduty', fault: status(503), match: { path: '/v2/*' } });
    expect(await answers(standIns.urls.pagerduty, 1)).toEqual([503]);
  });

  test('only to the matching vendor, method, and path', async () => {
    const standIns = await withFault(status(500), { match: { method: 'post', path: '/v2/change/enqueue' } });
    expect((await send(standIns.urls.pagerduty, trigger)).status).toBe(202);
    expect((await send(standIns.urls.cd, rollback)).status).toBe(202);
    expect((await send(standIns.urls.pagerduty, exchange('pagerduty/change-enqueue'))).status).toBe(500);
    expect((await fetch(`${standIns.urls.pagerduty}/v2/change/enqueue`)).status).not.toBe(500);
  });

  test('after a restart, with its remaining count', async () => {
    const dir = folder();
    const before = await start({ dir });
    await setFault(before, { vendor: 'pagerduty', fault: status(500), times: 2 });
    expect(await answers(before.urls.pagerduty, 1)).toEqual([500]);
    await before.close();

    const after = await start({ dir });
    expect(await sandbox(after, 'GET', '/faults')).toEqual({
      items: [{ vendor: 'pagerduty', fault: status(500), match: {}, remaining: 1 }],
      next_cursor: null,
    });
    expect(await answers(after.urls.pagerduty, 2)).toEqual([500, 202]);
  });

  test.each<[string, string, string, unknown]>([
    ['an empty list', 'PUT', '/faults', []],
    ['clear', 'PUT', '/faults', { clear: true }],
    ['clear for the vendor', 'PUT', '/faults', { clear: true, vendor: 'pagerduty' }],
    ['DELETE', 'DELETE', '/faults', undefined],
    ['DELETE for the vendor', 'DELETE', '/faults?vendor=pagerduty', undefined],
  ])('until it is cleared: %s', async (_, method, path, body) => {
    const standIns = await withFault(status(500));
    await sandbox(standIns, method, path, body);
    expect(await answers(standIns.urls.pagerduty, 1)).toEqual([202]);
  });

  test('clearing one vendor keeps the faults of others', async () => {
    const standIns = await withFault(status(500));
    await sandbox(standIns, 'DELETE', '/faults?vendor=cd');
    expect(await answers(standIns.urls.pagerduty, 1)).toEqual([500]);
  });
});

describe('invalid faults', () => {
  test.each<[string, number, string, string]>([
    ['invalid JSON', 400, '{', 'the body is not valid JSON'],
    ['an unknown vendor', 422, '{"vendor":"fax","fault":{"kind":"hang"}}', 'pagerduty'],
    ['an unknown kind', 422, '{"vendor":"cd","fault":{"kind":"explode"}}', 'kind'],
    ['a typo', 422, '{"vendor":"cd","fault":{"kind":"hang"},"time":1}', 'time'],
    ['an unlimited delay', 422, '{"vendor":"cd","fault":{"kind":"slow","delay_ms":900000}}', 'delay_ms'],
    ['zero times', 422, '{"vendor":"cd","fault":{"kind":"hang"},"times":0}', 'times'],
  ])('%s', async (_, status, body, named) => {
    const { app } = await start();
    const response = await app.request('/sandbox/faults', { method: 'PUT', body });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const problem = (await response.json()) as { status: number; detail: string };
    expect(problem.status).toBe(status);
    expect(problem.detail).toContain(named);
  });
});

test('a damaged file is named, with the fix', async () => {
  const dir = folder();
  writeFileSync(join(dir, 'standins.sqlite'), 'no database, whatever the name says; '.repeat(200));
  await expect(start({ dir })).rejects.toThrow(`${join(dir, 'standins.sqlite')} is damaged: delete it`);
});
