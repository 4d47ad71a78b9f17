import { describe, expect, test } from 'vitest';
import type { StatusPage } from '../../types.ts';
import { BODY_MAX_CHARS, NAME_MAX_CHARS } from '../../vendors/statuspage/limits.ts';
import { statuspage } from '../../vendors/statuspage/status-page.ts';
import { SANDBOX_PAGE_ID } from '../../../../packages/sandbox/statuspage/statuspage.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { calls, exchange, start } from '../../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../../../test/support/fake-deps.ts';
import { type Reply, vendor } from '../../../../test/vendors/server.ts';
import { recorded, sent, respondsAsAgreed } from '../../../../test/vendors/vendor-responses.ts';

const KEY = '89a229ce1a8dbcf9ff30430fbe35eb4c0426574bca932061892cefd2138aa4b1';
const PAGE = 'kctbh9vrtdwd';

const pageAt = (url: string, key: string | undefined = KEY, page: string | undefined = PAGE): StatusPage =>
  statuspage({
    apiUrl: async () => `${url}/v1/`,
    apiKey: async () => key,
    pageId: async () => page,
    clock: new SetClock('2026-11-20T12:00:00.000Z'),
  });

const UPDATE = {
  status: 'investigating',
  body: 'We are seeing elevated errors.',
  components: { ftgks51sfs2d: 'major_outage' },
} as const;
const INCIDENT = { key: '01TEST', name: 'Checkout errors', ...UPDATE };

const MAINTENANCE = {
  key: 'maintenance:upgrade',
  change: '1',
  name: 'Upgrade of Checkout',
  status: 'scheduled',
  body: 'Checkout is read-only for up to three hours.',
  from: '2027-01-24T22:00:00.000Z' as Timestamp,
  until: '2027-01-25T01:00:00.000Z' as Timestamp,
  affects: ['ftgks51sfs2d'],
  components: {},
} as const;

const incident = (id: string, metadata: unknown, status = 'investigating') => ({ id, status, metadata });
const list = (...items: object[]): Reply => ({ body: JSON.stringify(items) });

test('with the stand-in, an incident and its components change from investigating to resolved', async () => {
  const standIns = await start();
  await standIns.statuspage.provide(['Checkout', 'Cart']);
  const page = pageAt(standIns.urls.statuspage, KEY, SANDBOX_PAGE_ID);
  const states = async () => {
    const response = await page.components();
    return response.kind === 'done' && Object.fromEntries(response.value.map(({ name, status }) => [name, status]));
  };
  const all = await page.components();
  const [checkout = '', cart = ''] = all.kind === 'done' ? all.value.map(({ id }) => id) : [];
  expect(await page.findIncident('01TEST')).toEqual({ kind: 'done', value: null });
  const response = await page.createIncident({ ...INCIDENT, components: { [checkout]: 'major_outage' } });
  const id = response.kind === 'done' ? response.value.id : '';
  expect(await page.findIncident('01TEST')).toEqual({ kind: 'done', value: { id, status: 'investigating' } });
  expect(await states()).toEqual({ Checkout: 'major_outage', Cart: 'operational' });
  await page.updateIncident(id, {
    status: 'monitoring',
    body: 'A rollback has been applied.',
    components: { [checkout]: 'degraded_performance', [cart]: 'degraded_performance' },
  });
  expect(await states()).toEqual({ Checkout: 'degraded_performance', Cart: 'degraded_performance' });
  await page.updateIncident(id, { status: 'resolved', body: 'Resolved.', components: { [checkout]: 'operational' } });
  expect(await page.setComponent(cart, 'operational')).toEqual({ kind: 'done', value: null });
  expect(await states()).toEqual({ Checkout: 'operational', Cart: 'operational' });
  expect(await page.findIncident('01TEST')).toEqual({ kind: 'done', value: { id, status: 'resolved' } });
  expect(await page.updateIncident('nope', UPDATE)).toMatchObject({ kind: 'refused', code: 'not_found' });
  expect((await calls(standIns, '?vendor=statuspage')).filter(({ status }) => (status ?? 0) >= 400)).toHaveLength(1);
});

