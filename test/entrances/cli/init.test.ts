import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isExample } from '../../../local/config/example.ts';
import { cli } from './support.ts';

let dir: string;
let server: Server | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-init-'));
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(dir, { recursive: true, force: true });
});

async function serving(listener: RequestListener): Promise<string> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const QUERY = 'shop:error_ratio{service="shop: \\"1\\""}';

/** A Prometheus with one recorded error ratio, whose service needs quotation marks in YAML. */
const prometheus: RequestListener = (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
  const data: Record<string, unknown> = {
    '/api/v1/label/__name__/values': ['shop:error_ratio', 'up'],
    '/api/v1/series': [{ __name__: 'shop:error_ratio', service: 'shop: "1"' }],
    '/api/v1/rules': { groups: [] },
    '/api/v1/status/config': { yaml: 'global:\n  external_labels:\n    env: eu\n' },
    '/api/v1/query': {
      resultType: 'vector',
      result: searchParams.get('query') === QUERY ? [{ metric: {}, value: [1, '0.002'] }] : [],
    },
    '/api/v1/query_range': { resultType: 'matrix', result: [] },
  };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ status: 'success', data: data[pathname] }));
};

const init = (url: string, ...args: string[]) => cli(['init', '--config', dir, '--prometheus', url, ...args]);

