import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { have } from '../../../support/prometheus-stack.ts';
import { Firebreak } from '../../../support/firebreak.ts';
import { nobody, vendor } from '../../../vendors/server.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');
const sha = (digit: string): string => digit.repeat(40);

let firebreak: Firebreak;
let token: string;
beforeAll(async () => {
  const environments = { production: {} };
  firebreak = await Firebreak.start({ unshown: true, timeScale: 1, services: { checkout: { environments } } });
  const { body } = await firebreak.post('/v1/tokens', { name: 'ci', actions: ['deployments:write'] });
  token = body.token;
});
afterAll(() => firebreak?.remove());

type Ran = { code: number; said: string; outputs: Record<string, string> };

/** Runs a script like a CI job, with this machine's tools but without its environment. */
async function run(command: string[], env: Record<string, string>): Promise<Ran> {
  const [program = 'sh', ...args] = command;
  const cwd = await mkdtemp(join(tmpdir(), 'firebreak-job-'));
  const output = join(cwd, 'output');
  try {
    const base = { PATH: process.env['PATH'] ?? '', TMPDIR: cwd, GITHUB_OUTPUT: output };
    const child = spawn(program, args, { env: { ...base, ...env }, cwd });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = await once(child, 'close');
    const text = await readFile(output, 'utf8').catch(() => '');
    const outputs = Object.fromEntries(text.split('\n').flatMap((line) => (line === '' ? [] : [line.split(/=(.*)/s)])));
    return { code, said, outputs };
  } finally {
    await rm(cwd, { recursive: true });
  }
}

/**
 * Runs the steps of the example workflow that use the action, as a runner does.
 *
 * @param more further inputs
 */
async function github(
  url: string,
  version: string,
  job: 'success' | 'failure' | 'cancelled',
  more: Record<string, string> = {},
): Promise<Ran[]> {
  const { inputs, runs } = parse(await read('deploy/actions/record/action.yml'));
  const { jobs } = parse(await read('examples/record-deployments/github-workflow.yml'));
  const known: Record<string, string> = {
    'vars.FIREBREAK_URL': url,
    'secrets.FIREBREAK_TOKEN': token,
    'github.sha': version,
    'github.actor': 'ada "the" builder',
    'github.server_url': 'https://github.com',
    'github.repository': 'acme/checkout',
    'github.run_id': '77',
    'job.status': job,
  };
  const filled = (text: string): string =>
    text.replaceAll(/\$\{\{ ([\w.-]+) \}\}/g, (_, name: string) => {
      if (known[name] === undefined) throw new Error(`unknown name ${name}`);
      return known[name];
    });
  const [{ run: script, env: names }] = runs.steps;
  const ran: Ran[] = [];
  for (const step of jobs.production.steps.filter(({ uses }: any) =>
    uses?.includes('firebreak/deploy/actions/record'),
  )) {
    for (const [name, input] of Object.entries<any>(inputs))
      known[`inputs.${name}`] = filled({ ...step.with, ...more }[name] ?? input.default ?? '');
    const env = Object.fromEntries(Object.entries<string>(names).map(([name, text]) => [name, filled(text)]));
    const path = { GITHUB_ACTION_PATH: join(ROOT, 'deploy/actions/record') };
    const one = await run(['bash', '-e', '-o', 'pipefail', '-c', script], { ...env, ...path });
    for (const [name, value] of Object.entries(one.outputs)) known[`steps.${step.id}.outputs.${name}`] = value;
    ran.push(one);
  }
  return ran;
}

const recorded = async (version: string): Promise<any[]> =>
  (await firebreak.get('/v1/deployments?service=checkout&limit=50')).body.items.filter(
    (one: any) => one.version === version,
  );

describe('the GitHub action', () => {
  test.each([
    ['success', 'succeeded', sha('1')],
    ['failure', 'failed', sha('2')],
    ['cancelled', 'cancelled', sha('3')],
  ] as const)('records the start, and the end of a job with %s', async (job, status, version) => {
    const [start, end] = await github(firebreak.url, version, job);
    expect([start?.code, end?.code]).toEqual([0, 0]);
    const [change, ...others] = await recorded(version);
    expect(change).toMatchObject({
      id: start?.outputs['id'],
      status,
      commit: version,
      author: 'ada "the" builder',
      url: 'https://github.com/acme/checkout/actions/runs/77',
    });
    expect(others).toEqual([]);
    expect(change.started_at).toBe(new Date(start?.outputs['started-at'] ?? '').toISOString());
    expect(Date.parse(change.finished_at)).toBeGreaterThanOrEqual(Date.parse(change.started_at));
    expect(end?.outputs['id']).toBe(change.id);
  });

  test('records no commit of the run for another version, only the one that is given', async () => {
    const [start] = await github(firebreak.url, sha('7'), 'success', { version: 'v41' });
    expect(start?.code).toBe(0);
    expect(await recorded('v41')).toMatchObject([{ commit: null }]);
    await github(firebreak.url, sha('7'), 'success', { version: 'v43', commit: sha('8') });
    expect(await recorded('v43')).toMatchObject([{ commit: sha('8') }]);
  });

  test('warns and goes on if Firebreak does not answer, or refuses, or if a proxy answers', async () => {
    const [away, refused, proxy] = await Promise.all([
      nobody().then((url) => github(url, sha('a'), 'success')),
      vendor({ status: 422, body: '{"detail": "json: no"}' }).then(({ url }) => github(url, sha('a'), 'success')),
      vendor({ status: 200, body: '<html>' }).then(({ url }) => github(url, sha('a'), 'success')),
    ]);
    for (const [start] of [away, refused, proxy])
      expect(start).toMatchObject({ code: 0, said: expect.stringContaining('::warning::') });
    expect(refused[0]?.said).toContain('Firebreak answered 422; the deployment is not recorded as started. json: no');
    expect(proxy[0]?.outputs['id']).toBeUndefined();
  });
});

