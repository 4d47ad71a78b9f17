import { onTestFinished, vi } from 'vitest';
import { mintIncidentId } from '../../../core/stores/ids.ts';
import type { RollbackCall } from '../../../core/domain/rollback/targets.ts';
import { githubDeployer } from '../../../vendors/github/deployer.ts';
import type { StandIns } from '../../../packages/sandbox/core/index.ts';
import { DeployerConfig } from '../../../schemas/rollback/targets.ts';
import { type GithubDeployer } from '../../../vendors/github/schema.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { clock, sandbox, setFault, start, UNTIL_RELEASED } from '../../../packages/sandbox/test/support.ts';
import { limitOnceHeld, untilNothingIsHeld } from '../time-limits.ts';
import type { TargetWorld, Trouble } from '../target-conformance.ts';

export const REPOSITORY = 'octo-org/checkout-api';
const RUN_MS = 3000;
const FORBIDDEN = { message: 'Resource not accessible by personal access token' };

export const REQUEST: RollbackCall = {
  service: 'checkout-api' as ServiceName,
  environment: 'production' as EnvironmentName,
  incident: '01JD4M0V00000000000000000A' as IncidentId,
  reason: 'HighErrorBurnRate, says @alice; fixes #7',
  key: '01JD4M0V00000000000000000A.roll-back.1',
  from: 'v42' as Version,
  to: 'v41' as Version,
  fromCommit: null,
  toCommit: null,
};

/** The changing call of each rollback method. */
const ACTS = {
  rerun: { method: 'POST', path: `/repos/${REPOSITORY}/actions/runs/*` },
  commit: { method: 'PATCH', path: `/repos/${REPOSITORY}/git/refs/*` },
  'pull-request': { method: 'POST', path: `/repos/${REPOSITORY}/pulls` },
} as const;

export type GithubWorld = TargetWorld & {
  standIns: StandIns;
  time: ReturnType<typeof clock>;
  /** Commits by version. */
  shas: Record<'v41' | 'v42', string>;
  /** Pushes a version, which starts its deployment. */
  push(version: string, more?: object): Promise<string>;
  /** Calls GitHub's API, relative to the repository. */
  read<T>(path: string): Promise<T>;
  make<T = { id: number }>(path: string, body: object): Promise<T>;
  /** Calls the sandbox. */
  tell<T>(method: string, path: string, body: object): Promise<T>;
};

/** Creates a repository whose pushes to main are deployed to production: v41 earlier, and then v42. */
export async function githubWorld(config: object = {}, environment = 'production'): Promise<GithubWorld> {
  const time = clock();
  const standIns = await start({ now: time.now });
  const entry = DeployerConfig.parse({ kind: 'github', ...config }) as GithubDeployer;
  const act = ACTS[entry.via === 'rerun' ? 'rerun' : entry.mode];
  const tell = <T>(method: string, path: string, body: object) => sandbox<T>(standIns, method, `/github${path}`, body);
  const ask = async <T>(path: string, init: object = {}) => {
    const headers = { authorization: 'Bearer ghs_test' };
    return (await (
      await fetch(`${standIns.urls.github}/repos/${REPOSITORY}${path}`, { headers, ...init })
    ).json()) as T;
  };
  const read = <T>(path: string) => ask<T>(path);
  const push = async (version: string, more: object = {}) => {
    const files = { 'app/version.txt': version, 'README.md': 'The shop' };
    const { sha } = await tell<{ sha: string }>('POST', '/commits', { repository: REPOSITORY, files, ...more });
    return sha;
  };
  const settle = async (how?: 'failing') => {
    await untilNothingIsHeld(standIns);
    if (how === 'failing') await endAll();
    time.forward(RUN_MS);
  };
  const endAll = async () => {
    const { workflow_runs: runs } = await read<Runs>('/actions/runs?status=in_progress');
    for (const { id } of runs) await tell('POST', '/ends', { repository: REPOSITORY, run: id, conclusion: 'failure' });
  };

  const v41 = await push('v41', { tag: 'v41' });
  await settle();
  time.forward(3_600_000);
  const v42 = await push('v42', { tag: 'v42' });
  await settle();
  time.forward(600_000);

  const incident = mintIncidentId(timestamp(time.now()));
  const request = { ...REQUEST, incident, fromCommit: v42, toCommit: v41 };
  time.forward(60_000);

  const versionOf = async (sha: string) => {
    const trees = await Promise.all(
      [v41, v42, sha].map(async (each) => (await read<Commit>(`/git/commits/${each}`)).tree.sha),
    );
    return ['v41', 'v42'][trees.slice(0, 2).indexOf(trees[2] ?? '')] ?? sha;
  };
  return {
    standIns,
    time,
    shas: { v41, v42 },
    push,
    read,
    make: (path, body) => ask(path, { method: 'POST', body: JSON.stringify(body) }),
    tell,
    settle,
    request,
    deployer: githubDeployer(entry, {
      apiUrl: standIns.urls.github,
      token: async () => 'ghs_test',
      clock: { now: () => timestamp(time.now()) },
      repository: REPOSITORY,
      environment,
    }),
    trouble: (trouble) => cause(standIns, trouble, act),
    async running() {
      for (const { id, sha } of await read<{ id: number; sha: string }[]>('/deployments?environment=production')) {
        const [status] = await read<{ state: string }[]>(`/deployments/${id}/statuses`);
        if (status?.state === 'success') return versionOf(sha);
      }
      return 'nothing';
    },
    async begun() {
      if (act === ACTS['pull-request']) return (await read<object[]>('/pulls?state=all')).length;
      if (act === ACTS.commit) {
        const commits = await read<{ commit: { message: string } }[]>('/commits');
        return commits.filter(({ commit }) => commit.message.includes('Firebreak-Key:')).length;
      }
      const { workflow_runs: runs } = await read<Runs>('/actions/runs');
      return runs.reduce((sum, { run_attempt: attempt }) => sum + attempt - 1, 0);
    },
    async ship() {
      const sha = await push('v43');
      await settle();
      return `main at ${sha.slice(0, 12)}`;
    },
    async occupy() {
      await push('v43');
    },
    async drift() {
      await push('v43');
      await settle();
    },
  };
}

type Runs = { workflow_runs: { id: number; run_attempt: number }[] };
type Commit = { tree: { sha: string } };

async function cause(standIns: StandIns, trouble: Trouble, match: { method: string; path: string }): Promise<void> {
  const fault = {
    lost_answer: { kind: 'lost' },
    late_effect: { kind: 'late', delay_ms: UNTIL_RELEASED },
    throttled: { kind: 'rate_limit' },
    refused: { kind: 'status', status: 403, body: FORBIDDEN },
    server_error: { kind: 'status', status: 502 },
  } as const;
  if (trouble === 'late_effect') giveUpOn(standIns, match);
  await setFault(standIns, { vendor: 'github', fault: fault[trouble], times: 1, match });
}

/** Limits the time of the next matching call to less than the vendor needs. */
function giveUpOn(standIns: StandIns, { method, path }: { method: string; path: string }): void {
  const real = globalThis.fetch;
  const spy = vi.spyOn(globalThis, 'fetch');
  onTestFinished(() => spy.mockRestore());
  const signal = limitOnceHeld(standIns, () => spy.mockRestore());
  spy.mockImplementation((input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const isIt = init?.method === method && new URL(url).pathname.startsWith(path.replace('*', ''));
    return real(input, isIt ? { ...init, signal } : init);
  });
}
