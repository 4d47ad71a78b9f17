import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { serveFront } from '../../../local/front/front.ts';

type Front = Awaited<ReturnType<typeof serveFront>>;
type Fetch = Parameters<typeof serveFront>[0]['app']['fetch'];

const answer = (status: number, body = '') => new Response(body, { status });
const pathOf = ({ url }: Request): string => new URL(url).pathname;
const textOf = ({ body }: Request): Promise<string> => new Response(body).text();

const MACHINE = { host: '127.0.0.1' } as Awaited<ReturnType<Parameters<typeof serveFront>[0]['machine']>>;

const sockets: Socket[] = [];
let front: Front | undefined;
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await front?.close();
  front = undefined;
});

async function serve(
  fetch: Fetch,
  {
    host = '127.0.0.1',
    maxConnections = 100,
    timeoutSeconds = 20,
  }: { host?: string; maxConnections?: number; timeoutSeconds?: number } = {},
): Promise<URL> {
  front = await serveFront({
    host,
    port: 0,
    maxConnections,
    trustedProxies: [],
    app: { fetch, timeoutSeconds },
    appsByPrefix: {},
    sandbox: undefined,
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

test('an address of another machine is refused with the fix', async () => {
  await expect(serve(async () => answer(200), { host: '203.0.113.7' })).rejects.toThrow(
    /^cannot listen on 203\.0\.113\.7, port 0 \(.*EADDRNOTAVAIL.*\); set HOST to an address of this machine/,
  );
});

test('a request of HTTP/1.0 needs no Host header, and is not from this machine', async () => {
  const asked: string[] = [];
  const url = await serve(async (request) => {
    asked.push(`${pathOf(request)} ${request.headers.get('authorization')}`);
    return answer(200, 'well');
  });
  for (const path of ['/healthz', '/metrics']) {
    const { seen } = await client(url, `GET ${path} HTTP/1.0\r\n\r\n`);
    expect(await seen(/well/)).toMatch(/^HTTP\/1\.1 200 [^]*\r\ncontent-length: \d/i);
  }
  expect(asked).toEqual(['/healthz null', '/metrics null']);
  const { seen } = await client(url, 'GET /healthz HTTP/1.1\r\n\r\n');
  expect(await seen(/400/)).toMatch(/^HTTP\/1\.1 400 /);
});

describe('a body', () => {
  test('is not waited for if it is not needed', async () => {
    const url = await serve(async () => answer(401, 'who are you'));
    const { seen, closed } = await client(url, head('POST /v1/x HTTP/1.1', 'content-length: 1000000'));
    expect(await seen(/who are you/)).toMatch(/^HTTP\/1\.1 401 [^]*connection: close/i);
    await closed;
  });

  test('is requested only when it is read', async () => {
    const url = await serve(async (request) =>
      pathOf(request) === '/read' ? answer(200, await textOf(request)) : answer(401, 'who are you'),
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

  test('declared as too large is refused by the product unread, and one in chunks is cut off after the limit', async () => {
    const url = await serve(async (request) =>
      request.headers.get('content-length') === null
        ? textOf(request).then(
            () => answer(200),
            (error: unknown) => answer(413, String(error)),
          )
        : answer(413, 'body-too-large'),
    );
    const declared = await client(url, head('POST /v1/x HTTP/1.1', `content-length: ${7 * 1024 * 1024}`));
    expect(await declared.seen(/body-too-large/)).toMatch(/^HTTP\/1\.1 413/);
    const chunked = await client(url, head('POST /v1/x HTTP/1.1', 'transfer-encoding: chunked'));
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
    for (let mebibyte = 0; mebibyte < 8; mebibyte += 1) chunked.socket.write(chunk);
    expect(await chunked.seen(/more than \d+ bytes/)).toMatch(/^HTTP\/1\.1 413/);
  });

  test('arrives unchanged, and the connection continues', async () => {
    const url = await serve(async (request) => answer(200, `<${await textOf(request)}>`));
    const { socket, seen } = await client(url, `${head('PUT /a HTTP/1.1', 'content-length: 4')}one.`);
    await seen(/<one\.>$/);
    socket.write(`${head('PUT /b HTTP/1.1', 'transfer-encoding: chunked')}3\r\ntwo\r\n1\r\n!\r\n0\r\n\r\n`);
    await seen(/<two!>$/);
    socket.write(head('DELETE /c HTTP/1.1'));
    await seen(/<>$/);
  });
});

describe('a request', () => {
  const shown = async (request: Request) =>
    answer(200, JSON.stringify({ url: request.url, headers: Object.fromEntries(request.headers) }));

  test.each([
    ['/v1/plain?q=a%20b', '/v1/plain?q=a%20b'],
    ['/v1/a%2Fb%3Ac', '/v1/a/b%3Ac'],
    ['/v1/a%23b%25c', '/v1/a%23b%25c'],
    ['/v1/caf%C3%A9/../x', '/v1/x'],
    ['/v1/a%3Fb=c', '/v1/a'],
    ['/v1/%E0', '/v1/%25E0'],
  ])('to %s has the path of one that API Gateway passes', async (sent, expected) => {
    const url = await serve(shown);
    const { seen } = await client(url, head(`GET ${sent} HTTP/1.1`));
    expect(await seen(/}}/)).toContain(`"url":"https://localhost${expected}"`);
  });

  test('has no empty headers, and those that are not ASCII are encoded, as for a function', async () => {
    const url = await serve(shown);
    const { seen } = await client(
      url,
      head('GET / HTTP/1.1', 'x-empty:', 'X-Name: \u00e9', 'cookie: a=1', 'cookie: b=2'),
    );
    const { headers } = JSON.parse((await seen(/}}/)).split('\r\n\r\n')[1] ?? '') as { headers: object };
    expect(headers).toEqual({ host: 'localhost', 'x-name': '%C3%83%C2%A9', cookie: 'a=1; b=2' });
  });

  test('has several cookies and a binary body in its response', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
    const cookies: [string, string][] = [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ];
    const url = await serve(() => new Response(bytes, { headers: [['content-type', 'image/png'], ...cookies] }));
    const response = await fetch(url);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await response.bytes()).toEqual(bytes);
  });

  test('that takes longer than a function may is refused; the time begins when it has arrived', async () => {
    const url = await serve(() => new Promise(() => undefined), { timeoutSeconds: 0.001 });
    const { seen } = await client(url, head('GET /v1/x HTTP/1.1'));
    expect(await seen(/took more than/)).toMatch(/^HTTP\/1\.1 503 [^]*"code":"unavailable"/);
    const slow = await serve(async (request) => answer(200, await textOf(request)), { timeoutSeconds: 0.001 });
    const sender = await client(slow, `${head('POST /v1/x HTTP/1.1', 'content-length: 4')}so`);
    await sender.seen(/^$/);
    sender.socket.write('on');
    expect(await sender.seen(/soon$/)).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('connections', () => {
  const MAX = 16;

  test('that send nothing, or incomplete requests, are closed for active ones', async () => {
    const url = await serve(async (request) => answer(200, `said ${pathOf(request)}`), { maxConnections: MAX });
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
    const said = async (request: Request) => {
      if (pathOf(request) === '/long') {
        begun();
        await held;
      }
      return answer(200, `said ${pathOf(request)}`);
    };
    const url = await serve(said, { maxConnections: MAX });
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
    const metrics = await later.seen(/firebreak_http_connections_refused_total 1/);
    expect(metrics).toMatch(/firebreak_http_connections \d+/);
  });

  test('never exceed the limit by more than a few', async () => {
    const never = new Promise<never>(() => undefined);
    const url = await serve(() => never, { maxConnections: MAX });
    const many = await Promise.all(Array.from({ length: 100 }, () => client(url, head('GET /healthz HTTP/1.1'))));
    let closed = 0;
    await new Promise<void>((resolve) => {
      for (const one of many) void one.closed.then(() => (closed += 1) === 100 - MAX - 16 && resolve());
    });
    expect(many.filter(({ socket }) => !socket.closed)).toHaveLength(MAX + 16);
  });
});

describe('a stop', () => {
  test('answers requests in progress, and waits for no client that keeps its connection', async () => {
    const begun = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const url = await serve(async (request) => {
      begun.resolve();
      await held.promise;
      return answer(200, `said ${pathOf(request)}`);
    });
    const busy = await client(url, head('GET /busy HTTP/1.1'));
    const incomplete = await client(url, 'GET /slow HTTP/1.1\r\nx-a: ');
    await begun.promise;
    const stopped = front?.close();
    await incomplete.closed;
    held.resolve();
    expect(await busy.seen(/said \/busy/)).toMatch(/connection: close/i);
    busy.socket.write(head('GET /again HTTP/1.1'));
    await Promise.all([busy.closed, stopped]);
    front = undefined;
    expect(busy.got()).not.toContain('again');
  });

  test('does not wait forever for the rest of a request', async () => {
    const begun = Promise.withResolvers<void>();
    const url = await serve(async (request) => {
      begun.resolve();
      return answer(200, await textOf(request));
    });
    const slow = await client(url, `${head('POST /slow HTTP/1.1', 'content-length: 100')}x`);
    await begun.promise;
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const stopped = front?.close();
    vi.advanceTimersByTime(20_000);
    vi.useRealTimers();
    await Promise.all([slow.closed, stopped]);
    front = undefined;
  });
});

describe('the state of the machine', () => {
  test('is part of the connections for those who may read them, and of nothing else', async () => {
    const url = await serve(async (request) =>
      request.headers.has('authorization') ? answer(200, JSON.stringify({ path: pathOf(request) })) : answer(401, '{}'),
    );
    const ask = async (path: string, init?: RequestInit) => (await fetch(new URL(path, url), init)).json();
    const known = { headers: { authorization: 'Bearer x' } };
    expect(await ask('/v1/connections', known)).toEqual({ path: '/v1/connections', machine: MACHINE });
    expect(await ask('/v1/connections')).toEqual({});
    expect(await ask('/v1/incidents', known)).toEqual({ path: '/v1/incidents' });
  });
});

describe('an event stream', () => {
  const events = (body: ReadableStream<Uint8Array>): Response =>
    new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });

  /** A stream of events that the test sends, and what has become of it. */
  function source() {
    const cancelled = Promise.withResolvers<void>();
    const transform = new TransformStream<string, Uint8Array>({
      transform: (text, controller) => controller.enqueue(new TextEncoder().encode(text)),
      cancel: () => cancelled.resolve(),
    });
    const writer = transform.writable.getWriter();
    return { body: transform.readable, send: (text: string) => void writer.write(text), cancelled: cancelled.promise };
  }

  test('is sent as it comes, and ends when its client goes', async () => {
    const { body, send, cancelled } = source();
    const { socket, seen } = await client(await serve(async () => events(body)), head('GET /console HTTP/1.1'));
    await seen(/text\/event-stream/);
    send('data: one\n\n');
    expect(await seen(/data: one/)).not.toContain('two');
    send('data: two\n\n');
    await seen(/data: two/);
    socket.destroy();
    await cancelled;
  });

  test('ends when the server stops, which waits for no stream', async () => {
    const { body, send, cancelled } = source();
    const { seen, closed } = await client(await serve(async () => events(body)), head('GET /console HTTP/1.1'));
    send('data: one\n\n');
    await seen(/data: one/);
    await front?.close();
    await Promise.all([cancelled, closed]);
  });

  test('is not read further while its client accepts nothing', async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(new Uint8Array(1024 * 1024));
        },
      },
      { highWaterMark: 0 },
    );
    const url = await serve(async (request) => (pathOf(request) === '/console' ? events(body) : answer(200, 'other')));
    const { socket } = await client(url, head('GET /console HTTP/1.1'));
    socket.pause();
    // The server has time for many reads.
    for (let n = 0; n < 50; n += 1) expect(await (await fetch(new URL('/other', url))).text()).toBe('other');
    expect(pulled).toBeGreaterThan(0);
    expect(pulled).toBeLessThan(50);
  });
});
