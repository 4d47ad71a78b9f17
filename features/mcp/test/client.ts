import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { expect } from 'vitest';
import { ADMIN_TOKEN, type Firebreak } from '../../../test/support/firebreak.ts';

/** Connects the SDK's own client to the server of a running Firebreak. */
export async function connect({ url }: Firebreak, token = ADMIN_TOKEN): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const headers = { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit: { headers } }));
  return client;
}

let tokens = 0;

/** Creates a token. */
export async function tokenWith(firebreak: Firebreak, grant: object): Promise<string> {
  tokens += 1;
  const { status, body } = await firebreak.post('/v1/tokens', { name: `agent ${tokens}`, ...grant });
  expect(status).toBe(201);
  return body.token;
}

/** Calls a tool, and returns its result, its first sentence, and whether it failed. */
export async function callTool(
  client: Client,
  name: string,
  input: Record<string, unknown>,
): Promise<{ text: string; result: any; failed: boolean }> {
  const { content, structuredContent, isError } = await client.callTool({ name, arguments: input });
  const [first] = content;
  return { text: first?.type === 'text' ? first.text : '', result: structuredContent, failed: isError === true };
}
