import { afterAll, beforeAll, expect, test } from 'vitest';
import { EACH_ALONE, Firebreak } from '../support/firebreak.ts';

const SLO = `apiVersion: openslo/v1
kind: SLO
metadata: { name: availability }
spec:
  service: checkout
  indicator:
    spec:
      ratioMetric:
        bad: { metricSource: { type: Prometheus, spec: { query: 'sum(rate(nothing_bad[{{.window}}]))' } } }
        total: { metricSource: { type: Prometheus, spec: { query: 'sum(rate(nothing[{{.window}}]))' } } }
  objectives: [{ target: 0.999 }]
`;

let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 1,
    services: { checkout: { environments: { production: {} } } },
    configFiles: { ...EACH_ALONE, 'slos/checkout.yaml': SLO },
  });
  const incident = { service: 'checkout', environment: 'production', title: 'Checkout fails', severity: 'info' };
  expect((await firebreak.post('/v1/incidents', incident)).status).toBe(201);
  const deploy = { service: 'checkout', environment: 'production', version: 'v1' };
  expect((await firebreak.post('/v1/deployments', deploy)).status).toBe(201);
});
afterAll(() => firebreak.remove());

/** Returns the paths of all lists, with parameters that they need. */
async function listPaths(): Promise<string[]> {
  const { body } = await firebreak.get('/openapi.json');
  return Object.entries<{ get?: { parameters?: { name: string; in: string }[] } }>(body.paths).flatMap(
    ([path, { get }]) => {
      const hasCursor = get?.parameters?.some((parameter) => parameter.in === 'query' && parameter.name === 'cursor');
      if (hasCursor !== true) return [];
      const id = /slos|objectives/.test(path) ? 'availability' : 'INC-1';
      return [`${path.replace('{id}', id)}?${path.endsWith('/counts') ? 'from=2026-11-01&' : ''}`];
    },
  );
}

const encoded = (text: string): string => Buffer.from(text).toString('base64url');

test('a list refuses a cursor that was changed, and takes its own', async () => {
  const paths = [...(await listPaths()), '/v1/deployments?service=checkout&', '/v1/incidents?service=checkout&'];
  expect(paths.length).toBeGreaterThan(20);
  const incident = (await firebreak.get('/v1/incidents')).body.items[0].id;
  const names = ['INCIDENTS', 'CHANGES', 'RECORDED', 'DRILLS', 'WATCHES', 'RUNBOOKRUNS'];
  const changed = [
    'nonsense',
    encoded('../../x'),
    encoded('2026-11-20T02:10:00.000Z ../x'),
    encoded('{"minute":"../../x","sk":"../../x"}'),
    ...names.map((of) => encoded(JSON.stringify({ of, at: '../../x' }))),
    ...['TL#../../x', 'SIG#'].map((at) => encoded(JSON.stringify({ of: `INC#${incident}`, at }))),
  ];
  const taken: string[] = [];
  for (const path of paths)
    for (const cursor of changed) {
      const { status, body } = await firebreak.get(`${path}cursor=${cursor}`);
      if (status !== 400 || body.code !== 'bad-cursor')
        taken.push(`${path} ${status} ${body.code} ${Buffer.from(cursor, 'base64url').toString()}`);
    }
  expect(taken).toEqual([]);
  for (const path of paths) {
    const { status, body } = await firebreak.get(`${path}limit=1`);
    expect([path, status]).toEqual([path, 200]);
    if (body.next_cursor !== null) expect((await firebreak.get(`${path}cursor=${body.next_cursor}`)).status).toBe(200);
  }
});
