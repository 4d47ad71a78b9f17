import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { StandIns } from '../../core/index.ts';
import type { SandboxState } from '../../core/sandbox-state.ts';
import { calls, clock, folder, sandbox, setFault, start } from '../support.ts';

const FOLDER = new URL('../../page/', import.meta.url);
const FILES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(js|css)$/.test(name));

/** Files that are made of the identity that all pages share. */
const MADE = ['identity.css', 'icon.svg'];

/** The `Accept` header of a browser that opens a URL. */
const ACCEPT_OF_A_BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

const ask = ({ app }: StandIns, path: string, headers: Record<string, string> = {}, method = 'GET', body?: string) =>
  app.request(path, { method, headers, ...(body !== undefined && { body }) });

const state = async (standIns: StandIns, since?: string): Promise<SandboxState> =>
  sandbox<SandboxState>(standIns, 'GET', `/state${since === undefined ? '' : `?since=${since}`}`);

/** Sends a page. */
const page = ({ urls }: StandIns, summary = 'checkout answers 12 % with an error') =>
  fetch(`${urls.pagerduty}/v2/enqueue`, {
    method: 'POST',
    body: JSON.stringify({
      routing_key: 'r'.repeat(32),
      event_action: 'trigger',
      dedup_key: 'one',
      payload: { summary, source: 'checkout', severity: 'critical' },
    }),
  });

const rollBack = ({ urls }: StandIns) =>
  fetch(`${urls.cd}/rollback`, {
    method: 'POST',
    headers: { 'idempotency-key': 'k' },
    body: JSON.stringify({
      service: 'checkout',
      environment: 'production',
      from_version: 'v42',
      to_version: 'v41',
      idempotency_key: 'k',
    }),
  });

describe('the page without JavaScript', () => {
  const form = (standIns: StandIns, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    ask(
      standIns,
      '/sandbox/forms',
      { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      'POST',
      new URLSearchParams(fields).toString(),
    );
  const shown = async (response: Response | Promise<Response>): Promise<string> =>
    /<noscript><div class="plain">(.*)<\/noscript>/s.exec(await (await response).text())?.[1] ?? '';

  test('shows the state, with markup of others as text', async () => {
    const standIns = await start();
    await page(standIns, 'checkout <b>fails</b>');
    await rollBack(standIns);
    const text = await shown(ask(standIns, '/sandbox'));
    for (const part of [
      'Play a bad deploy',
      'checkout &lt;b&gt;fails&lt;/b&gt;',
      'triggered',
      'from v42 to v41',
      '/v2/enqueue',
    ])
      expect(text).toContain(part);
    expect(text).not.toContain('<b>fails');
  });

  test('acknowledges and resolves a page, and leads back to the page', async () => {
    const standIns = await start();
    await page(standIns);
    const id = /name="id" value="(\w+)"/.exec(await shown(ask(standIns, '/sandbox')))?.[1] ?? '';
    for (const [answer, status] of [
      ['acknowledge', 'acknowledged'],
      ['resolve', 'resolved'],
    ] as const) {
      const { status: code, headers } = await form(standIns, { act: 'page', id, answer });
      expect([code, headers.get('location')]).toEqual([303, '/sandbox']);
      expect(await shown(ask(standIns, '/sandbox'))).toContain(`(${status}, `);
    }
  });

  test('says why a form is refused', async () => {
    const response = await form(await start(), { act: 'say', user: 'nobody', channel: '<i>', text: 'hello' });
    expect(response.status).toBe(422);
    expect(await shown(response)).toMatch(/role="alert"><b>Not done:<\/b> \S/);
    expect((await form(await start(), { act: 'explode' })).status).toBe(422);
  });

  test('takes no form of another web page', async () => {
    const fields = { act: 'play' };
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await form(await start(), fields, foreign)).status).toBe(403);
  });
});

