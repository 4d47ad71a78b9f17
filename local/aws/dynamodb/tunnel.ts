import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { DENIED, type EmulatedResponse, type Endpoint, signedWith } from '../endpoint.ts';

/** Maximum bytes of the first request's headers. A signature with a session token has about 2 KiB. */
const HEAD_MAX_BYTES = 64 * 1024;
const HEAD_WITHIN_MS = 10_000;

const END_OF_HEAD = '\r\n\r\n';

/** The response when the database has exited. Clients retry it. */
const NOT_RESPONDING: EmulatedResponse = {
  status: 500,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: JSON.stringify({ __type: 'InternalFailure', message: 'the database does not respond' }),
};

/**
 * Serves the program at `to` on a free loopback port, byte for byte. Accepts a connection if its first request is
 * signed with `accessKeyId`. Doesn't check later requests on the connection, which come from the same caller: parsing
 * and writing every request and response again would cost as much as everything else together.
 */
export async function openTunnel(
  to: { host: string; port: number },
  { accessKeyId }: { accessKeyId: string },
): Promise<Endpoint> {
  const open = new Set<Socket>();
  const tracked = (socket: Socket): Socket => {
    open.add(socket);
    return socket.once('close', () => open.delete(socket));
  };
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
    tracked(client).on('error', () => client.destroy());
    readHead(client).then(
      (head) => {
        if (signedWith(accessKeyId, authorizationHeader(head)))
          connectSockets(tracked(connect({ ...to, noDelay: true })), client, head);
        else refuse(client, DENIED);
      },
      () => client.destroy(),
    );
  });
  await listening(server);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

const listening = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });

/**
 * Reads a connection until the first request's headers are complete.
 * @throws if the headers don't arrive or are too long
 */
function readHead(client: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const timer = setTimeout(() => done(new Error('no request received')), HEAD_WITHIN_MS);
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      if (head.includes(END_OF_HEAD)) done(head);
      else if (head.length > HEAD_MAX_BYTES) done(new Error('the headers are incomplete'));
    };
    const end = (): void => done(new Error('the caller closed the connection'));
    const done = (result: Buffer | Error): void => {
      clearTimeout(timer);
      client.off('data', onData).off('close', end).pause();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    client.on('data', onData).once('close', end).resume();
  });
}

function authorizationHeader(head: Buffer): string | undefined {
  const text = head.subarray(0, head.indexOf(END_OF_HEAD)).toString('latin1');
  return /\r\nauthorization:[ \t]*([^\r\n]*)/i.exec(text)?.[1];
}

/** Connects both sides. When one side ends, so does the other. */
function connectSockets(program: Socket, client: Socket, head: Buffer): void {
  let isConnected = false;
  program.once('error', () => {
    if (isConnected) client.destroy();
    else refuse(client, NOT_RESPONDING);
  });
  program.once('connect', () => {
    isConnected = true;
    program.write(head);
    client.pipe(program).pipe(client);
  });
  program.once('close', () => isConnected && client.destroySoon());
  client.once('close', () => program.destroy());
}

/** Responds and closes the connection. */
function refuse(client: Socket, { status, headers, body = '' }: EmulatedResponse): void {
  const allHeaders = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' });
  client.resume(); // discard the rest; closing the connection earlier would lose the response
  client.end(
    [`HTTP/1.1 ${status} ${status === 403 ? 'Forbidden' : 'Internal Server Error'}`]
      .concat(allHeaders.map(([name, value]) => `${name}: ${value}`))
      .join('\r\n') +
      END_OF_HEAD +
      String(body),
  );
}
