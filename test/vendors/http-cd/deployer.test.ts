import { createHmac } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TargetResponse, Deployer, RollbackCall } from '../../../core/domain/rollback/targets.ts';
import { httpDeployer } from '../../../vendors/http-cd/deployer.ts';
import type { HttpDeployer } from '../../../vendors/http-cd/schema.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import { calls, exchange, start } from '../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { impatient } from '../time-limits.ts';
import { nobody, type Received, vendor } from '../server.ts';

const clock = new SetClock('2026-11-20T12:00:00.000Z');
const SECRETS: Record<string, string> = {
  CD_TOKEN: 'cd-test',
  CD_SIGNING: `whsec_${Buffer.from('a signing key of the CD').toString('base64')}`,
};
const secrets = { get: async (name: string) => SECRETS[name] };

type Auth = NonNullable<HttpDeployer['auth']>;

const deployerAt = (url: string, auth?: Auth): Deployer =>
  httpDeployer(
    { kind: 'http', url, ...(auth === undefined ? {} : { auth }) },
    { url, serviceEnvironment: request(), secrets, clock },
  );

const KEY = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B.roll-back.1';
const request = (more: Partial<RollbackCall> = {}): RollbackCall => ({
  service: 'checkout-api' as ServiceName,
  environment: 'production' as EnvironmentName,
  from: '2026.11.20-4' as Version,
  to: '2026.11.19-2' as Version,
  incident: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B' as IncidentId,
  fromCommit: null,
  toCommit: null,
  reason: 'INC-42 HighErrorBurnRate',
  key: KEY,
  ...more,
});

const said = (text: string) => expect.stringContaining(text) as string;