describe('each call', () => {
  respondsAsAgreed({
    read: {
      components: (url) => pageAt(url).components(),
      findIncident: (url) => pageAt(url).findIncident('01TEST'),
      findMaintenance: (url) => pageAt(url).findMaintenance('maintenance:upgrade'),
    },
    write: {
      setComponent: (url) => pageAt(url).setComponent('c1', 'operational'),
      createIncident: (url) => pageAt(url).createIncident(INCIDENT),
      updateIncident: (url) => pageAt(url).updateIncident('i1', UPDATE),
      createMaintenance: (url) => pageAt(url).createMaintenance(MAINTENANCE),
      updateMaintenance: (url) => pageAt(url).updateMaintenance('i1', MAINTENANCE),
    },
  });

  test.each([
    [
      'rate-limited-420',
      { kind: 'later', detail: 'Statuspage answered 420: Your API key is rate limited', afterSeconds: 60 },
    ],
    [
      'rate-limited-429',
      { kind: 'later', detail: 'Statuspage answered 429: Your API key is rate limited', afterSeconds: 60 },
    ],
    [
      'unauthorized-401',
      { kind: 'refused', code: 'unauthorized', detail: 'Statuspage answered 401: Could not authenticate' },
    ],
    ['not-found-404', { kind: 'refused', code: 'not_found', detail: 'Statuspage answered 404: Not found' }],
    [
      'incident-create-422',
      { kind: 'refused', code: 'invalid', detail: "Statuspage answered 422: Name can't be blank" },
    ],
  ])('with the response %s reports its message', async (name, expected) => {
    const { url } = await vendor(recorded(`statuspage/${name}`));
    expect(await pageAt(url).createIncident(INCIDENT)).toEqual(expected);
  });

  test('without a key or a page is off, and sends nothing', async () => {
    const { url, received } = await vendor({});
    expect(await pageAt(url, '').createIncident(INCIDENT)).toEqual({
      kind: 'off',
      detail: 'the status page is off: STATUSPAGE_API_KEY is not set',
    });
    expect(await pageAt(url, KEY, '').components()).toEqual({
      kind: 'off',
      detail: 'the status page is off: STATUSPAGE_PAGE_ID is not set',
    });
    expect(received).toEqual([]);
  });

  test('with a key that is invalid in a header is refused, and the key is not revealed', async () => {
    const { url, received } = await vendor({});
    const response = await pageAt(url, 'secret\n').components();
    expect(response).toMatchObject({ kind: 'refused', code: 'bad_token' });
    expect(JSON.stringify(response)).not.toContain('secret');
    expect(received).toEqual([]);
  });
});

