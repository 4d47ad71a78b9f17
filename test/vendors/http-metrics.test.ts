import { describe, expect, test } from 'vitest';
import { httpMeasurements } from '../../vendors/http-metrics/measure.ts';
import { type HttpMetric, JudgeMetric } from '../../schemas/judge/judge-config.ts';
import { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import { SetClock } from '../support/fake-deps.ts';
import { nobody, type Reply, vendor } from './server.ts';

const SECRETS: Record<string, string> = { PROBE_TOKEN: 'probe-test' };
let millis = 0;
const measure = httpMeasurements({
  secrets: { get: async (name) => SECRETS[name] },
  clock: new SetClock('2026-11-20T12:00:00.000Z'),
  now: () => (millis += 250),
});

const metric = (given: object): HttpMetric =>
  JudgeMetric.parse({ kind: 'http', name: 'probe', timeoutSeconds: 2, ...given }) as HttpMetric;
const target = (version: string) => ({
  service: ServiceName.parse('checkout'),
  environment: EnvironmentName.parse('production'),
  version,
});

async function measured(given: object, reply: Reply = {}, version = 'v42') {
  const { url, received } = await vendor(reply);
  return { ...(await measure(metric({ url: `${url}/health`, ...given }), target(version))), received };
}

describe('a measurement over HTTP', () => {
  test('is the failure of a call by default', async () => {
    expect(await measured({})).toMatchObject({ value: 0, detail: '' });
    expect(await measured({}, { status: 503 })).toMatchObject({ value: 1, detail: 'v42 answered 503' });
    // A redirect is not followed, because it could lead to another server.
    expect(await measured({}, { status: 302, headers: { location: '/' } })).toMatchObject({ value: 1 });
    expect(await measure(metric({ url: `${await nobody()}/health` }), target('v42'))).toMatchObject({ value: 1 });
    expect(await measured({ timeoutSeconds: 0.1 }, 'hang')).toMatchObject({
      value: 1,
      detail: expect.stringContaining('no answer in time'),
    });
    // The version did respond, so a body that is too large is not a failed call.
    expect(await measured({}, { body: 'x'.repeat(1024 * 1024 + 1) })).toMatchObject({ value: null });
  });

  test('is the duration of a successful call', async () => {
    expect(await measured({ value: 'seconds' })).toMatchObject({ value: 0.25 });
    expect(await measured({ value: 'seconds' }, { status: 500 })).toMatchObject({ value: null });
  });

  test('is a number of a JSON response', async () => {
    const body = JSON.stringify({ errors: { 'ratio/5m': [0.1, '0.25'], none: null } });
    const at = (value: string) => measured({ value }, { body });
    expect(await at('/errors/ratio~15m/0')).toMatchObject({ value: 0.1 });
    expect(await at('/errors/ratio~15m/1')).toMatchObject({ value: 0.25 });
    for (const pointer of ['/errors/none', '/errors/missing/0', '/constructor', '/errors'])
      expect(await at(pointer)).toMatchObject({ value: null, detail: `the response has no number at ${pointer}` });
    expect(await measured({ value: '/a' }, { body: '<html>' })).toMatchObject({
      value: null,
      detail: 'the response is not JSON: <html>',
    });
    expect(await measured({ value: '/a' }, { body: 'x'.repeat(1024 * 1024 + 1) })).toMatchObject({ value: null });
  });

  test('carries the secret that the configuration names', async () => {
    const { received } = await measured({ auth: { bearer: 'PROBE_TOKEN' } });
    expect(received).toMatchObject([{ method: 'GET', headers: { authorization: 'Bearer probe-test' } }]);
    expect(await measured({ auth: { bearer: 'OTHER_TOKEN' } })).toMatchObject({
      value: null,
      detail: 'the secret OTHER_TOKEN is not set, so it was not called',
      received: [],
    });
  });

  test('names the version in the URL, and nothing else', async () => {
    const { url, received } = await vendor({});
    const template = metric({ url: `${url}/{{.service}}/{{.version}}/health?env={{.environment}}` });
    await measure(template, target('v42/../../admin?x=1#'));
    expect(received.map(({ path }) => path)).toEqual([
      '/checkout/v42%2F..%2F..%2Fadmin%3Fx%3D1%23/health?env=production',
    ]);
    expect(await measure(template, target('..'))).toEqual({
      value: null,
      detail: '".." is not allowed in a URL, so nothing was called',
    });
  });
});

describe('the configuration of a measurement over HTTP', () => {
  test.each([
    ['a host that the version names', 'https://{{.version}}.shop.test/health'],
    ['credentials', 'https://user:secret@shop.test/health'],
    ['another scheme', 'file:///etc/passwd'],
    ['an unknown placeholder', 'https://shop.test/{{.window}}'],
  ])('refuses %s', (_, url) => {
    expect(JudgeMetric.safeParse({ kind: 'http', name: 'probe', url }).success).toBe(false);
  });

  test('refuses a path that is no JSON pointer', () => {
    const parse = (value: string) =>
      JudgeMetric.safeParse({ kind: 'http', name: 'a', url: 'https://shop.test', value });
    expect(parse('errors.ratio').success).toBe(false);
    expect(parse('/errors~2').success).toBe(false);
    expect(parse('/errors/0').success).toBe(true);
  });
});
