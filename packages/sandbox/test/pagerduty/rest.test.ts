import { describe, expect, onTestFinished, test } from 'vitest';
import type { StandIns } from '../../core/index.ts';
import { pagerduty } from '../../pagerduty/pagerduty.ts';
import { openStore } from '../../core/store.ts';
import { clock, exchange, folder, incidents, sandbox, send, start } from '../support.ts';

const trigger = exchange('pagerduty/enqueue-trigger');
const resolve = exchange('pagerduty/enqueue-resolve');

const ACCEPT = 'application/vnd.pagerduty+json;version=2';
const AUTHORIZATION = 'Token token=u+test';
const FROM = 'firebreak@example.com';

const rest = async ({ urls }: StandIns, method: string, path: string, more: { from?: string; body?: object } = {}) => {
  const response = await fetch(`${urls.pagerduty}${path}`, {
    method,
    headers: {
      accept: ACCEPT,
      authorization: AUTHORIZATION,
      'content-type': 'application/json',
      ...(more.from === undefined ? {} : { from: more.from }),
    },
    ...(more.body ? { body: JSON.stringify(more.body) } : {}),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
};

/** Starts a stand-in with one open incident, and returns the incident's ID. */
async function withIncident(options: Parameters<typeof start>[0] = {}) {
  const standIns = await start(options);
  await send(standIns.urls.pagerduty, trigger);
  const [incident] = await incidents(standIns);
  return { standIns, id: incident?.id ?? '' };
}

describe('alerts of an incident', () => {
  test("contain the event's details, and whether they are resolved", async () => {
    const { standIns, id } = await withIncident();
    const event = JSON.parse(trigger.request.body);
    const { body } = await rest(standIns, 'GET', `/incidents/${id}/alerts`);
    expect(body).toMatchObject({
      alerts: [
        {
          type: 'alert',
          status: 'triggered',
          summary: event.payload.summary,
          alert_key: event.dedup_key,
          severity: 'critical',
          body: { type: 'alert_body', details: event.payload.custom_details },
          incident: { id },
        },
      ],
      more: false,
    });
    await send(standIns.urls.pagerduty, resolve);
    const pathAndQuery = async (query: string) =>
      (await rest(standIns, 'GET', `/incidents/${id}/alerts?${query}`)).body.alerts;
    expect(await pathAndQuery('statuses[]=triggered')).toEqual([]);
    expect(await pathAndQuery('statuses[]=resolved')).toHaveLength(1);
    expect(await pathAndQuery(`alert_key=${encodeURIComponent(event.dedup_key)}`)).toHaveLength(1);
    expect(await pathAndQuery('alert_key=another')).toEqual([]);
  });

  test('of an unknown incident are a 404', async () => {
    const { standIns } = await withIncident();
    expect(await rest(standIns, 'GET', '/incidents/Q0000000000099/alerts')).toMatchObject({ status: 404 });
  });
});

describe('notes', () => {
  const note = (content: unknown) => ({ body: { note: { content } } });

  test.each([
    ['without a From header', undefined, { code: 2016, message: expect.stringContaining('"From" header') as string }],
    ['with an invalid From header', 'firebreak', { code: 1028, message: 'Malformed "From" header' }],
  ])('%s are refused', async (_, from, error) => {
    const { standIns, id } = await withIncident();
    const more = from === undefined ? note('x') : { from, ...note('x') };
    expect(await rest(standIns, 'POST', `/incidents/${id}/notes`, more)).toMatchObject({
      status: 400,
      body: { error },
    });
    expect((await rest(standIns, 'GET', `/incidents/${id}/notes`)).body.notes).toEqual([]);
  });

  test.each([' ', 1, undefined])('%s is refused as a note', async (content) => {
    const { standIns, id } = await withIncident();
    expect(await rest(standIns, 'POST', `/incidents/${id}/notes`, { from: FROM, ...note(content) })).toMatchObject({
      status: 400,
      body: { error: { code: 2001 } },
    });
  });

  test('on an unknown incident are a 404', async () => {
    const { standIns } = await withIncident();
    const path = '/incidents/Q0000000000099/notes';
    expect(await rest(standIns, 'POST', path, { from: FROM, ...note('x') })).toMatchObject({ status: 404 });
  });
});

describe('a list', () => {
  test('has a start and an end time', async () => {
    const time = clock(); // 06:48:00
    const { standIns } = await withIncident({ now: time.now });
    time.forward(60_000);
    await send(standIns.urls.pagerduty, trigger, { dedup_key: 'later' });
    const keys = async (query: string) => (await incidents(standIns, query)).map((each) => each.incident_key);
    expect(await keys('since=2026-11-20T06:48:30Z')).toEqual(['later']);
    expect(await keys('since=2026-11-20T06:49:00Z')).toEqual(['later']);
    expect(await keys('since=2026-11-20T06:49:01Z')).toEqual([]);
    expect(await keys('until=2026-11-20T06:48:30Z')).not.toContain('later');
  });

  test('with an invalid time is refused', async () => {
    const { standIns } = await withIncident();
    expect(await rest(standIns, 'GET', '/incidents?since=yesterday')).toMatchObject({
      status: 400,
      body: { error: { code: 2004 } },
    });
  });
});

test('the 961st request of a minute gets the time to wait', async () => {
  const time = clock();
  const { db, close } = openStore(folder(), [pagerduty.tables]);
  onTestFinished(close);
  const app = pagerduty.app({ db, now: time.now, timeScale: 1 });
  const get = async (authorization = AUTHORIZATION) => app.request('/incidents', { headers: { authorization } });
  db.exec('begin');
  for (let call = 1; call <= 960; call += 1) expect((await get()).status).toBe(200);
  const refused = await get();
  expect(refused.status).toBe(429);
  expect(refused.headers.get('ratelimit-reset')).toBe('60');
  expect(await refused.json()).toEqual({ error: { message: 'Rate Limit Exceeded', code: 2020 } });
  expect((await get('Token token=another')).status).toBe(200);
  time.forward(60_000);
  expect((await get()).status).toBe(200);
  db.exec('commit');
});

describe('a person', () => {
  const act = (standIns: StandIns, id: string, action: string, body: object = {}) =>
    sandbox<any>(standIns, 'POST', `/pagerduty/incidents/${id}/${action}`, body);
  const read = async (standIns: StandIns, id: string) =>
    (await rest(standIns, 'GET', `/incidents/${id}`)).body.incident;

  test('acknowledges: the incident shows the name and the assignee', async () => {
    const { standIns, id } = await withIncident();
    expect(await read(standIns, id)).toMatchObject({
      status: 'triggered',
      acknowledgements: [],
      assignments: [{ assignee: { summary: 'Sandbox On-Call' } }],
    });
    for (const by of ['Ada', 'Grace', 'Ada']) await act(standIns, id, 'acknowledge', { by });
    const incident = await read(standIns, id);
    expect(incident.status).toBe('acknowledged');
    expect(incident.acknowledgements.map((each: any) => each.acknowledger.summary)).toEqual(['Ada', 'Grace']);
  });

  test('resolves, and then no other action is accepted', async () => {
    const { standIns, id } = await withIncident();
    await act(standIns, id, 'resolve', { by: 'Ada' });
    expect(await read(standIns, id)).toMatchObject({ status: 'resolved', acknowledgements: [], assignments: [] });
    await expect(act(standIns, id, 'acknowledge')).rejects.toThrow('is already resolved');
    await expect(act(standIns, 'Q0000000000099', 'resolve')).rejects.toThrow('there is no incident');
  });
});
