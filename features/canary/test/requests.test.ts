import { afterAll, beforeAll, expect, test } from 'vitest';
import { judgeOf } from '../../../test/e2e/judge/traffic.ts';
import { Firebreak } from '../../../test/support/firebreak.ts';

/* What people and pipelines request over HTTP. The metrics have no source, so no version gets beyond its first share. */

let firebreak: Firebreak;
const production = { environment: 'production' };

beforeAll(async () => {
  const canary = { traffic: { kind: 'http' }, steps: [5, 100] };
  const of = (service: string) => ({ environments: { production: { judge: judgeOf(service), canary } } });
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 1,
    services: Object.fromEntries(['started', 'promoted'].map((service) => [service, of(service)])),
  });
  for (const service of ['started', 'promoted'])
    await firebreak.post('/v1/deployments', { service, ...production, version: 'v1' });
});
afterAll(() => firebreak?.remove());

test('of canaries that are started at the same time, only the one that runs has a deployment', async () => {
  const at = { service: 'started', ...production };
  const responses = await Promise.all(
    ['v2', 'v3', 'v4'].map((version) => firebreak.post('/v1/canaries', { ...at, version })),
  );
  const [begun] = responses.filter(({ status }) => status === 202);
  const refused = responses.filter(({ status }) => status !== 202);
  expect(refused.map(({ status, body }) => [status, body.code])).toEqual(
    Array.from({ length: 2 }, () => [409, 'canary-in-progress']),
  );
  const { body } = await firebreak.get('/v1/deployments?service=started&environment=production');
  const deployments = body.items.map(({ id, version, status }: Record<string, unknown>) => ({ id, version, status }));
  expect(deployments).toEqual([
    { id: begun?.body.change_id, version: begun?.body.version, status: 'started' },
    { id: expect.any(String), version: 'v1', status: 'succeeded' },
  ]);
});
