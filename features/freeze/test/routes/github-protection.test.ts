import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { github as forge, payloadOf } from '../../../../vendors/github/receive.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { minutesAgo } from '../../../../test/support/alerts.ts';
import { Firebreak } from '../../../../test/support/firebreak.ts';
import { seen } from '../../../../test/support/fixtures.ts';
import {
  deliver,
  github,
  GithubServer,
  requested,
  SECRET,
  signed,
} from '../../../../test/entrances/http/webhooks/github-server.ts';

const REPOSITORY = 'octo-org/checkout-api';
const SHA = '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1';
const sha = (digit: string): string => digit.repeat(40);

const services = {
  'checkout-api': { repository: `https://github.com/${REPOSITORY}`, environments: { production: {}, staging: {} } },
  ...Object.fromEntries(
    ['lifted', 'overridden', 'noted', 'gone', 'back'].map((name) => [
      name,
      { repository: `octo-org/${name}`, environments: { production: {} } },
    ]),
  ),
};

let server: GithubServer;
let firebreak: Firebreak;

beforeAll(async () => {
  server = await new GithubServer().start();
  firebreak = await Firebreak.start({
    unshown: true,
    services,
    timeScale: 100,
    env: { GITHUB_API_URL: server.url, GITHUB_TOKEN: 'ghs_test', GITHUB_WEBHOOK_SECRET: SECRET },
  });
});
afterAll(async () => {
  await firebreak?.remove();
  await server?.stop();
});

const frozen = async (service: string, reason = 'a sale, says @everybody'): Promise<string> => {
  const { status, body } = await firebreak.post('/v1/freezes', { service, environment: 'production', reason });
  expect(status).toBe(201);
  return body.id;
};

const lift = (id: string) => firebreak.request('DELETE', `/v1/freezes/${id}`);

/**
 * What GitHub was told last of a run, once it was told something: by the request itself, or by the sweeper, which may
 * be faster.
 */
async function answered(gate: Parameters<typeof deliver>[1], run: number): Promise<string> {
  expect((await deliver(firebreak, gate)).status).toBe(202);
  await seen(async () => server.of(run).length > 0, `an answer to run ${run}`);
  return server.of(run).at(-1)?.state ?? 'waiting';
}

/** Waits until no deployment waits any more. */
const answeredBefore = (gate: Parameters<typeof deliver>[1]): Promise<unknown> =>
  seen(async () => {
    const { status, body } = await deliver(firebreak, gate);
    return status === 202 && body.state === 'answered_before';
  }, 'nothing left to answer');

const logged = async (kind: string, run: number): Promise<any[]> =>
  (await firebreak.get('/v1/audit?limit=500')).body.items.filter(
    (entry: any) => entry.kind === kind && entry.detail.run === run,
  );

describe('the webhook receiver', () => {
  test.each(['bad-signature', 'missing-signature'])('refuses %s', async (name) => {
    expect(await deliver(firebreak, github(name))).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  });

  test('refuses a signature with another secret, or a token instead', async () => {
    expect((await deliver(firebreak, signed({}, 'ping', 'another'))).status).toBe(401);
    const { body, headers } = github('ping');
    const { 'X-Hub-Signature-256': _, ...unsigned } = headers;
    const withToken = { body, headers: { ...unsigned, authorization: 'Bearer test-admin-token' } };
    expect((await deliver(firebreak, withToken)).status).toBe(401);
  });

  test.each([['ping', 'ping']])('accepts and ignores %s', async (name, ignored) => {
    expect(await deliver(firebreak, github(name))).toEqual({ status: 202, body: { ignored } });
  });

  test('records the run of a workflow, for the service with its repository', async () => {
    const { status, body } = await deliver(firebreak, github('workflow-run-completed-failure-attempt-2'));
    expect(status).toBe(202);
    expect(await firebreak.get(`/v1/pipelines/runs/${body.pipeline_run}`)).toMatchObject({
      status: 200,
      body: { service: 'checkout-api', pipeline: 'deploy', attempt: 2, branch: 'main', result: 'failed' },
    });
  });

  test('ignores unknown actions', async () => {
    const answer = await deliver(firebreak, signed({ action: 'withdrawn' }));
    expect(answer).toEqual({ status: 202, body: { ignored: 'deployment_protection_rule.withdrawn' } });
    expect(await deliver(firebreak, signed([], 'installation'))).toMatchObject({ status: 202 });
  });

  test("explains unreadable payloads in the response, for GitHub's list of deliveries", async () => {
    const { headers } = signed('');
    const bad = { headers, body: '{' };
    expect((await deliver(firebreak, bad)).status).toBe(401);
    expect(await deliver(firebreak, signed({ action: 'requested' }))).toMatchObject({
      status: 422,
      body: { code: 'invalid', detail: expect.stringContaining('deployment_callback_url') },
    });
    const elsewhere = requested({ run: 1, sha: SHA, repository: 'octo-org/other' });
    const payload = { ...JSON.parse(elsewhere.body), repository: { full_name: REPOSITORY } };
    expect(await deliver(firebreak, signed(payload))).toMatchObject({ status: 422 });
    expect(server.of(1)).toEqual([]);
  });

  test('accepts the published test vector, and only its format', () => {
    const vector = JSON.parse(
      readFileSync(new URL('../../../../test/fixtures/github/signature-vector.json', import.meta.url), 'utf8'),
    );
    const body = Buffer.from(vector.body);
    const isValid = (signature: string | undefined, secret: string): boolean =>
      forge.signature.isValid(body, () => signature, secret, timestamp(0));
    expect(isValid(vector.signature256, vector.secret)).toBe(true);
    expect(isValid(vector.signature256.slice(7), vector.secret)).toBe(false);
    expect(isValid(`${vector.signature256}00`, vector.secret)).toBe(false);
    expect(isValid(undefined, vector.secret)).toBe(false);
    expect(isValid(vector.signature256, `another-secret, ${vector.secret}`)).toBe(true);
    for (const other of ['', ',', `${vector.secret}x`, 'another-secret,x'])
      expect(isValid(vector.signature256, other)).toBe(false);
    expect(payloadOf(Buffer.from('payload=%7B%7D'), 'application/x-www-form-urlencoded; charset=utf-8')).toEqual({});
    expect(payloadOf(Buffer.from('x=1'), 'application/x-www-form-urlencoded')).toBeUndefined();
    expect(payloadOf(Uint8Array.of(0xff), 'application/json')).toBeUndefined();
    expect(payloadOf(Buffer.from('payload=%22%E9%22'), 'application/x-www-form-urlencoded')).toBeUndefined();
  });
});

