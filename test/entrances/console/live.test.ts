import { beforeEach, describe, expect, test, vi } from 'vitest';
import { gunzipSync } from 'node:zlib';
import { LIVE_LIMITS, type LiveLimits } from '../../../entrances/console/live.ts';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { consoleWorld } from '../../support/console-world.ts';

let listeners: Set<() => void>;
const committed = (): void => {
  for (const listener of listeners) listener();
};

beforeEach(() => {
  listeners = new Set();
});

/** A console on a platform that tells of commits, and the cookie of a person who has signed in. */
async function liveConsole(limits: Partial<LiveLimits> = {}) {
  const console = consoleWorld(
    () => ({
      commits: {
        onCommit: (listener) => {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
      },
    }),
    undefined,
    { ...LIVE_LIMITS, pauseMs: 1, ...limits },
  );
  const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const cookie = cookieOf(await console.post('/login', { token: 'grace' }));
  const open = async (sent: Parameters<typeof console.get>[1] = { cookie }, path = '/console') =>
    console.get(path, { ...sent, headers: { accept: 'text/event-stream' } });
  return { ...console, cookie, open, cookieOf };
}

/** Reads a stream event by event. */
function reading(response: Response) {
  const reader = (response.body ?? expect.unreachable()).getReader();
  return {
    next: async () => {
      const { done, value } = await reader.read();
      return done ? null : new TextDecoder().decode(value);
    },
    cancel: () => reader.cancel(),
  };
}

const opens = (world: Awaited<ReturnType<typeof liveConsole>>['world'], title: string, service = 'checkout') =>
  world.deps.incidents.declare({
    service: service as ServiceName,
    environment: 'production' as EnvironmentName,
    title,
    severity: 'critical',
    by: 'ada',
    trace: 'trace',
  });

describe('an event stream, where the platform tells of commits', () => {
  test('stays open, and sends the page when something was stored', async () => {
    const { world, open } = await liveConsole();
    const response = await open();
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const { next, cancel } = reading(response);
    expect(await next()).toMatch(/^retry: 1000\nid: \w+\nevent: page\ndata: [^]*event: tick\ndata: 0\n\n$/);
    await opens(world, 'Payments fail');
    committed();
    expect(await next()).toMatch(/^id: \w+\nevent: page\ndata: [^]*Payments fail/);
    await cancel();
    expect(listeners.size).toBe(0);
  });

  test('sends nothing for a commit that does not change the page', async () => {
    const { world, open } = await liveConsole();
    const { next, cancel } = reading(await open());
    await next();
    const look = vi.spyOn(world.deps.incidents, 'openSummaries');
    const event = next();
    committed();
    await expect.poll(() => look.mock.settledResults[0]?.type).toBe('fulfilled');
    await opens(world, 'It fails now');
    committed();
    expect(await event).toContain('It fails now');
    await cancel();
  });

  test('ends with the session, and when its token loses the permission', async () => {
    const { open, cookie, tokens, sessions } = await liveConsole();
    const first = reading(await open());
    await first.next();
    await sessions.endAll('grace');
    committed();
    expect(await first.next()).toBeNull();
    expect((await open({ cookie })).status).toBe(401);
    expect(listeners.size).toBe(0);
    expect(tokens.size).toBeGreaterThan(0);
  });

  test('is a short answer for more pages than a session or the instance may have open', async () => {
    const { open, post, cookieOf } = await liveConsole({ perSession: 2, all: 3 });
    const other = cookieOf(await post('/login', { token: 'ada' }));
    const streams = [reading(await open()), reading(await open())];
    for (const { next } of streams) expect(await next()).toContain('event: tick\ndata: 0\n');
    expect(await (await open()).text()).toMatch(/^retry: 5000\n[^]*event: tick\ndata: 5\n\n$/);
    streams.push(reading(await open({ cookie: other })));
    expect(await (await open({ cookie: other })).text()).toContain('event: tick\ndata: 5\n');
    await streams[0]?.cancel();
    const again = reading(await open({ cookie: other }));
    expect(await again.next()).toContain('event: tick\ndata: 0\n');
    for (const { cancel } of [...streams.slice(1), again]) await cancel();
  });

  test('ends after its time, and after its bytes', async () => {
    for (const limits of [{ seconds: 0 }, { bytes: 1 }]) {
      const { open } = await liveConsole(limits);
      const { next } = reading(await open());
      if ('bytes' in limits) await next();
      committed();
      expect(await next()).toBeNull();
      expect(listeners.size).toBe(0);
    }
  });

  test('looks up nothing while its reader does not read', async () => {
    const { world, open } = await liveConsole();
    const look = vi.spyOn(world.deps.incidents, 'openSummaries');
    const { next, cancel } = reading(await open());
    await next();
    const before = look.mock.calls.length;
    for (let n = 0; n < 20; n += 1) committed();
    const fast = reading(await open());
    await fast.next();
    await opens(world, 'It fails now');
    committed();
    expect(await fast.next()).toContain('It fails now'); // all looks run one after another
    expect(look.mock.calls.length).toBe(before + 2);
    await Promise.all([cancel(), fast.cancel()]);
  });

  test('is a short answer for a program with a token', async () => {
    const { open } = await liveConsole();
    expect(await (await open({ token: 'vera' })).text()).toMatch(/event: tick\ndata: 5\n\n$/);
  });
});

test('elsewhere the answer is short, and says when the browser asks again', async () => {
  const { get } = consoleWorld();
  const response = await get('/console', { token: 'vera', headers: { accept: 'text/event-stream' } });
  expect(await response.text()).toMatch(/^retry: 5000\n[^]*event: tick\ndata: 5\n\n$/);
});

describe('compression', () => {
  test('makes pages and files smaller, and leaves event streams alone', async () => {
    const { get } = consoleWorld();
    const packed = { token: 'vera', headers: { 'accept-encoding': 'gzip, br' } };
    const page = await get('/console', packed);
    expect(page.headers.get('content-encoding')).toBe('gzip');
    const bytes = Buffer.from(await page.arrayBuffer());
    const text = gunzipSync(bytes).toString();
    expect(text).toContain('<title>Now · Firebreak</title>');
    expect(bytes.byteLength).toBeLessThan(text.length / 2);
    const style = /href="(\/assets\/console\.[^"]+)"/.exec(text)?.[1] ?? '';
    expect((await get(style, packed)).headers.get('content-encoding')).toBe('gzip');
    const stream = await get('/console', {
      token: 'vera',
      headers: { ...packed.headers, accept: 'text/event-stream' },
    });
    expect(stream.headers.get('content-encoding')).toBeNull();
  });

  test('gives no CSRF token away: each load of a page has another one', async () => {
    const { get, post } = consoleWorld();
    const cookie = (await post('/login', { token: 'grace' })).headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const tokenOf = async () =>
      /name="form_key" value="([0-9a-f]{64})/.exec(await (await get('/console/declare', { cookie })).text())?.[1];
    expect(await tokenOf()).not.toBe(await tokenOf());
  });
});
