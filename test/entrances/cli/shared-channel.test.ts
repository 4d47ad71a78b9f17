import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { cli } from './support.ts';

/* Incidents of a group are discussed in one channel, so its name means all of them. */

const incident = (number: number, service: string) => ({
  id: `01KAJ0000000000000000000${String(number).padStart(2, '0')}`,
  number,
  service,
  environment: 'production',
  title: `${service} answers with errors`,
  severity: 'critical',
  status: 'open',
  opened_at: '2026-11-20T01:00:00.000Z',
  resolved_at: null,
  signal_count: 1,
  parent_id: null,
  channel: '#incident-2611272',
  roles: {},
  suspects: [],
  decisions: [],
  effects: [],
});

const INCIDENTS = [incident(2, 'orders'), incident(3, 'search'), incident(4, 'payments')];

let server: Server;
let env: Record<string, string>;
let acknowledged: string[];
beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    const one = INCIDENTS.find(({ id, number }) => new RegExp(`/(?:${id}|INC-${number})(?:/|$)`).test(pathname));
    if (one !== undefined && request.method === 'POST')
      acknowledged.push(`${one.service} ${pathname.split('/').at(-1)}`);
    const items = searchParams.get('status') === 'open' ? INCIDENTS : [];
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(one ?? { items, next_cursor: null }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  env = { FIREBREAK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, FIREBREAK_TOKEN: 'x' };
});
beforeEach(() => {
  acknowledged = [];
});
afterAll(() => server.close());

test.each(INCIDENTS)('$service is acknowledged by its own name', async ({ number, service, id }) => {
  for (const name of [`INC-${number}`, id, id.slice(-6)])
    expect(await cli(['incident', 'ack', name], { env })).toMatchObject({
      code: 0,
      out: `INC-${number}: acknowledged\n`,
    });
  expect(acknowledged).toEqual(Array(3).fill(`${service} acknowledge`));
});

test('the name of the channel acknowledges none, and lists their own names', async () => {
  const { code, err } = await cli(['incident', 'ack', 'incident-2611272'], { env });
  expect(code).toBe(2);
  for (const { number, service } of INCIDENTS) expect(err).toContain(`INC-${number}  ${service}/production`);
  expect(acknowledged).toEqual([]);
});
