import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { deployerFor } from '../../../vendors/rollback-targets.ts';
import { mintIncidentId } from '../../../core/stores/ids.ts';
import type { Deployer } from '../../../core/domain/rollback/targets.ts';
import { githubAccess } from '../../../vendors/github/access.ts';
import { githubDeployer } from '../../../vendors/github/deployer.ts';
import { repositoryName } from '../../../vendors/github/rest.ts';
import { Config } from '../../../schemas/config/config.ts';
import { DeployerConfig } from '../../../schemas/rollback/targets.ts';
import { type GithubDeployer } from '../../../vendors/github/schema.ts';
import type { Version } from '../../../schemas/config/names.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { calls, exchange, setFault } from '../../../packages/sandbox/test/support.ts';
import { githubWorld, type GithubWorld, REPOSITORY, REQUEST } from './world.ts';
import { type Reply, vendor } from '../server.ts';
import { conforms } from '../target-conformance.ts';
import { standInsAt } from '../../../core/domain/catalogue/vendors.ts';

describe('via: rerun', () => {
  conforms(() => githubWorld());
});
describe('via: revert, with a commit', () => {
  conforms(() => githubWorld({ via: 'revert', mode: 'commit' }));
});

const words = (...parts: string[]): unknown => expect.stringMatching(new RegExp(parts.join('[^]*')));

const DAY_MS = 24 * 3_600_000;

type Run = { id: number; run_attempt: number; head_sha: string };
const runOf = async (world: GithubWorld, sha: string): Promise<Run> => {
  const [run] = (await world.read<{ workflow_runs: Run[] }>(`/actions/runs?head_sha=${sha}`)).workflow_runs;
  if (!run) throw new Error(`no run of ${sha}`);
  return run;
};
const named = ({ id: run }: { id: number }) => ({ repository: REPOSITORY, run });

/** Creates a deployment without a workflow run. */
async function deployByHand(world: GithubWorld, ref: string): Promise<void> {
  const { id } = await world.make('/deployments', { ref });
  await world.make(`/deployments/${id}/statuses`, { state: 'success' });
}

/** Starts a rollback and returns its handle. */
async function begin(world: GithubWorld): Promise<string> {
  const answer = await world.deployer.rollBack(world.request);
  if (answer.kind !== 'in_progress' || answer.handle === null) throw new Error(`not begun: ${JSON.stringify(answer)}`);
  return answer.handle;
}

