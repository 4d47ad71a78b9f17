import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { ChatMessage } from '../../../core/domain/messages/chat-message.ts';
import { outgoing } from '../../../core/domain/redaction/outgoing.ts';
import { bodyOf } from '../../../vendors/slack/blocks.ts';
import { readUpTo, UNVERIFIED_BODIES } from '../../http/middleware/request-body.ts';

/** A request with its raw body, which the signature covers. */
export type Received = {
  method: string;
  path: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  body: Uint8Array;
};

export type Answer = {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Reason for a refusal; replaces the body. */
  problem?: { code: string; detail: string };
};

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** Returns an empty response: nothing is shown, and a submitted modal closes. */
export const emptyAnswer = (): Answer => ({ status: 200, headers: {}, body: '' });

export const json = (value: unknown): Answer => ({
  status: 200,
  headers: JSON_TYPE,
  body: JSON.stringify(outgoing(value)),
});

export const text = (body: string): Answer => ({ status: 200, headers: { 'content-type': 'text/plain' }, body });

/** Returns a response to a command that only its user sees. */
export const ephemeral = (message: ChatMessage): Answer => json({ response_type: 'ephemeral', ...bodyOf(message) });

/** Returns an ephemeral response with one paragraph. */
export const ephemeralText = (summary: string): Answer =>
  ephemeral({ summary, parts: [{ kind: 'text', text: [summary] }] });

/** Returns a refusal. docs/reference/errors.md has a heading for each code. */
export const refused = (
  status: number,
  code: string,
  detail: string,
  headers: Record<string, string> = {},
): Answer => ({ status, headers, body: '', problem: { code, detail } });

/** Adds the request ID. Refusals have the same format as those of the API. */
export function withRequestId({ status, headers, body, problem }: Answer, requestId: string): Answer {
  const withId = { ...headers, 'x-request-id': requestId };
  if (problem === undefined) return { status, headers: withId, body };
  const { code, detail } = problem;
  const title = code.replaceAll('-', ' ');
  const payload = { type: `urn:firebreak:problem:${code}`, title, status, code, detail, request_id: requestId };
  return { status, headers: { ...withId, 'content-type': 'application/problem+json' }, body: JSON.stringify(payload) };
}

/** Returns the sender's request ID if it is safe to log and echo; otherwise, a new one. */
export function requestIdOf({ headers }: Pick<Received, 'headers'>): string {
  const given = headers['x-request-id'];
  return given !== undefined && /^[\w.:/+=-]{1,128}$/.test(given) ? given : randomUUID();
}

/** A request whose body may still have to be read. Undefined: the body is larger than the limit. */
export type Incoming = Omit<Received, 'body'> & {
  body: Uint8Array | ((maxBytes: number) => Promise<Uint8Array | undefined>);
};

/** Returns the request of an event. The event has the whole body. */
export function requestOf(event: APIGatewayProxyEventV2): Incoming {
  const headers = Object.entries(event.headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    method: event.requestContext.http.method,
    path: event.rawPath,
    headers: Object.fromEntries(headers),
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
  };
}

export const resultOf = ({ status, headers, body }: Answer): APIGatewayProxyStructuredResultV2 => ({
  statusCode: status,
  headers: { ...NOT_STORED, ...headers },
  body,
  isBase64Encoded: false,
});

/** Returns what serves requests over HTTP, whose body may still have to be read. */
export const fetchOf =
  (answer: (incoming: Incoming) => Promise<Answer>) =>
  async ({ method, url, headers: sent, body: unread }: Request): Promise<Response> => {
    const { status, headers, body } = await answer({
      method,
      path: decodeURIComponent(new URL(url).pathname),
      headers: Object.fromEntries(sent),
      body: (maxBytes) => readUpTo(unread, maxBytes, UNVERIFIED_BODIES),
    });
    return new Response(body === '' ? null : body, { status, headers: { ...NOT_STORED, ...headers } });
  };

const NOT_STORED = { 'cache-control': 'no-store' };
