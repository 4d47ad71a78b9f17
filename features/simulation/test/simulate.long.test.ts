import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { alert, group, minutesAgo } from '../../../test/support/alerts.ts';
import { ADMIN_TOKEN, bareEnvironment, eventually, Firebreak } from '../../../test/support/firebreak.ts';
import { at, cli } from '../../../test/entrances/cli/support.ts';

const SERVICES = {
  checkout: { team: 'payments', environments: { production: null } },
  cart: { team: 'payments', environments: { production: null } },
};

let firebreak: Firebreak;
let id: string;

/** Writes a changed configuration. Returns its folder. */
async function changed(name: string, files: Record<string, string>): Promise<string> {
  const dir = join(firebreak.dataDir, name);
  await mkdir(dir, { recursive: true });
  const unchanged = { 'services.yaml': stringify({ services: SERVICES }) };
  for (const [file, content] of Object.entries({ ...unchanged, ...files })) await writeFile(join(dir, file), content);
  return dir;
}

const simulate = (config: string, ...more: string[]) =>
  at(firebreak, 'simulate', '--since', '1d', '--config', config, '--runbooks', firebreak.runbooksDir, ...more);

beforeAll(async () => {
  firebreak = await Firebreak.start({ unshown: true, services: SERVICES });
  const fires = (service: string, severity: string) =>
    firebreak.post(
      '/v1/alerts/alertmanager',
      group([
        alert({
          labels: { service, environment: 'production', severity, alertname: 'HighErrorRatio', action: '' },
          fingerprint: service,
          startsAt: minutesAgo(1),
        }),
      ]),
    );
  await fires('checkout', 'critical');
  await fires('cart', 'warning');
  const incidents = async () => (await firebreak.get('/v1/incidents')).body.items;
  await eventually(async () => {
    const [incident] = await incidents();
    const paged = incident?.effects.some(({ kind, state }: any) => kind === 'page' && state === 'succeeded');
    expect([incident?.decisions.length, paged]).toEqual([1, true]);
    expect((await firebreak.get('/v1/signals')).body.items).toHaveLength(1);
    return true;
  }, 'the decision, its page, and the signal without an incident');
  id = (await incidents())[0].id;
});
afterAll(() => firebreak.remove());

test('simulate finds no difference in an unchanged policy, and repeats byte for byte', async () => {
  const first = await simulate(firebreak.configDir, '--format', 'json');
  expect([first.code, first.err]).toEqual([0, '']);
  expect(JSON.parse(first.out)).toMatchObject({ incidents: 1, differences: [], pages: [] });
  expect((await simulate(firebreak.configDir, '--format', 'json')).out).toBe(first.out);
  expect((await simulate(firebreak.configDir)).out).toBe('No difference in 1 incident with 2 alerts of the last 1d\n');
});

test('simulate prints what a changed policy would have done, in the terminal and in Markdown, without effects', async () => {
  const routes = stringify({
    routes: [
      { match: { severity: 'critical' }, page: false, incident: true },
      { match: { severity: 'warning' }, page: true },
    ],
  });
  const config = await changed('other', { 'routes.yaml': routes });
  const { code, out, err } = await simulate(config);
  expect([code, err]).toEqual([1, '2 differences in 2 incidents with 2 alerts of the last 1d\n']);
  expect(out).toMatch(new RegExp(`${id}: checkout production: `));
  expect(out).toContain('  no longer pages ');
  expect(out).toContain('  opens an incident at ');
  expect(out).toMatch(/pages: 1 before, 1 after/);
  const markdown = await simulate(config, '--format', 'markdown');
  expect(markdown.out).toContain('| pages | 1 | 1 |');
  // The same folders on both sides need nothing that is in force.
  const same = await simulate(config, '--base-config', config, '--base-runbooks', firebreak.runbooksDir);
  expect(same.code).toBe(0);
  const pages = (await firebreak.calls('pagerduty')).filter(({ body }) => body.event_action === 'trigger');
  expect(pages.map(({ body }) => body.dedup_key)).toEqual([`${id}.page.1`]);
  expect((await firebreak.get('/v1/incidents')).body.items).toHaveLength(1);
});

test('simulate refuses wrong options and folders', async () => {
  expect(await simulate(firebreak.configDir, '--since', '1y')).toMatchObject({ code: 2 });
  expect(await simulate(firebreak.configDir, '--base-config', firebreak.configDir)).toMatchObject({ code: 2 });
  expect(await simulate('nowhere')).toMatchObject({ code: 2, err: expect.stringContaining('nowhere does not exist') });
  const broken = await changed('broken', { 'routes.yaml': 'routes: [{ pages: true }]' });
  expect(await simulate(broken)).toMatchObject({ code: 1, err: expect.stringMatching(/routes\.yaml:1: .*pages/) });
});