describe('a re-run', () => {
  test('has the ID of its run, which people can look up', async () => {
    const world = await githubWorld();
    const { id } = await runOf(world, world.shas.v41);
    const handle = `${id}/2`;
    expect(await world.deployer.rollBack(world.request)).toEqual({ kind: 'in_progress', id: String(id), handle });
  });

  test.each([
    ['names of tags', (world: GithubWorld) => ({ from: world.shas.v42, to: world.shas.v41 })],
    [
      'ids that are shortened',
      (world: GithubWorld) => ({ from: world.shas.v42.slice(0, 9), to: world.shas.v41.slice(0, 9) }),
    ],
  ])('finds versions without their commits: %s', async (_, versions) => {
    const world = await githubWorld();
    const { from, to } = versions(world) as { from: Version; to: Version };
    const request = { ...world.request, from, to, fromCommit: null, toCommit: null };
    expect(await world.deployer.rollBack(request)).toMatchObject({ kind: 'in_progress' });
  });

  test.each([9, 12])('finds the running and the previous version behind %i failed deployments', async (failed) => {
    const world = await githubWorld();
    for (let n = 0; n < failed; n += 1) {
      const { id } = await world.make('/deployments', { ref: 'v42' });
      await world.make(`/deployments/${id}/statuses`, { state: 'failure' });
    }
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'in_progress' });
  });

  test('finds the earlier good deployment if the newest one of the version failed', async () => {
    const world = await githubWorld();
    for (let n = 0; n < 12; n += 1) {
      const { id } = await world.make('/deployments', { ref: n === 5 ? 'v41' : 'v42' });
      await world.make(`/deployments/${id}/statuses`, { state: n === 5 ? 'failure' : 'success' });
    }
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'in_progress' });
  });

  test('is refused if no deployment in the read range succeeded, because older successes prove nothing', async () => {
    const world = await githubWorld();
    for (let n = 0; n < 50; n += 1) await world.make('/deployments', { ref: 'v42' });
    expect(await world.deployer.rollBack(world.request)).toEqual({ kind: 'refused', detail: words('what runs') });
  });

  test('is refused after 30 days, with an alternative', async () => {
    const world = await githubWorld();
    world.time.forward(30 * DAY_MS);
    const answer = await world.deployer.rollBack(world.request);
    expect(answer).toEqual({ kind: 'refused', detail: words('older than 30 days', 'via: revert') });
  });

  test("that GitHub refuses reports GitHub's message and an alternative", async () => {
    const world = await githubWorld();
    const message = 'Unable to retry this workflow run because it was created over a month ago';
    const { id } = await runOf(world, world.shas.v41);
    const match = { method: 'POST', path: `/repos/${REPOSITORY}/actions/runs/${id}/rerun` };
    const fault = { kind: 'status', status: 403, body: { message } } as const;
    await setFault(world.standIns, { vendor: 'github', fault, match });
    expect(await world.deployer.rollBack(world.request)).toEqual({
      kind: 'refused',
      detail: words('over a month ago', 'via: revert'),
    });
  });

  test('waits for an approval of its environment and then succeeds', async () => {
    const world = await githubWorld();
    await world.tell('PUT', '/settings', { approval: true });
    const handle = await begin(world);
    await world.settle();
    expect(await world.deployer.status(handle, world.request)).toMatchObject({ kind: 'in_progress', handle });
    await world.tell('POST', '/approvals', named(await runOf(world, world.shas.v41)));
    await world.settle();
    expect(await world.deployer.status(handle, world.request)).toMatchObject({ kind: 'succeeded' });
  });

  test('is not blocked by a deployment that waits for an approval', async () => {
    const world = await githubWorld();
    await world.tell('PUT', '/settings', { approval: true });
    await world.push('v43');
    await world.tell('PUT', '/settings', {});
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'in_progress' });
  });

  test('by a person is followed instead of repeated', async () => {
    const world = await githubWorld();
    const { id } = await runOf(world, world.shas.v41);
    await world.make(`/actions/runs/${id}/rerun`, {});
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'in_progress', handle: `${id}/2` });
    await world.settle();
    expect(await world.deployer.status(`${id}/2`, world.request)).toMatchObject({ kind: 'succeeded' });
    expect(await world.begun()).toBe(1);
  });

  test("from before the incident doesn't count", async () => {
    const world = await githubWorld();
    const { id } = await runOf(world, world.shas.v41);
    await world.make(`/actions/runs/${id}/rerun`, {});
    await world.settle('failing');
    world.time.forward(600_000);
    const incident = mintIncidentId(timestamp(world.time.now()));
    const answer = await world.deployer.rollBack({ ...world.request, incident });
    expect(answer).toMatchObject({ kind: 'in_progress', handle: `${id}/3` });
  });

  test('that failed is not repeated automatically', async () => {
    const world = await githubWorld();
    await begin(world);
    await world.settle('failing');
    expect(await world.deployer.rollBack(world.request)).toEqual({
      kind: 'failed',
      detail: words('attempt 2', 'ended with failure'),
    });
    expect(await world.begun()).toBe(1);
  });

  test('keeps its result when a person re-runs it', async () => {
    const world = await githubWorld();
    const handle = await begin(world);
    await world.settle('failing');
    await world.make(`/actions/runs/${handle.split('/')[0]}/rerun`, {});
    expect(await world.deployer.status(handle, world.request)).toMatchObject({ kind: 'failed' });
  });

  test('followed by another deployment is superseded', async () => {
    const world = await githubWorld();
    const handle = await begin(world);
    await world.settle();
    const current = await world.ship();
    expect(await world.deployer.status(handle, world.request)).toEqual({ kind: 'superseded', current });
  });

  test('that deploys nothing here is a failure, after the delay for the last status', async () => {
    const world = await githubWorld();
    const { id } = await world.make('/deployments', { ref: 'v41', environment: 'staging' });
    await world.make(`/deployments/${id}/statuses`, { state: 'success' });
    const staging = await world.tell<Run>('POST', '/deploys', {
      repository: REPOSITORY,
      ref: world.shas.v41,
      environment: 'staging',
    });
    await world.settle();
    const handle = `${staging.id}/1`;
    expect(await world.deployer.status(handle, world.request)).toMatchObject({ kind: 'in_progress', handle });
    world.time.forward(60_000);
    expect(await world.deployer.status(handle, world.request)).toEqual({
      kind: 'failed',
      detail: words('deployed nothing', 'is still running'),
    });
  });

  test('is refused if both versions are the same commit', async () => {
    const world = await githubWorld();
    const request = { ...world.request, toCommit: world.shas.v42 };
    expect(await world.deployer.rollBack(request)).toEqual({ kind: 'refused', detail: words('the same commit') });
  });

  test('is refused if nothing was ever deployed', async () => {
    const { deployer, request } = await githubWorld({}, 'qa');
    expect(await deployer.rollBack(request)).toEqual({ kind: 'refused', detail: words('qa') });
    expect(await deployer.checkDrift?.(request)).toEqual({ kind: 'unknown', detail: words('qa') });
  });

  test('uses the only successful run of a commit if the deployment names none', async () => {
    const world = await githubWorld();
    const sha = await world.push('v43', { branch: 'release' });
    const ours = { to: 'v43' as Version, toCommit: sha };
    await deployByHand(world, sha);
    await deployByHand(world, world.shas.v42);
    const request = { ...world.request, ...ours };
    expect(await world.deployer.rollBack(request)).toEqual({
      kind: 'refused',
      detail: words('names no workflow run', '0 runs', 'via: revert'),
    });
    const run = await world.tell<Run>('POST', '/deploys', { repository: REPOSITORY, ref: sha, environment: 'staging' });
    await world.settle();
    expect(await world.deployer.rollBack(request)).toMatchObject({ kind: 'in_progress', handle: `${run.id}/2` });
  });

  test('with an invalid handle is refused', async () => {
    const world = await githubWorld();
    expect(await world.deployer.status('nonsense', world.request)).toMatchObject({ kind: 'refused' });
    expect(await world.deployer.status('77/1', world.request)).toEqual({ kind: 'failed', detail: words('77') });
  });
});

