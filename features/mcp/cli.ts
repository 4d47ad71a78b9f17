import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import * as z from 'zod';
import { printableJson } from '../../core/domain/messages/printable.ts';
import { Client, errorOf } from '../../entrances/cli/client.ts';
import { CommandFailure, type CommandContext } from '../../entrances/cli/command-context.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** What the transport reads of a message. Without `id`: a notification. */
const Message = z.looseObject({
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string().optional(),
  params: z
    .looseObject({ name: z.string().optional(), _meta: z.record(z.string(), z.unknown()).optional() })
    .optional(),
});
type Message = z.infer<typeof Message>;

/** The key with which a request of revision 2026-07-28 or later names its revision. */
const REVISION = 'io.modelcontextprotocol/protocolVersion';

const Initialized = z.object({ result: z.object({ protocolVersion: z.string() }) });

/** Codes of JSON-RPC. */
const PARSE_ERROR = -32_700;
const SERVER_ERROR = -32_000;

/** Adds the command that connects programs which start their MCP servers themselves. */
export function addMcp(program: Command, context: CommandContext): void {
  program
    .command('mcp')
    .description('Connect a coding agent by stdin and stdout (Model Context Protocol)')
    .action(() => forwardMessages(context, process.stdin));
}

/**
 * Forwards each message of the input, a line, to the MCP server of Firebreak, and prints its response, until the input ends.
 * The tools are there, so that an agent gets the same ones by each transport.
 */
async function forwardMessages(context: CommandContext, input: NodeJS.ReadableStream): Promise<void> {
  const client = await Client.of(context);
  const transport = new StdioTransport(client, context.out);
  context.err(`forwarding MCP messages to ${client.url}`);
  const pending = new Set<Promise<void>>();
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (line.trim() === '') continue;
    const forwarded = transport.forward(line).finally(() => pending.delete(forwarded));
    pending.add(forwarded);
  }
  await Promise.all(pending);
}

class StdioTransport {
  readonly #client: Client;
  readonly #print: (line: string) => void;
  /** Agreed on by `initialize`. Undefined: not yet, or each message names its revision. */
  #revision: string | undefined;

  constructor(client: Client, print: (line: string) => void) {
    this.#client = client;
    this.#print = print;
  }

  async forward(line: string): Promise<void> {
    const message = Message.safeParse(parseJson(line));
    if (!message.success) return this.#fail(null, PARSE_ERROR, 'the line is not a message of JSON-RPC');
    const { id, method } = message.data;
    try {
      const response = await this.#client.exchange('/mcp', message.data, this.#headersOf(message.data));
      const body = parseJson(response.text);
      // Errors of the protocol have a status of their own, and are responses like any other.
      const isAnswer = typeof body === 'object' && body !== null && 'jsonrpc' in body;
      if (!isAnswer && !response.ok) throw errorOf(response);
      if (method === 'initialize') this.#revision = Initialized.safeParse(body).data?.result.protocolVersion;
      if (isAnswer && id !== undefined) this.#print(printableJson(JSON.stringify(body)));
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      if (id !== undefined) this.#fail(id, SERVER_ERROR, error.message);
    }
  }

  /** Returns the headers that repeat what is in the message, as the transport over HTTP requires. */
  #headersOf({ method, params }: Message): Record<string, string> {
    const own = params?._meta?.[REVISION];
    const revision = typeof own === 'string' ? own : this.#revision;
    return {
      accept: 'application/json, text/event-stream',
      ...(revision !== undefined && { 'mcp-protocol-version': revision }),
      ...(typeof own === 'string' && method !== undefined && { 'mcp-method': method }),
      ...(typeof own === 'string' && params?.name !== undefined && { 'mcp-name': params.name }),
    };
  }

  #fail(id: string | number | null, code: number, message: string): void {
    this.#print(printableJson(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } })));
  }
}
