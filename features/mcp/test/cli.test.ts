import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bareEnvironment, Firebreak } from '../../../test/support/firebreak.ts';
import { callTool, connect, tokenWith } from './client.ts';

const CLI = join(import.meta.dirname, '../../../entrances/cli/bin.mjs');
const CHECKOUT = { service: 'checkout', environment: 'production' };

let firebreak: Firebreak;
let env: Record<string, string>;
beforeAll(async () => {
  firebreak = await Firebreak.start({ unshown: true, services: { checkout: { environments: { production: {} } } } });
  const token = await tokenWith(firebreak, { actions: ['freezes:check'] });
  env = { ...bareEnvironment(), FIREBREAK_URL: firebreak.url, FIREBREAK_TOKEN: token };
});
afterAll(() => firebreak.remove());

/** Sends lines to the command, and returns what it prints until its input has ended. */
async function run(lines: readonly string[], settings: Record<string, string> = {}) {
  const child = spawn(process.execPath, [CLI, 'mcp'], { env: { ...env, ...settings } });
  const exit = once(child, 'exit');
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await exit;
  return { code, err, out: out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)])) };
}

describe('firebreak mcp', () => {
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