describe('an allowed deployment', () => {
  test("is approved at once at the configured API, regardless of the webhook's callback URL", async () => {
    expect(await answered(github('deployment-protection-rule-requested'), 6789012345)).toBe('approved');
    const { request } = JSON.parse(
      readFileSync(
        new URL('../../../../test/fixtures/github/review-protection-rule-approved.exchange.json', import.meta.url),
        'utf8',
      ),
    );
    const { comment, ...review } = JSON.parse(request.body);
    expect(server.of(6789012345)).toEqual([
      { path: request.path, authorization: 'Bearer ghs_test', ...review, comment: expect.any(String) },
    ]);
    expect(server.of(6789012345)[0]?.comment).toContain('no freeze applies');
    expect(comment).toBeDefined();
    await seen(async () => (await logged('gate.approved', 6789012345)).length === 1, 'the approval on the log');
    expect(firebreak.output).toContain('a webhook has the API address of another GitHub');
  });

  test('is approved once despite repeated webhooks', async () => {
    await answeredBefore(github('deployment-protection-rule-requested-redelivery'));
    expect(server.of(6789012345)).toHaveLength(1);
  });

  test('is a new deployment when it runs again', async () => {
    const payload = JSON.parse(github('deployment-protection-rule-requested').body);
    payload.deployment.id += 1;
    await deliver(firebreak, signed(payload));
    await seen(async () => server.of(6789012345).length === 2, 'an answer to the other one');
  });

  test('is approved for an unknown repository if the policy allows it', async () => {
    const unknown = requested({ run: 7, sha: SHA, repository: 'octo-org/unheard-of' });
    expect(await answered(unknown, 7)).toBe('approved');
    expect(server.of(7)[0]?.comment).toContain('unheard-of');
  });
});

