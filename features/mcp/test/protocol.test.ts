import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_TOKEN, bareEnvironment, Firebreak } from '../../../test/support/firebreak.ts';
import { callTool, connect, tokenWith } from './client.ts';

const CLI = join(import.meta.dirname, '../../../entrances/cli/bin.mjs');
const CHECKOUT = { service: 'checkout', environment: 'production' };

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({ unshown: true, services: { checkout: { environments: { production: {} } } } });
});
afterAll(() => firebreak.remove());

const HEADERS = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
const post = (body: unknown, headers: Record<string, string> = {}) =>
  firebreak.request('POST', '/mcp', body, { ...HEADERS, ...headers });
const rpc = (method: string, params?: object, id: number | null = 1) => ({
  jsonrpc: '2.0',
  method,
  ...(id !== null && { id }),
  ...(params && { params }),
});
const initialize = (protocolVersion: string) =>
  rpc('initialize', { protocolVersion, capabilities: {}, clientInfo: { name: 'test', version: '1' } });

describe('the protocol', () => {
  test("serves the SDK's client", async () => {
    const client = await connect(firebreak);
    expect(client.getServerVersion()).toMatchObject({ name: 'firebreak' });
    expect(client.getServerCapabilities()).toEqual({ tools: { listChanged: false } });
    expect(client.getInstructions()).toContain('freeze_check');
    await client.ping();
    await client.close();
  });

  test.each(['2025-11-25', '2025-06-18', '2025-03-26'])('agrees on revision %s', async (version) => {
    const { status, headers, body } = await post(initialize(version));
    expect([status, headers.get('content-type'), headers.get('mcp-session-id')]).toEqual([
      200,
      'application/json',
      null,
    ]);
    expect(body.result.protocolVersion).toBe(version);
  });

  test('offers its newest revision of that kind to a client with an unknown one', async () => {
    expect((await post(initialize('1999-01-01'))).body.result.protocolVersion).toBe('2025-11-25');
  });

  test('serves revision 2026-07-28, which has no initialization', async () => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const call = (method: string) =>
      post(rpc(method, { _meta }), { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method });
    expect((await call('server/discover')).body.result.supportedVersions).toEqual(['2026-07-28']);
    expect((await call('tools/list')).body.result.tools.length).toBeGreaterThan(0);
    expect(await call('subscriptions/listen')).toMatchObject({
      status: 404,
      body: { id: 1, error: { code: -32_601 } },
    });
  });

  test('accepts notifications without a response', async () => {
    expect(await post(rpc('notifications/initialized', {}, null))).toMatchObject({ status: 202 });
  });

  test.each<[name: string, body: unknown, headers: Record<string, string>, status: number, code: number]>([
    ['an unknown method', rpc('rollback/now'), {}, 200, -32_601],
    ['an unknown tool', rpc('tools/call', { name: 'approve', arguments: {} }), {}, 200, -32_602],
    ['a batch', [rpc('ping')], {}, 400, -32_600],
    ['no JSON', '{"jsonrpc":', {}, 400, -32_700],
    ['no body', '', {}, 400, -32_700],
    ['no message', { hello: 'world' }, {}, 400, -32_600],
    ['text that cannot be stored', rpc('tools/call', { name: '\\ud83d' }), {}, 200, -32_602],
    ['a body of 1 MB', rpc('ping', { text: 'x'.repeat(1e6) }), {}, 413, -32_600],
    ['an unknown revision', rpc('ping'), { 'mcp-protocol-version': '1999-01-01' }, 400, -32_000],
    ['another content type', rpc('ping'), { 'content-type': 'text/plain' }, 415, -32_000],
    ['no accepted type', rpc('ping'), { accept: 'text/html' }, 406, -32_000],
  ])('refuses %s', async (_, body, headers, status, code) => {
    expect(await post(body, headers)).toMatchObject({ status, body: { jsonrpc: '2.0', error: { code } } });
  });

  test.each(['GET', 'DELETE', 'PUT'])('has no streams and no sessions: %s', async (method) => {
    const { status, headers } = await firebreak.request(method, '/mcp', undefined, { accept: 'text/event-stream' });
    expect([status, headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('access', () => {
  test.each([
    ['no token', ''],
    ['a wrong token', 'Bearer nobody'],
  ])('with %s is refused', async (_, authorization) => {
    for (const method of ['POST', 'GET']) {
      const answer = await firebreak.request(method, '/mcp', method === 'POST' ? rpc('ping') : undefined, {
        ...HEADERS,
        authorization,
      });
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    }
    await expect(connect(firebreak, 'nobody')).rejects.toThrow(/401|nauthorized/);
  });

  test.each([
    ['https://evil.example', 403],
    ['http://firebreak.evil.example:8080', 403],
    ['null', 403],
    ['http://localhost:6274', 200],
  ])('from a page at %s has status %s', async (origin, status) => {
    expect((await post(rpc('ping'), { origin })).status).toBe(status);
  });

  test('of programs needs no origin', async () => {
    expect((await post(rpc('ping'), { authorization: `Basic ${btoa(`agent:${ADMIN_TOKEN}`)}` })).status).toBe(200);
  });
});

describe('firebreak mcp', () => {
  let env: Record<string, string>;
  beforeAll(async () => {
    const token = await tokenWith(firebreak, { actions: ['freezes:check'] });
    env = { ...bareEnvironment(), FIREBREAK_URL: firebreak.url, FIREBREAK_TOKEN: token };
  });

  /** Sends lines to the command, and returns what it prints until its input has ended. */
  async function run(lines: readonly string[], settings: Record<string, string> = {}) {
    const child = spawn(process.execPath, [CLI, 'mcp'], { env: { ...env, ...settings } });
    const exit = once(child, 'exit');
    child.stdin.end(lines.map((line) => `${line}\n`).join(''));
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await exit;
    return { code, err, out: out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)])) };
  }

  test("serves the SDK's client with the tools of the server", async () => {
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: [CLI, 'mcp'], env, stderr: 'pipe' }),
    );
    const direct = await connect(firebreak);
    expect((await client.listTools()).tools).toEqual((await direct.listTools()).tools);
    expect(await callTool(client, 'freeze_check', CHECKOUT)).toMatchObject({
      failed: false,
      result: { allowed: true },
    });
    expect(await callTool(client, 'list_incidents', {})).toMatchObject({
      failed: true,
      text: expect.stringContaining('lacks the permission incidents:read'),
    });
    await Promise.all([client.close(), direct.close()]);
  });

  test('prints one line for each request, of any revision, none for notifications, and nothing else', async () => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const params = { _meta, name: 'freeze_check', arguments: CHECKOUT };
    const { code, out, err } = await run([
      '{"jsonrpc":"2.0","id":"a","method":"ping"}',
      '',
      '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      'hello',
      '{"jsonrpc":"2.0","id":3,"method":"rollback/now"}',
      JSON.stringify({ jsonrpc: '2.0', id: 4, method: 'tools/call', params }),
    ]);
    expect(out.toSorted((a, b) => String(a.id).localeCompare(String(b.id)))).toEqual([
      { jsonrpc: '2.0', id: 3, error: { code: -32_601, message: expect.any(String) } },
      { jsonrpc: '2.0', id: 4, result: expect.objectContaining({ resultType: 'complete' }) },
      { jsonrpc: '2.0', id: 'a', result: {} },
      { jsonrpc: '2.0', id: null, error: { code: -32_700, message: expect.any(String) } },
    ]);
    expect([code, err]).toEqual([0, `forwarding MCP messages to ${firebreak.url}\n`]);
  });

  test.each([
    ['a wrong token', { FIREBREAK_TOKEN: 'wrong' }, '(unauthorized)'],
    ['no Firebreak at the address', { FIREBREAK_URL: 'http://127.0.0.1:9' }, 'start it with npm start'],
  ])('says what to do with %s', async (_, settings, message) => {
    const { code, out } = await run(['{"jsonrpc":"2.0","id":1,"method":"ping"}'], settings);
    expect(out).toEqual([
      { jsonrpc: '2.0', id: 1, error: { code: -32_000, message: expect.stringContaining(message) } },
    ]);
    expect(code).toBe(0);
  });
});
