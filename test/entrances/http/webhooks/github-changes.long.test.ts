import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Firebreak } from '../../../support/firebreak.ts';
import { seen } from '../../../support/fixtures.ts';
import { deliver, github, SECRET, signed } from './github-server.ts';

const SHA = '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1';
const PREVIOUS = '9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d4f1c2a3e';

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 60,
    services: {
      'checkout-api': { repository: 'octo-org/checkout-api', environments: { production: {} } },
      search: { repository: 'octo-org/search' },
    },
    env: { GITHUB_WEBHOOK_SECRET: SECRET },
  });
});
afterAll(() => firebreak?.remove());

const changesOf = async (service: string): Promise<any[]> =>
  (await firebreak.get(`/v1/deployments?service=${service}`)).body.items;

/** Delivers a fixture with other values in its deployment. */
const deployment = (
  name: string,
  more: { id: number; repository?: string; environment?: string; sha?: string; at?: string },
) => {
  const payload = JSON.parse(github(name).body);
  const { id, repository, environment, sha, at } = more;
  Object.assign(payload.deployment, {
    id,
    ...(sha && { sha }),
    ...(environment && { environment }),
    ...(at && { created_at: at }),
  });
  if (payload.deployment_status && at) payload.deployment_status.created_at = at;
  if (payload.deployment_status && environment) payload.deployment_status.environment = environment;
  if (repository) payload.repository.full_name = repository;
  return deliver(firebreak, signed(payload, payload.deployment_status ? 'deployment_status' : 'deployment'));
};