describe('a frozen deployment', () => {
  test('waits with one comment per reason, and continues automatically when the freeze is lifted', async () => {
    const freeze = await frozen('lifted');
    const gate = requested({ run: 20, sha: SHA, repository: 'octo-org/lifted' });
    expect(await answered(gate, 20)).toBe('waiting');
    expect(await deliver(firebreak, gate)).toMatchObject({ status: 202, body: { state: 'waiting' } });
    const [note] = server.of(20);
    expect(note).not.toHaveProperty('state');
    expect(note?.comment).toMatch(
      /^Firebreak is holding back this deployment.*`lifted\/production`: `.*a sale, says @everybody/s,
    );
    expect(note?.comment.length).toBeLessThanOrEqual(1024);
    await seen(async () => (await logged('gate.waiting', 20)).length === 1, 'that it waits, on the log');

    const free = requested({ run: 21, sha: SHA, repository: 'octo-org/lifted', environment: 'staging' });
    expect(await answered(free, 21)).toBe('approved');

    await lift(freeze);
    await seen(async () => server.of(20).length > 1, 'an answer to the deployment that waits');
    expect(server.of(20)).toMatchObject([{ environment_name: 'production' }, { state: 'approved' }]);
    await seen(async () => (await logged('gate.approved', 20)).length > 0, 'the approval on the log');
  });

  test('continues with an override, which is used once', async () => {
    const freeze = await frozen('overridden');
    const [first, second] = [30, 31].map((run) =>
      requested({ run, sha: sha(String(run % 10)), repository: 'octo-org/overridden' }),
    );
    if (first && second)
      expect([await answered(first, 30), await answered(second, 31)]).toEqual(['waiting', 'waiting']);
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    const override = { reason: 'the sale needs it', expires_at, uses: 1, version: sha('0') };
    expect((await firebreak.post(`/v1/freezes/${freeze}/overrides`, override)).status).toBe(201);
    await seen(async () => server.of(30).some(({ state }) => state === 'approved'), 'the approval');
    expect(server.of(30).at(-1)?.comment).toContain('the sale needs it');
    const { body } = await firebreak.get(`/v1/freezes/${freeze}`);
    expect(body.overrides[0].used_by).toMatchObject([{ deployment: '300', by: 'github:octo-org/overridden (alice)' }]);
    expect(server.of(31).some(({ state }) => state !== undefined)).toBe(false);
    await lift(freeze);
    await seen(async () => server.of(31).some(({ state }) => state === 'approved'), 'the other one, too');
  });

  test('gets a comment for each new reason', async () => {
    const first = await frozen('noted', 'the first reason');
    expect(await answered(requested({ run: 40, sha: SHA, repository: 'octo-org/noted' }), 40)).toBe('waiting');
    const second = await frozen('noted', 'the second reason');
    await seen(async () => server.of(40).length === 2, 'a second note');
    expect(server.of(40)[1]?.comment).toContain('the second reason');
    await lift(first);
    await seen(async () => server.of(40).length === 3, 'a third note');
    expect(server.of(40)[2]?.comment).not.toContain('the first reason');
    expect(server.of(40).some(({ state }) => state !== undefined)).toBe(false);
    await lift(second);
    await seen(async () => server.of(40).at(-1)?.state === 'approved', 'the approval');
  });

  test('that returns to a known good version is an allowed rollback', async () => {
    const [good, bad] = [sha('a'), sha('b')];
    const at = { service: 'back', environment: 'production' };
    const times = (from: number) => ({ started_at: minutesAgo(from), finished_at: minutesAgo(from - 1) });
    await firebreak.post('/v1/deployments', { ...at, version: 'v41', commit: good, ...times(300) });
    await firebreak.post('/v1/deployments', { ...at, version: 'v42', commit: bad, ...times(60) });
    const freeze = await frozen('back');
    const back = requested({ run: 50, sha: good, repository: 'octo-org/back' });
    expect(await answered(back, 50)).toBe('approved');
    expect(server.of(50)[0]?.comment).toContain('a rollback is exempt: v41 ran here without problems');
    const same = requested({ run: 51, sha: bad, repository: 'octo-org/back' });
    expect(await answered(same, 51)).toBe('waiting');
    await lift(freeze);
  });
});

describe('errors of GitHub', () => {
  test.each([404, 409, 422])('a deployment with response %s no longer waits', async (status) => {
    const run = 60 + (status % 10);
    const gate = requested({ run, sha: SHA, repository: 'octo-org/gone' });
    // Response 404 is confirmed by a second request.
    const answers = status === 404 ? [404, 404] : [status];
    server.answers.set(run, [...answers]);
    await answered(gate, run);
    const over = await seen(async () => (await logged('gate.over', run))[0], 'its end on the log');
    expect(over.text).toContain(`GitHub answered ${status}`);
    await answeredBefore(gate);
    expect(server.of(run)).toHaveLength(answers.length);
  });

  test('a deployment is answered again if access returns right after response 404', async () => {
    const run = 78;
    server.answers.set(run, [404]);
    await deliver(firebreak, requested({ run, sha: SHA, repository: 'octo-org/gone' }));
    const end = await seen(
      async () => [...(await logged('gate.over', run)), ...(await logged('gate.approved', run))][0],
      'its end on the log',
    );
    expect(end.kind).toBe('gate.approved');
    expect(server.of(run)).toMatchObject([{ state: 'approved' }, { state: 'approved' }]);
  });

  test('response 404 is retried and reported while the token has no access to the repository', async () => {
    const connection = async () =>
      (await firebreak.get('/v1/connections')).body.vendors.find(({ name }: any) => name === 'waiting deployments');
    server.unreadable.add('octo-org/gone');
    const gate = requested({ run: 77, sha: SHA, repository: 'octo-org/gone' });
    expect((await deliver(firebreak, gate)).status).toBe(202);
    const problem = await seen(async () => {
      const one = await connection();
      return one.state === 'wrong' && one;
    }, 'the problem in the connections');
    expect(problem.detail).toContain('octo-org/gone');
    expect(problem.detail).toContain('GitHub answered 404');
    expect(await logged('gate.over', 77)).toEqual([]);
    server.unreadable.clear();
    await seen(async () => (await logged('gate.approved', 77)).length === 1, 'the approval on the log');
    // The deployment stops waiting only after the entry on the log.
    await seen(async () => (await connection()).state === 'set', 'the end of the problem');
  });

  test.each([503, 401, 429])('response %s is retried', async (status) => {
    const run = 70 + (status % 10);
    server.answers.set(run, [status]);
    const gate = requested({ run, sha: SHA, repository: 'octo-org/gone' });
    await answered(gate, run);
    await seen(async () => server.of(run).length === 2, 'another try');
    await seen(async () => (await logged('gate.approved', run)).length === 1, 'the approval on the log');
  });
});