describe('init', () => {
  test('writes a configuration that is valid, in mode shadow, with the environment of the external labels', async () => {
    const url = await serving(prometheus);
    const { code, out } = await init(url);
    expect([code, out]).toEqual([
      0,
      [
        'warn  shop: "1"/eu          automation: asks only: health.byVersion is not set, and no label of its series carries a version. Add a label with the version to its series or pods, such as app.kubernetes.io/version',
        join(dir, 'services.yaml'),
        join(dir, 'paging.yaml'),
        `next: check the proposals, then run firebreak check --config ${dir}`,
        '',
      ].join('\n'),
    ]);
    expect(await readFile(join(dir, 'services.yaml'), 'utf8'))
      .toBe(`# Proposed by firebreak init from what ${url} knows. Check it, and edit it as you like.
# In mode shadow, Firebreak decides and records what it would have done, and changes nothing.
# All keys: docs/reference/configuration.md
services:
  'shop: "1"':
    environments:
      eu:
        # Your CD system: add its url, or choose another kind (docs/reference/deployers.md). CD_TOKEN is the name of
        # the environment variable with its token. In mode shadow, it is never called.
        deployer: { kind: http, auth: { bearer: CD_TOKEN } }
        autoRollback: { mode: shadow }
        # Automation: asks only: health.byVersion is not set, and no label of its series carries a version. Add a label with the version to its series or pods, such as app.kubernetes.io/version
        health:
          # From shop:error_ratio. Now 0.002.
          promql: '${QUERY}'
          max: 0.01
`);
    expect(await cli(['check', '--config', dir])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^1 service in /),
    });
  });

  test('replaces a file only with --force, and never paging.yaml', async () => {
    const url = await serving(prometheus);
    const files = ['services.yaml', 'paging.yaml'].map((name) => join(dir, name));
    for (const file of files) await writeFile(file, '# mine\n');
    const refused = await init(url);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(/services\.yaml exists, and was not changed: use --force .*--config DIR .*--dry-run/);
    const shown = await init(url, '--dry-run');
    expect(shown).toMatchObject({ code: 0, err: expect.stringContaining('automation: asks only') });
    expect(shown.out).toContain(QUERY);
    for (const file of files) expect(await readFile(file, 'utf8')).toBe('# mine\n');
    const forced = await init(url, '--force');
    expect(forced).toMatchObject({ code: 0, out: expect.stringContaining('paging.yaml: exists, and was not changed') });
    expect(await readFile(files[0] ?? '', 'utf8')).toContain(QUERY);
    expect(await readFile(files[1] ?? '', 'utf8')).toBe('# mine\n');
  });

  test('replaces the example that Firebreak comes with, as long as nobody has changed it', async () => {
    const url = await serving(prometheus);
    const example = await readFile(resolve(import.meta.dirname, '../../../config/services.yaml'), 'utf8');
    expect(isExample(example)).toBe(true);
    const file = join(dir, 'services.yaml');
    await writeFile(file, `${example}# mine\n`);
    expect(await init(url)).toMatchObject({ code: 1 });
    await writeFile(file, example);
    expect(await init(url)).toMatchObject({ code: 0 });
    expect(await readFile(file, 'utf8')).toContain(QUERY);
  });

  const status =
    (code: number, body: string): RequestListener =>
    (_request, response) =>
      void response.writeHead(code, { location: 'http://elsewhere.invalid/' }).end(body);

  test.each<[string, RequestListener, RegExp]>([
    [
      '401',
      status(401, ''),
      /answered 401, so it requires credentials.*: set PROMETHEUS_TOKEN, or PROMETHEUS_USER and PROMETHEUS_PASSWORD/,
    ],
    ['a redirect', status(302, ''), /with a redirect \(302\): set --prometheus to the address to which it redirects/],
    [
      'another server',
      status(200, '<html>'),
      /with 200, but not as the API of Prometheus \(<html>\): check that --prom/,
    ],
    ['an error', status(503, '{"status":"error","error":"starting"}'), /with 503, .*starting.*: check that/],
    ['no series', status(200, '{"status":"success","data":[]}'), /has no series of the last hour: .*\/targets/],
    ['no response', () => undefined, /did not answer \/api\S+ within 1 s: check .*--timeout$/m],
  ])('says what is wrong, where, and what to do about it: %s', async (_name, listener, expected) => {
    const url = await serving(listener);
    const { code, err, out } = await init(url, '--timeout', '1');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(`Prometheus at ${url} `);
    expect(err).toMatch(expected);
  });

  test('says so if there is no server, or no metric of a service', async () => {
    const url = await serving((request, response) => {
      if (request.url?.includes('__name__')) response.end('{"status":"success","data":["up"]}');
      else if (request.url?.includes('rules')) response.end('{"status":"success","data":{"groups":[]}}');
      else prometheus(request, response);
    });
    expect((await init(url)).err).toMatch(
      /has 1 metrics, but none shows the errors of a service: .*services\.yaml by hand/,
    );
    server?.close();
    server?.closeAllConnections();
    expect((await init(url)).err).toMatch(/cannot be reached \(.*\): check that it runs, and that --prometheus is its/);
  });

  test.each<[string, { share: (hour: number) => number; firing?: (hour: number) => boolean }, string[]]>([
    [
      'an outage is left out',
      { share: (hour) => (hour < 6 ? 0.4 : 0.002) },
      [
        '95 % of the values were at most 0.002, without 6 h in which alerts fired or errors were outliers.',
        'max: 0.01',
      ],
    ],
    [
      'so is the time in which an alert fired',
      { share: (hour) => (hour < 2 ? 0.015 : 0.002), firing: (hour) => hour < 2 },
      [
        '95 % of the values were at most 0.002, without 2 h in which alerts fired or errors were outliers.',
        'max: 0.01',
      ],
    ],
    [
      'but not if an alert always fires',
      { share: () => 0.02, firing: () => true },
      ['95 % of the values were at most 0.02.', 'max: 0.05'],
    ],
    [
      'the limit is at most 10 %',
      { share: () => 0.3 },
      [
        '95 % of the values were at most 0.3.',
        'This is much for the limit: check the query, and choose max yourself.',
        'max: 0.1',
      ],
    ],
  ])('proposes a limit from a day of history: %s', async (_name, { share, firing = () => false }, expected) => {
    const url = await serving((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
      if (pathname !== '/api/v1/query_range') return prometheus(request, response);
      const start = Number(searchParams.get('start'));
      const hours = Array.from({ length: 288 }, (_, n) => n / 12);
      const isAlerts = searchParams.get('query') === 'ALERTS{service="shop: \\"1\\"", alertstate="firing"}';
      const values = hours
        .filter((hour) => !isAlerts || firing(hour))
        .map((hour) => [start + hour * 3600, String(isAlerts ? 1 : share(hour))]);
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [{ metric: {}, values }] } }),
      );
    });
    const { out } = await init(url, '--dry-run');
    expect(out).toMatch(/From \d{4}-\d\d-\d\d \d\d:\d\d to \S+ \S+ UTC, 95 %/);
    for (const text of expected) expect(out).toContain(text);
  });

  test.each([
    [{ PROMETHEUS_TOKEN: 'glsa_1' }, 'Bearer glsa_1'],
    [{ PROMETHEUS_USER: 'reader', PROMETHEUS_PASSWORD: 'pä:ss' }, 'Basic cmVhZGVyOnDDpDpzcw=='],
  ])('sends the credentials of the environment: %o', async (env, expected) => {
    const received = new Set<string | undefined>();
    const url = await serving((request, response) => {
      received.add(request.headers.authorization);
      prometheus(request, response);
    });
    const args = ['init', '--config', dir, '--prometheus', url];
    expect(await cli(args, { env })).toMatchObject({ code: 0 });
    expect([...received]).toEqual([expected]);
    server?.removeAllListeners('request').on('request', status(403, ''));
    const refused = await cli([...args, '--force'], { env });
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(/does not accept the credentials \(403\): check PROM/),
    });
    expect(refused.err).not.toMatch(/glsa_1|ss==/);
  });

  test('needs an address without credentials', async () => {
    expect(await cli(['init', '--config', dir])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/use --prometheus http:\/\/HOST:9090, or set PROMETHEUS_URL/),
    });
    const secret = await cli(['init', '--config', dir], { env: { PROMETHEUS_URL: 'http://me:secret@p.test' } });
    expect(secret).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^PROMETHEUS_URL contains a user name or password: set PROMETHEUS_USER and PROMETHEUS_PASSWORD/,
      ),
    });
    expect(secret.err).not.toContain('secret');
    expect((await init('p.test:9090')).err).toMatch(/^--prometheus is not an http or https URL: "p\.test:9090"/);
  });
});
