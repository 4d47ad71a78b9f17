import { once } from 'node:events';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { at } from '../entrances/cli/support.ts';
import { Firebreak, eventually } from '../support/firebreak.ts';
import { pageOf, triggered } from './paging.ts';

const started: Firebreak[] = [];
afterAll(async () => {
  for (const firebreak of started) await firebreak.remove(); // two may share a folder
});

async function prepare(options: Parameters<typeof Firebreak.prepare>[0] = {}): Promise<Firebreak> {
  const firebreak = await Firebreak.prepare(options);
  started.push(firebreak);
  return firebreak;
}

test('generates tokens at the first start, prints their location once, and keeps them private', async () => {
  const none = { FIREBREAK_ADMIN_TOKEN: '', FIREBREAK_INGEST_TOKEN: '' };
  const firebreak = await prepare({ env: none });
  await firebreak.start();
  const printed = firebreak.output;
  const file = join(firebreak.dataDir, 'tokens.json');
  const tokens = JSON.parse(await readFile(file, 'utf8'));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  // The snapshot of the status pages is public, but nobody else can enter the folder that it is in.
  const kept = (await readdir(firebreak.dataDir)).filter((name) => name !== 'status' && !name.startsWith('test-'));
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

describe('a running instance', () => {
  let firebreak: Firebreak;
  beforeAll(async () => {
    firebreak = await prepare({ services: { checkout: {} } });
    await firebreak.start();
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

  /** Sends a request without any credential, like any user of this machine. */
  const bare = async (method: string, path: string, headers: Record<string, string> = {}, body?: object) => {
    const init = { method, headers: { 'content-type': 'application/json', ...headers } };
    return fetch(`${firebreak.url}${path}`, { ...init, ...(body !== undefined && { body: JSON.stringify(body) }) });
  };
  const ask = (text: string) => ({ user: 'ada', channel: 'general', text });

  test('pages a PagerDuty at a given address, and shows it as real', async () => {
    const pager = await pagerServer();
    const billing = `{ kind: http, url: "${pager.url}/rollback" }`;
    await firebreak.write(
      'services.yaml',
      `services:\n  checkout: {}\n  billing: { environments: { production: { deployer: ${billing} } } }\n`,
    );
    const before = await triggered(firebreak);
    await firebreak.stop();
    const mark = firebreak.output.length;
    await firebreak.start({ PAGERDUTY_EVENTS_URL: pager.url, PAGERDUTY_ROUTING_KEY: 'R'.repeat(32) });
    const printed = firebreak.output.slice(mark);
    expect(printed).toContain(`PagerDuty pages       real      ${pager.url}, PAGERDUTY_ROUTING_KEY`);
    expect(printed).toContain('PagerDuty API         off       PAGERDUTY_API_TOKEN is not set');
    expect(printed).toMatch(/^ {2}Slack +stand-in /m);
    expect(printed).not.toContain('Pages go to the sandbox');
    const { out } = await at(firebreak, 'doctor', '--all');
    expect(out).toContain(`ok    PagerDuty pages       real, at ${pager.url} with PAGERDUTY_ROUTING_KEY: `);
    const { effects, timeline } = await pageOf(firebreak, 'at a server of its own');
    expect(effects.map(({ detail, stand_in }: any) => [detail, stand_in])).toEqual([
      ['Paged: PagerDuty answered 202', undefined],
    ]);
    expect(timeline).toContain('Paged: PagerDuty answered 202');
    expect(pager.received).toContainEqual(expect.objectContaining({ routing_key: 'R'.repeat(32) }));
    expect(await triggered(firebreak)).toBe(before);

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
