import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, group } from '../../../test/support/alerts.ts';
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

describe('while a text that is built to be slow is read, an alert gets its 202 within a second', () => {
  let id: string;
  let viewer: string;
  beforeAll(async () => {
    const place = { service: 'listed', environment: 'production' };
    id = (await firebreak.post('/v1/incidents', { ...place, title: 'Slow', severity: 'info' })).body.id;
    viewer = (await firebreak.post('/v1/tokens', { name: 'viewer', actions: ['incidents:read'] })).body.token;
  });

  const preview = (authorization: string, markdown: string) =>
    firebreak.request(
      'POST',
      `/console/incidents/${id}/postmortem/actions/preview`,
      new URLSearchParams({ markdown, revision: '0' }).toString(),
      { authorization, 'content-type': 'application/x-www-form-urlencoded' },
    );

  // A machine that is busy otherwise is not a failure; a frozen process would be one each time.
  test.each<[name: string, send: () => Promise<{ status: number }>, status: number]>([
    ['a preview by a viewer', () => preview(`Bearer ${viewer}`, `# a${' '.repeat(60_000)}b`), 403],
    ['a preview by a responder', () => preview(`Bearer ${ADMIN_TOKEN}`, `# a${' '.repeat(60_000)}b`), 200],
    ['a preview of a table', () => preview(`Bearer ${ADMIN_TOKEN}`, `# T\n\na|b\n-|${'-'.repeat(60_000)} x\n`), 200],
  ])('%s', { retry: 2 }, async (_, send, status) => {
    const progress = { isRead: false };
    const sent = send().finally(() => (progress.isRead = true));
    const labels = { alertname: 'Meanwhile', service: 'listed', environment: 'production', severity: 'info' };
    while (!progress.isRead) {
      const at = performance.now();
      expect((await firebreak.post('/v1/alerts/alertmanager', group([alert({ labels })]))).status).toBe(202);
      expect(performance.now() - at).toBeLessThan(1000);
    }
    expect((await sent).status).toBe(status);
  });
});
