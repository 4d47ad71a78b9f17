import { createServer, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launched } from '../../entrances/cli/support.ts';
import { ADMIN_TOKEN, Firebreak, INGEST_TOKEN } from '../../support/firebreak.ts';
import { have } from '../../support/prometheus-stack.ts';
import { type Kind, type Proxy, startProxy } from '../support/proxies.ts';
import { close, listen } from '../support/server.ts';

/* The shipped proxies in front of a Firebreak with its sandbox. A mistake in them would expose it. */

const alert = (key: string) => ({
  service: 'checkout',
  environment: 'production',
  severity: 'critical',
  title: 'errors',
  dedup_key: key,
  status: 'firing',
});

const MEBIBYTE = 1024 * 1024;

describe.each<Kind>(['nginx', 'caddy'])('%s before Firebreak', (kind) => {
  const isHere = have(kind, 'openssl');
  let firebreak: Firebreak;
  let proxy: Proxy;

  beforeAll(async () => {
    if (!isHere) return;
    firebreak = await Firebreak.start();
    proxy = await startProxy(kind, firebreak.url);
  });
  afterAll(async () => {
    await proxy?.stop();
    await firebreak?.remove();
  });

  const send = (body: string, token: string = INGEST_TOKEN) =>
    proxy.ask('/v1/alerts/generic', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
    });

  test.runIf(isHere)('an alert arrives over TLS with only its token', async () => {
    const taken = await send(JSON.stringify(alert('tls')));
    expect([taken.status, JSON.parse(taken.body)]).toEqual([202, expect.objectContaining({ accepted: 1 })]);
    expect(taken.headers['strict-transport-security']).toMatch(/^max-age=\d{8}/);
    expect((await send(JSON.stringify(alert('tls')), 'wrong')).status).toBe(401);
    const incidents = async () => (await firebreak.get('/v1/incidents')).body.items;
    await expect.poll(incidents).toEqual([expect.objectContaining({ title: expect.stringContaining('errors') })]);
  });

  test.runIf(isHere)("a refusal over TLS is Firebreak's own", async () => {
    const refused = await send('{"service":');
    expect([refused.status, refused.headers['content-type']]).toEqual([400, 'application/problem+json']);
  });

  test.runIf(isHere)('too large a body is refused: by Firebreak, up to the size that the proxy forwards', async () => {
    const body = JSON.stringify({ ...alert('large'), title: 'x'.repeat(7 * MEBIBYTE) });
    // The refusal comes before the body is read, so the connection can break while the client still sends.
    const attempt = () => send(body).catch(() => undefined);
    const large = (await attempt()) ?? (await attempt()) ?? (await attempt()) ?? (await send(body));
    expect([large.status, large.headers['content-type']]).toEqual([413, 'application/problem+json']);
    // Either a response (502 in Caddy 2.6), or the connection breaks while the body is being sent.
    const larger = await send('x'.repeat(20 * MEBIBYTE)).catch(() => ({ status: 413 }));
    expect([413, 502]).toContain(larger.status);
  });

  test
    .runIf(isHere)
    .each(['/sandbox', '/sandbox/state', '/%73andbox', '/sandbox%2Fstate', '//sandbox', '/x/../sandbox'])(
    "the sandbox can't be reached by %s",
    async (path) => {
      expect((await firebreak.get('/sandbox/state')).status).toBe(200); // it exists, for this machine
      expect((await proxy.ask(path)).status).toBe(404);
    },
  );

  test.runIf(isHere)('metrics need a token, since clients of the proxy are not local', async () => {
    expect((await fetch(`${firebreak.url}/metrics`)).status).toBe(200);
    expect((await proxy.ask('/metrics')).status).toBe(401);
  });

  test.runIf(isHere)('doctor --production detects TLS, and no sandbox', async () => {
    const env = { FIREBREAK_URL: proxy.url, FIREBREAK_TOKEN: ADMIN_TOKEN, NODE_EXTRA_CA_CERTS: proxy.ca };
    const { out } = await launched(['doctor', '--production', '--all'], { env, cwd: import.meta.dirname });
    expect(out).toMatch(/^ok +TLS +the address uses TLS/m);
    expect(out).toMatch(/^no +sandbox +accessible to every user of this machine/m);
    expect(out).not.toContain('forwards /sandbox');
  });

  test.runIf(isHere)('without TLS, there is only a redirect', async () => {
    const answer = await fetch(`${proxy.plainUrl}/v1/incidents`, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([
      308,
      expect.stringMatching(/^https:\/\/localhost/),
    ]);
  });
});

describe.each<Kind>(['nginx', 'caddy'])('%s in front of any program', (kind) => {
  const isHere = have(kind, 'openssl');
  let answers: ServerResponse[] = [];
  const headers: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    headers.push(request.headers);
    answers.push(response.writeHead(200, { 'content-type': 'text/event-stream' }));
    response.write('data: 1\n\n');
  });
  let proxy: Proxy;

  beforeAll(async () => {
    if (!isHere) return;
    proxy = await startProxy(kind, await listen(server));
  });
  afterAll(async () => {
    await proxy?.stop();
    if (server.listening) await close(server);
  });

  test.runIf(isHere)('parts of a response arrive before it has ended', async () => {
    answers = [];
    const parts = await proxy.open('/events');
    expect((await parts.next()).value).toBe('data: 1\n\n');
    answers[0]?.write('data: 2\n\n'); // only now, so the first part was not buffered until this one
    expect((await parts.next()).value).toBe('data: 2\n\n');
    answers[0]?.end();
    expect(await parts.next()).toMatchObject({ done: true });
  });

  test.runIf(isHere)("clients can't claim to be another client", async () => {
    headers.length = 0;
    const forged = proxy.ask('/events', { headers: { 'x-forwarded-for': '203.0.113.1' } });
    await expect.poll(() => headers.length).toBe(1);
    answers.at(-1)?.end();
    await forged;
    expect(headers[0]).toMatchObject({ 'x-forwarded-proto': 'https' });
    expect(headers[0]?.['x-forwarded-for']).not.toContain('203.0.113.1');
  });

  test.runIf(isHere)('while no program listens, senders get a status on which they retry', async () => {
    await close(server);
    expect((await proxy.ask('/v1/alerts/alertmanager', { method: 'POST', body: '{}' })).status).toBe(502);
  });
});
