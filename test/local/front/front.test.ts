import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { serveFront } from '../../../local/front/front.ts';

type Front = Awaited<ReturnType<typeof serveFront>>;
type Handler = Parameters<typeof serveFront>[0]['handler'];

const answer = (statusCode: number, body = '') => ({ statusCode, headers: {}, body, isBase64Encoded: false });

const MACHINE = { host: '127.0.0.1' } as Awaited<ReturnType<Parameters<typeof serveFront>[0]['machine']>>;

const sockets: Socket[] = [];
let front: Front | undefined;
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await front?.close();
  front = undefined;
});

async function serve(handler: Handler, maxConnections = 100, trustedProxies: string[] = []): Promise<URL> {
  front = await serveFront({
    host: '127.0.0.1',
    port: 0,
    maxConnections,
    trustedProxies,
    handler,
    handlersByPrefix: {},
    sandbox: undefined,
    guard: () => undefined,
    adminToken: 'admin',
    metrics: () => '',
    machine: async () => MACHINE,
  });
  return new URL(front.url);
}

/** A client that sends given texts and records what it receives. */
async function client({ hostname, port }: URL, text: string) {
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  let got = '';
  socket.on('data', (chunk) => void (got += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve);
  });
  socket.write(text);
  const seen = (what: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => what.test(got) && resolve(got);
      socket.on('data', look);
      socket.once('close', () => (what.test(got) ? resolve(got) : reject(new Error(`closed after: ${got}`))));
      look();
    });
  return { socket, seen, closed, got: () => got };
}

const head = (line: string, ...more: string[]) => `${[line, 'host: localhost', ...more].join('\r\n')}\r\n\r\n`;

