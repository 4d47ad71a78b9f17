import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_TOKEN, Firebreak } from '../../../test/support/firebreak.ts';
import { connect } from './client.ts';

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