test('an exported incident runs as a test case of the policy', async () => {
  const file = join(firebreak.dataDir, 'checkout.json');
  expect(await at(firebreak, 'incident', 'export', id, '--out', file)).toMatchObject({ code: 0, err: '' });
  expect(await at(firebreak, 'incident', 'export', id, '--out', file)).toMatchObject({ code: 1 }); // keeps edits
  const printed = await at(firebreak, 'export', id);
  expect([printed.code, `${printed.out.trim()}\n`]).toEqual([0, await readFile(file, 'utf8')]);
  const folders = (config: string) => ['--config', config, '--runbooks', firebreak.runbooksDir];
  expect(await cli(['test', file, ...folders(firebreak.configDir)])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^ok {4}.*checkout\.json\n1 passed\n$/),
  });
  const silent = await changed('silent', {
    'routes.yaml': stringify({ routes: [{ match: { severity: 'critical' }, page: false, incident: true }] }),
  });
  const junit = join(firebreak.dataDir, 'junit.xml');
  const failed = await cli(['test', file, ...folders(silent), '--junit', junit]);
  expect(failed).toMatchObject({ code: 1, err: '1 of 1 incidents fail\n' });
  expect(failed.out).toContain('pages: expected 1, but the policy gives 0');
  expect(await readFile(junit, 'utf8')).toContain('<testsuite name="incidents" tests="1" failures="1">');
  const recorded = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...recorded, expect: { ...recorded.expect, pages: 0 } }));
  expect(await cli(['test', file, ...folders(silent)])).toMatchObject({ code: 0 });
  for (const [field, wrong] of [
    ['opened_at', 'yesterday'],
    ['resolved_at', '2026-11-20T12:00:00+01:00'], // times are compared as text
    ['opened_at', '2026-02-30T12:00:00.000Z'],
  ] as const) {
    await writeFile(file, JSON.stringify({ ...recorded, [field]: wrong }));
    expect(await cli(['test', file, ...folders(silent)])).toMatchObject({
      code: 1,
      out: expect.stringMatching(new RegExp(`${field}: must be a UTC time with milliseconds`)),
    });
  }
  expect(await cli(['test', join(firebreak.dataDir, 'none.json')])).toMatchObject({ code: 2 });
  await writeFile(file, '{');
  expect(await cli(['test', file, ...folders(silent)])).toMatchObject({
    code: 1,
    out: expect.stringContaining('FAIL'),
  });
});

test('the GitHub action writes one comment with the difference, and changes it at the next push', async () => {
  const comments: { body: string; url: string }[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = `http://127.0.0.1:${(github.address() as AddressInfo).port}${request.url?.split('?')[0]}`;
    const { body = '' } = request.method === 'GET' ? {} : (JSON.parse(await text(request)) as { body?: string });
    if (request.headers.authorization !== 'Bearer github-token') response.statusCode = 401;
    else if (request.method === 'POST') comments.push({ body, url: `${url}/${comments.length}` });
    else if (request.method === 'PATCH') for (const one of comments) if (one.url === url) one.body = body;
    response.end(JSON.stringify(comments));
  };
  const github = createServer((request, response) => void answer(request, response));
  await new Promise<void>((listening) => github.listen(0, '127.0.0.1', listening));
  const root = resolve(import.meta.dirname, '../../..');
  const script = (config: string, more: Record<string, string> = {}) =>
    promisify(execFile)('bash', [join(root, 'deploy/actions/simulate/simulate.sh')], {
      cwd: root,
      env: {
        ...bareEnvironment(),
        FIREBREAK_URL: firebreak.url,
        FIREBREAK_TOKEN: ADMIN_TOKEN,
        CONFIG: config,
        RUNBOOKS: firebreak.runbooksDir,
        GITHUB_API_URL: `http://127.0.0.1:${(github.address() as AddressInfo).port}`,
        GITHUB_REPOSITORY: 'acme/policy',
        GITHUB_TOKEN: 'github-token',
        PULL_REQUEST: '7',
        ...more,
      },
    });
  try {
    const quiet = stringify({ routes: [{ match: { severity: 'critical' }, page: false, incident: true }] });
    await script(await changed('pull-request', { 'routes.yaml': quiet }));
    expect(comments).toEqual([{ body: expect.stringContaining('| pages | 1 | 0 |'), url: expect.any(String) }]);
    await script(firebreak.configDir);
    expect(comments).toEqual([
      { body: expect.stringContaining('No difference in 1 incident'), url: expect.any(String) },
    ]);
    const failing = script(await changed('pull-request', {}), { FIREBREAK_TOKEN: 'wrong' });
    await expect(failing).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('::error::') });
    expect(comments[0]?.body).toContain('No difference');
  } finally {
    github.close();
  }
});
