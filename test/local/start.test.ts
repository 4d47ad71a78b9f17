import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { at } from '../cli/support.ts';
import { alert, group } from '../support/alerts.ts';
import { ADMIN_TOKEN, Firebreak, eventually } from '../support/firebreak.ts';

const started: Firebreak[] = [];
afterAll(async () => {
  for (const firebreak of started) await firebreak.remove(); // two may share a folder
});

async function prepare(options: Parameters<typeof Firebreak.prepare>[0] = {}): Promise<Firebreak> {
  const firebreak = await Firebreak.prepare(options);
  started.push(firebreak);
  return firebreak;
}

describe('npm start', () => {
  test('generates tokens at the first start, prints their location once, and keeps them private', async () => {
    const none = { FIREBREAK_ADMIN_TOKEN: '', FIREBREAK_INGEST_TOKEN: '' };
    const firebreak = await prepare({ env: none });
    await firebreak.start();
    const printed = firebreak.output;
    const file = join(firebreak.dataDir, 'tokens.json');
    const tokens = JSON.parse(await readFile(file, 'utf8'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const kept = (await readdir(firebreak.dataDir)).filter((name) => !name.startsWith('test-'));
    const modes = await Promise.all(kept.map(async (name) => (await stat(join(firebreak.dataDir, name))).mode & 0o077));
    expect([...new Set(modes)]).toEqual([0]);
    // Output that is not a terminal may be a log that others read.
    expect(printed).toContain(`admin token and ingest token: generated, stored in ${file}`);
    expect(printed).not.toContain(tokens.FIREBREAK_ADMIN_TOKEN);
    const answer = await firebreak.request('GET', '/v1/incidents', undefined, {
      authorization: `Bearer ${tokens.FIREBREAK_ADMIN_TOKEN}`,
    });
    expect(answer.status).toBe(200);
    await firebreak.stop();
    await firebreak.start();
    expect(firebreak.output.slice(printed.length)).not.toContain('admin token');
    await firebreak.stop();
  });

  test.each([
    ['--help', 0, 'stdout'],
    ['--port=1', 2, 'stderr'],
  ] as const)('%s prints the usage, and starts nothing', async (argument, code, stream) => {
    const { status, ...said } = spawnSync(process.execPath, ['local/main.ts', argument], { encoding: 'utf8' });
    expect([status, said[stream]]).toEqual([code, expect.stringMatching(/npm start[^]*FIREBREAK_DATA_DIR/)]);
  });

  test('with an invalid configuration from the beginning fails, and names the file', async () => {
    const firebreak = await prepare({ configFiles: { 'services.yaml': 'services:\n  checkout:\n    teem: x\n' } });
    await expect(firebreak.start()).rejects.toThrow(/services\.yaml:3: unknown key "teem" in services\.checkout/);
  });
});

describe('a running instance', () => {
  let firebreak: Firebreak;
  beforeAll(async () => {
    firebreak = await prepare({ services: { checkout: {} } });
    await firebreak.start();
  });

  test('neither prints nor stores tokens from the environment', async () => {
    expect(firebreak.output).not.toContain(ADMIN_TOKEN);
    await expect(readFile(join(firebreak.dataDir, 'tokens.json'))).rejects.toThrow('ENOENT');
    expect((await firebreak.get('/v1/incidents')).status).toBe(200);
  });

  test.each([
    ['/v1/slos/50%25%20%23%41', '50% #A'],
    ['/v1/slos/50%2541', '50%41'],
    ['/v1/slos/caf%C3%A9', 'café'],
    ['/v1/slos/cut%3Fhere?status=x', 'cut'],
  ])('decodes the path like API Gateway: %s', async (path, name) => {
    const { status, body } = await firebreak.get(path);
    expect(status).toBe(404);
    expect(body.detail).toBe(`no objective has the ID ${name}`);
  });

  test('treats an encoded slash as a separator, like API Gateway', async () => {
    expect((await firebreak.get('/v1%2Fincidents')).status).toBe(200);
  });

  test('loads a changed configuration, keeps the last valid one, and reports that in readyz', async () => {
    const config = async () => (await firebreak.get('/readyz')).body.config;
    const { version } = await config();
    await firebreak.write('services.yaml', 'services:\n  checkout: { tier: 1 }\n');
    await eventually(async () => (await config()).version !== version, 'the new version');
    const good = await config();
    await firebreak.write('services.yaml', 'services:\n  checkout: { tier: 7 }\n');
    await eventually(async () => (await config()).problems.length > 0, 'what is wrong');
    expect(await config()).toEqual({
      version: good.version,
      problems: [expect.stringMatching(/services\.yaml:2: services\.checkout\.tier/)],
    });
    const asked = await fetch(`${firebreak.url}/readyz`);
    expect([asked.status, await asked.json()]).toEqual([200, { ready: true }]); // without a token
  });

  test('uses its data folder exclusively: a second one names the process', async () => {
    const second = await prepare({ dataDir: firebreak.dataDir });
    await expect(second.start()).rejects.toThrow(/pid \d+|process \d+/i);
  });

  test('uses its port exclusively: a second one reports that it is in use', async () => {
    const { port } = new URL(firebreak.url);
    const second = await prepare({ env: { PORT: port } });
    await expect(second.start()).rejects.toThrow(`port ${port} is in use; set PORT to a free port`);
  });

  /** Returns the number of pages that the stand-in has received. */
  const triggered = async (): Promise<number> =>
    (await firebreak.calls('pagerduty')).filter(({ body }) => body?.event_action === 'trigger').length;

  test('shows each vendor as a stand-in: at the start, in doctor, and for a page on the timeline', async () => {
    expect(firebreak.output).toMatch(/^ {2}PagerDuty pages +stand-in +http:\/\/127\.0\.0\.1:\d+$/m);
    expect(firebreak.output).toContain('Pages go to the sandbox and notify nobody');
    const { out } = await at(firebreak, 'doctor');
    expect(out).toMatch(/^test {2}PagerDuty pages +stand-in at http:\/\/127\.\S+, which pages no one: /m);
    expect(out).toMatch(/^test {2}Slack +stand-in at /m);
    const { effects, timeline } = await pageOf(firebreak, 'at a stand-in');
    const said = 'Paged: PagerDuty answered 202 (at the sandbox’s stand-in for PagerDuty: nobody was notified)';
    expect(effects).toEqual([expect.objectContaining({ kind: 'page', stand_in: true, detail: said })]);
    expect(timeline).toContain(said);
    expect(await triggered()).toBe(1);
  });

  /** Sends a request without any credential, like any user of this machine. */
  const bare = async (method: string, path: string, headers: Record<string, string> = {}, body?: object) => {
    const init = { method, headers: { 'content-type': 'application/json', ...headers } };
    return fetch(`${firebreak.url}${path}`, { ...init, ...(body !== undefined && { body: JSON.stringify(body) }) });
  };
  const ask = (text: string) => ({ user: 'ada', channel: 'general', text });

  test('lets any user of this machine use the sandbox while no vendor is real', async () => {
    const answer = await bare('POST', '/sandbox/slack/commands', {}, ask('/freeze open checkout for fun'));
    expect(answer.status).toBe(200);
  });

  test.each([
    ['forwarded', 'for=203.0.113.7'],
    ['x-forwarded-for', '203.0.113.7'],
    ['x-forwarded-proto', 'https'],
    ['x-real-ip', '203.0.113.7'],
    ['via', '1.1 proxy'],
    ['cf-connecting-ip', '203.0.113.7'],
    ['x-envoy-external-address', '203.0.113.7'],
  ])('treats a request with the header %s as not local', async (name, value) => {
    for (const path of ['/sandbox', '/sandbox/calls', '/metrics']) {
      expect((await bare('GET', path)).status).toBe(200);
      expect((await bare('GET', path, { [name]: value })).status).toBeOneOf([401, 404]);
    }
    expect((await bare('POST', '/sandbox/slack/commands', { [name]: value }, ask('/incident list'))).status).not.toBe(
      200,
    );
  });

  test('pages a PagerDuty at a given address, and shows it as real', async () => {
    const pager = await pagerServer();
    const billing = `{ kind: http, url: "${pager.url}/rollback" }`;
    await firebreak.write(
      'services.yaml',
      `services:\n  checkout: {}\n  billing: { environments: { production: { deployer: ${billing} } } }\n`,
    );
    const before = await triggered();
    await firebreak.stop();
    const mark = firebreak.output.length;
    await firebreak.start({ PAGERDUTY_EVENTS_URL: pager.url, PAGERDUTY_ROUTING_KEY: 'R'.repeat(32) });
    const printed = firebreak.output.slice(mark);
    expect(printed).toContain(`PagerDuty pages       real      ${pager.url}, PAGERDUTY_ROUTING_KEY`);
    expect(printed).toContain('PagerDuty API         off       PAGERDUTY_API_TOKEN is not set');
    expect(printed).toMatch(/^ {2}Slack +stand-in /m);
    expect(printed).not.toContain('Pages go to the sandbox');
    const { out } = await at(firebreak, 'doctor');
    expect(out).toContain(`ok    PagerDuty pages       real, at ${pager.url} with PAGERDUTY_ROUTING_KEY: `);
    const { effects, timeline } = await pageOf(firebreak, 'at a server of its own');
    expect(effects.map(({ detail, stand_in }: any) => [detail, stand_in])).toEqual([
      ['Paged: PagerDuty answered 202', undefined],
    ]);
    expect(timeline).toContain('Paged: PagerDuty answered 202');
    expect(pager.received).toContainEqual(expect.objectContaining({ routing_key: 'R'.repeat(32) }));
    expect(await triggered()).toBe(before);

    // A played person needs the key of this start, and has no permissions if a deployer is real.
    const freeze = ask('/freeze open billing production because I can');
    const refused = await bare('POST', '/sandbox/slack/commands', {}, freeze);
    expect([refused.status, ((await refused.json()) as any).detail]).toEqual([
      403,
      expect.stringMatching(/real systems \(PagerDuty pages, targets of billing\/production\).*require the key/),
    ]);
    expect((await bare('GET', '/sandbox/calls')).status).toBe(200);
    expect((await bare('DELETE', '/sandbox/faults')).status).toBe(200);
    const [, key = ''] = /^ {2}sandbox {2}\S+\/sandbox#key=(\S+)$/m.exec(printed) ?? [];
    expect((await bare('POST', '/sandbox/slack/commands', { 'x-sandbox-key': key }, freeze)).status).toBe(200);
    await eventually(async () => {
      const { body } = await firebreak.get('/sandbox/slack/channels/general');
      return JSON.stringify(body).includes('the targets of billing in production are real');
    }, 'the refusal in Slack');
    const { body: freezes } = await firebreak.get('/v1/freezes');
    expect(JSON.stringify(freezes)).not.toContain('because I can');
  });

  test('with only a routing key uses the real PagerDuty at its public address', async () => {
    await firebreak.stop();
    const mark = firebreak.output.length;
    await firebreak.start({ PAGERDUTY_ROUTING_KEY: 'R'.repeat(32) }); // it gets no alert: that would page a person
    expect(firebreak.output.slice(mark)).toContain(
      'PagerDuty pages       real      https://events.pagerduty.com, PAGERDUTY_ROUTING_KEY',
    );
  });
});

/** Fires one critical alert, returns the pages and the timeline of its incident, and resolves it. */
async function pageOf(firebreak: Firebreak, title: string): Promise<{ effects: any[]; timeline: string[] }> {
  const labels = { service: 'checkout', environment: 'production', severity: 'critical' };
  const fingerprint = title.replaceAll(' ', '');
  await firebreak.post(
    '/v1/alerts/alertmanager',
    group([alert({ labels, fingerprint, annotations: { summary: title } })]),
  );
  const open = await eventually(async () => {
    const { body } = await firebreak.get('/v1/incidents?status=open');
    const found = body.items.find((one: any) => one.effects.some((effect: any) => effect.state === 'succeeded'));
    return found;
  }, 'the page');
  const { body } = await firebreak.get(`/v1/incidents/${open.id}/timeline`);
  await firebreak.resolveAll();
  const effects = open.effects.filter(({ kind }: any) => kind === 'page');
  return { effects, timeline: body.items.map(({ text }: any) => text) };
}

/** Accepts events like PagerDuty. */
async function pagerServer(): Promise<{ url: string; received: unknown[] }> {
  const received: unknown[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push(JSON.parse(body));
      response.writeHead(202, { 'content-type': 'application/json' });
      response.end('{"status": "success", "message": "Event processed", "dedup_key": "x"}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}
