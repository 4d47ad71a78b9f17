import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, Firebreak } from '../support/firebreak.ts';

/* Readers find a service and an environment in each spelling in which writers accept it. */

let firebreak: Firebreak;
let token: string;

const SLO = `
apiVersion: openslo/v1
kind: SLO
metadata: { name: orders, labels: { environment: production } }
spec:
  service: order-service
  indicator:
    metadata: { name: availability }
    spec:
      ratioMetric:
        bad: { metricSource: { type: Prometheus, spec: { query: 'sum(rate(errors_total[{{.window}}]))' } } }
        total: { metricSource: { type: Prometheus, spec: { query: 'sum(rate(requests_total[{{.window}}]))' } } }
  objectives: [{ target: 0.999 }]
`;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    timeScale: 1,
    configFiles: { 'slos/orders.yaml': SLO, 'routes.yaml': 'severities: { broken: warning, P1: info }\n' },
    services: {
      'order-service': { team: 'orders', environments: { production: {}, staging: {} } },
      search: {},
      payments: { environments: { 'prod-eu': {}, 'prod-us': {} } },
    },
  });
  const scope = { service: 'order-service', environment: 'production' };
  // Before there is an incident that it would join.
  await firebreak.post('/v1/alerts/generic', {
    ...scope,
    severity: 'info',
    title: 'Orders wait',
    dedup_key: 'orders',
    status: 'firing',
  });
  await eventually(async () => (await firebreak.get('/v1/signals')).body.items.length === 1, 'the alert');
  const written = [
    await firebreak.post('/v1/deployments', { ...scope, version: 'v1' }),
    await firebreak.post('/v1/pipelines/runs', {
      service: 'order-service',
      pipeline: 'build',
      run_id: '1',
      result: 'succeeded',
      started_at: new Date(Date.now() - 60_000).toISOString(),
      finished_at: new Date().toISOString(),
    }),
    await firebreak.post('/v1/incidents', { ...scope, title: 'Orders fail', severity: 'warning' }),
    await firebreak.post('/v1/freezes', { ...scope, reason: 'Sale' }),
  ];
  expect(written.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  ({ token } = (
    await firebreak.post('/v1/tokens', { name: 'orders', actions: ['*'], services: ['order-service'] })
  ).body);
});
afterAll(() => firebreak.remove());

type Parameter = { name: string; in: string };

const read = (path: string, query: Record<string, string>) =>
  firebreak.request('GET', `${path}?${new URLSearchParams(query).toString()}`, undefined, {
    authorization: `Bearer ${token}`,
  });

test('all lists and figures of a service, also with a token that allows only this service', async () => {
  const { body } = await firebreak.get('/openapi.json');
  const paths = Object.entries<{ get?: { parameters?: Parameter[] } }>(body.paths).flatMap(([path, { get }]) => {
    const names = new Set(get?.parameters?.map(({ name }) => name));
    return names.has('service') && !names.has('version')
      ? [{ path, environment: names.has('environment') ? { environment: 'PRODUCTION' } : {} }]
      : [];
  });
  expect(paths.length).toBeGreaterThan(10);
  for (const { path, environment } of paths) {
    const { status, body: answer } = await read(path, { service: 'ORDER-Service', ...environment });
    expect([path, status, answer.detail]).toEqual([path, 200, undefined]);
  }
  const scoped = ['/v1/deployments', '/v1/incidents', '/v1/signals', '/v1/reports/alerts', '/v1/freezes', '/v1/slos'];
  for (const path of [...scoped, '/v1/pipelines/runs'])
    expect([path, (await read(path, { service: 'ORDER-Service' })).body.items.length]).toEqual([path, 1]);
  for (const path of scoped) {
    expect([path, (await read(path, { environment: 'PRODUCTION' })).body.items.length]).toEqual([path, 1]);
    expect([path, (await read(path, { environment: 'Staging' })).body.items.length]).toEqual([path, 0]);
  }
  const { body: pipelines } = await read('/v1/metrics/pipelines', { service: 'ORDER-Service' });
  expect(pipelines).toMatchObject({ service: 'order-service', runs: { succeeded: 1 } });
  const { body: dora } = await read('/v1/metrics/dora', { service: 'ORDER-Service', environment: 'PRODUCTION' });
  expect(dora).toMatchObject({ environments: ['production'], records: { deployments: { total: 1 } } });
});

