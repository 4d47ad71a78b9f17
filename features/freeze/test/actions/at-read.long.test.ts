import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, Firebreak } from '../../../../test/support/firebreak.ts';

/** So slow that no evaluation runs during a test. */
const EACH_MINUTE = 1;

const calendar = (reason: string, until: string): string => `
policies:
  - match: { service: stock }
    incidents: critical
  - match: { service: shop }
    dependants: on
calendar:
  - name: stocktaking
    services: till
    from: 2026-01-01T00:00
    until: ${until}
    timeZone: UTC
    reason: ${reason}
`;

let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: {
      shop: { dependsOn: ['stock'], environments: { production: {} } },
      stock: { team: 'warehouse', environments: { production: {} } },
      till: { environments: { production: {} } },
      asked: { environments: { production: {} } },
    },
    configFiles: { 'freeze.yaml': calendar('we count', '2099-01-01T00:00') },
    timeScale: EACH_MINUTE,
  });
});

afterAll(() => firebreak.remove());

const check = async (service: string, version?: string) => {
  const query = new URLSearchParams({ service, environment: 'production', ...(version && { version }) });
  return (await firebreak.get(`/v1/freeze-check?${query.toString()}`)).body;
};

const listed = async (query: string): Promise<any[]> => (await firebreak.get(`/v1/freezes?${query}`)).body.items;

describe('before the next evaluation', () => {
  test("an incident's freeze affects dependent services, is in the list, and ends there with the incident", async () => {
    const { status, body: incident } = await firebreak.post('/v1/incidents', {
      service: 'stock',
      environment: 'production',
      severity: 'critical',
      title: 'nothing can be counted',
    });
    expect(status).toBe(201);
    expect(await check('stock')).toMatchObject({ allowed: false, reasons: [{ code: 'incident' }] });
    const dependant = await check('shop');
    expect(dependant).toMatchObject({ allowed: false, reasons: [{ code: 'dependency_frozen' }] });
    expect(dependant.reasons[0].text).toContain('nothing can be counted');
    const [freeze] = await listed('service=stock&state=in_force');
    expect(freeze).toMatchObject({ cause: 'incident', incident_id: incident.id });
    const expires_at = new Date(Date.now() + 600_000).toISOString();
    const given = await firebreak.post(`/v1/freezes/${freeze.id}/overrides`, { reason: 'a fix', expires_at });
    expect(given.status).toBe(201);
    expect(await check('shop')).toMatchObject({ allowed: true, override: { freeze_id: freeze.id } });
    await firebreak.request('DELETE', `/v1/freezes/${freeze.id}/overrides/${given.body.id}`, { reason: 'it is in' });
    expect((await firebreak.post(`/v1/incidents/${incident.id}/actions/resolve`)).status).toBeLessThan(300);
    await eventually(async () => (await check('shop')).allowed, 'the dependant to be free');
    expect((await firebreak.get(`/v1/freezes/${freeze.id}`)).body).toMatchObject({
      state: 'over',
      overrides: [{ withdrawn_by: 'admin', withdrawn_because: 'it is in' }],
    });
    expect(await listed('service=stock&state=in_force')).toEqual([]);
  });

  test('an edited calendar entry is shown with its changes', async () => {
    const [freeze] = await eventually(async () => {
      const found = await listed('service=till&state=in_force');
      return found.length > 0 && found;
    }, 'the freeze');
    expect(freeze).toMatchObject({ cause: 'calendar', until: '2099-01-01T00:00:00.000Z' });
    await firebreak.write('freeze.yaml', calendar('we count again', '2098-01-01T00:00'));
    await eventually(async () => (await check('till')).reasons[0].text.includes('again'), 'the edited entry');
    const edited = { id: freeze.id, until: '2098-01-01T00:00:00.000Z', reason: expect.stringContaining('again') };
    // The first request records it.
    expect((await firebreak.get(`/v1/freezes/${freeze.id}`)).body).toMatchObject(edited);
    expect(await listed('service=till')).toMatchObject([edited]);
  });
});

