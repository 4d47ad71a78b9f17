import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_TOKEN, Firebreak } from '../../../test/support/firebreak.ts';

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 1,
    services: { listed: { environments: { production: null } } },
  });
});
afterAll(() => firebreak.remove());

test('the OpenAPI description has the routes of post-mortems', async () => {
  const { body } = await firebreak.get('/openapi.json');
  const operations = Object.entries<Record<string, unknown>>(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(operations).toEqual(
    expect.arrayContaining([
      'GET /v1/incidents/{id}/postmortem',
      'PUT /v1/incidents/{id}/postmortem',
      'GET /v1/action-items',
      'POST /v1/action-items/{id}/issue',
    ]),
  );
});

/** Texts that an expression with backtracking reads slowly. */
const SPACES = `# a${' '.repeat(60_000)}b`;
const TABLE = `# T\n\na|b\n-|${'-'.repeat(60_000)} x\n`;

test('a preview needs the permission to respond', async () => {
  const place = { service: 'listed', environment: 'production' };
  const { id } = (await firebreak.post('/v1/incidents', { ...place, title: 'Slow', severity: 'info' })).body;
  const viewer = (await firebreak.post('/v1/tokens', { name: 'viewer', actions: ['incidents:read'] })).body.token;
  const preview = async (token: string, markdown: string) => {
    const path = `/console/incidents/${id}/postmortem/actions/preview`;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-www-form-urlencoded' };
    const body = new URLSearchParams({ markdown, revision: '0' }).toString();
    return (await firebreak.request('POST', path, body, headers)).status;
  };
  expect(await preview(viewer, SPACES)).toBe(403);
  for (const markdown of [SPACES, TABLE]) expect(await preview(ADMIN_TOKEN, markdown)).toBe(200);
});