describe.runIf(have('jq'))('the script for flagd', () => {
  const flag = (state: string, defaultVariant: string, more: object = {}) => ({
    state,
    variants: { on: true, off: false },
    defaultVariant,
    ...more,
  });
  const files = async (before: object | null, after: object) => {
    const dir = await mkdtemp(join(tmpdir(), 'firebreak-flags-'));
    const paths = [join(dir, 'before.json'), join(dir, 'after.json')];
    for (const [index, flags] of [before, after].entries())
      await writeFile(
        paths[index] ?? '',
        flags === null ? '' : JSON.stringify({ $schema: 'https://flagd.dev/schema/v0/flags.json', flags }),
      );
    const env = {
      FIREBREAK_URL: firebreak.url,
      FIREBREAK_TOKEN: token,
      SERVICE: 'checkout',
      ENVIRONMENT: 'production',
      STARTED_AT: '2026-11-20T09:00:00+01:00',
      AUTHOR: 'ada',
    };
    const ran = await run(['sh', join(ROOT, 'examples/record-deployments/flagd.sh'), ...paths], env);
    await rm(dir, { recursive: true });
    return ran;
  };
  const flags = async (): Promise<any[]> =>
    (await firebreak.get('/v1/deployments?service=checkout&limit=50')).body.items
      .filter(({ kind }: any) => kind === 'flag')
      .map(({ version, started_at: at, author }: any) => [version, at, author]);

  test('records each flag that is served differently, once', async () => {
    const before = {
      basket: flag('ENABLED', 'off'),
      kept: flag('ENABLED', 'on', { metadata: { owner: 'a' } }),
      old: flag('ENABLED', 'on'),
      search: flag('ENABLED', 'on', { targeting: {} }),
    };
    const after = {
      basket: flag('ENABLED', 'on', { targeting: { if: [{ '===': [{ var: 'plan' }, 'pro'] }, 'on', 'off'] } }),
      kept: { metadata: { owner: 'b' }, ...flag('ENABLED', 'on') },
      search: flag('DISABLED', 'on'),
    };
    for (let times = 0; times < 2; times += 1) expect(await files(before, after)).toMatchObject({ code: 0 });
    const at = '2026-11-20T08:00:00.000Z';
    expect((await flags()).toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ['basket on: on', at, 'ada'],
      ['old deleted', at, 'ada'],
      ['search off', at, 'ada'],
    ]);
    expect(await files(after, after)).toMatchObject({ code: 0, said: 'no flag is served differently\n' });
    expect(await files(null, { first: flag('ENABLED', 'off') })).toMatchObject({ code: 0 });
    expect((await flags()).map(([version]) => version)).toContain('first on: off');
  });
});

describe('the script for Jenkins and others', () => {
  const script = join(ROOT, 'examples/record-deployments/record.sh');
  const env = () => ({
    FIREBREAK_URL: firebreak.url,
    FIREBREAK_TOKEN: token,
    SERVICE: 'checkout',
    ENVIRONMENT: 'production',
    VERSION: 'release "7"',
    STARTED_AT: '2026-11-20T07:00:00Z',
    AUTHOR: 'Zoë \\ Ada',
  });

  test('records the start and the end, with any text', async () => {
    for (const status of ['started', 'failed']) {
      const ran = await run(['sh', script, status], env());
      expect(ran).toMatchObject({ code: 0 });
    }
    expect(await recorded('release "7"')).toMatchObject([
      { status: 'failed', author: 'Zoë \\ Ada', started_at: '2026-11-20T07:00:00.000Z', commit: null },
    ]);
  });

  test('is called by the Jenkinsfile with each result', async () => {
    const text = await read('examples/record-deployments/Jenkinsfile');
    const calls = [...text.matchAll(/(\w+)(?: \{)? ?(?:sh) '\.\/record\.sh (\w+)'/g)].map(([, when, status]) => [
      when,
      status,
    ]);
    expect(calls).toEqual([
      ['success', 'succeeded'],
      ['failure', 'failed'],
      ['aborted', 'cancelled'],
    ]);
    expect(text).toContain("sh './record.sh started'");
  });
});

test('the job of GitLab records its start and its end', async () => {
  const file = parse(await read('examples/record-deployments/gitlab-ci.yml'));
  const { before_script: before, after_script: after, variables } = file['.firebreak-record'];
  const version = sha('9');
  const job = {
    ...variables,
    FIREBREAK_URL: firebreak.url,
    FIREBREAK_TOKEN: token,
    CI_COMMIT_SHA: version,
    CI_COMMIT_TIMESTAMP: '2026-11-20T08:50:00+02:00',
    CI_JOB_STARTED_AT: '2026-11-20T07:00:00Z',
    CI_JOB_URL: 'https://gitlab.example.com/acme/checkout/-/jobs/1',
    GITLAB_USER_LOGIN: 'ada',
  };
  const shell = (script: string[], status: string) =>
    run(['sh', '-e', '-c', script.join('\n')], { ...job, CI_JOB_STATUS: status });
  const started = await shell(before, 'running');
  expect(started).toMatchObject({ code: 0 });
  expect(await recorded(version)).toMatchObject([{ status: 'started', committed_at: '2026-11-20T06:50:00.000Z' }]);
  await shell(after, 'canceled');
  expect(await recorded(version)).toMatchObject([
    { status: 'cancelled', author: 'ada', started_at: '2026-11-20T07:00:00.000Z', url: job.CI_JOB_URL },
  ]);
  expect(file.deploy.extends).toBe('.firebreak-record');
});
