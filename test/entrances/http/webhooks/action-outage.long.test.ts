import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clear, frozen, Issuer } from '../../cli/offline-world.ts';
import { nobody, type Reply, vendor, vendorThat } from '../../../vendors/server.ts';

const SCRIPT = join(import.meta.dirname, '../../../../deploy/actions/freeze-check.sh');

const SETTINGS = {
  FIREBREAK_TOKEN: 't',
  SERVICE: 'checkout',
  ENVIRONMENT: 'production',
  VERSION: 'v1',
  COMMIT: 'c',
  DEPLOYMENT_ID: 'd',
  CHANGE: '',
  AUDIENCE: 'firebreak',
  WAIT_MINUTES: '0',
  ON_OUTAGE: 'deny',
  STATE: '',
  KEYS: '',
};

/** Retries after one second each, instead of one, two, and four. */
const CURL_SETTINGS = 'retry-delay = 1\n';

/** Runs the action's script against a Firebreak with these responses. */
async function act(url: string, more: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-action-'));
  await writeFile(join(folder, '.curlrc'), CURL_SETTINGS);
  const env = {
    PATH: process.env['PATH'] ?? '',
    CURL_HOME: folder,
    FIREBREAK_URL: url,
    ...SETTINGS,
    ...more,
    GITHUB_OUTPUT: join(folder, 'output'),
  };
  try {
    const done = await new Promise<{ code: number; out: string }>((resolve) => {
      execFile('bash', [SCRIPT], { env, cwd: folder }, (error, out) =>
        resolve({ code: Number(error?.code ?? 0), out }),
      );
    });
    const output = await readFile(env.GITHUB_OUTPUT, 'utf8').catch(() => '');
    return { ...done, output: Object.fromEntries(output.split('\n').map((line) => line.split('='))) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const answer = (status: number, body: object): Reply => ({ status, body: JSON.stringify(body) });
const allowed = { allowed: true, verdict: 'allow', reasons: [], decision_id: 'frd_1', token: 'secret-token' };

/** Each case waits for all retries of curl, so they run in parallel. */
test('during an outage, it follows on-outage and says so', async () => {
  const away = await nobody();
  const down = await vendor({ status: 500 });
  const cut = await vendor({ cut: 200 });
  const [deny, allow, fault, half] = await Promise.all([
    act(away),
    act(away, { ON_OUTAGE: 'allow' }),
    act(down.url, { ON_OUTAGE: 'allow' }),
    act(cut.url, { ON_OUTAGE: 'allow' }),
  ]);
  expect(deny).toMatchObject({
    code: 1,
    output: { allowed: 'false', verdict: 'outage', outage: 'true' },
    out: expect.stringContaining('::error::Firebreak could not be reached'),
  });
  for (const done of [allow, fault, half])
    expect(done).toMatchObject({
      code: 0,
      output: { allowed: 'true', verdict: 'outage', outage: 'true' },
      out: expect.stringContaining('::warning::Firebreak could not be reached'),
    });
});

test('a refused request counts as a response', async () => {
  const unknown = await vendor(answer(401, { detail: 'send a token' }));
  expect(await act(unknown.url, { ON_OUTAGE: 'allow' })).toMatchObject({
    code: 1,
    output: { allowed: 'false' },
    out: expect.stringContaining('- send a token'),
  });
});

test('sets outputs for the next steps, with the token masked in the log', async () => {
  const { url } = await vendor(answer(200, allowed));
  const done = await act(url);
  expect(done).toMatchObject({
    code: 0,
    output: { allowed: 'true', verdict: 'allow', 'decision-id': 'frd_1', 'freeze-token': 'secret-token' },
  });
  expect(done.out).toContain('::add-mask::secret-token');
});

test('with strict, an unknown service or environment fails the job', async () => {
  const reasonsOf = (code: string) =>
    answer(200, { ...allowed, verdict: 'warn', reasons: [{ code, text: 'unknown' }] });
  for (const [code, STRICT, ended] of [
    ['unknown_service', 'true', 1],
    ['unknown_environment', 'true', 1],
    ['budget_low', 'true', 0],
    ['unknown_service', 'false', 0],
  ] as const) {
    const { url } = await vendor(reasonsOf(code));
    expect(await act(url, { STRICT })).toMatchObject({ code: ended, output: { allowed: String(ended === 0) } });
  }
});

test('reasons cannot inject runner commands', async () => {
  const text = '::set-output name=allowed::true\n::error::x ##[add-mask]y \u001b[2J\u009b1A \u202eback';
  const { url } = await vendor(
    answer(423, { ...allowed, allowed: false, token: null, reasons: [{ code: 'person', text }] }),
  );
  const { code, out } = await act(url);
  expect(code).toBe(1);
  const commands = out.split('\n').filter((line) => /^\s*::|##\[/.test(line));
  expect(commands).toEqual(['::error::checkout is frozen in production (frd_1)']);
  expect(out).toContain('- ::set-output name=allowed::true ::error::x # #[add-mask]y');
  expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\p{Bidi_Control}]/u);
});

test("a change exempted by policy is sent with the job's identity", async () => {
  const { url, received } = await vendor(answer(200, { value: 'identity' }), answer(200, allowed));
  const job = {
    ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'runner',
  };
  expect(await act(url, { CHANGE: 'hotfix', ...job })).toMatchObject({ code: 0 });
  const [asked, sent] = received;
  expect(asked).toMatchObject({
    path: '/token?api-version=2.0&audience=firebreak',
    headers: { authorization: 'bearer runner' },
  });
  expect(sent).toMatchObject({ method: 'POST', headers: { 'x-identity-token': 'identity' } });
  expect(sent?.path).toContain('change=hotfix');
  const without = await vendor(answer(200, allowed));
  await act(without.url, { ...job });
  expect(without.received[0]?.headers).not.toHaveProperty('x-identity-token');
});

test.each([
  ['wait-minutes', { WAIT_MINUTES: 'abc' }],
  ['wait-minutes', { WAIT_MINUTES: '-1' }],
  ['on-outage', { ON_OUTAGE: 'perhaps' }],
  ['change', { CHANGE: 'whim' }],
  ['url', { FIREBREAK_URL: 'firebreak.example.com' }],
  ['SERVICE is empty', { SERVICE: '' }],
  ['TOKEN is empty', { FIREBREAK_TOKEN: '' }],
  ['state is set and keys is not', { STATE: 'state.json' }],
  ['keys is set and state is not', { KEYS: new Issuer().kid }],
  ['keys: ', { STATE: 'state.json', KEYS: 'no-such-file' }],
])("an invalid setting stops it with the setting's name: %s", async (name, settings) => {
  const { url, received } = await vendor(answer(200, allowed));
  const done = await act(url, { ON_OUTAGE: 'allow', ...settings });
  expect(done).toMatchObject({
    code: 1,
    output: { allowed: 'false' },
    out: expect.stringMatching(new RegExp(`^::error::.*${name}`)),
  });
  expect(received).toEqual([]);
});

test.each([
  ['an HTML page of another server', { status: 200, body: '<html>allowed</html>' }],
  ['an empty response', { status: 200, body: '' }],
  ['a refusal with status 200', answer(200, { ...allowed, allowed: false })],
  ['a redirect', { status: 302, headers: { location: 'https://login.example.com' } }],
  ['an unknown address', answer(404, { detail: 'there is nothing' })],
] as [string, Reply][])('only an explicit approval counts: %s', async (_, reply) => {
  const { url } = await vendor(reply);
  expect(await act(url, { ON_OUTAGE: 'allow' })).toMatchObject({ code: 1, output: { allowed: 'false' } });
});

describe('the signed state during an outage', () => {
  const issuer = new Issuer();
  let folder: string;
  let STATE: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firebreak-action-state-'));
    STATE = join(folder, 'states/freeze.json');
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** A Firebreak that responds once and then fails. */
  async function lastSaid(claims: object, status = 200): Promise<string> {
    const { url } = await vendorThat(({ path }, n): Reply => {
      if (path === '/.well-known/jwks.json') return { body: JSON.stringify(issuer.jwks) };
      const body = { ...allowed, allowed: status === 200, reasons: [{ code: 'person', text: 'stocktaking' }] };
      return n > 0 ? { status: 503 } : answer(status, { ...body, signed_state: issuer.sign(claims) });
    });
    const done = await act(url, { STATE, KEYS: issuer.kid });
    expect(done).toMatchObject({ code: status === 200 ? 0 : 1, output: { outage: 'false' } });
    expect(done.out).not.toContain('::warning::');
    return url;
  }

  test('decides, and allows a rollback to a known good version', async () => {
    const url = await lastSaid(frozen(), 423);
    const settings = { STATE, KEYS: issuer.kid, ON_OUTAGE: 'allow', COMMIT: '' };
    const done = await Promise.all(
      [{}, { VERSION: 'good' }, { VERSION: 'good', CHANGE: 'hotfix' }, { VERSION: 'bad' }].map((asked) =>
        act(url, { ...settings, ...asked }),
      ),
    );
    expect(done.map(({ code, output }) => [code, output['allowed'], output['outage'], output['verdict']])).toEqual([
      [1, 'false', 'true', 'outage'],
      [0, 'true', 'true', 'outage'],
      [1, 'false', 'true', 'outage'],
      [1, 'false', 'true', 'outage'],
    ]);
    expect(done[0]?.out).toMatch(/^::error::Firebreak could not be reached \(status 503\): .*stocktaking/m);
  });

  test('is accepted only with a trusted key', async () => {
    const url = await lastSaid(clear());
    const [named, other] = await Promise.all([
      act(url, { STATE, KEYS: issuer.kid }),
      act(url, { STATE, KEYS: new Issuer().kid }),
    ]);
    expect(named).toMatchObject({ code: 0, out: expect.stringContaining('::warning::Firebreak could not be reached') });
    expect(other).toMatchObject({ code: 1, out: expect.stringContaining('not trusted here') });
  });

  test('is not stored if another key signed it, and the log says so', async () => {
    const { url } = await vendorThat(({ path }) =>
      path === '/.well-known/jwks.json'
        ? { body: JSON.stringify(issuer.jwks) }
        : answer(200, { ...allowed, signed_state: issuer.sign(clear()) }),
    );
    const done = await act(url, { STATE, KEYS: new Issuer().kid });
    expect(done).toMatchObject({ code: 0, out: expect.stringMatching(/^::warning::.*not trusted here/m) });
  });
});