describe('a revert', () => {
  const review = () => githubWorld({ via: 'revert' });
  const merge = (world: GithubWorld, how = 'merge') =>
    world.tell('POST', '/merges', { repository: REPOSITORY, number: 1, how });

  test('opens a pull request, waits for it, and follows the deployment of the merge', async () => {
    const world = await review();
    const url = `${world.standIns.urls.github}/${REPOSITORY}/pull/1`;
    const waitsFor = `the pull request ${url} must be merged`;
    const asked = { kind: 'in_progress', id: url, handle: 'pull/1', waitsFor };
    expect(await world.deployer.rollBack(world.request)).toEqual(asked);
    await world.settle();
    expect(await world.deployer.status('pull/1', world.request)).toEqual(asked);
    expect(await world.deployer.rollBack(world.request)).toEqual(asked);
    expect(await world.begun()).toBe(1);

    await merge(world);
    const merged = await world.deployer.status('pull/1', world.request);
    expect(merged).toMatchObject({ kind: 'in_progress' });
    expect(merged).not.toHaveProperty('waitsFor');
    await world.settle();
    expect(await world.deployer.status('pull/1', world.request)).toMatchObject({ kind: 'succeeded' });
    expect(await world.running()).toBe('v41');
    expect(await world.deployer.checkDrift?.(world.request)).toEqual({ kind: 'holds' });
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'succeeded' });
    await world.drift?.();
    expect(await world.deployer.checkDrift?.(world.request)).toMatchObject({ kind: 'drifted' });
  });

  test('whose pull request is closed is a failure', async () => {
    const world = await review();
    await world.deployer.rollBack(world.request);
    await merge(world, 'close');
    expect(await world.deployer.status('pull/1', world.request)).toEqual({
      kind: 'failed',
      detail: words('/pull/1 was closed without being merged'),
    });
  });

  test('contains the reason, without mentions or references', async () => {
    const world = await review();
    await world.deployer.rollBack(world.request);
    const [pull] = await world.read<{ title: string; body: string }[]>('/pulls');
    expect(pull?.title).toBe('Roll checkout-api in production back from v42 to v41');
    expect(pull?.body).toContain(`Incident ${world.request.incident}: \`HighErrorBurnRate, says @alice; fixes #7\``);
  });

  test('with a lost response is found by the retry', async () => {
    const world = await review();
    await world.trouble('lost_answer');
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'later' });
    expect(await world.deployer.rollBack(world.request)).toMatchObject({ kind: 'in_progress', handle: 'pull/1' });
    expect(await world.begun()).toBe(1);
  });

  test('whose runs fail before they deploy is a failure', async () => {
    const world = await githubWorld({ via: 'revert', mode: 'commit' });
    await world.tell('PUT', '/settings', { environment: 'staging' });
    const handle = await begin(world);
    expect(await world.deployer.status(handle, world.request)).toMatchObject({ kind: 'in_progress' });
    await world.settle('failing');
    expect(await world.deployer.status(handle, world.request)).toEqual({
      kind: 'failed',
      detail: words('/actions/runs/', 'ended with failure'),
    });
  });

  test('that already exists is followed, and is unnecessary if its commit runs', async () => {
    const world = await githubWorld({ via: 'revert', mode: 'commit' });
    await world.tell('PUT', '/settings', { on_push: false });
    const sha = await world.push('v41');
    const first = await world.deployer.rollBack(world.request);
    expect(first).toEqual({ kind: 'in_progress', id: sha, handle: `commit/${sha}` });
    await deployByHand(world, sha);
    expect(await world.deployer.status(`commit/${sha}`, world.request)).toMatchObject({ kind: 'succeeded' });
    const bad = { ...world.request, from: 'v41-again' as Version, fromCommit: sha };
    expect(await world.deployer.rollBack(bad)).toEqual({ kind: 'refused', detail: words('nothing to revert') });
  });

  test('of a path keeps the rest', async () => {
    const world = await githubWorld({ via: 'revert', mode: 'commit', path: 'app' });
    await world.push('v42', { files: { 'README.md': 'New words' } });
    await world.settle();
    const head = await world.read<{ commit: { sha: string } }>('/branches/main');
    const request = { ...world.request, from: 'v42b' as Version, fromCommit: head.commit.sha };
    expect(await world.deployer.rollBack(request)).toMatchObject({ kind: 'in_progress' });
    await world.settle();
    // neither of the two versions, because their README differs
    expect(await world.running()).toMatch(/^[0-9a-f]{40}$/);
  });

  test('with an invalid handle is refused', async () => {
    const world = await review();
    expect(await world.deployer.status('7/1', world.request)).toMatchObject({ kind: 'refused' });
  });
});

