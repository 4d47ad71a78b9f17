import { setTimeout as sleep } from 'node:timers/promises';
import type { ForwardedReply, ForwardedRequest } from '../forward.ts';

/** One request of the product to AWS, in the proxy. */
export type Call = ForwardedRequest & {
  /** The operation in AWS's spelling: `PutItem`, `SendMessage`, `Invoke(Event)`. */
  operation: string;
  /**
   * Returns numbers in [0, 1) that depend only on the seed, the operation, and the call's position among those of the
   * operation.
   */
  random: () => number;
};

export type Reply = ForwardedReply;
export type Send = (call: Call) => Promise<Reply>;

/** The result for the product: a reply, or a connection that breaks before the reply. */
export type Outcome = Reply | 'connection-lost';

export type Fault = {
  /** Returns whether the real AWS can respond to this call with this fault. */
  applies: (call: Call) => boolean;
  /**
   * Injects the fault. Undefined if it is not possible now; the call then passes unchanged, and does not count as a
   * fault.
   */
  inject: (call: Call, send: Send) => Promise<Outcome | undefined>;
};

/** One AWS service in the proxy. */
export type Faults<Name extends string> = {
  operationOf: (request: ForwardedRequest) => string;
  /** The faults, in the order of precedence. A call gets at most one. */
  faults: Record<Name, Fault>;
  /** Forwards a call to the program behind the proxy, and records what later faults need. */
  send: Send;
  close: () => Promise<void>;
};

/** AWS refuses the call, which has no effect. */
export const refused = (applies: Fault['applies'], reply: (call: Call) => Reply): Fault => ({
  applies,
  inject: async (call) => reply(call),
});

/** AWS handles the call, but the connection breaks before the response. */
export const lostAnswer = (applies: Fault['applies']): Fault => ({
  applies,
  inject: async (call, send) => {
    await send(call);
    return 'connection-lost';
  },
});

/** AWS handles the call immediately, and responds up to `lateMs` later. */
export const lateAnswer = (lateMs: number): Fault => ({
  applies: () => true,
  inject: async (call, send) => {
    const reply = await send(call);
    await sleep(call.random() * lateMs, undefined, { ref: false });
    return reply;
  },
});

/** Returns an error or a response of the AWS JSON protocols. */
export const json = (status: number, body: object, headers: Record<string, string> = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.0', ...headers },
  body: Buffer.from(JSON.stringify(body)),
});

/** Returns the operation in the header `x-amz-target`, such as `DynamoDB_20120810.PutItem`. */
export const targetOf = ({ headers }: ForwardedRequest): string =>
  String(headers['x-amz-target'] ?? '').split('.')[1] ?? 'unknown';

/** Parses the JSON of a request or reply, which is assumed to have the documented format. */
export const jsonOf = <T>({ body }: { body: Uint8Array }): T => JSON.parse(Buffer.from(body).toString('utf8')) as T;

/** Returns the request or reply with another JSON body, and without headers about the old body. */
export function withJson<T extends { headers: Record<string, unknown>; body: Uint8Array }>(
  message: T,
  body: object,
): T {
  const { 'x-amz-crc32': _, ...headers } = message.headers;
  return { ...message, headers, body: Buffer.from(JSON.stringify(body)) };
}
