import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StandIns } from '../../core/index.ts';
import { SANDBOX_PAGE_ID, statuspage } from '../../statuspage/statuspage.ts';
import type { StatuspageView } from '../../statuspage/view.ts';
import { eventually, Firebreak } from '../../../../test/support/firebreak.ts';
import { clock, exchange, folder, sandbox, send, setFault, start, type Exchange } from '../support.ts';

type Component = { id: string; name: string; status: string; updated_at: string };
type Update = {
  status: string;
  body: string;
  deliver_notifications: boolean;
  affected_components: { code: string; old_status: string; new_status: string }[];
};
type Incident = {
  id: string;
  name: string;
  status: string;
  impact: string;
  metadata: unknown;
  monitoring_at: string | null;
  resolved_at: string | null;
  components: Component[];
  incident_updates: Update[];
};

const PAGE = `/v1/pages/${SANDBOX_PAGE_ID}`;
const AUTHORIZATION = 'OAuth 89a229ce1a8dbcf9ff30430fbe35eb4c0426574bca932061892cefd2138aa4b1';

/** The IDs in the documented exchanges. */
const DOCUMENTED = { component: 'ftgks51sfs2d', incident: 'p31zjtct2jer' };

async function call<T = unknown>(
  { urls }: StandIns,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; body: T }> {
  const response = await fetch(`${urls.statuspage}${PAGE}${path}`, {
    method,
    headers: { authorization: AUTHORIZATION, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as T };
}

const provided = async (standIns: StandIns, name = 'Checkout'): Promise<string> => {
  const { items } = await sandbox<{ items: Component[] }>(standIns, 'PUT', '/statuspage/components', { name });
  return items.find((component) => component.name === name)?.id ?? '';
};

const opened = async (standIns: StandIns, incident: object): Promise<Incident> => {
  const { status, body } = await call<Incident>(standIns, 'POST', '/incidents', {
    incident: { name: 'Checkout errors', ...incident },
  });
  expect(status).toBe(201);
  return body;
};

/** Returns an exchange with the component and incident IDs of this stand-in. */
function about(documented: Exchange, ids: { component?: string; incident?: string }): Exchange {
  const text = JSON.stringify(documented)
    .replaceAll(DOCUMENTED.component, ids.component ?? DOCUMENTED.component)
    .replaceAll(DOCUMENTED.incident, ids.incident ?? DOCUMENTED.incident);
  return JSON.parse(text) as Exchange;
}

describe('documented exchanges', () => {
  /** Matches fields that differ between runs: IDs, times, and an admin's text about the component. */
  const VARIES =
    /"(id|incident_id|shortlink|automation_email|start_date|description|[a-z]+_at)":("[^"]*"|null)|"code":"[^"]*"/g;
  const shape = (json: string) =>
    JSON.parse(json.replace(VARIES, (field) => `${field.slice(0, field.indexOf(':'))}:"…"`)) as unknown;
  const expectLike = async (response: Response, { response: { status, headers, body } }: Exchange) => {
    expect({ status: response.status, body: shape(await response.text()) }).toEqual({ status, body: shape(body) });
    expect(response.headers.get('content-type')).toBe(headers['Content-Type']);
  };

  test('an incident is created, found among the unresolved incidents, updated, and resolved', async () => {
    const standIns = await start();
    const component = await provided(standIns);
    const create = about(exchange('statuspage/incident-create'), { component });
    await expectLike(await send(standIns.urls.statuspage, create), create);

    const unresolved = exchange('statuspage/incidents-unresolved');
    const { method, headers, path } = unresolved.request;
    await expectLike(await fetch(standIns.urls.statuspage + path, { method, headers }), unresolved);

    const { body: list } = await call<Incident[]>(standIns, 'GET', '/incidents');
    const ids = { component, incident: list[0]?.id ?? '' };
    for (const name of ['incident-update-monitoring', 'incident-resolve']) {
      const documented = about(exchange(`statuspage/${name}`), ids);
      const response = await send(standIns.urls.statuspage, documented);
      const answer = (await response.json()) as Incident;
      const { incident_updates: shown, ...expected } = JSON.parse(documented.response.body) as Incident;
      expect(response.status).toBe(documented.response.status);
      expect(answer).toMatchObject({ status: expected.status, impact: expected.impact });
      expect(answer.components.map(({ status }) => status)).toEqual(expected.components.map(({ status }) => status));
      expect(shape(JSON.stringify(answer.incident_updates.slice(-1)))).toEqual(shape(JSON.stringify(shown)));
    }
    expect((await call<Incident[]>(standIns, 'GET', '/incidents/unresolved')).body).toEqual([]);
  });

  test('a maintenance is scheduled, listed by its status, started, completed, and deleted', async () => {
    const standIns = await start();
    const component = await provided(standIns);
    const create = about(exchange('statuspage/maintenance-create'), { component });
    await expectLike(await send(standIns.urls.statuspage, create), create);
    const lists = async () =>
      Object.fromEntries(
        await Promise.all(
          ['unresolved', 'scheduled', 'upcoming', 'active_maintenance'].map(async (list) => {
            const { body } = await call<Incident[]>(standIns, 'GET', `/incidents/${list}`);
            return [list, body.length];
          }),
        ),
      );
    expect(await lists()).toEqual({ unresolved: 0, scheduled: 1, upcoming: 1, active_maintenance: 0 });
    const { body: list } = await call<Incident[]>(standIns, 'GET', '/incidents');
    const ids = { component, incident: list[0]?.id ?? '' };
    const states = async () => (await call<Component>(standIns, 'GET', `/components/${component}`)).body.status;
    const patch = (incident: object) => call<Incident>(standIns, 'PATCH', `/incidents/${ids.incident}`, { incident });
    expect(await states()).toBe('operational');
    expect(await patch({ status: 'in_progress', components: { [component]: 'under_maintenance' } })).toMatchObject({
      status: 200,
      body: { status: 'in_progress', impact: 'maintenance' },
    });
    expect([await states(), await lists()]).toEqual([
      'under_maintenance',
      { unresolved: 0, scheduled: 0, upcoming: 0, active_maintenance: 1 },
    ]);
    const completed = about(exchange('statuspage/maintenance-complete'), ids);
    const response = await send(standIns.urls.statuspage, completed);
    const { incident_updates: shown, ...answer } = (await response.json()) as Incident;
    const { incident_updates: expected, ...documented } = JSON.parse(completed.response.body) as Incident;
    expect({ status: response.status, body: shape(JSON.stringify(answer)) }).toEqual({
      status: completed.response.status,
      body: shape(JSON.stringify(documented)),
    });
    expect(shown[0]).toMatchObject({ status: expected[0]?.status, body: expected[0]?.body });
    expect(await lists()).toEqual({ unresolved: 0, scheduled: 0, upcoming: 0, active_maintenance: 0 });
    expect((await call(standIns, 'DELETE', `/incidents/${ids.incident}`)).status).toBe(200);
    expect((await call(standIns, 'GET', `/incidents/${ids.incident}`)).status).toBe(404);
    expect((await opened(standIns, {})).id, 'IDs are not used again').not.toBe(ids.incident);
  });

  test.each([
    [{ status: 'scheduled' }, 'Scheduled for and scheduled until are required'],
    [
      { status: 'scheduled', scheduled_for: '2026-11-24T22:00:00Z', scheduled_until: '2026-11-24T21:00:00Z' },
      'Scheduled until must be after scheduled for',
    ],
    [
      { status: 'scheduled', scheduled_for: 'tomorrow', scheduled_until: '2026-11-24T21:00:00Z' },
      'Scheduled times are invalid',
    ],
  ])('a maintenance with wrong times is refused: %j', async (incident, error) => {
    const standIns = await start();
    const body = { incident: { name: 'Upgrade', ...incident } };
    expect(await call(standIns, 'POST', '/incidents', body)).toMatchObject({ status: 422, body: { error: [error] } });
  });

  test('a component changes its status', async () => {
    const standIns = await start();
    const component = await provided(standIns);
    const documented = about(exchange('statuspage/component-update'), { component });
    await expectLike(await send(standIns.urls.statuspage, documented), documented);
    const one = await call<Component>(standIns, 'GET', `/components/${component}`);
    expect(one.body).toMatchObject({ name: 'Checkout', status: 'partial_outage' });
  });

  test.each(['incident-create-422', 'not-found-404', 'component-update-400'])('%s', async (name) => {
    const standIns = await start();
    const documented = about(exchange(`statuspage/${name}`), { component: await provided(standIns) });
    await expectLike(await send(standIns.urls.statuspage, documented), documented);
  });

  test('unauthorized-401', async () => {
    const { urls } = await start();
    const documented = exchange('statuspage/unauthorized-401');
    for (const Authorization of ['', 'OAuth ', 'Bearer x']) {
      const headers = { ...documented.request.headers, Authorization };
      await expectLike(
        await send(urls.statuspage, { ...documented, request: { ...documented.request, headers } }),
        documented,
      );
    }
  });

  test('rate-limited-420: the 61st call of a minute with one token', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    const documented = exchange('statuspage/rate-limited-420');
    for (let i = 0; i < 60; i++) expect((await call(standIns, 'GET', '/components')).status).toBe(200);
    const refused = await send(standIns.urls.statuspage, documented);
    expect(refused.headers.get('retry-after')).toBeNull();
    await expectLike(refused, documented);

    const another = { authorization: 'OAuth another' };
    expect((await call(standIns, 'GET', '/components', undefined, another)).status).toBe(200);
    time.forward(59_999);
    expect((await call(standIns, 'GET', '/components')).status).toBe(420);
    time.forward(1);
    expect((await send(standIns.urls.statuspage, documented)).status).toBe(201);
    expect((await call<Incident[]>(standIns, 'GET', '/incidents')).body.map(({ name }) => name)).toEqual(['x']);
  });

  test('rate-limited-429 is a fault', async () => {
    const standIns = await start();
    const documented = exchange('statuspage/rate-limited-429');
    const body = JSON.parse(documented.response.body) as { error: string };
    await setFault(standIns, { vendor: 'statuspage', fault: { kind: 'status', status: 429, body } });
    const response = await send(standIns.urls.statuspage, documented);
    expect([response.status, await response.text()]).toEqual([429, documented.response.body]);
    await setFault(standIns, { vendor: 'statuspage', fault: { kind: 'rate_limit' } });
    expect((await send(standIns.urls.statuspage, documented)).status).toBe(420);
  });
});

describe('incidents', () => {
  test("keep their updates, newest first, and the components' statuses after they are resolved", async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    const component = await provided(standIns);
    const { id } = await opened(standIns, { body: 'Looking.', components: { [component]: 'major_outage' } });
    time.forward(60_000);
    const quiet = { status: 'monitoring', body: 'Better.', deliver_notifications: false };
    await call(standIns, 'PATCH', `/incidents/${id}`, { incident: quiet });
    time.forward(60_000);
    await call(standIns, 'PATCH', `/incidents/${id}`, { incident: { metadata: { firebreak: { note: 'x' } } } });
    const { body } = await call<Incident>(standIns, 'PATCH', `/incidents/${id}`, { incident: { status: 'resolved' } });
    expect(body).toMatchObject({
      status: 'resolved',
      impact: 'major',
      metadata: { firebreak: { note: 'x' } },
      monitoring_at: '2026-11-20T06:49:00.000Z',
      resolved_at: '2026-11-20T06:50:00.000Z',
      components: [{ status: 'major_outage', updated_at: '2026-11-20T06:48:00.000Z' }],
    });
    const unchanged = { code: component, old_status: 'major_outage', new_status: 'major_outage' };
    expect(body.incident_updates).toMatchObject([
      { status: 'resolved', body: '', affected_components: [unchanged], deliver_notifications: true },
      { status: 'monitoring', body: 'Better.', affected_components: [unchanged], deliver_notifications: false },
      { status: 'investigating', body: 'Looking.', affected_components: [{ ...unchanged, old_status: 'operational' }] },
    ]);
    expect((await call<Incident>(standIns, 'GET', `/incidents/${id}`)).body).toEqual(body);
  });

  test.each([
    ['operational', 'none'],
    ['degraded_performance', 'minor'],
    ['partial_outage', 'major'],
    ['under_maintenance', 'maintenance'],
  ])('a component with status %s results in the impact %s', async (status, impact) => {
    const standIns = await start();
    const component = await provided(standIns);
    expect(await opened(standIns, { components: { [component]: status } })).toMatchObject({ impact });
    expect(await opened(standIns, { impact_override: 'critical' })).toMatchObject({ impact: 'critical' });
  });

  test('component_ids alone change no status, and set the affected components', async () => {
    const standIns = await start();
    const [checkout, search] = [await provided(standIns), await provided(standIns, 'Search')];
    const incident = await opened(standIns, { component_ids: [checkout] });
    expect(incident.components).toMatchObject([{ name: 'Checkout', status: 'operational' }]);
    const change = { incident: { component_ids: [search] } };
    const { body } = await call<Incident>(standIns, 'PATCH', `/incidents/${incident.id}`, change);
    expect(body.components).toMatchObject([{ name: 'Search' }]);
  });

  test('can be created from forms', async () => {
    const standIns = await start();
    const component = await provided(standIns);
    const form = new URLSearchParams({
      'incident[name]': 'Checkout errors',
      'incident[body]': 'Looking.',
      [`incident[components][${component}]`]: 'partial_outage',
      'incident[component_ids][]': component,
      'incident[metadata][firebreak][incident_id]': 'INC-42',
      'incident[deliver_notifications]': 'false',
    });
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const { status, body } = await call<Incident>(standIns, 'POST', '/incidents', form.toString(), type);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      name: 'Checkout errors',
      components: [{ id: component, status: 'partial_outage' }],
      metadata: { firebreak: { incident_id: 'INC-42' } },
      incident_updates: [{ body: 'Looking.', deliver_notifications: false }],
    });
  });

  test.each([
    ['a text of 25,000 characters', { body: '🔥'.repeat(25_000) }, 201, undefined],
    [
      'a text of 25,001 characters',
      { body: 'x'.repeat(25_001) },
      422,
      ['Body is too long (maximum is 25000 characters)'],
    ],
    ['a blank name', { name: ' ' }, 422, ["Name can't be blank"]],
    [
      'flat metadata',
      { metadata: { incident: 'INC-42' } },
      422,
      ['Metadata must be an object whose values are objects'],
    ],
    ['an unknown component', { components: { nope: 'operational' } }, 422, ['Component nope is not on this page']],
    [
      'an unknown status',
      { status: 'broken' },
      400,
      [
        'Status must be one of investigating, identified, monitoring, resolved, scheduled, in_progress, verifying, completed',
      ],
    ],
  ])('%s', async (_, change, status, error) => {
    const standIns = await start();
    const answer = await call<{ error?: string[] }>(standIns, 'POST', '/incidents', {
      incident: { name: 'x', ...change },
    });
    expect([answer.status, answer.body.error]).toEqual([status, error]);
    const kept = (await call<Incident[]>(standIns, 'GET', '/incidents')).body;
    expect(kept).toHaveLength(status === 201 ? 1 : 0);
  });

  test.each(['not json', '[]', ''])('the body %j counts as empty', async (body) => {
    const answer = await call(await start(), 'POST', '/incidents', body);
    expect(answer).toMatchObject({ status: 422, body: { error: ["Name can't be blank"] } });
  });
});

