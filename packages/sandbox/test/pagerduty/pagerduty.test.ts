import { api } from '@pagerduty/pdjs';
import { describe, expect, test } from 'vitest';
import { calls, clock, exchange, incidents, send, setFault, start, type Exchange } from '../support.ts';

const trigger = exchange('pagerduty/enqueue-trigger');
const acknowledge = exchange('pagerduty/enqueue-acknowledge');
const resolve = exchange('pagerduty/enqueue-resolve');
const KEY = 'firebreak/checkout-api/HighErrorBurnRate/caae507ac1d843ef';
const OTHER_ROUTING_KEY = 'E0123456789ABCDEFGHIJ0123456789E';

const expectAnswer = async (response: Response, { response: { status, headers, body } }: Exchange) => {
  expect({ status: response.status, body: await response.text() }).toEqual({ status, body });
  expect(response.headers.get('content-type')).toBe(headers['Content-Type']);
};

/** Returns the errors of the fixture's trigger after a change; empty if it is accepted. */
const errorsOf = async (change: Record<string, unknown>): Promise<string[]> => {
  const { urls } = await start();
  const response = await send(urls.pagerduty, trigger, change);
  const answer = (await response.json()) as { errors?: string[] };
  expect(response.status).toBe(answer.errors ? 400 : 202);
  return answer.errors ?? [];
};

const payload = (change: Record<string, unknown>) => ({
  payload: { summary: 'checkout 5xx', source: 'checkout-api', severity: 'critical', ...change },
});

describe('documented exchanges', () => {
  test.each([
    'enqueue-trigger',
    'enqueue-acknowledge',
    'enqueue-resolve',
    'enqueue-400-bad-json',
    'enqueue-400-invalid',
    'change-enqueue',
  ])('%s', async (name) => {
    const { urls } = await start();
    const documented = exchange(`pagerduty/${name}`);
    await expectAnswer(await send(urls.pagerduty, documented), documented);
  });

  test('enqueue-trigger-no-dedup-key: each event opens its own alert, with a generated key in the response', async () => {
    const standIns = await start();
    const documented = exchange('pagerduty/enqueue-trigger-no-dedup-key');
    const keys: string[] = [];
    for (const _ of [1, 2]) {
      const response = await send(standIns.urls.pagerduty, documented);
      expect(response.status).toBe(202);
      const answer = (await response.json()) as { dedup_key: string };
      expect(answer).toEqual({ status: 'success', message: 'Event processed', dedup_key: answer.dedup_key });
      expect(answer.dedup_key).toMatch(/^[0-9a-f]{32}$/);
      keys.push(answer.dedup_key);
    }
    expect((await incidents(standIns)).map((incident) => incident.incident_key)).toEqual(keys);
  });

  test('enqueue-429: the 121st event of a minute is refused', async () => {
    const standIns = await start({ now: clock().now });
    const documented = exchange('pagerduty/enqueue-429');
    for (let i = 0; i < 120; i++) await send(standIns.urls.pagerduty, documented, { dedup_key: 'another' });
    const response = await send(standIns.urls.pagerduty, documented);
    expect(response.headers.get('retry-after')).toBeNull();
    await expectAnswer(response, documented);
    expect(await incidents(standIns, `incident_key=${KEY}`)).toEqual([]);
  });

  test('enqueue-500 is a fault', async () => {
    const standIns = await start();
    await setFault(standIns, { vendor: 'pagerduty', fault: { kind: 'status', status: 500 } });
    const documented = exchange('pagerduty/enqueue-500');
    await expectAnswer(await send(standIns.urls.pagerduty, documented), documented);
    await setFault(standIns, []);
    expect(await incidents(standIns)).toEqual([]);
  });
});

describe('alerts', () => {
  test('a second trigger is logged on the open alert, even if it is acknowledged', async () => {
    const standIns = await start();
    for (const event of [trigger, trigger, acknowledge, trigger]) await send(standIns.urls.pagerduty, event);
    const [incident, ...others] = await incidents(standIns);
    expect(others).toEqual([]);
    expect(incident).toMatchObject({ status: 'acknowledged', incident_key: KEY, urgency: 'high' });

    const url = `${standIns.urls.pagerduty}/incidents/${incident?.id}/log_entries`;
    const log = await fetch(url, { headers: { authorization: 'Token token=u+test' } });
    const { log_entries } = (await log.json()) as { log_entries: { type: string }[] };
    expect(log_entries.map(({ type }) => type)).toEqual([
      'trigger_log_entry',
      'acknowledge_log_entry',
      'trigger_log_entry',
      'trigger_log_entry',
    ]);
  });

  test('a second trigger updates the details of the alert, and leaves the incident as it is', async () => {
    const standIns = await start();
    await send(standIns.urls.pagerduty, trigger);
    const [before] = await incidents(standIns);
    const custom_details = { suspects: ['v2, 94 %'] };
    await send(standIns.urls.pagerduty, trigger, payload({ summary: 'checkout 5xx. Rolls back v2', custom_details }));
    expect(await incidents(standIns)).toEqual([before]);
    const headers = { authorization: 'Token token=u+test' };
    const alerts = await fetch(`${standIns.urls.pagerduty}/incidents/${before?.id}/alerts`, { headers });
    expect(await alerts.json()).toMatchObject({ alerts: [{ body: { details: custom_details } }] });
  });

  test('acknowledge and resolve of an unknown key are dropped silently', async () => {
    const standIns = await start();
    expect((await send(standIns.urls.pagerduty, acknowledge)).status).toBe(202);
    expect((await send(standIns.urls.pagerduty, resolve)).status).toBe(202);
    expect(await incidents(standIns)).toEqual([]);
  });

  test('an event of another routing key does not change the alert', async () => {
    const standIns = await start();
    await send(standIns.urls.pagerduty, trigger);
    expect((await send(standIns.urls.pagerduty, resolve, { routing_key: OTHER_ROUTING_KEY })).status).toBe(202);
    expect((await incidents(standIns)).map(({ status }) => status)).toEqual(['triggered']);
  });
});