describe('exchange of the contract', () => {
  const EXPECTED: Record<string, TargetResponse> = {
    'generic-rollback-200-duplicate': { kind: 'in_progress', id: 'rb_01', handle: '/api/v1/rollback/rb_01' },
    'generic-rollback-202': { kind: 'in_progress', id: 'rb_01', handle: '/api/v1/rollback/rb_01' },
    'generic-rollback-404-unknown-service': { kind: 'refused', detail: said('404') },
    'generic-rollback-409-in-progress': { kind: 'busy', detail: said('409') },
    'generic-rollback-409-version-changed': { kind: 'superseded', current: '2026.11.20-5' },
    'generic-rollback-422-no-target': { kind: 'refused', detail: said('422') },
    'generic-rollback-503': { kind: 'later', detail: said('503'), afterSeconds: 5 },
  };

  test('has an expectation', () => {
    const files = readdirSync(new URL('../../fixtures/cd', import.meta.url)).map((file) =>
      file.replace('.exchange.json', ''),
    );
    expect(files.toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
  });

  test.each(Object.entries(EXPECTED))(
    '%s has the documented request, and its response is understood',
    async (name, expected) => {
      const { request: asked, response } = exchange(`cd/${name}`);
      const { url, received } = await vendor(response);
      const body = JSON.parse(asked.body) as { service: ServiceName };
      const deployer = deployerAt(url + asked.path, { bearer: 'CD_TOKEN' });
      expect(await deployer.rollBack(request({ service: body.service }))).toEqual(expected);
      expect(received).toHaveLength(1);
      const [sent] = received;
      expect(sent).toMatchObject({ method: asked.method, path: asked.path });
      expect(JSON.parse(sent?.body ?? '')).toMatchObject(body);
      for (const [header, value] of Object.entries(asked.headers))
        expect(sent?.headers[header.toLowerCase()]).toBe(value);
    },
  );
});

describe('commits', () => {
  const [A, B] = ['1'.repeat(40), '2'.repeat(40)];
  const shared = { from: '6.4' as Version, to: '6.4' as Version, fromCommit: B, toCommit: A };
  const DONE = { status: 200, body: '{"id":"1","status":"succeeded"}' };
  const asked = async (more: Partial<RollbackCall>, config: Partial<HttpDeployer> = {}) => {
    const { url, received } = await vendor(DONE);
    const answer = await httpDeployer(
      { kind: 'http', url, ...config },
      { url, serviceEnvironment: request(), secrets, clock },
    ).rollBack(request(more));
    return { answer, bodies: received.map(({ body }) => JSON.parse(body) as Record<string, unknown>) };
  };

  test('are sent if they are known', async () => {
    const { bodies } = await asked({ fromCommit: B });
    expect(bodies).toMatchObject([{ from_commit: B }]);
    expect(bodies[0]).not.toHaveProperty('to_commit');
  });

  test('tell versions of one name apart only at a CD system that reads them', async () => {
    const refused = await asked(shared);
    expect(refused).toEqual({ answer: { kind: 'refused', detail: said('commits: true') }, bodies: [] });
    const { answer, bodies } = await asked(shared, { commits: true });
    expect(answer).toMatchObject({ kind: 'succeeded' });
    expect(bodies).toMatchObject([{ from_version: '6.4', to_version: '6.4', from_commit: B, to_commit: A }]);
  });
});

describe('with the stand-in', () => {
  test('a repeat returns the first response and rolls back nothing twice', async () => {
    const standIns = await start();
    const deployer = deployerAt(`${standIns.urls.cd}/api/v1/rollback`);
    const answers = [await deployer.rollBack(request()), await deployer.rollBack(request())];
    expect(answers[0]).toMatchObject({ kind: expect.stringMatching(/succeeded|in_progress/) as string });
    expect((await calls(standIns, '?vendor=cd')).map(({ outcome }) => outcome)).toHaveLength(2);
    expect(idOf(answers[1])).toBe(idOf(answers[0]));
  });
});

const idOf = (answer: TargetResponse | undefined): string | null | undefined =>
  answer !== undefined && 'id' in answer ? answer.id : undefined;

describe('the response', () => {
  test.each<[string, { status: number; body?: string; headers?: Record<string, string> }, TargetResponse]>([
    ['200, done', { status: 200, body: '{"id":"1","status":"succeeded"}' }, { kind: 'succeeded', id: '1' }],
    ['an id that is a number', { status: 201, body: '{"id":7,"status":"succeeded"}' }, { kind: 'succeeded', id: '7' }],
    ['no id', { status: 200, body: '{"status":"succeeded"}' }, { kind: 'succeeded', id: null }],
    [
      'that it failed',
      { status: 200, body: '{"id":"1","status":"failed","error":"hook"}' },
      { kind: 'failed', detail: said('hook') },
    ],
    [
      'in progress without a place to look',
      { status: 202, body: '{"id":"1","status":"in_progress"}' },
      { kind: 'in_progress', id: '1', handle: null },
    ],
    ['204', { status: 204 }, { kind: 'failed', detail: said('outcome of the rollback is unknown') }],
    [
      'a 2xx in HTML',
      { status: 200, body: '<html>' },
      { kind: 'failed', detail: said('outcome of the rollback is unknown') },
    ],
    [
      'a status of its own',
      { status: 200, body: '{"id":"1","status":"maybe"}' },
      { kind: 'failed', detail: said('outcome of the rollback is unknown') },
    ],
    ['409 in HTML', { status: 409, body: '<html>' }, { kind: 'busy', detail: said('409') }],
    ['401', { status: 401 }, { kind: 'refused', detail: said('401') }],
    ['408', { status: 408 }, { kind: 'later', detail: said('408'), afterSeconds: null }],
    [
      '429 with seconds',
      { status: 429, headers: { 'retry-after': '90' } },
      { kind: 'later', detail: said('429'), afterSeconds: 90 },
    ],
    [
      '429 with a date',
      { status: 429, headers: { 'retry-after': 'Fri, 20 Nov 2026 12:02:00 GMT' } },
      { kind: 'later', detail: said('429'), afterSeconds: 120 },
    ],
    [
      '429 with nonsense',
      { status: 429, headers: { 'retry-after': 'soon' } },
      { kind: 'later', detail: said('429'), afterSeconds: null },
    ],
    ['500', { status: 500, body: 'panic' }, { kind: 'later', detail: said('panic'), afterSeconds: null }],
  ])('%s', async (_, reply, expected) => {
    const { url, received } = await vendor(reply);
    expect(await deployerAt(url).rollBack(request())).toEqual(expected);
    expect(received).toHaveLength(1);
  });

  test('a redirect is not followed, because it could reveal the credential', async () => {
    const elsewhere = await vendor({ status: 200, body: '{"id":"1","status":"succeeded"}' });
    const { url } = await vendor({ status: 307, headers: { location: `${elsewhere.url}/` } });
    const deployer = deployerAt(url, { bearer: 'CD_TOKEN' });
    expect(await deployer.rollBack(request())).toEqual({ kind: 'refused', detail: said('307') });
    expect(await deployer.status(`${url}/1`, request())).toEqual({ kind: 'refused', detail: said('307') });
    expect(elsewhere.received).toEqual([]);
  });

  test('nothing within the time limit is "later"', async () => {
    const limits = impatient();
    const { url, received } = await vendor('hang');
    expect(await deployerAt(url).rollBack(request())).toEqual({
      kind: 'later',
      detail: said('no answer in time'),
      afterSeconds: null,
    });
    expect(received).toHaveLength(1);
    expect(limits).toEqual([15_000]);
  });

  test('an incomplete response is "later", because its content is unknown', async () => {
    const { url } = await vendor({ cut: 200 });
    expect(await deployerAt(url).rollBack(request())).toMatchObject({ kind: 'later' });
  });

  test('a response above the size limit is "later"', async () => {
    const { url } = await vendor({ status: 200, body: `{"status":"succeeded","log":"${'x'.repeat(1024 * 1024)}"}` });
    expect(await deployerAt(url).rollBack(request())).toMatchObject({ kind: 'later' });
  });

  test('no listener at the address is "later"', async () => {
    expect(await deployerAt(await nobody()).rollBack(request())).toMatchObject({ kind: 'later' });
  });
});

describe('the progress of a rollback', () => {
  const progress = (handle: string) => ({
    status: 202,
    body: JSON.stringify({ id: '1', status: 'in_progress', status_url: handle }),
  });

  test("is requested from the status URL, at the deployer's origin", async () => {
    const { url, received } = await vendor({ status: 200, body: '{"id":"1","status":"succeeded"}' });
    const deployer = deployerAt(`${url}/api/v1/rollback`, { bearer: 'CD_TOKEN' });
    for (const handle of [`${url}/status/1?full=1`, '/status/1?full=1', '../../status/1?full=1']) {
      expect(await deployer.status(handle, request())).toEqual({ kind: 'succeeded', id: '1' });
    }
    expect(received).toMatchObject(
      Array.from({ length: 3 }, () => ({
        method: 'GET',
        path: '/status/1?full=1',
        body: '',
        headers: { authorization: 'Bearer cd-test' },
      })),
    );
  });

  test('has a handle without the origin, so that it can be polled after the CD system has moved', async () => {
    const { url } = await vendor(progress('/status/1'));
    expect(await deployerAt(url).rollBack(request())).toMatchObject({ handle: '/status/1' });
    const absolute = await vendor({ status: 202, body: '' });
    const { url: other } = await vendor(progress(`${absolute.url}/x`));
    expect(await deployerAt(other).rollBack(request())).toMatchObject({ handle: `${absolute.url}/x` });
  });

  test.each([
    ['another port', (url: string) => `http://127.0.0.1:${Number(new URL(url).port) + 1}/status`],
    ['another host', () => 'http://169.254.169.254/latest/meta-data'],
    ['another scheme', (url: string) => url.replace('http:', 'https:')],
    ['a host in disguise', (url: string) => url.replace('http://', 'http://127.0.0.1@evil.test#')],
    ['no address of the web', () => 'file:///etc/passwd'],
    ['no address at all', () => 'http://'],
  ])('is never requested from %s', async (_, handle) => {
    const { url, received } = await vendor({ status: 200, body: '{"id":"1","status":"succeeded"}' });
    expect(await deployerAt(url, { bearer: 'CD_TOKEN' }).status(handle(url), request())).toEqual({
      kind: 'failed',
      detail: said('it was not called'),
    });
    expect(received).toEqual([]);
  });
});

describe('authentication', () => {
  const done = { status: 200, body: '{"id":"1","status":"succeeded"}' };

  test('sends nothing if nothing is configured', async () => {
    const { url, received } = await vendor(done);
    await deployerAt(url).rollBack(request());
    expect(Object.keys(received[0]?.headers ?? {}).filter((name) => /authorization|^webhook/.test(name))).toEqual([]);
  });

  test('signs in the Standard Webhooks format', async () => {
    const { url, received } = await vendor(done);
    await deployerAt(url, { webhookSignature: 'CD_SIGNING' }).rollBack(request());
    expect(received[0]?.headers).toMatchObject({
      'webhook-id': KEY,
      'webhook-timestamp': String(Date.parse(clock.now()) / 1000),
    });
    expect(isSigned(received[0], 'a signing key of the CD')).toBe(true);
    expect(isSigned(received[0], 'another key')).toBe(false);
    expect(received[0]?.headers.authorization).toBeUndefined();
  });

  test('makes no call if its secret is not set', async () => {
    const { url, received } = await vendor(done);
    for (const auth of [{ bearer: 'MISSING' }, { webhookSignature: 'MISSING' }]) {
      const answer = await deployerAt(url, auth).rollBack(request());
      expect(answer).toEqual({ kind: 'refused', detail: said('MISSING') });
    }
    expect(received).toEqual([]);
  });

  test("doesn't reveal the secret in results", async () => {
    const { url } = await vendor({ status: 403, body: 'no' });
    const answers = [
      await deployerAt(url, { bearer: 'CD_TOKEN' }).rollBack(request()),
      await deployerAt(await nobody(), { bearer: 'CD_TOKEN' }).rollBack(request()),
    ];
    expect(JSON.stringify(answers)).not.toContain('cd-test');
  });
});

/**
 * Verifies a signature as a receiver does.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
function isSigned(received: Received | undefined, key: string): boolean {
  if (received === undefined) return false;
  const { headers, body } = received;
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const signature = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  return String(headers['webhook-signature']).split(' ').includes(signature);
}

test('the target is the called URL, and the effect is keyed', () => {
  expect(deployerAt('http://cd.test/rollback')).toMatchObject({
    target: 'http://cd.test/rollback',
    effectClass: 'keyed',
  });
});
