import { Agent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http';

/**
 * `path` includes the query. The body is complete, so its length is known. `signal` aborts the request before the
 * reply.
 */
export type ForwardedRequest = {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Uint8Array;
  signal?: AbortSignal | undefined;
};

export type ForwardedReply = { status: number; headers: Record<string, string>; body: Buffer };

/** Headers about one connection or its framing, not about the message. Node sets its own for the next connection. */
const PER_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'content-length']);

/** Forwards requests to `host:port` over persistent connections, bodies byte for byte in both directions. */
export function connectTo(to: { host: string; port: number }): {
  /** Rejects if there is no complete reply. It is then unknown whether the request had an effect. */
  send(request: ForwardedRequest): Promise<ForwardedReply>;
  close(): void;
} {
  const agent = new Agent({ keepAlive: true });
  return {
    send: async ({ method, path, headers, body, signal }) => {
      const reply = await new Promise<IncomingMessage>((resolve, reject) => {
        httpRequest({ ...to, agent, method, path, headers: perMessage(headers), signal })
          .once('response', resolve)
          .once('error', reject)
          .end(body);
      });
      const chunks: Buffer[] = [];
      for await (const chunk of reply) chunks.push(chunk as Buffer);
      return { status: reply.statusCode ?? 502, headers: perMessage(reply.headers), body: Buffer.concat(chunks) };
    },
    close: () => agent.destroy(),
  };
}

function perMessage(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !PER_CONNECTION.has(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}