describe('limits', () => {
  test('each routing key has its own limit, shared by alerts and changes', async () => {
    const { urls } = await start({ now: clock().now });
    for (let i = 0; i < 120; i++) await send(urls.pagerduty, trigger);
    expect((await send(urls.pagerduty, exchange('pagerduty/change-enqueue'))).status).toBe(429);
    expect((await send(urls.pagerduty, trigger, { routing_key: OTHER_ROUTING_KEY })).status).toBe(202);
  });

  test.each([
    ['a dedup_key of 255 characters', { dedup_key: 'k'.repeat(255) }, []],
    [
      'a dedup_key of 256 characters',
      { dedup_key: 'k'.repeat(256) },
      ["'dedup_key' is too long (maximum is 255 characters)"],
    ],
    ['a summary of 1024 characters of two UTF-16 units each', payload({ summary: '🔥'.repeat(1024) }), []],
    [
      'a summary of 1025 characters',
      payload({ summary: 's'.repeat(1025) }),
      ["'summary' is too long (maiximum is 1024 characters)"],
    ],
    ['a blank source', payload({ source: ' ' }), ["'payload.source' is missing or blank"]],
    ['no routing_key', { routing_key: undefined }, ["'routing_key' cannot be blank"]],
    ['no event_action', { event_action: null }, ["'event_action' is missing or blank"]],
    [
      'no payload',
      { payload: undefined },
      [
        "'payload.summary' is missing or blank",
        "'payload.source' is missing or blank",
        "'payload.severity' is missing or blank",
      ],
    ],
    ['resolve without a dedup_key', { event_action: 'resolve', dedup_key: '' }, ["'dedup_key' is missing or blank"]],
    [
      'an unknown action',
      { event_action: 'close' },
      ["'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"],
    ],
  ])('%s', async (_, change, errors) => {
    expect(await errorsOf(change)).toEqual(errors);
  });

  test('an event of more than 512 KB is refused permanently', async () => {
    const size = 512 * 1024;
    const around = JSON.stringify({ ...(JSON.parse(trigger.request.body) as object), client: '' }).length;
    expect(await errorsOf({ client: 'x'.repeat(size - around) })).toEqual([]);
    expect(await errorsOf({ client: 'x'.repeat(size - around + 1) })).toEqual([
      'Event is too large (maximum is 524288 bytes)',
    ]);
  });
});

describe('incidents', () => {
  const get = (url: string, authorization?: string) =>
    fetch(url, { headers: authorization === undefined ? {} : { authorization } });

  test.each(['Q0000000000099', 'nonsense'])('an unknown ID, %s, is a 404', async (id) => {
    const { urls } = await start();
    const response = await get(`${urls.pagerduty}/incidents/${id}`, 'Token token=u+test');
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ error: { message: 'Not Found', code: 2100 } });
  });

  test.each([undefined, 'Token u+test', 'Token token=', 'Basic dTpw'])(
    'Authorization %s is a 401, not JSON',
    async (header) => {
      const { urls } = await start();
      const response = await get(`${urls.pagerduty}/incidents`, header);
      expect(response.status).toBe(401);
      expect(response.headers.get('content-type')).toContain('text/plain');
    },
  );

  test('an unknown status is a 400', async () => {
    const { urls } = await start();
    const response = await get(`${urls.pagerduty}/incidents?statuses[]=open`, 'Token token=u+test');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 2001 } });
  });
});

test('the official client can connect', async () => {
  const standIns = await start();
  const response = await api({
    url: `${standIns.urls.pagerduty}/v2/enqueue`,
    method: 'POST',
    data: JSON.parse(trigger.request.body) as object,
    requestTimeout: 2000,
    retryTimeout: 10,
  });
  expect(response.status).toBe(202);
  expect(response.data).toEqual({ status: 'success', message: 'Event processed', dedup_key: KEY });
  expect(await calls(standIns)).toMatchObject([{ vendor: 'pagerduty', path: '/v2/enqueue', status: 202 }]);
});