describe('a body', () => {
  test('is not waited for if it is not needed', async () => {
    const url = await serve(async () => answer(401, 'who are you'));
    const { seen, closed } = await client(url, head('POST /v1/x HTTP/1.1', 'content-length: 1000000'));
    expect(await seen(/who are you/)).toMatch(/^HTTP\/1\.1 401 [^]*connection: close/i);
    await closed;
  });

  test('is requested only when it is read', async () => {
    const url = await serve(async ({ rawPath, stream }: any) =>
      rawPath === '/read' ? answer(200, await new Response(stream).text()) : answer(401, 'who are you'),
    );
    const expecting = (path: string) =>
      head(`POST ${path} HTTP/1.1`, 'content-length: 5', 'expect: 100-continue', 'connection: close');
    const refused = await client(url, expecting('/refused'));
    await refused.closed;
    expect(refused.got()).toMatch(/^HTTP\/1\.1 401/);
    expect(refused.got()).not.toContain('100 Continue');
    const read = await client(url, expecting('/read'));
    await read.seen(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    read.socket.write('hello');
    expect(await read.seen(/hello$/)).toContain('HTTP/1.1 200');
  });

  test('declared as too large never reaches the product, and one in chunks is cut off at the limit', async () => {
    let called = 0;
    const url = await serve(async ({ stream }: any) => {
      called += 1;
      return new Response(stream).text().then(
        () => answer(200),
        (error: unknown) => answer(413, String(error)),
      );
    });
    const declared = await client(url, head('POST /v1/x HTTP/1.1', `content-length: ${7 * 1024 * 1024}`));
    expect(await declared.seen(/body-too-large/)).toMatch(/^HTTP\/1\.1 413/);
    expect(called).toBe(0);
    const chunked = await client(url, head('POST /v1/x HTTP/1.1', 'transfer-encoding: chunked'));
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
    for (let mebibyte = 0; mebibyte < 8; mebibyte += 1) chunked.socket.write(chunk);
    expect(await chunked.seen(/more than \d+ bytes/)).toMatch(/^HTTP\/1\.1 413/);
  });

  test('arrives unchanged, and the connection continues', async () => {
    const url = await serve(async ({ stream }: any) => answer(200, `<${await new Response(stream).text()}>`));
    const { socket, seen } = await client(url, `${head('PUT /a HTTP/1.1', 'content-length: 4')}one.`);
    await seen(/<one\.>$/);
    socket.write(`${head('PUT /b HTTP/1.1', 'transfer-encoding: chunked')}3\r\ntwo\r\n1\r\n!\r\n0\r\n\r\n`);
    await seen(/<two!>$/);
    socket.write(head('DELETE /c HTTP/1.1'));
    await seen(/<>$/);
  });
});

describe('connections', () => {
  const MAX = 16;

  test('that send nothing, or incomplete requests, are closed for active ones', async () => {
    const url = await serve(async ({ rawPath }: any) => answer(200, `said ${rawPath}`), MAX);
    const slow = await Promise.all(
      Array.from({ length: MAX }, (_, n) => client(url, n % 2 === 0 ? '' : 'GET /slow HTTP/1.1\r\nx-a: ')),
    );
    for (const path of ['/healthz', '/v1/one', '/v1/two']) {
      const { seen } = await client(url, head(`GET ${path} HTTP/1.1`));
      expect(await seen(/said/)).toContain(`said ${path}`);
    }
    await Promise.all(slow.slice(0, 3).map(({ closed }) => closed));
    expect(slow.filter(({ socket }) => socket.closed)).toHaveLength(3);
  });

  test('with requests in progress are kept; above the limit, others get 503, and health checks are answered', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begun = () => {};
    const all = new Promise<void>((resolve) => {
      let count = 0;
      begun = () => void ((count += 1) === MAX && resolve());
    });
    const url = await serve(async ({ rawPath }: any) => {
      if (rawPath === '/long') {
        begun();
        await held;
      }
      return answer(200, `said ${rawPath}`);
    }, MAX);
    const long = await Promise.all(Array.from({ length: MAX }, () => client(url, head('GET /long HTTP/1.1'))));
    await all;
    const refused = await client(url, head('GET /v1/one HTTP/1.1'));
    expect(await refused.seen(/unavailable/)).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: 5/i);
    await refused.closed;
    const health = await client(url, head('GET /healthz HTTP/1.1', 'connection: close'));
    await health.closed;
    expect(health.got()).toMatch(/^HTTP\/1\.1 200 /);
    release();
    await Promise.all(long.map(({ seen }) => seen(/said \/long/)));
    const later = await client(url, head('GET /metrics HTTP/1.1'));
    const metrics = await later.seen(/firebreak_http_requests_refused_total 1/);
    expect(metrics).toMatch(/firebreak_http_connections \d+/);
  });

  test('never exceed the limit by more than a few', async () => {
    const never = new Promise<never>(() => undefined);
    const url = await serve(() => never, MAX);
    const many = await Promise.all(Array.from({ length: 100 }, () => client(url, head('GET /healthz HTTP/1.1'))));
    let closed = 0;
    await new Promise<void>((resolve) => {
      for (const one of many) void one.closed.then(() => (closed += 1) === 100 - MAX - 16 && resolve());
    });
    expect(many.filter(({ socket }) => !socket.closed)).toHaveLength(MAX + 16);
  });
});

describe('the state of the machine', () => {
  test('is part of the connections for those who may read them, and of nothing else', async () => {
    const url = await serve(async ({ headers, rawPath }: any) =>
      headers.authorization === undefined ? answer(401, '{}') : answer(200, JSON.stringify({ path: rawPath })),
    );
    const ask = async (path: string, init?: RequestInit) => (await fetch(new URL(path, url), init)).json();
    const known = { headers: { authorization: 'Bearer x' } };
    expect(await ask('/v1/connections', known)).toEqual({ path: '/v1/connections', machine: MACHINE });
    expect(await ask('/v1/connections')).toEqual({});
    expect(await ask('/v1/incidents', known)).toEqual({ path: '/v1/incidents' });
  });
});