describe('the page', () => {
  test.each([
    ['a browser', { accept: ACCEPT_OF_A_BROWSER }],
    ['curl', { accept: '*/*' }],
    ['a client without an Accept header', {}],
  ])('%s gets the page at /sandbox', async (_, headers) => {
    const response = await ask(await start(), '/sandbox', headers);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('vary')).toBe('accept');
    expect(await response.text()).toContain('<title>Firebreak sandbox</title>');
  });

  test('a client that asks for JSON gets the URLs of the stand-ins', async () => {
    const standIns = await start();
    const response = await ask(standIns, '/sandbox', { accept: 'application/json' });
    expect(response.headers.get('vary')).toBe('accept');
    expect(await response.json()).toEqual({ urls: standIns.urls, faults: 0 });
  });

  test("it can only load and run its own files, and can't be framed", async () => {
    const { headers } = await ask(await start(), '/sandbox');
    const policy = Object.fromEntries(
      (headers.get('content-security-policy') ?? '').split('; ').map((rule) => {
        const [name = '', ...values] = rule.split(' ');
        return [name, values.join(' ')];
      }),
    );
    expect(policy).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'img-src': "'self' data:",
      'connect-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'self'",
      'frame-ancestors': "'none'",
      'require-trusted-types-for': "'script'",
      'trusted-types': "'none'",
    });
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('same-origin');
  });

  test('it has nothing that its policy forbids: no inline scripts, styles, or handlers', () => {
    const html = readFileSync(new URL('index.html', FOLDER), 'utf8');
    expect(html).not.toMatch(/<style|\sstyle=|\son[a-z]+=|javascript:/i);
    expect(html.match(/<script[^>]*>/g)).toEqual(['<script type="module" src="/sandbox/page/main.js">']);
  });

  test.each([
    ['identity.css', 'text/css; charset=utf-8', /--ground:/],
    ['icon.svg', 'image/svg+xml', /^<svg /],
  ])('%s is made of the identity that all pages share', async (name, type, content) => {
    const response = await ask(await start(), `/sandbox/page/${name}`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type]);
    expect(await response.text()).toMatch(content);
  });

  test.each(FILES)('%s has its content type', async (name) => {
    const response = await ask(await start(), `/sandbox/page/${name}`);
    expect(response.status).toBe(200);
    const type = name.endsWith('.js') ? 'text/javascript' : 'text/css';
    expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.text()).toBe(readFileSync(new URL(name, FOLDER), 'utf8'));
  });

  test('every file that the page or another file references exists', () => {
    const named = ['index.html', ...FILES].flatMap((name) => {
      const text = readFileSync(new URL(name, FOLDER), 'utf8');
      const inMarkup = [...text.matchAll(/(?:src|href)="\/sandbox\/page\/([^"]+)"/g)].map(([, file]) => file);
      const inModules = [...text.matchAll(/^import .* from '(\.[^']+)';$/gm)].map(([, file = '']) =>
        join(name, '..', file),
      );
      return [...inMarkup, ...inModules];
    });
    expect(new Set(named)).toEqual(new Set([...FILES, ...MADE]));
  });

  test.each([
    '/sandbox/page/',
    '/sandbox/page/absent.js',
    '/sandbox/page/index.html',
    '/sandbox/page/tsconfig.json',
    '/sandbox/page/slack',
    '/sandbox/page/slack/absent.js',
    '/sandbox/page/slack/../tsconfig.json',
    '/sandbox/page/..%2fpage.ts',
    '/sandbox/page/..%2f..%2f..%2fpackage.json',
    '/sandbox/page/%2e%2e%2fjournal.js',
    '/sandbox/page/....//main.js',
    '/sandbox/page/main.js%00.css',
    '/sandbox/page/main.js/',
  ])('%s is a 404', async (path) => {
    const response = await ask(await start(), path);
    expect(response.status).toBe(404);
    expect(await response.text()).not.toMatch(/import|compilerOptions|"name"/);
  });

  test('it links to the documentation of the sandbox, as plain text', async () => {
    const response = await ask(await start(), '/sandbox/docs');
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await response.text()).toMatch(/^# The sandbox/);
  });
});

/** The vendors with a view. The journal shows the calls of the others. */
const VIEWS = ['cd', 'github', 'grafana', 'pagerduty', 'prometheus', 'slack', 'statuspage'];

