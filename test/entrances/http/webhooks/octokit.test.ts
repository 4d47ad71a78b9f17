import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { api } from '../../../../entrances/http/app.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { FakeWorld, idleEngine } from '../../../support/fake-deps.ts';

const SECRET = 'github-webhook-secret';

let world: FakeWorld;
let deps: FakeWorld['deps'];

beforeEach(() => {
  world = new FakeWorld('2019-05-15T15:30:00.000Z');
  world.engine = idleEngine();
  const services = { hello: { repository: 'Codertocat/Hello-World', environments: { production: {} } } };
  world.config = Config.parse({ version: 'c1', services, paging: {} });
  deps = {
    ...world.deps,
    secrets: { get: async (name) => (name === 'GITHUB_WEBHOOK_SECRET' ? SECRET : undefined) },
    queue: { sendAll: async () => undefined },
    idempotency: {
      begin: async () => ({ kind: 'mine', first: { at: new FakeWorld().clock.now(), nonce: '' } }),
      end: async () => undefined,
    },
  };
});

/** Delivers a body that GitHub has published, unchanged. */
async function send(event: string, name: string): Promise<{ status: number; body: any }> {
  const body = readFileSync(new URL(`../../../fixtures/github/octokit/${name}.json`, import.meta.url), 'utf8');
  const signature = `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`;
  const headers = { 'content-type': 'application/json', 'x-github-event': event, 'x-hub-signature-256': signature };
  const answer = await api(deps).request('/integrations/github/webhook', { method: 'POST', headers, body });
  return { status: answer.status, body: await answer.json() };
}

test("GitHub's published examples of a deployment and its status are one change", async () => {
  for (const name of ['deployment_status', 'deployment', 'deployment_status'])
    expect(await send(name, name)).toMatchObject({ status: 202 });
  expect((await deps.changes.list({ limit: 9 })).items).toMatchObject([
    {
      service: 'hello',
      environment: 'production',
      status: 'succeeded',
      commit: 'f95f852bd8fca8fcc58a9a2d6c842781e32a215e',
      author: 'Codertocat',
      finished_at: '2019-05-15T15:20:55.000Z',
    },
  ]);
});

test.each([
  ['push', 'push', { recorded: 'codertocat/hello-world@6113728f27ae82c7b1a177c8d03f9e96e0adf246' }],
  ['push', 'push-tag', { ignored: 'push: a tag, or the deletion of a branch' }],
  ['pull_request', 'pull_request-opened', { recorded: 'codertocat/hello-world#2' }],
  ['pull_request_review', 'pull_request_review-submitted', { recorded: 'codertocat/hello-world#2' }],
  ['release', 'release-published', { recorded: 'codertocat/hello-world 0.0.1' }],
])("GitHub's published example of %s (%s) is read", async (event, name, body) => {
  expect(await send(event, name)).toEqual({ status: 202, body });
});

test("the review of GitHub's published example is by the author, so it is no first review", async () => {
  await send('pull_request', 'pull_request-opened');
  await send('pull_request_review', 'pull_request_review-submitted');
  const [pull] = await deps.code.pullRequests('codertocat/hello-world', '2019-01-01T00:00:00.000Z' as never);
  expect(pull).toMatchObject({ number: 2, author: 'Codertocat', first_review_at: null, merged_at: null });
});
