import { afterAll, beforeAll, expect, test } from 'vitest';
import { Firebreak } from '../../../test/support/firebreak.ts';

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