describe('the state of the page', () => {
  test('has, at first, the view of each vendor, the calls, and the faults in force', async () => {
    const standIns = await start({ timeScale: 60, now: clock().now });
    await page(standIns);
    await setFault(standIns, { vendor: 'slack', fault: { kind: 'rate_limit' }, times: 2 });

    const { views, calls: shown, faults, play, ...rest } = await state(standIns);
    expect(rest).toEqual({
      version: expect.any(String),
      at: '2026-11-20T06:48:00.000Z',
      time_scale: 60,
      urls: standIns.urls,
    });
    expect(play).toMatchObject({ state: 'idle', incident: null });
    expect(Object.keys(views).toSorted()).toEqual(VIEWS);
    expect(views['pagerduty']).toMatchObject({
      incidents: [{ number: 1, status: 'triggered', title: 'checkout answers 12 % with an error' }],
    });
    expect(shown).toEqual([
      {
        id: 'call_1',
        vendor: 'pagerduty',
        method: 'POST',
        path: '/v2/enqueue',
        query: null,
        outcome: 202,
        status: 202,
        at: '2026-11-20T06:48:00.000Z',
        fault: null,
      },
    ]);
    expect(faults).toEqual([{ vendor: 'slack', fault: { kind: 'rate_limit' }, match: {}, remaining: 2 }]);
  });

  test('has only the changes since a version', async () => {
    const standIns = await start({ now: clock().now });
    const before = await state(standIns);

    const same = await state(standIns, before.version);
    expect(same).toEqual({ ...before, views: {}, calls: undefined, faults: undefined, play: undefined });

    await page(standIns);
    const after = await state(standIns, before.version);
    expect(after.version).not.toBe(before.version);
    expect(Object.keys(after.views)).toEqual(['pagerduty']);
    expect(after.calls).toHaveLength(1);
    expect(after).not.toHaveProperty('faults');

    await setFault(standIns, { vendor: 'cd', fault: { kind: 'hang' } });
    const later = await state(standIns, after.version);
    expect(later).toMatchObject({ views: {}, faults: [{ vendor: 'cd' }] });
    expect(later).not.toHaveProperty('calls');

    const all = await state(standIns, before.version);
    expect(all).toMatchObject({ views: { pagerduty: {} }, calls: [{}], faults: [{}] });
  });

  test("changes with time if a vendor's view does", async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    await sandbox(standIns, 'PUT', '/cd/settings', { rollback_ms: 10_000 });
    await rollBack(standIns);
    const during = await state(standIns);
    expect(during.views['cd']).toMatchObject({ rollbacks: [{ status: 'in_progress' }] });

    time.forward(10_000);
    const after = await state(standIns, during.version);
    expect(after.views).toEqual({
      cd: expect.objectContaining({ live: [{ service: 'checkout', environment: 'production', version: 'v41' }] }),
    });
    expect(after.views['cd']).toMatchObject({ rollbacks: [{ status: 'succeeded' }] });
  });

  test('has an ETag, and responds 304 if nothing has changed', async () => {
    const standIns = await start({ now: clock().now });
    const first = await ask(standIns, '/sandbox/state');
    const etag = first.headers.get('etag') ?? '';
    const again = await ask(standIns, '/sandbox/state', { 'if-none-match': etag });
    expect([again.status, await again.text()]).toEqual([304, '']);

    await page(standIns);
    const changed = await ask(standIns, '/sandbox/state', { 'if-none-match': etag });
    expect(changed.status).toBe(200);
    expect(changed.headers.get('etag')).not.toBe(etag);
    expect(changed.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('is complete after a restart, and for an unknown version', async () => {
    const dir = folder();
    const first = await start({ dir });
    await page(first);
    const { version } = await state(first);
    await first.close();

    const second = await start({ dir });
    for (const since of [version, 'x', '.', '1.1', `${version}9`, version.replace(/\d+$/, '-1')]) {
      const { views, calls: shown } = await state(second, since);
      expect([since, Object.keys(views).length, shown?.length]).toEqual([since, VIEWS.length, 1]);
    }
  });

  test('has the newest hundred calls, without headers and bodies', async () => {
    const standIns = await start();
    for (let i = 0; i < 101; i++) await fetch(`${standIns.urls.cd}/rollback/rb_${i}?secret=no`);
    const { calls: shown = [] } = await state(standIns);
    expect(shown).toHaveLength(100);
    expect([shown[0]?.path, shown.at(-1)?.path]).toEqual(['/rollback/rb_100', '/rollback/rb_1']);
    expect(shown[0]).not.toHaveProperty('headers');
    expect(shown[0]).not.toHaveProperty('body');
  });

  test('rejects unknown parameters', async () => {
    const response = await ask(await start(), '/sandbox/state?from=1');
    expect(response.status).toBe(400);
  });
});

describe('another web page in the same browser', () => {
  const PUT_A_FAULT = JSON.stringify({ vendor: 'pagerduty', fault: { kind: 'hang' } });

  test.each([
    ['from another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['from another port of this machine', { 'sec-fetch-site': 'same-site', origin: 'http://localhost:3000' }],
    ['from an old browser', { origin: 'https://evil.example' }],
    ['in a frame without an origin', { origin: 'null' }],
  ])('%s cannot set a fault', async (_, headers) => {
    const standIns = await start();
    const response = await ask(standIns, '/sandbox/faults', headers, 'PUT', PUT_A_FAULT);
    expect(response.status).toBe(403);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await state(standIns)).toMatchObject({ faults: [] });
  });

  test('can neither read the calls nor acknowledge an incident', async () => {
    const standIns = await start();
    await page(standIns);
    const headers = { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'content-type': 'text/plain' };
    const { views } = await state(standIns);
    const [incident] = (views['pagerduty'] as { incidents: { id: string }[] }).incidents;
    const acknowledged = `/sandbox/pagerduty/incidents/${incident?.id}/acknowledge`;
    expect((await ask(standIns, '/sandbox/state', headers)).status).toBe(403);
    expect((await ask(standIns, '/sandbox/calls', headers)).status).toBe(403);
    expect((await ask(standIns, acknowledged, headers, 'POST', '{}')).status).toBe(403);
    expect(await calls(standIns)).toHaveLength(1);
    expect(await state(standIns)).toMatchObject({ views: { pagerduty: { incidents: [{ status: 'triggered' }] } } });
  });

  test('is refused, unlike the page itself and clients other than browsers', async () => {
    const standIns = await start();
    const own = { 'sec-fetch-site': 'same-origin', origin: 'http://localhost' };
    expect((await ask(standIns, '/sandbox/faults', own, 'PUT', PUT_A_FAULT)).status).toBe(200);
    expect((await ask(standIns, '/sandbox/faults', {}, 'DELETE')).status).toBe(200);
  });

  test('can link to the page', async () => {
    const headers = { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await ask(await start(), '/sandbox', headers)).status).toBe(200);
    const framed = { ...headers, 'sec-fetch-dest': 'iframe' };
    expect((await ask(await start(), '/sandbox', framed)).status).toBe(403);
  });
});