describe('a refusal by GitHub', () => {
  const answered = async (...replies: [Reply, ...Reply[]]) => {
    const { url, received } = await vendor(...replies);
    return { received, answer: await at(url).rollBack(REQUEST) };
  };
  const body = JSON.stringify({ message: 'Bad credentials' });
  const reset = String(Date.parse('2026-11-20T06:53:00Z') / 1000);
  const exceeded = JSON.stringify({ message: 'API rate limit exceeded for user ID 1.' });
  const secondary = exchange('github/secondary-rate-limit-403').response;

  test.each<[string, Reply, object]>([
    [
      'no longer valid',
      { status: 401, body },
      { kind: 'refused', detail: words('401: Bad credentials', 'token is invalid') },
    ],
    [
      'no permission',
      { status: 403, body: '{"message":"Resource not accessible"}' },
      { kind: 'refused', detail: words('docs/how-to/github.md') },
    ],
    [
      'not seen',
      { status: 404, body: '{"message":"Not Found"}' },
      { kind: 'refused', detail: words('/deployments', '404', 'has no access') },
    ],
    ['gone', { status: 410, body: '{"message":"Gone"}' }, { kind: 'refused', detail: words('410') }],
    ['moved', { status: 301, headers: { location: 'http://127.0.0.1:1/' } }, { kind: 'refused', detail: words('301') }],
    ['no JSON', { status: 200, body: '<html>' }, { kind: 'refused', detail: words('form') }],
    ['a fault', { status: 503 }, { kind: 'later', detail: words('503'), afterSeconds: null }],
    ['the secondary limit', secondary, { kind: 'later', detail: words('secondary'), afterSeconds: 60 }],
    [
      'the primary limit',
      { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }, body: exceeded },
      { kind: 'later', detail: words('exceeded'), afterSeconds: 300 },
    ],
  ])('%s', async (_, reply, expected) => {
    const { answer, received } = await answered(reply);
    expect(answer).toEqual(expected);
    expect(received).toHaveLength(1);
    expect(received[0]?.headers).toMatchObject({
      authorization: 'Bearer ghs_test',
      'x-github-api-version': '2022-11-28',
      'user-agent': 'firebreak',
    });
  });

  test('without a token, nothing is called', async () => {
    const { url, received } = await vendor({ status: 200 });
    expect(await at(url, null).rollBack(REQUEST)).toEqual({ kind: 'refused', detail: words('token') });
    expect(received).toEqual([]);
  });
});