test('an unknown page is a 404', async () => {
  const { urls } = await start();
  const headers = { authorization: AUTHORIZATION };
  const response = await fetch(`${urls.statuspage}/v1/pages/another/components`, { headers });
  expect([response.status, await response.json()]).toEqual([404, { error: 'Not found' }]);
});

test('all data and the rate limit survive a restart, and are in the view', async () => {
  const options = { dir: folder(), now: clock().now };
  const before = await start(options);
  const component = await provided(before);
  await provided(before, 'Search');
  await opened(before, { body: 'Looking.', components: { [component]: 'major_outage' } });
  for (let i = 1; i < 60; i++) await call(before, 'GET', '/components');
  await before.close();

  const after = await start(options);
  expect((await call(after, 'GET', '/components')).status).toBe(420);
  const db = new DatabaseSync(join(options.dir, 'standins.sqlite'));
  const view: StatuspageView = statuspage.view({ db, now: options.now, timeScale: 1 });
  db.close();
  expect(view).toEqual({
    headline: 'Partial System Outage',
    components: [
      { name: 'Checkout', status: 'major_outage' },
      { name: 'Search', status: 'operational' },
    ],
    incidents: [
      {
        name: 'Checkout errors',
        status: 'investigating',
        impact: 'major',
        created_at: '2026-11-20T06:48:00.000Z',
        resolved_at: null,
        components: ['Checkout'],
        updates: [{ status: 'investigating', body: 'Looking.', at: '2026-11-20T06:48:00.000Z' }],
      },
    ],
  });
});

describe('in a sandbox', () => {
  let firebreak: Firebreak;
  beforeAll(async () => {
    const statusPage = { components: ['Checkout', 'Payments'] };
    firebreak = await Firebreak.start({ services: { checkout: { statusPage }, search: {} } });
  });
  afterAll(() => firebreak.remove());

  test('the page has the components of the catalogue, including those added later', async () => {
    const names = async (): Promise<string[]> =>
      (await firebreak.get('/sandbox/statuspage/components')).body.items.map(({ name }: Component) => name);
    expect(await names()).toEqual(['Checkout', 'Payments']);
    const services = 'services:\n  search: { statusPage: { components: [Search, Checkout] } }\n';
    await firebreak.write('services.yaml', services);
    await eventually(async () => (await names()).includes('Search'), 'the new component');
    expect(await names()).toEqual(['Checkout', 'Payments', 'Search']);
  });
});