test('figures of a team', async () => {
  const deploys = async (team: string) =>
    (await firebreak.get(`/v1/metrics/dora?team=${team}`)).body.records.deployments.total;
  expect([await deploys('ORDERS'), await deploys('others')]).toEqual([1, 0]);
  expect((await firebreak.get('/v1/metrics/code?team=Orders')).body.services).toEqual(['order-service']);
});

test('lists and figures refuse a filter that they do not have', async () => {
  const { body } = await firebreak.get('/openapi.json');
  const paths = Object.entries<{ get?: { parameters?: Parameter[]; responses: any } }>(body.paths).flatMap(
    ([path, { get }]) => {
      const hasQuery = get?.parameters?.some((parameter) => parameter.in === 'query') ?? false;
      const isList = get?.responses[200]?.content?.['application/json']?.schema.properties?.items !== undefined;
      return path.startsWith('/v1/') && get !== undefined && (hasQuery || isList || !path.includes('{')) ? [path] : [];
    },
  );
  expect(paths).toContain('/v1/incidents/{id}/evidence');
  expect(paths.length).toBeGreaterThan(30);
  const taken: string[] = [];
  for (const path of paths) {
    const { status, body: answer } = await firebreak.get(`${path.replace('{id}', '1')}?statuss=open&service=search`);
    if (status !== 400) taken.push(path);
    else expect([path, answer.detail]).toEqual([path, expect.stringMatching(/unknown query parameter "statuss"/)]);
  }
  // These are asked by systems that deploy: they get an answer.
  expect(taken).toEqual(['/v1/freeze-check', '/v1/freeze-check/gate']);
  const { status, body: answer } = await firebreak.get('/v1/incidents?team=orders');
  expect([status, answer.code, answer.detail]).toEqual([
    400,
    'unknown-parameter',
    'unknown query parameter "team"; known are limit, cursor, status, service, environment',
  ]);
});

test.each(['/console/delivery/pipelines', '/console/delivery', '/console/canaries', '/console/experiments'])(
  'the page %s of a service',
  async (path) => {
    const page = await firebreak.get(`${path}?service=ORDER-Service`);
    expect(page.status).toBe(200);
    const main = String(page.body).slice(String(page.body).indexOf('<main'));
    expect(main).toContain('order-service');
    expect(main).not.toContain('ORDER-Service');
  },
);

test('the page of a service', async () => {
  const page = await firebreak.get('/console/services/ORDER-Service');
  expect(page.status).toBe(200);
  expect(page.body).toMatch(/order-service/);
});

test('what a person starts', async () => {
  const scope = { service: 'ORDER-Service', environment: 'PRODUCTION' };
  const start = async (path: string, more: object = {}) => {
    const { status, body } = await firebreak.request(
      'POST',
      path,
      { ...scope, ...more },
      {
        authorization: `Bearer ${token}`,
      },
    );
    return [status, body.detail];
  };
  expect(await start('/v1/drills')).toEqual([409, expect.stringContaining('drills: true')]);
  expect(await start('/v1/canaries', { version: 'v2' })).toEqual([
    409,
    expect.stringContaining('order-service production'),
  ]);
  const checks = [{ name: 'errors', promql: 'up', max: 1 }];
  const { status, body } = await firebreak.request(
    'POST',
    '/v1/experiments',
    { name: 'Slow', hypothesis: 'Nothing fails', duration_seconds: 60, scope: [scope], checks },
    { authorization: `Bearer ${token}` },
  );
  expect([status, body.detail]).toEqual([409, expect.stringContaining('order-service production')]);
});