describe('documented objects', () => {
  const body = <T>(name: string): T => {
    const file = new URL(`../../fixtures/github/${name}.request.json`, import.meta.url);
    return JSON.parse((JSON.parse(readFileSync(file, 'utf8')) as { body: string }).body) as T;
  };
  const { deployment, deployment_status: status } = body<{
    deployment: { sha: string };
    deployment_status: object;
  }>('deployment-status-success');

  test('a deployment and its status', async () => {
    const { url, received } = await vendor({ body: JSON.stringify([deployment]) }, { body: JSON.stringify([status]) });
    expect(await at(url).checkDrift?.({ ...REQUEST, toCommit: deployment.sha })).toEqual({ kind: 'holds' });
    expect(received.map(({ path }) => path)).toEqual([
      `/repos/${REPOSITORY}/deployments?environment=production&page=1&per_page=10`,
      `/repos/${REPOSITORY}/deployments/2459887466/statuses?per_page=100`,
    ]);
  });

  test('a workflow run', async () => {
    const { workflow_run: run } = body<{ workflow_run: object }>('workflow-run-completed-failure-attempt-2');
    const { url } = await vendor({ body: JSON.stringify(run) });
    const deployer = at(url);
    expect(await deployer.status('6789012345/2', REQUEST)).toEqual({
      kind: 'failed',
      detail: `attempt 2 of https://github.com/${REPOSITORY}/actions/runs/6789012345 ended with failure`,
    });
    expect(await deployer.status('6789012345/3', REQUEST)).toMatchObject({ kind: 'in_progress' });
  });
});

test('the resource is the environment, because one run deploys all its services', () => {
  const deployer = at('http://127.0.0.1:1');
  expect(deployer.resource).toBe('github ["octo-org/checkout-api","production"]');
  expect(deployer.target).toBe('GitHub octo-org/checkout-api, environment production');
});

describe('the configuration', () => {
  const wired = async (entry: object, repository?: string) => {
    const { url, received } = await vendor({ status: 404 });
    const secrets: Record<string, string> = { GITHUB_API_URL: url, GITHUB_TOKEN: 'ghs_test', OTHER: 'ghs_other' };
    const services = { 'checkout-api': { ...(repository && { repository }) } };
    const set = Config.parse({ version: '1', services, paging: {} });
    const reach = { secrets: { get: async (name: string) => secrets[name] }, clock: { now: () => timestamp(0) } };
    const deployer = await deployerFor(DeployerConfig.parse({ kind: 'github', ...entry }), {
      serviceEnvironment: REQUEST,
      ...reach,
      standIns: standInsAt([]),
      github: githubAccess(reach),
      config: { current: async () => set, problems: async () => [] },
      rollbackGates: {} as never,
    });
    await deployer?.rollBack(REQUEST);
    return received.map(({ path, headers }) => `${path.split('&')[0]} ${headers.authorization}`);
  };

  test.each([
    [{}, 'https://github.com/octo-org/shop', '/repos/octo-org/shop/deployments?environment=production Bearer ghs_test'],
    [
      { repository: 'a/b', environment: 'live', auth: { bearer: 'OTHER' } },
      undefined,
      '/repos/a/b/deployments?environment=live Bearer ghs_other',
    ],
  ])('%j for a service of the repository %j', async (entry, repository, asked) => {
    expect(await wired(entry, repository)).toEqual([asked]);
  });

  test('creates no deployer without a repository', async () => {
    expect(await wired({})).toEqual([]);
  });
});

test("the token is sent only to the API's address", async () => {
  const world = await githubWorld();
  await begin(world);
  const asked = await calls(world.standIns, '?vendor=github');
  expect(asked.every(({ path }) => path.startsWith(`/repos/${REPOSITORY}/`))).toBe(true);
});

test.each([
  ['acme/checkout', 'acme/checkout'],
  ['https://github.com/acme/checkout.git', 'acme/checkout'],
  ['git@github.com:acme/checkout.git', 'acme/checkout'],
  ['ssh://git@github.example.com/acme/checkout', 'acme/checkout'],
  ['github.com/acme/checkout/', 'acme/checkout'],
  ['checkout', undefined],
  ['https://gitlab.com/group/sub/project', undefined],
  ['', undefined],
])('the catalog entry %j is the repository %j', (text, name) => {
  expect(repositoryName(text)).toBe(name);
});

/** Creates a deployer without a stand-in. */
function at(url: string, token: string | null = 'ghs_test'): Deployer {
  const entry = DeployerConfig.parse({ kind: 'github' }) as GithubDeployer;
  const now = timestamp(Date.parse('2026-11-20T06:48:00Z'));
  return githubDeployer(entry, {
    apiUrl: url,
    token: async () => token ?? undefined,
    clock: { now: () => now },
    repository: REPOSITORY,
    environment: 'production',
  });
}
