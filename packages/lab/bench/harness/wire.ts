import { connect, type Socket } from 'node:net';

/** A request as it is sent, so that a measurement does not include building it. */
export type Prepared = Buffer;

/** @param headers names in lower case */
export function prepared(
  method: 'GET' | 'POST',
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): Prepared {
  const all = {
    host: '127.0.0.1',
    ...headers,
    ...(method === 'POST' && { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(body)}` }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

/** One persistent connection. It takes far less CPU than an HTTP client: the machine is for what is measured. */
export type Wire = {
  /**
   * Resolves with the bytes of the body when the whole response has arrived. One request at a time.
   *
   * @throws Error if the response is not 2xx, or the connection ends
   */
  send(request: Prepared): Promise<number>;
  close(): void;
};

type Waiting = Omit<PromiseWithResolvers<number>, 'promise'>;

export async function wireTo(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const socket = await connected(hostname, Number(port));
  let waiting: Waiting | undefined;
  let received: Buffer = Buffer.alloc(0);
  const end = (error: Error): void => {
    waiting?.reject(error);
    waiting = undefined;
  };
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const response = responseIn(received);
    if (response === undefined || waiting === undefined) return;
    const { resolve, reject } = waiting;
    received = Buffer.alloc(0);
    waiting = undefined;
    if (response.status >= 200 && response.status < 300) resolve(response.bytes);
    else reject(new Error(`answered ${response.status}`));
  });
  socket.on('error', end).on('close', () => end(new Error('the connection was closed')));
  return {
    send: (request) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      waiting = { resolve, reject };
      if (socket.destroyed) end(new Error('the connection was closed'));
      else socket.write(request);
      return promise;
    },
    close: () => socket.destroy(),
  };
}

const connected = (host: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });

/** Returns a complete response, with the bytes of its body as they were sent. */
function responseIn(received: Buffer): { status: number; bytes: number } | undefined {
  const head = received.indexOf('\r\n\r\n');
  if (head < 0) return undefined;
  const text = received.toString('latin1', 0, head);
  const status = Number(text.slice(9, 12));
  const bytes = received.length - head - 4;
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  if (length !== undefined) return bytes < Number(length) ? undefined : { status, bytes };
  const isWhole = status === 204 || received.subarray(-5).equals(LAST_CHUNK);
  return isWhole ? { status, bytes } : undefined;
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** What was measured of many requests. `seconds`: of all; `waited`: milliseconds of each. */
export type Load = { seconds: number; waited: number[] };

/**
 * Sends requests over several connections, the next one on each as soon as the last one is answered.
 *
 * @param next returns the request with a number
 */
export async function saturate(
  url: string,
  { connections, seconds }: { connections: number; seconds: number },
  next: (number: number) => Prepared,
): Promise<Load> {
  const wires = await Promise.all(Array.from({ length: connections }, () => wireTo(url)));
  const waited: number[] = [];
  let number = 0;
  const began = performance.now();
  const end = began + seconds * 1000;
  try {
    await Promise.all(
      wires.map(async (wire) => {
        for (let at = performance.now(); at < end;) {
          await wire.send(next(number++));
          const now = performance.now();
          waited.push(now - at);
          at = now;
        }
      }),
    );
    return { seconds: (performance.now() - began) / 1000, waited };
  } finally {
    for (const wire of wires) wire.close();
  }
}
