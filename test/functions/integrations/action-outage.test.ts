import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nobody, type Reply, vendor } from '../../integrations/server.ts';

const SCRIPT = join(import.meta.dirname, '../../../action/freeze-check.sh');

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
};

/** Runs the action's script against a Firebreak that answers so. */
async function act(url: string, more: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-action-'));
  const env = {
    PATH: process.env['PATH'] ?? '',
    FIREBREAK_URL: url,
    ...SETTINGS,
    ...more,
    GITHUB_OUTPUT: join(folder, 'output'),
  };
  try {
    const done = await new Promise<{ code: number; out: string }>((resolve) => {
      execFile('bash', [SCRIPT], { env }, (error, out) => resolve({ code: Number(error?.code ?? 0), out }));
    });
    const output = await readFile(env.GITHUB_OUTPUT, 'utf8').catch(() => '');
    return { ...done, output: Object.fromEntries(output.split('\n').map((line) => line.split('='))) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const answer = (status: number, body: object): Reply => ({ status, body: JSON.stringify(body) });
const allowed = { allowed: true, verdict: 'allow', reasons: [], decision_id: 'frd_1', token: 'secret-token' };

test.each([
  ['deny', 1, 'false', '::error::Firebreak could not be reached'],
  ['allow', 0, 'true', '::warning::Firebreak could not be reached'],
])(
  'where nobody answers, it does what on-outage says, and says so: %s',
  { timeout: 60_000 },
  async (ON_OUTAGE, code, is, said) => {
    const done = await act(await nobody(), { ON_OUTAGE });
    expect(done).toMatchObject({
      code,
      output: { allowed: is, verdict: 'outage' },
      out: expect.stringContaining(said),
    });
  },
);

test('a fault is no answer, and a refusal of the question is one', { timeout: 60_000 }, async () => {
  const down = await vendor({ status: 500 });
  expect(await act(down.url, { ON_OUTAGE: 'allow' })).toMatchObject({ code: 0, output: { verdict: 'outage' } });
  const unknown = await vendor(answer(401, { detail: 'send a token' }));
  expect(await act(unknown.url, { ON_OUTAGE: 'allow' })).toMatchObject({
    code: 1,
    output: { allowed: 'false' },
    out: expect.stringContaining('- send a token'),
  });
});

test('what it is told is for the next steps, the token hidden from the log', async () => {
  const { url } = await vendor(answer(200, allowed));
  const done = await act(url);
  expect(done).toMatchObject({
    code: 0,
    output: { allowed: 'true', verdict: 'allow', 'decision-id': 'frd_1', 'freeze-token': 'secret-token' },
  });
  expect(done.out).toContain('::add-mask::secret-token');
});

test('reasons of others are no commands of the runner', async () => {
  const text = '::set-output name=allowed::true\n::error::x ##[add-mask]y';
  const { url } = await vendor(
    answer(423, { ...allowed, allowed: false, token: null, reasons: [{ code: 'person', text }] }),
  );
  const { code, out } = await act(url);
  expect(code).toBe(1);
  const commands = out.split('\n').filter((line) => /^\s*::|##\[/.test(line));
  expect(commands).toEqual(['::error::checkout is frozen in production (frd_1)']);
});

test('a kind that passes by policy comes with the identity of the job', async () => {
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
