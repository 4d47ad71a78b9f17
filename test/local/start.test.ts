import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../local/run.ts';
import { at } from '../entrances/cli/support.ts';
import { ADMIN_TOKEN, bareEnvironment, Firebreak, eventually } from '../support/firebreak.ts';
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

describe('npm start', () => {
  afterEach(() => void vi.restoreAllMocks());

  test.each([
    ['--help', 0, 'log'],
    ['--port=1', 2, 'error'],
  ] as const)('%s prints the usage, and starts nothing', async (argument, code, stream) => {
    vi.spyOn(process, 'argv', 'get').mockReturnValue(['node', 'main.ts', argument]);
    vi.spyOn(process, 'exit').mockImplementation((status) => {
      throw new Error(`exits with ${status}`);
    });
    const said = vi.spyOn(console, stream).mockReturnValue();
    await expect(run()).rejects.toThrow(`exits with ${code}`);
    expect(said.mock.calls).toEqual([[expect.stringMatching(/npm start[^]*FIREBREAK_DATA_DIR/)]]);
  });

  test('the product without a sandbox refuses FIREBREAK_SANDBOX=on, and names the command that has one', () => {
    const env = { ...bareEnvironment(), FIREBREAK_SANDBOX: 'on' };
    const { status, stderr } = spawnSync(process.execPath, ['local/main.ts'], { encoding: 'utf8', env });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/FIREBREAK_SANDBOX=on.*npm start/)]);
  });

  test('with an invalid configuration from the beginning fails, and names the file', async () => {
    const firebreak = await prepare({ configFiles: { 'services.yaml': 'services:\n  checkout:\n    teem: x\n' } });
    await expect(firebreak.start()).rejects.toThrow(/services\.yaml:3: services\.checkout: unknown key "teem"/);
  });
});

test('the background thread computes reports, and its end ends the process with its reason', async () => {
  const firebreak = await prepare({
    services: { checkout: {} },
    nodeArgs: ['--import', './test/local/end-background.ts'],
  });
  const file = join(firebreak.dataDir, 'test-end');
  await firebreak.start({ FIREBREAK_END: file });
  expect(await firebreak.get('/v1/reports/shadow?since=1d')).toMatchObject({ status: 200, body: { complete: true } });
  expect(await firebreak.get('/v1/reports/alerts')).toMatchObject({ status: 200, body: { items: [] } });
  for (const path of ['/console/inbox', '/metrics']) expect((await firebreak.request('GET', path)).status).toBe(200);
  const ended = firebreak.exited();
  await writeFile(file, '');
  await ended;
  expect(firebreak.output).toContain('firebreak: the background thread has ended: the test ends it');
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

  test('records its address in the data folder, where the command line finds it', async () => {
    expect(JSON.parse(await readFile(join(firebreak.dataDir, 'lock'), 'utf8'))).toMatchObject({ url: firebreak.url });
  });

  test.each([
    ['/v1/quarantine/50%25%20%23%41', '50% #A'],
    ['/v1/quarantine/50%2541', '50%41'],
    ['/v1/quarantine/caf%C3%A9', 'café'],
    ['/v1/quarantine/cut%3Fhere?status=x', 'cut'],
  ])('decodes the path like API Gateway: %s', async (path, name) => {
    const { status, body } = await firebreak.get(path);
    expect(status).toBe(404);
    expect(body.detail).toBe(`no quarantine entry has the ID ${name}`);
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

  test('shows each vendor as a stand-in: at the start, in doctor, and for a page on the timeline', async () => {
    expect(firebreak.output).toMatch(/^ {2}PagerDuty pages +stand-in +http:\/\/127\.0\.0\.1:\d+$/m);
    expect(firebreak.output).toContain('Pages go to the sandbox and notify nobody');
    const { out } = await at(firebreak, 'doctor', '--all');
    expect(out).toMatch(/^test {2}PagerDuty pages +stand-in at http:\/\/127\.\S+, which pages no one: /m);
    expect(out).toMatch(/^test {2}Slack +stand-in at /m);
    const { effects, timeline } = await pageOf(firebreak, 'at a stand-in');
    const said = 'Paged: PagerDuty answered 202 (at the sandbox’s stand-in for PagerDuty: nobody was notified)';
    expect(effects).toEqual([expect.objectContaining({ kind: 'page', stand_in: true, detail: said })]);
    expect(timeline).toContain(said);
    expect(await triggered(firebreak)).toBe(1);
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
});
