import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cli } from './support.ts';

let dir: string;
let server: Server;
let url: string;
let authorizations: (string | undefined)[];
let answer: { status: number; body: string; location?: string };

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firebreak-cli-'));
  authorizations = [];
  answer = { status: 200, body: '{"items": [], "next_cursor": null}' };
  server = createServer((request, response) => {
    authorizations.push(request.headers.authorization);
    response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location });
    response.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.close();
  await rm(dir, { recursive: true, force: true });
});

const list = (env: Record<string, string>) =>
  cli(['incident', 'list'], { env: { FIREBREAK_URL: url, FIREBREAK_DATA_DIR: dir, ...env } });

test('FIREBREAK_TOKEN takes precedence over the admin token of this machine', async () => {
  await writeFile(join(dir, 'tokens.json'), '{"FIREBREAK_ADMIN_TOKEN": "fba_kept"}');
  await list({ FIREBREAK_TOKEN: 'own', FIREBREAK_ADMIN_TOKEN: 'fba_set' });
  await list({ FIREBREAK_ADMIN_TOKEN: 'fba_set' });
  await list({});
  expect([...new Set(authorizations)]).toEqual(['Bearer own', 'Bearer fba_set', 'Bearer fba_kept']);
});

test('the admin token of this machine is not sent to other machines', async () => {
  await writeFile(join(dir, 'tokens.json'), '{"FIREBREAK_ADMIN_TOKEN": "fba_kept"}');
  const ended = await list({ FIREBREAK_URL: 'http://firebreak.test', FIREBREAK_ADMIN_TOKEN: 'fba_set' });
  expect(ended).toEqual({
    code: 1,
    out: '',
    err: 'no token for http://firebreak.test: set FIREBREAK_TOKEN\n',
  });
});

test('without FIREBREAK_URL, the address of the instance that runs with the data folder is used', async () => {
  await writeFile(join(dir, 'tokens.json'), '{"FIREBREAK_ADMIN_TOKEN": "fba_kept"}');
  await writeFile(join(dir, 'lock'), JSON.stringify({ pid: 1, startedAt: '', host: '', url }));
  expect(await list({ FIREBREAK_URL: '' })).toMatchObject({ code: 0 });
  expect([...new Set(authorizations)]).toEqual(['Bearer fba_kept']);
  await writeFile(join(dir, 'lock'), JSON.stringify({ pid: 1, startedAt: '', host: '', url: 'http://127.0.0.1:1' }));
  expect((await list({ FIREBREAK_URL: '' })).err).toMatch(/cannot reach Firebreak at http:\/\/127\.0\.0\.1:1 /);
});

test('without FIREBREAK_URL, PORT names the port of this machine, as for the server, before the lock; 0 names none', async () => {
  const { port } = new URL(url);
  await writeFile(join(dir, 'lock'), JSON.stringify({ pid: 1, startedAt: '', host: '', url: 'http://127.0.0.1:1' }));
  const withPort = (PORT: string) => list({ FIREBREAK_URL: '', FIREBREAK_TOKEN: 'own', PORT });
  expect(await withPort(port)).toMatchObject({ code: 0 });
  for (const none of ['', '0']) expect((await withPort(none)).err).toMatch(/cannot reach Firebreak at .*:1 /);
  expect(await withPort('many')).toMatchObject({ code: 2, err: expect.stringContaining('PORT is not a port: "many"') });
});

test('a redirect does not receive the token', async () => {
  answer = { status: 302, body: '', location: `${url}/elsewhere` };
  expect(await list({ FIREBREAK_TOKEN: 'own' })).toMatchObject({ code: 1, out: '' });
  expect(authorizations).toHaveLength(1);
});

test('without a token, the error says how to get one', async () => {
  const { code, err } = await list({});
  expect([code, err]).toEqual([
    1,
    expect.stringMatching(/FIREBREAK_TOKEN is not set, and .*tokens\.json does not exist/),
  ]);
});

test.each<[string, { status: number; body: string }, RegExp]>([
  [
    'an error response',
    { status: 403, body: '{"code": "forbidden", "detail": "ci may not"}' },
    /^ci may not \(forbidden\)\n$/,
  ],
  [
    'a response of another server',
    { status: 404, body: '<html>' },
    /^unexpected response 404: the server does not seem to be Firebreak/,
  ],
  ['an unexpected body', { status: 200, body: '{"items": 7}' }, /^unexpected response from \/v1\/incidents.*version/],
])('%s is reported with exit code 1', async (_, answered, why) => {
  answer = answered;
  expect(await list({ FIREBREAK_TOKEN: 'own' })).toEqual({ code: 1, out: '', err: expect.stringMatching(why) });
});

test.each([
  [400, 'unknown-parameter', 2],
  [422, 'invalid', 2],
  [422, 'version-unknown', 2],
  [422, 'wrong-shape', 1], // a file, not an argument
  [422, 'stalled-before', 1],
  [401, 'unauthorized', 1],
  [403, 'forbidden', 1],
  [404, 'not-found', 1],
  [409, 'superseded', 1],
  [429, 'too-many-requests', 1],
  [503, 'unavailable', 1],
])('a refusal with %i %s has exit code %i', async (status, code, exit) => {
  answer = { status, body: JSON.stringify({ code, detail: 'because' }) };
  expect(await list({ FIREBREAK_TOKEN: 'own' })).toEqual({ code: exit, out: '', err: `because (${code})\n` });
});

test('an unreachable Firebreak is reported', async () => {
  await new Promise((resolve) => server.close(resolve));
  const { code, err } = await list({ FIREBREAK_TOKEN: 'own' });
  expect([code, err]).toEqual([1, expect.stringMatching(/^cannot reach Firebreak at http.*ECONNREFUSED.*npm start/)]);
});
