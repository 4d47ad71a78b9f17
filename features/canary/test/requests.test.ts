import { afterAll, beforeAll, expect, test } from 'vitest';
import { judgeOf } from '../../../test/e2e/judge/traffic.ts';
import { eventually, Firebreak } from '../../../test/support/firebreak.ts';

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

test('a promotion that may not happen now is refused, and does not happen later', async () => {
  const at = { service: 'promoted', ...production };
  const { id } = (await firebreak.post('/v1/canaries', { ...at, version: 'v2' })).body;
  const canary = async () => (await firebreak.get(`/v1/canaries/${id}`)).body;
  await eventually(async () => (await canary()).weight === 5, 'the first share');
  const promoted = async () => {
    const { status, body } = await firebreak.post(`/v1/canaries/${id}/actions/promote`, { full: true });
    return [status, body.code, body.detail];
  };
  const refusal = (text: string) => [409, 'canary-held', `the canary ${id} gets no more traffic now: ${text}`];

  await firebreak.put('/v1/automation', { paused: true, reason: 'a test' });
  expect(await promoted()).toEqual(refusal('the kill switch is on. Resume automation, then promote again'));
  await firebreak.put('/v1/automation', { paused: false });

  const { body: freeze } = await firebreak.post('/v1/freezes', { ...at, reason: 'a sale' });
  expect(await promoted()).toEqual([
    ...refusal('').slice(0, 2),
    expect.stringMatching(/a sale.*\. Promote again when it is over, or override the freeze$/),
  ]);
  await firebreak.request('DELETE', `/v1/freezes/${freeze.id}`);

  const { body: incident } = await firebreak.post('/v1/incidents', {
    ...at,
    title: 'Orders fail',
    severity: 'warning',
  });
  expect(await promoted()).toEqual([
    ...refusal('').slice(0, 2),
    expect.stringMatching(/is open: Orders fail\. Promote again when it is resolved$/),
  ]);
  await firebreak.resolve(incident.id);

  const { events } = await canary();
  expect(events.map(({ kind }: { kind: string }) => kind)).not.toContain('requested');
  expect((await promoted())[0]).toBe(202);
  await eventually(async () => (await canary()).status === 'promoted', 'the promotion');
});