describe('the webhooks of a deployment', () => {
  test('record one change with its commits, in any order and repeated', async () => {
    const before = { service: 'checkout-api', environment: 'production', version: PREVIOUS, commit: PREVIOUS };
    await firebreak.post('/v1/deployments', { ...before, started_at: '2026-11-18T10:00:00Z' });
    const order = ['deployment-status-success', 'deployment-created', 'push', 'deployment-status-in-progress'];
    for (const name of [...order, ...order.toReversed(), 'deployment-status-inactive', 'form-encoded-deployment'])
      expect(await deliver(firebreak, github(name))).toMatchObject({ status: 202 });
    const [change, ...others] = await changesOf('checkout-api');
    expect(change).toMatchObject({
      service: 'checkout-api',
      environment: 'production',
      version: SHA,
      kind: 'deploy',
      status: 'succeeded',
      commit: SHA,
      committed_at: '2026-11-20T06:19:58.000Z',
      commits: [
        { sha: '1f0e9d8c7b6a59483726150413a2b1c0d9e8f7a6', committed_at: '2026-11-19T15:02:11.000Z' },
        { sha: SHA, committed_at: '2026-11-20T06:19:58.000Z' },
      ],
      started_at: '2026-11-20T06:31:02.000Z',
      finished_at: '2026-11-20T06:33:55.000Z',
      author: 'alice',
      url: 'https://github.com/octo-org/checkout-api/actions/runs/6789012345',
      reported_by: 'github',
      warnings: [],
    });
    expect(others).toMatchObject([{ version: PREVIOUS }]);
    const answer = await deliver(firebreak, github('deployment-status-success'));
    expect(answer).toEqual({ status: 202, body: { changes: [change.id] } });
  });

  test('with a state that GitHub does not document are ignored with the reason', async () => {
    const payload = JSON.parse(github('deployment-status-success').body);
    payload.deployment.id = 7_001;
    payload.deployment_status.state = 'unheard_of';
    expect(await deliver(firebreak, signed(payload, 'deployment_status'))).toEqual({
      status: 202,
      body: { ignored: 'deployment_status: the state unheard_of is unknown' },
    });
  });

  test('add to the record of a pipeline, and a pipeline adds to theirs', async () => {
    const at = { started_at: '2026-11-20T09:00:00Z', finished_at: '2026-11-20T09:02:00Z' };
    const place = { service: 'checkout-api', environment: 'production' };
    const sha = '5'.repeat(40);
    const { body: recorded } = await firebreak.post('/v1/deployments', { ...place, version: 'v5', commit: sha, ...at });
    const answer = await deployment('deployment-status-success', { id: 500, sha, at: '2026-11-20T09:01:50Z' });
    expect(answer.body).toEqual({ changes: [recorded.id] });
    const six = '6'.repeat(40);
    const { body: reported } = await deployment('deployment-status-success', {
      id: 600,
      sha: six,
      at: '2026-11-20T10:00:00Z',
    });
    const again = await firebreak.post('/v1/deployments', {
      ...place,
      version: six,
      started_at: '2026-11-20T09:58:00Z',
      finished_at: '2026-11-20T10:00:01Z',
      has_migration: false,
    });
    expect(again).toMatchObject({ status: 200, body: { id: reported.changes[0], has_migration: false } });
  });

  test('whose success is reported a day later are the same change; another deployment is not', async () => {
    const sha = '4'.repeat(40);
    const { body: recorded } = await firebreak.post('/v1/deployments', {
      service: 'checkout-api',
      environment: 'production',
      version: sha,
      started_at: '2026-11-16T10:00:00Z',
      finished_at: '2026-11-16T10:03:00Z',
    });
    const payload = JSON.parse(github('deployment-status-success').body);
    Object.assign(payload.deployment, { id: 450, sha, created_at: '2026-11-16T10:00:05Z' });
    payload.deployment_status.created_at = '2026-11-17T10:00:00Z';
    const { body: late } = await deliver(firebreak, signed(payload, 'deployment_status'));
    expect(late).toEqual({ changes: [recorded.id] });
    expect((await firebreak.get(`/v1/deployments/${recorded.id}`)).body.finished_at).toBe('2026-11-16T10:03:00.000Z');
    const { body: again } = await deployment('deployment-status-success', { id: 451, sha, at: '2026-11-17T10:00:00Z' });
    expect((await firebreak.get(`/v1/deployments/${again.changes[0]}`)).body).toMatchObject({
      version: sha,
      started_at: '2026-11-17T10:00:00.000Z',
    });
  });

  test('of an older version are a rollback', async () => {
    const { body } = await deployment('deployment-status-success', {
      id: 700,
      sha: '5'.repeat(40),
      at: '2026-11-20T11:00:00Z',
    });
    expect((await firebreak.get(`/v1/deployments/${body.changes[0]}`)).body).toMatchObject({ kind: 'rollback' });
  });

  test('from a branch with the name of a version are a version for each commit', async () => {
    const record = async (id: number, sha: string, at: string) => {
      const payload = JSON.parse(github('deployment-status-success').body);
      Object.assign(payload.deployment, { id, sha, ref: '6.4', created_at: at });
      payload.deployment_status.created_at = at;
      return (await deliver(firebreak, signed(payload, 'deployment_status'))).body.changes[0] as string;
    };
    const [bad, fix] = ['a1'.repeat(20), 'b2'.repeat(20)];
    const first = await record(710, bad, '2026-11-20T12:00:00Z');
    expect((await firebreak.get(`/v1/deployments/${first}`)).body).toMatchObject({ version: '6.4', commit: bad });
    const second = await record(711, fix, '2026-11-20T13:00:00Z');
    const [older, newer] = await Promise.all([first, second].map((id) => firebreak.get(`/v1/deployments/${id}`)));
    expect(older?.body).toMatchObject({ version: '6.4 (a1a1a1a)', reported_version: '6.4', kind: 'deploy' });
    expect(newer?.body).toMatchObject({ version: '6.4 (b2b2b2b)', reported_version: '6.4', kind: 'deploy' });
    const again = await record(712, bad, '2026-11-20T14:00:00Z');
    expect((await firebreak.get(`/v1/deployments/${again}`)).body).toMatchObject({
      version: '6.4 (a1a1a1a)',
      kind: 'rollback',
    });
    const { body: pins } = await firebreak.get('/v1/versions/pinned');
    expect(pins.items).toContainEqual(expect.objectContaining({ version: '6.4 (b2b2b2b)', commit: fix }));
  });

  test('that fail are a signal of their service', async () => {
    const payload = JSON.parse(github('deployment-status-success').body);
    Object.assign(payload.deployment, { id: 800, sha: '8'.repeat(40) });
    Object.assign(payload.deployment_status, { state: 'failure', created_at: new Date().toISOString() });
    expect((await deliver(firebreak, signed(payload, 'deployment_status'))).status).toBe(202);
    const title = `The deploy of ${'8'.repeat(40)} failed`;
    await seen(async () => {
      const { body } = await firebreak.get('/v1/signals?limit=50');
      return body.items.some((signal: any) => signal.title === title);
    }, 'a signal of the failed deployment');
  });

  test('explain what is wrong with their payload', async () => {
    const payload = JSON.parse(github('deployment-created').body);
    delete payload.deployment.sha;
    expect(await deliver(firebreak, signed(payload, 'deployment'))).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('deployment.sha') },
    });
    const ahead = { id: 900, at: new Date(Date.now() + 3_600_000).toISOString() };
    expect(await deployment('deployment-status-in-progress', ahead)).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining("ahead of Firebreak's clock") },
    });
  });
});

