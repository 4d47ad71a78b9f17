import { setTimeout as sleep } from 'node:timers/promises';
import type { ForwardedReply, ForwardedRequest } from '../forward.ts';

/** One request of the product to AWS, on its way through the proxy. */
export type Call = ForwardedRequest & {
  /** As AWS names it: `PutItem`, `SendMessage`, `Invoke(Event)`. */
  operation: string;
  /** Numbers in [0, 1) that depend on the seed, the operation and the call's place among those of the operation only. */
  random: () => number;
};

export type Reply = ForwardedReply;
export type Send = (call: Call) => Promise<Reply>;

/** What the product gets to see: a reply, or a connection that breaks before there is one. */
export type Outcome = Reply | 'connection-lost';

export type Fault = {
  /** Real AWS can give this fault to this call. */
  applies: (call: Call) => boolean;
  /** Undefined: not possible just now, so the call goes through as it is and nothing counts as injected. */
  inject: (call: Call, send: Send) => Promise<Outcome | undefined>;
};

/** One AWS service as the proxy knows it. */
export type Faults<Name extends string> = {
  operationOf: (request: ForwardedRequest) => string;
  /** In this order they share the draw: at most one fault a call. */
  faults: Record<Name, Fault>;
  /** Hands a call on to the emulation, and keeps what later faults need to know about it. */
  send: Send;
  close: () => Promise<void>;
};

/** AWS refuses the call, and it has had no effect. */
export const refused = (applies: Fault['applies'], reply: (call: Call) => Reply): Fault => ({
  applies,
  inject: async (call) => reply(call),
});

/** AWS does the call, but the connection breaks before the answer. */
export const lostAnswer = (applies: Fault['applies']): Fault => ({
  applies,
  inject: async (call, send) => {
    await send(call);
    return 'connection-lost';
  },
});

/** AWS does the call at once and answers up to `lateMs` later. */
export const lateAnswer = (lateMs: number): Fault => ({
  applies: () => true,
  inject: async (call, send) => {
    const reply = await send(call);
    await sleep(call.random() * lateMs, undefined, { ref: false });
    return reply;
  },
});

/** An error or answer of the AWS JSON protocols. */
export const json = (status: number, body: object, headers: Record<string, string> = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.0', ...headers },
  body: Buffer.from(JSON.stringify(body)),
});

/** The operation of a service that names it in `x-amz-target`: `DynamoDB_20120810.PutItem`. */
export const targetOf = ({ headers }: ForwardedRequest): string =>
  String(headers['x-amz-target'] ?? '').split('.')[1] ?? 'unknown';

/** The JSON of a request or reply, taken to be of the form that the service documents. */
export const jsonOf = <T>({ body }: { body: Uint8Array }): T => JSON.parse(Buffer.from(body).toString('utf8')) as T;

/** The same request or reply with another JSON body; what described the old bytes goes. */
export function withJson<T extends { headers: Record<string, unknown>; body: Uint8Array }>(
  message: T,
  body: object,
): T {
  const { 'x-amz-crc32': _, ...headers } = message.headers;
  return { ...message, headers, body: Buffer.from(JSON.stringify(body)) };
}
