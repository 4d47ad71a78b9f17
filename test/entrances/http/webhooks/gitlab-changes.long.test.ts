import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mergeRequestOf, MergeRequestEvent } from '../../../../vendors/gitlab/code.ts';
import { gitlabSignature } from '../../../../vendors/gitlab/webhook.ts';
import { signedHeaders } from '../../../../vendors/webhook/standard-webhooks.ts';
import { NOON } from '../../../core/arbitraries.ts';
import { Firebreak } from '../../../support/firebreak.ts';

const SECRET = `whsec_${Buffer.from('a key of thirty-two bytes length').toString('base64')}`;
const SHA = 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7';
const PREVIOUS = '95790bf891e76fee5e1747ab589903a6a1f80f22';

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 1,
    services: {
      checkout: {
        repository: 'https://gitlab.example.com/acme/shop/checkout.git',
        environments: { live: { sources: { gitlab: { environment: 'production' } } } },
      },
    },
    env: { GITLAB_WEBHOOK_SECRET: SECRET },
  });
});
afterAll(() => firebreak?.remove());

const payload = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/gitlab/${name}.json`, import.meta.url), 'utf8');

async function send(body: string, headers: Record<string, string>): Promise<{ status: number; body: any }> {
  const url = `${firebreak.url}/integrations/gitlab/webhook`;
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return { status: answer.status, body: await answer.json() };
}

const deliver = (name: string) => send(payload(name), signedHeaders(SECRET, name, Date.now(), payload(name)));

test('a deployment is one change with its commits, in any order and repeated', async () => {
  const before = { service: 'checkout', environment: 'live', version: PREVIOUS, commit: PREVIOUS };
  await firebreak.post('/v1/deployments', { ...before, started_at: '2026-11-18T10:00:00Z' });
  const order = ['deployment-success', 'push', 'deployment-running'];
  for (const name of [...order, ...order.toReversed()]) expect(await deliver(name)).toMatchObject({ status: 202 });
  const { body } = await firebreak.get('/v1/deployments?service=checkout');
  expect(body.items).toMatchObject([
    {
      environment: 'live',
      version: SHA,
      commit: SHA,
      status: 'succeeded',
      started_at: '2026-11-20T06:31:02.000Z',
      finished_at: '2026-11-20T06:33:55.000Z',
      committed_at: '2026-11-20T06:19:58.000Z',
      commits: [{ sha: 'b6568db1bc1dcd7f8b4d5a946b0b91f9dacd7327' }, { sha: SHA }],
      author: 'alice',
      url: 'https://gitlab.example.com/acme/shop/checkout/-/jobs/796',
      reported_by: 'gitlab',
    },
    { version: PREVIOUS },
  ]);
});

test('a status that is neither a start nor an end is ignored with the reason', async () => {
  const event = { ...JSON.parse(payload('deployment-running')), deployment_id: 99, status: 'blocked' };
  const body = JSON.stringify(event);
  expect(await send(body, signedHeaders(SECRET, 'blocked', Date.now(), body))).toEqual({
    status: 202,
    body: { ignored: 'deployment: the status blocked is neither a start nor an end' },
  });
});

test('merge requests and pipelines are kept; other events are ignored', async () => {
  for (const action of ['open', 'approved', 'merge'])
    expect(await deliver(`merge-request-${action}`)).toEqual({
      status: 202,
      body: { recorded: 'acme/shop/checkout!7' },
    });
  expect(await deliver('pipeline')).toMatchObject({ status: 202, body: { pipeline_run: expect.any(String) } });
  const note = JSON.stringify({ object_kind: 'note' });
  expect(await send(note, signedHeaders(SECRET, 'n', Date.now(), note))).toEqual({
    status: 202,
    body: { ignored: 'note' },
  });
});

test('only a valid and recent signature counts', async () => {
  const body = payload('deployment-success');
  const now = Date.now();
  for (const headers of [
    {},
    { 'x-gitlab-token': SECRET },
    signedHeaders(SECRET, 'id', now, `${body} `),
    signedHeaders('whsec_b3RoZXI=', 'id', now, body),
    signedHeaders(SECRET, 'id', now - 3_600_000, body),
  ])
    expect(await send(body, headers)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  const good = signedHeaders(SECRET, 'id', now, body);
  const rotated = { ...good, 'webhook-signature': `v1,b3RoZXI= ${good['webhook-signature']}` };
  expect((await send(body, rotated)).status).toBe(202);
});

test('without a signing token, the secret token counts', () => {
  const isGood = (token: string | undefined, secret: string): boolean =>
    gitlabSignature.isValid(Buffer.from('{}'), (name) => (name === 'x-gitlab-token' ? token : undefined), secret, NOON);
  expect([isGood('a secret', 'a secret'), isGood('a secret ', 'a secret'), isGood(undefined, 'a secret')]).toEqual([
    true,
    false,
    false,
  ]);
  expect([isGood('', ''), isGood('x', ''), isGood(SECRET, SECRET)]).toEqual([false, false, false]);
});

test('what cannot be read is refused with the reason', async () => {
  for (const [body, status] of [
    ['{', 400],
    ['{"object_kind": "deployment"}', 422],
  ] as const)
    expect((await send(body, signedHeaders(SECRET, 'id', Date.now(), body))).status).toBe(status);
});

test.each([
  ['open', { author: 'alice', review: null, merged_at: null, labels: ['bug'] }],
  ['approved', { author: null, review: { at: '2026-11-19T17:40:00.000Z', approves: true }, merge_commit: null }],
  ['merge', { author: null, merged_at: '2026-11-20T06:19:58.000Z', merge_commit: SHA }],
])('a merge request is read: %s', (action, expected) => {
  const event = MergeRequestEvent.parse(JSON.parse(payload(`merge-request-${action}`)));
  expect(mergeRequestOf(event)).toMatchObject({
    repository: 'acme/shop/checkout',
    number: 7,
    base: 'main',
    ...expected,
  });
});