describe('unknown names', () => {
  test.each([
    ['service', { service: 'sotck' }, 'did you mean "stock"?'],
    ['service', { service: 'something else' }, 'config/services.yaml'],
    ['team', { team: 'warehose' }, 'did you mean "warehouse"?'],
    ['team', { team: 'constructor' }, 'config/services.yaml'],
  ])('of a %s are refused: %j', async (field, scope, hint) => {
    const { status, body } = await firebreak.post('/v1/freezes', { ...scope, reason: 'x' });
    expect({ status, ...body }).toMatchObject({ status: 422, code: 'invalid', detail: expect.stringContaining(field) });
    expect(body.detail).toContain(hint);
  });

  test('of an environment cause a warning, because it may be added later', async () => {
    const made = await firebreak.post('/v1/freezes', { service: 'till', environment: 'prodution', reason: 'x' });
    expect(made).toMatchObject({ status: 201, body: { warnings: [expect.stringContaining('"production"')] } });
    const known = await firebreak.post('/v1/freezes', { service: 'till', environment: 'production', reason: 'x' });
    expect(known).toMatchObject({ status: 201, body: { warnings: [] } });
    for (const { body } of [made, known]) await firebreak.request('DELETE', `/v1/freezes/${body.id}`);
  });

  test('become known with a recorded deployment', async () => {
    await firebreak.post('/v1/deployments', { service: 'kiosk', environment: 'airport', version: 'v1' });
    const { status, body } = await firebreak.post('/v1/freezes', {
      service: 'kiosk',
      environment: 'airport',
      reason: 'x',
    });
    // The freeze still applies; a warning says that the environment is not configured, because it may be a recorded
    // typo. recorded.
    const warnings = ['the environment "airport" of kiosk is not configured'];
    expect({ status, ...body }).toMatchObject({ status: 201, warnings });
  });
});

describe('the reason for ending a freeze or override', () => {
  test.each([
    ['in the body', '', { reason: 'we are done' }],
    ['in the query string', '?reason=we%20are%20done', undefined],
  ])('is recorded if it is given %s', async (_, query, body) => {
    const { body: freeze } = await firebreak.post('/v1/freezes', { service: 'shop', reason: 'x' });
    const ended = await firebreak.request('DELETE', `/v1/freezes/${freeze.id}${query}`, body);
    expect(ended).toMatchObject({ status: 200, body: { end_reason: 'we are done', ended_by: 'admin' } });
    const { body: log } = await firebreak.get('/v1/audit?limit=20');
    expect(log.items).toContainEqual(
      expect.objectContaining({
        subject: freeze.id,
        text: expect.stringMatching(/^Ended the freeze for .*: we are done$/),
      }),
    );
  });

  test('is refused if it is not readable', async () => {
    const { body: freeze } = await firebreak.post('/v1/freezes', { service: 'shop', reason: 'x' });
    const path = `/v1/freezes/${freeze.id}`;
    for (const body of [{ because: 'x' }, { reason: ' ' }, { reason: 7 }])
      expect((await firebreak.request('DELETE', path, body)).status).toBe(422);
    expect((await firebreak.request('DELETE', path, undefined, { 'content-type': 'application/json' })).status).toBe(
      200,
    );
  });
});

describe('a process that ends', () => {
  const asked = async (version: string): Promise<string> => {
    const { allowed, decision_id } = await check('asked', version);
    expect(allowed).toBe(true);
    return decision_id;
  };
  const decision = async (id: string) => (await firebreak.get(`/v1/freeze-decisions/${id}`)).body;

  test('normally has stored how often decisions were requested', async () => {
    const id = await asked('v1');
    for (const _ of [2, 3, 4]) expect(await asked('v1')).toBe(id);
    await firebreak.stop();
    await firebreak.start();
    expect(await decision(id)).toMatchObject({ id, count: 4 });
  });

  test('by a kill has recorded and logged every answer', async () => {
    const id = await asked('v2');
    await firebreak.kill9();
    await firebreak.start();
    expect(await decision(id)).toMatchObject({ id, verdict: { allowed: true }, count: 1 });
    const { items } = (await firebreak.get('/v1/audit?limit=50')).body;
    expect(items.map(({ detail }: { detail: { decision?: string } }) => detail.decision)).toContain(id);
  });
});
