import { branchPush, SentPush } from '../../../../vendors/shared/push.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { api } from '../../../../entrances/http/app.ts';
import type { Api } from '../../../../entrances/http/endpoint.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../../../core/stores/stores.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';
import { featuresOn } from '../../../support/feature-deps.ts';

/** What Go and .NET send for a time that is not set. */
const ZERO = '0001-01-01T00:00:00Z';

let stores: TableStores;
let app: Api;

beforeAll(async () => {
  stores = await openTable();
  const fake = new FakeWorld().deps;
  const deps = {
    ...fake,
    ...stores,
    writeProbe: { ...fake.writeProbe, problem: () => null },
    secrets: { get: async (name: string) => (name === 'FIREBREAK_ADMIN_TOKEN' ? 'admin' : undefined) },
  };
  deps.features = featuresOn(stores.table, deps);
  app = api(deps);
});
afterAll(() => stores.close());

let versions = 0;

async function send(method: string, path: string, fields: object): Promise<{ status: number; body: any }> {
  const headers = { authorization: 'Bearer admin', 'content-type': 'application/json' };
  const response = await app.request(path, { method, headers, body: JSON.stringify(fields) });
  return { status: response.status, body: await response.json() };
}

function deployed(fields: object): ReturnType<typeof send> {
  versions += 1;
  const named = { service: 'checkout', environment: 'production', version: `v${versions}` };
  return send('POST', '/v1/deployments', { ...named, ...fields });
}

test.each([ZERO, '0001-01-01T00:00:00.000Z', '0001-01-01T00:00:00+01:00'])(
  '%s is a time that is not set',
  async (zero) => {
    const now = stores.clock.now();
    const ended = await deployed({
      started_at: zero,
      finished_at: zero,
      committed_at: zero,
      commits: [{ sha: 'a', committed_at: zero }],
    });
    expect(ended).toMatchObject({
      status: 201,
      body: { started_at: now, finished_at: now, committed_at: null, commits: [{ committed_at: null }] },
    });
    expect(await deployed({ status: 'started', started_at: zero, finished_at: zero })).toMatchObject({
      status: 201,
      body: { started_at: now, finished_at: null },
    });
    const start = plusSeconds(now, -60);
    const begun = await deployed({ status: 'started', started_at: start, finished_at: zero });
    expect(begun).toMatchObject({ status: 201, body: { started_at: start, finished_at: null } });
    const patched = await send('PATCH', `/v1/deployments/${begun.body.id}`, { status: 'succeeded', finished_at: zero });
    expect(patched).toMatchObject({ status: 200, body: { finished_at: now } });
  },
);

test.each(['1970-01-01T00:00:00Z', '1980-01-01T00:00:00Z', '1999-12-31T23:59:59Z'])(
  'a commit of %s has no known time: build tools write such commits',
  async (time) => {
    expect(await deployed({ committed_at: time, commits: [{ sha: 'a', committed_at: time }] })).toMatchObject({
      status: 201,
      body: { committed_at: null, commits: [{ committed_at: null }] },
    });
    const push = SentPush.parse({
      ref: 'refs/heads/main',
      before: 'a'.repeat(40),
      after: 'b'.repeat(40),
      commits: [{ id: 'b'.repeat(40), timestamp: time }],
    });
    expect(branchPush(push, stores.clock.now())?.commits).toMatchObject([{ committed_at: null }]);
  },
);

test.each(['started_at', 'finished_at'])('%s before 2000 is refused', async (name) => {
  expect(await deployed({ [name]: '1970-01-01T00:00:00Z' })).toMatchObject({
    status: 422,
    body: { detail: expect.stringContaining('must not be before 2000-01-01T00:00:00.000Z') },
  });
});