describe('a maintenance', () => {
  test('is created as documented, without automatic transitions', async () => {
    const documented = recorded('statuspage/maintenance-create');
    const { url, received } = await vendor(documented);
    expect(await pageAt(url).createMaintenance(MAINTENANCE)).toEqual({ kind: 'done', value: { id: 'p31zjtct2jer' } });
    expect(sent(received)).toEqual([JSON.parse(exchange('statuspage/maintenance-create').request.body ?? '')]);
  });

  test('with the stand-in, is found in each status with the last change that arrived', async () => {
    const standIns = await start();
    await standIns.statuspage.provide(['Checkout']);
    const page = pageAt(standIns.urls.statuspage, KEY, SANDBOX_PAGE_ID);
    const all = await page.components();
    const [checkout = ''] = all.kind === 'done' ? all.value.map(({ id }) => id) : [];
    const planned = { ...MAINTENANCE, affects: [checkout] };
    const found = () => page.findMaintenance(MAINTENANCE.key);
    expect(await found()).toEqual({ kind: 'done', value: null });
    const created = await page.createMaintenance(planned);
    const id = created.kind === 'done' ? created.value.id : '';
    expect(await found()).toEqual({ kind: 'done', value: { id, change: '1' } });
    const silent = { ...planned, name: 'Move of Checkout', body: null, change: '2' };
    expect(await page.updateMaintenance(id, silent)).toEqual({ kind: 'done', value: null });
    expect(await found()).toEqual({ kind: 'done', value: { id, change: '2' } });
    for (const [status, change] of [
      ['in_progress', '3'],
      ['completed', '4'],
    ] as const) {
      await page.updateMaintenance(id, { ...planned, status, change, components: { [checkout]: 'under_maintenance' } });
      expect(await found()).toEqual({ kind: 'done', value: { id, change } });
    }
    const [last] = await calls(standIns, '?vendor=statuspage&limit=1');
    expect(last?.status).toBe(200);
    const response = await fetch(`${standIns.urls.statuspage}/v1/pages/${SANDBOX_PAGE_ID}/incidents/${id}`, {
      headers: { authorization: `OAuth ${KEY}` },
    });
    const { incident_updates: updates, ...incidentNow } = (await response.json()) as {
      name: string;
      incident_updates: { status: string }[];
    };
    expect(incidentNow.name).toBe('Upgrade of Checkout');
    expect(updates.map(({ status }) => status)).toEqual(['completed', 'in_progress', 'scheduled']);
  });
});

describe('an incident', () => {
  test('is created with its key in the metadata, and notifies subscribers', async () => {
    const { url, received } = await vendor(recorded('statuspage/incident-create'));
    expect(await pageAt(url).createIncident(INCIDENT)).toEqual({ kind: 'done', value: { id: 'p31zjtct2jer' } });
    expect(received).toMatchObject([
      {
        method: 'POST',
        path: `/v1/pages/${PAGE}/incidents`,
        headers: { authorization: `OAuth ${KEY}`, 'content-type': 'application/json' },
      },
    ]);
    expect(sent(received)).toEqual([
      {
        incident: {
          name: 'Checkout errors',
          ...UPDATE,
          component_ids: ['ftgks51sfs2d'],
          deliver_notifications: true,
          metadata: { firebreak: { key: '01TEST' } },
        },
      },
    ]);
  });

  test.each(['incident-update-monitoring', 'incident-resolve'])('is updated as in %s', async (name) => {
    const { url, received } = await vendor(recorded(`statuspage/${name}`));
    expect(await pageAt(url).updateIncident('p31zjtct2jer', { ...UPDATE, status: 'resolved' })).toEqual({
      kind: 'done',
      value: null,
    });
    expect(received).toMatchObject([{ method: 'PATCH', path: `/v1/pages/${PAGE}/incidents/p31zjtct2jer` }]);
    expect(sent(received)).toEqual([{ incident: { ...UPDATE, status: 'resolved' } }]);
  });

  test("has a name and a text within the API's limits", async () => {
    const { url, received } = await vendor(recorded('statuspage/incident-create'));
    await pageAt(url).createIncident({
      ...INCIDENT,
      name: 'ü'.repeat(NAME_MAX_CHARS),
      body: 'b'.repeat(BODY_MAX_CHARS),
    });
    await pageAt(url).createIncident({
      ...INCIDENT,
      name: 'ü'.repeat(NAME_MAX_CHARS + 1),
      body: 'b'.repeat(BODY_MAX_CHARS + 1),
    });
    expect(sent(received)).toMatchObject([
      { incident: { name: 'ü'.repeat(NAME_MAX_CHARS), body: 'b'.repeat(BODY_MAX_CHARS) } },
      { incident: { name: `${'ü'.repeat(NAME_MAX_CHARS - 1)}…`, body: `${'b'.repeat(BODY_MAX_CHARS - 1)}…` } },
    ]);
  });

  test('is unclear if the response to its creation is not from the API', async () => {
    const { url } = await vendor({ status: 200, body: '<html>please log in</html>' });
    expect(await pageAt(url).createIncident(INCIDENT)).toMatchObject({ kind: 'unclear' });
  });
});