test.each([
  ['PRD', 'production'],
  ['stg', 'staging'],
])('%s means %s wherever a sender names the environment', async (environment, meant) => {
  const service = 'order-service';
  const version = `v-${environment}`;
  const recorded = await firebreak.post('/v1/deployments', { service, environment, version });
  expect(recorded).toMatchObject({ status: 201, body: { environment: meant, warnings: [] } });
  const title = `Orders of ${environment}`;
  const alert = { service: 'search', environment, severity: 'info', title, dedup_key: title, status: 'firing' };
  expect((await firebreak.post('/v1/alerts/generic', alert)).status).toBe(202);
  const found = await eventually(
    async () =>
      (await firebreak.get('/v1/signals?service=search')).body.items.find(
        (one: { title: string }) => one.title === title,
      ),
    'the alert',
  );
  expect(found).toMatchObject({ environment: meant });
  const opened = await firebreak.post('/v1/freezes', { service, environment, reason: 'Audit' });
  expect(opened.body).toMatchObject({ environment: meant });
  const check = await firebreak.get(`/v1/freeze-check?service=${service}&environment=${environment}`);
  expect(check.body).toMatchObject({ allowed: false });
  expect(check.body.reasons.map(({ code }: { code: string }) => code)).toContain('name_corrected');
});

test.each(['prod_eu', 'PROD.EU', 'prodEU', 'production-eu', 'prd eu'])(
  'other separators and usual names: %s means prod-eu wherever a sender names the environment',
  async (environment) => {
    const meant = { service: 'payments', environment: 'prod-eu' };
    const recorded = await firebreak.post('/v1/deployments', {
      service: 'payments',
      environment,
      version: `v-${environment}`,
    });
    expect(recorded).toMatchObject({ status: 201, body: { ...meant, warnings: [] } });
    const title = `Payments of ${environment}`;
    const alert = { service: 'payments', environment, severity: 'info', title, dedup_key: title, status: 'firing' };
    expect((await firebreak.post('/v1/alerts/generic', alert)).status).toBe(202);
    await eventually(async () => {
      const { items } = (await firebreak.get('/v1/signals?service=payments')).body;
      return items.some((one: Record<string, string>) => one['title'] === title && one['environment'] === 'prod-eu');
    }, 'the alert');
    const opened = await firebreak.post('/v1/freezes', { service: 'payments', environment, reason: 'Audit' });
    expect(opened.body).toMatchObject(meant);
    const check = await firebreak.get(
      `/v1/freeze-check?service=payments&environment=${encodeURIComponent(environment)}`,
    );
    expect(check.body).toMatchObject({ allowed: false });
    expect((await firebreak.request('DELETE', `/v1/freezes/${opened.body.id}`)).status).toBe(200);
  },
);

test.each(['order_service', 'acme/order-service', 'OrderService'])(
  'a freeze and a freeze check of %s are those of order-service',
  async (service) => {
    const opened = await firebreak.post('/v1/freezes', { service, environment: 'staging', reason: 'Audit' });
    expect(opened).toMatchObject({ status: 201, body: { service: 'order-service' } });
    const query = new URLSearchParams({ service, environment: 'staging' }).toString();
    const { body } = await firebreak.get(`/v1/freeze-check?${query}`);
    expect(body).toMatchObject({ allowed: false });
    const codes = body.reasons.map(({ code }: { code: string }) => code);
    expect([codes.includes('name_corrected'), codes.includes('unknown_service')]).toEqual([true, false]);
  },
);

test('people and programs set a severity in the words of senders', async () => {
  const declared = { service: 'search', environment: 'production', title: 'Slow', severity: 'SEV2' };
  const { status, body } = await firebreak.post('/v1/incidents', declared);
  expect([status, body.severity]).toEqual([201, 'warning']);
  const set = (severity: string) => firebreak.request('PATCH', `/v1/incidents/${body.id}`, { severity });
  expect(await set('SEV1')).toMatchObject({ status: 200, body: { severity: 'critical' } });
  expect(await set('broken')).toMatchObject({ status: 200, body: { severity: 'warning' } });
  // The team's own words come first.
  expect(await set('P1')).toMatchObject({ status: 200, body: { severity: 'info' } });
  expect(await set('P9')).toMatchObject({ status: 422, body: { detail: expect.stringContaining('broken') } });
  expect(
    await firebreak.post('/v1/incidents', {
      ...declared,
      service: 'payments',
      environment: 'prod-eu',
      severity: 'Broken',
    }),
  ).toMatchObject({ status: 201, body: { severity: 'warning' } });
});
