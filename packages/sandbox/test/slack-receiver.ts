import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { StandIns } from '../core/index.ts';

export const SIGNING_SECRET = 'dev0slack0signing0secret00000001';

/** One request to an app. */
export type ReceivedRequest = {
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
  /** The fields of the form, the JSON of its field `payload`, or JSON. */
  fields: any;
};

export type Reply = { status?: number; body?: unknown; headers?: Record<string, string> };

/** An app that receives the stand-in's requests. */
export type Receiver = {
  received: ReceivedRequest[];
  /** Its response from now on; 200 without a body until this is set. It can call Slack before it responds. */
  answer: (received: ReceivedRequest) => Reply | Promise<Reply>;
};

/** Starts an app that stops after the test, and connects the stand-ins to it. */
export async function receiver(standIns: StandIns): Promise<Receiver> {
  const started = await startReceiver(standIns);
  onTestFinished(started.close);
  return started;
}

/** Starts an app, and connects the stand-ins to it. */
export async function startReceiver(standIns: StandIns): Promise<Receiver & { close(): void }> {
  const server = createServer((request, response) => void handle(state, request, response));
  const state: Receiver & { close(): void } = {
    received: [],
    answer: () => ({}),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await standIns.connect({ url: `http://127.0.0.1:${port}`, slackSigningSecret: SIGNING_SECRET });
  return state;
}

async function handle(state: Receiver, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  const received = { path: request.url ?? '', headers: request.headers, body, fields: fieldsOf(request, body) };
  state.received.push(received);
  const { status = 200, body: answer = '', headers = {} } = await state.answer(received);
  response.writeHead(status, headers);
  response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
}

function fieldsOf(request: IncomingMessage, body: string): unknown {
  if (request.headers['content-type'] === 'application/json') return JSON.parse(body);
  const fields = Object.fromEntries(new URLSearchParams(body));
  return fields['payload'] === undefined ? fields : JSON.parse(fields['payload']);
}

/** Returns whether a request is signed with the secret. */
export function isSigned({ headers, body }: ReceivedRequest): boolean {
  const signed = `v0:${String(headers['x-slack-request-timestamp'])}:${body}`;
  return headers['x-slack-signature'] === `v0=${createHmac('sha256', SIGNING_SECRET).update(signed).digest('hex')}`;
}