describe('a search for an incident', () => {
  test('finds it by its key among the unresolved ones', async () => {
    const { url, received } = await vendor(
      list(
        incident('by hand', {}),
        incident('without', null),
        incident('another', { firebreak: { key: 'other' } }),
        incident('ours', { jira: { id: '1' }, firebreak: { key: '01TEST' } }, 'monitoring'),
      ),
    );
    expect(await pageAt(url).findIncident('01TEST')).toEqual({
      kind: 'done',
      value: { id: 'ours', status: 'monitoring' },
    });
    expect(received).toMatchObject([{ method: 'GET', path: `/v1/pages/${PAGE}/incidents/unresolved` }]);
  });

  test('continues with the newest of all', async () => {
    const { url, received } = await vendor(
      recorded('statuspage/incidents-unresolved'),
      list(incident('ours', { firebreak: { key: '01TEST' } }, 'resolved')),
    );
    expect(await pageAt(url).findIncident('01TEST')).toEqual({
      kind: 'done',
      value: { id: 'ours', status: 'resolved' },
    });
    expect(received.map(({ path }) => path)).toEqual([
      `/v1/pages/${PAGE}/incidents/unresolved`,
      `/v1/pages/${PAGE}/incidents?limit=100`,
    ]);
  });

  test('can find nothing', async () => {
    const { url } = await vendor(recorded('statuspage/incidents-unresolved'));
    expect(await pageAt(url).findIncident('01TEST')).toEqual({ kind: 'done', value: null });
  });

  test('is inconclusive if the second request fails', async () => {
    const { url } = await vendor(list(), { status: 429 });
    expect(await pageAt(url).findIncident('01TEST')).toMatchObject({ kind: 'later', afterSeconds: 60 });
  });

  test('is inconclusive if the response is not a list', async () => {
    const { url } = await vendor({ body: '{"incidents":[]}' });
    expect(await pageAt(url).findIncident('01TEST')).toMatchObject({ kind: 'refused', code: 'unreadable' });
  });
});

describe('components', () => {
  const component = (id: string, more: object = {}) => ({ id, name: `name of ${id}`, status: 'operational', ...more });

  test('are those with a state of their own', async () => {
    const { url, received } = await vendor(
      list(component('a'), component('b', { group: true }), component('c', { group: false })),
    );
    expect(await pageAt(url).components()).toMatchObject({
      kind: 'done',
      value: [component('a'), component('c')],
    });
    expect(received).toMatchObject([{ method: 'GET', path: `/v1/pages/${PAGE}/components?per_page=100` }]);
  });

  test('are read from all pages', async () => {
    const first = Array.from({ length: 100 }, (_, index) => component(`a${index}`));
    const { url, received } = await vendor(list(...first), list(component('last')));
    const response = await pageAt(url).components();
    expect(response.kind === 'done' && response.value.map(({ id }) => id)).toEqual([
      ...first.map(({ id }) => id),
      'last',
    ]);
    expect(new URL(received[1]?.path ?? '', url).searchParams.get('page')).toBe('2');
    expect(received).toHaveLength(2);
  });

  test('can be set to a state', async () => {
    const { url, received } = await vendor(recorded('statuspage/component-update'));
    expect(await pageAt(url).setComponent('ftgks51sfs2d', 'partial_outage')).toEqual({ kind: 'done', value: null });
    expect(received).toMatchObject([
      {
        method: 'PATCH',
        path: `/v1/pages/${PAGE}/components/ftgks51sfs2d`,
        body: '{"component":{"status":"partial_outage"}}',
      },
    ]);
  });

  test('report the reason if their state is refused', async () => {
    const { url } = await vendor(recorded('statuspage/component-update-400'));
    expect(await pageAt(url).setComponent('ftgks51sfs2d', 'operational')).toMatchObject({
      kind: 'refused',
      code: 'bad_request',
      detail: expect.stringContaining('Status must be one of operational') as string,
    });
  });
});
