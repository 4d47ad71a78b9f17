import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
  test('makes tokens at the first start, prints them once, and keeps them for the owner alone', async () => {
    const none = { FIREBREAK_ADMIN_TOKEN: '', FIREBREAK_INGEST_TOKEN: '' };
    const firebreak = await prepare({ env: none });
    await firebreak.start();
    const printed = firebreak.output;
    const file = join(firebreak.dataDir, 'tokens.json');
    const tokens = JSON.parse(await readFile(file, 'utf8'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(printed).toContain(tokens.FIREBREAK_ADMIN_TOKEN);
    const answer = await firebreak.request('GET', '/v1/incidents', undefined, {
      authorization: `Bearer ${tokens.FIREBREAK_ADMIN_TOKEN}`,
    });
    expect(answer.status).toBe(200);
    await firebreak.stop();
    await firebreak.start();
    expect(firebreak.output.slice(printed.length)).not.toContain(tokens.FIREBREAK_ADMIN_TOKEN);
    await firebreak.stop();
  });

  test('with a configuration that is wrong from the beginning does not start, and says where', async () => {
    const firebreak = await prepare({ configFiles: { 'services.yaml': 'services:\n  checkout:\n    teem: x\n' } });
    await expect(firebreak.start()).rejects.toThrow(/services\.yaml:3: unknown key "teem" in services\.checkout/);
  });
});

describe('one that runs', () => {
  let firebreak: Firebreak;
  beforeAll(async () => {
    firebreak = await prepare({ services: { checkout: {} } });
    await firebreak.start();
  });

  test('neither prints nor keeps tokens that the environment brings', async () => {
    expect(firebreak.output).not.toContain(ADMIN_TOKEN);
    await expect(readFile(join(firebreak.dataDir, 'tokens.json'))).rejects.toThrow('ENOENT');
    expect((await firebreak.get('/v1/incidents')).status).toBe(200);
  });

  test.each([
    ['/v1/slos/50%25%20%23%41', '50% #A'],
    ['/v1/slos/50%2541', '50%41'],
    ['/v1/slos/caf%C3%A9', 'café'],
    ['/v1/slos/cut%3Fhere?status=x', 'cut'],
  ])('reads the path as behind API Gateway: %s', async (path, name) => {
    const { status, body } = await firebreak.get(path);
    expect(status).toBe(404);
    expect(body.detail).toBe(`no objective is called ${name}`);
  });

  test('an encoded slash separates, as behind API Gateway', async () => {
    expect((await firebreak.get('/v1%2Fincidents')).status).toBe(200);
  });

  test('takes up a configuration that changes, keeps the last good one, and says so in readyz', async () => {
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

  test('has its data folder for itself: a second one says who has it', async () => {
    const second = await prepare({ dataDir: firebreak.dataDir });
    await expect(second.start()).rejects.toThrow(/pid \d+|process \d+/i);
  });

  test('has its port for itself: a second one says that it is taken', async () => {
    const { port } = new URL(firebreak.url);
    const second = await prepare({ env: { PORT: port } });
    await expect(second.start()).rejects.toThrow(`port ${port} is taken; set PORT to a free one`);
  });
});