test('a deployment of a service without environments is in one that the configuration names', async () => {
  const at = { id: 900, repository: 'octo-org/search', environment: 'Production' };
  expect(await deployment('deployment-status-success', at)).toMatchObject({ status: 202 });
  expect(await changesOf('search')).toMatchObject([{ environment: 'production', version: SHA, status: 'succeeded' }]);
});

test('a deployment that no service has is listed with the lines that map it, and recorded when they are there', async () => {
  const cart = { repository: 'octo-org/cart', environment: 'prod-eu' };
  const { body } = await deployment('deployment-status-success', { id: 1000, ...cart });
  expect(body).toEqual({ changes: [], unmapped: 'no service has the repository "octo-org/cart"' });
  await deployment('deployment-status-success', { id: 1001, ...cart, at: '2026-11-20T07:00:00Z' });
  const { body: unmapped } = await firebreak.get('/v1/deployments/unmapped');
  expect(unmapped.items).toMatchObject([
    {
      reported_by: 'github',
      subject: cart,
      why: body.unmapped,
      lines: ['services:', '  cart:', '    repository: octo-org/cart', '    environments:', '      prod-eu: {}'].join(
        '\n',
      ),
      rollouts: 2,
    },
  ]);
  const services = { cart: { repository: cart.repository, environments: { [cart.environment]: {} } } };
  await firebreak.write('services.yaml', JSON.stringify({ services }));
  await seen(async () => (await changesOf('cart')).length === 2, 'the kept deployments');
  expect((await changesOf('cart')).map(({ finished_at }) => finished_at)).toEqual([
    '2026-11-20T07:00:00.000Z',
    '2026-11-20T06:33:55.000Z',
  ]);
  expect((await firebreak.get('/v1/deployments/unmapped')).body.items).toEqual([]);
});

test('pushes, pull requests, reviews, and releases are kept; tags are not', async () => {
  for (const [name, recorded] of [
    ['pull-request-review-submitted', 'octo-org/checkout-api#41'],
    ['pull-request-closed-merged', 'octo-org/checkout-api#41'],
    ['release-published', 'octo-org/checkout-api v1.4.0'],
    ['push', `octo-org/checkout-api@${SHA}`],
  ])
    expect(await deliver(firebreak, github(name ?? ''))).toEqual({ status: 202, body: { recorded } });
  expect(await deliver(firebreak, github('push-tag'))).toEqual({
    status: 202,
    body: { ignored: 'push: a tag, or the deletion of a branch' },
  });
});
