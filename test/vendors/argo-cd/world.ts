import { onTestFinished, vi } from 'vitest';
import type { RollbackCall } from '../../../core/domain/rollback/targets.ts';
import { argoCdDeployer } from '../../../vendors/argo-cd/deployer.ts';
import { type GitReverter, gitReverter } from '../../../vendors/github/revert.ts';
import type { StandIns } from '../../../packages/sandbox/core/index.ts';
import { type ArgoCdDeployer } from '../../../vendors/argo-cd/schema.ts';
import { DeployerConfig } from '../../../schemas/rollback/targets.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { calls, clock, sandbox, setFault, start, UNTIL_RELEASED } from '../../../packages/sandbox/test/support.ts';
import { limitOnceHeld, untilNothingIsHeld } from '../time-limits.ts';
import type { TargetWorld, Trouble } from '../target-conformance.ts';

export const APPLICATION = 'checkout-api';
export const REPOSITORY = 'octo-org/deploy';
export const PATH = 'apps/checkout-api';

/** Milliseconds, enough for a sync and its rollout. */
const SYNC_MS = 10_000;

const ROLLBACK: Act = {
  vendor: 'argo-cd',
  match: { method: 'POST', path: `/api/v1/applications/${APPLICATION}/rollback` },
};
const COMMIT: Act = { vendor: 'github', match: { method: 'PATCH', path: `/repos/${REPOSITORY}/git/refs/*` } };
type Act = { vendor: 'argo-cd' | 'github'; match: { method: string; path: string } };

export type ArgoWorld = TargetWorld & {
  standIns: StandIns;
  time: ReturnType<typeof clock>;
  /** Sends a command about the application to the stand-in. */
  tell<T>(method: string, path: string, body: unknown): Promise<T>;
  settings(change: object): Promise<void>;
  /** Reads the application from the API. */
  read<T = Shown>(path?: string): Promise<T>;
};

export type Shown = {
  metadata: { annotations?: Record<string, string> };
  spec: { syncPolicy?: { automated?: object } };
  operation?: object;
  status: { history: { id: number; revision: string }[]; operationState?: { phase: string } };
};

/** The options of a test world. */
export type Making = {
  config?: object;
  application?: object;
  git?: GitReverter;
  /** The revisions of `v41` and `v42`. */
  revisions?: { v41: string; v42: string };
  act?: Act;
  standIns?: StandIns;
  time?: ReturnType<typeof clock>;
};

const REVISIONS = { v41: '9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b', v42: '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1' };
export const V43 = '7d6c5b4a39281706f5e4d3c2b1a0998877665544';

/** Starts an application without automated sync, with the deployments v41 and then v42. */
export async function argoWorld(making: Making = {}): Promise<ArgoWorld> {
  const { config = {}, application = {}, revisions = REVISIONS, act = ROLLBACK, time = clock() } = making;
  const standIns = making.standIns ?? (await start({ now: time.now }));
  const tell = <T>(method: string, path: string, body: unknown) =>
    sandbox<T>(standIns, method, `/argo-cd/applications/${APPLICATION}${path}`, body);
  const headers = { authorization: 'Bearer argocd-test-token' };
  const url = `${standIns.urls['argo-cd']}/api/v1/applications/${APPLICATION}`;
  const read = async <T>(path = '') => (await (await fetch(url + path, { headers })).json()) as T;
  const shown = () => read<Shown>();
  const settings = async (change: object) => void (await sandbox(standIns, 'PUT', '/argo-cd/settings', change));
  const deploy = (revision: string, version: string) =>
    tell('POST', '/deploy', { revision, images: imagesOf(version) });

  await tell('PUT', '', {
    project: 'payments',
    history: [
      { revision: revisions.v41, images: imagesOf('v41') },
      { revision: revisions.v42, images: imagesOf('v42') },
    ],
    ...application,
  });
  time.forward(SYNC_MS);

  const entry = DeployerConfig.parse({ kind: 'argo-cd', ...config }) as ArgoCdDeployer;
  return {
    standIns,
    time,
    tell,
    settings,
    read,
    request: requestFor(revisions),
    deployer: argoCdDeployer(entry, {
      url: standIns.urls['argo-cd'],
      serviceEnvironment: { service: APPLICATION as ServiceName, environment: 'production' as EnvironmentName },
      secrets: { get: async (name) => (name === 'ARGOCD_TOKEN' ? 'argocd-test-token' : undefined) },
      clock: { now: () => timestamp(time.now()) },
      git: making.git,
    }),
    trouble: (trouble) => cause(standIns, trouble, act),
    async settle(how) {
      await untilNothingIsHeld(standIns);
      await settings({ outcome: how === 'failing' ? 'Failed' : 'Succeeded' });
      time.forward(SYNC_MS);
    },
    async running() {
      const revision = (await shown()).status.history.at(-1)?.revision;
      return Object.entries(revisions).find(([, each]) => each === revision)?.[0] ?? String(revision);
    },
    begun: async () =>
      (await calls(standIns, '?vendor=argo-cd')).filter(
        ({ method, path, outcome }) => method === 'POST' && path.endsWith('/rollback') && outcome === 200,
      ).length,
    async ship() {
      await deploy(V43, 'v43');
      return V43;
    },
    async occupy() {
      await tell('POST', '/commit', { revision: V43, images: imagesOf('v43') });
      await read('?refresh=normal'); // starts automated sync
      await fetch(`${url}/sync`, { method: 'POST', headers, body: JSON.stringify({ revision: V43 }) });
    },
    async drift() {
      await deploy(V43, 'v43');
    },
  };
}

export const imagesOf = (version: string): string[] => [`registry.example.com/checkout-api:${version}`, 'envoy:1.31'];

export const requestFor = ({ v41, v42 }: { v41: string; v42: string }): RollbackCall => ({
  service: APPLICATION as ServiceName,
  environment: 'production' as EnvironmentName,
  incident: '01JD4M0V00000000000000000A' as IncidentId,
  reason: 'HighErrorBurnRate on checkout-api',
  key: '01JD4M0V00000000000000000A.roll-back.1',
  from: 'v42' as Version,
  to: 'v41' as Version,
  fromCommit: v42,
  toCommit: v41,
});

async function cause(standIns: StandIns, trouble: Trouble, { vendor, match }: Act): Promise<void> {
  const message = 'permission denied: applications, sync, payments/checkout-api, sub: firebreak';
  const fault = {
    lost_answer: { kind: 'lost' },
    late_effect: { kind: 'late', delay_ms: UNTIL_RELEASED },
    throttled: { kind: 'rate_limit' },
    refused: { kind: 'status', status: 403, body: { error: message, code: 7, message } },
    server_error: { kind: 'status', status: 502 },
  } as const;
  if (trouble === 'late_effect') giveUpOn(standIns, match);
  await setFault(standIns, { vendor, fault: fault[trouble], times: 1, match });
}

/** Limits the time of the next matching call to less than the vendor needs. */
function giveUpOn(standIns: StandIns, { method, path }: { method: string; path: string }): void {
  const real = globalThis.fetch;
  const spy = vi.spyOn(globalThis, 'fetch');
  onTestFinished(() => spy.mockRestore());
  const signal = limitOnceHeld(standIns, () => spy.mockRestore());
  spy.mockImplementation((input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : String(input));
    const isIt = init?.method === method && pathname.startsWith(path.replace('*', ''));
    return real(input, isIt ? { ...init, signal } : init);
  });
}

export type GitWorld = ArgoWorld & {
  shas: { v41: string; v42: string };
  /** @param search the version of another application in the same repository */
  push(version: string, search?: string): Promise<string>;
  /** Returns the repository's entry at a path. */
  entry(commit: string, path: string): Promise<string | undefined>;
  /** Merges or closes the pull request as a person. */
  conclude(how: 'merge' | 'squash' | 'close'): Promise<void>;
  /** Copies the repository's branch to Argo CD's, because the stand-ins are not connected. */
  pull(): Promise<void>;
};

/** Starts an application with automated sync from a GitHub repository that the deployer can revert. */
export async function gitWorld(
  mode: 'commit' | 'pull-request',
  more: { application?: object } = {},
): Promise<GitWorld> {
  const time = clock();
  const standIns = await start({ now: time.now });
  const atGithub = <T>(method: string, path: string, body: object) =>
    sandbox<T>(standIns, method, `/github${path}`, { repository: REPOSITORY, ...body });
  const push = async (version: string, search = 's1') => {
    const files = {
      [`${PATH}/kustomization.yaml`]: `newTag: ${version}`,
      'apps/search/kustomization.yaml': `newTag: ${search}`,
    };
    return (await atGithub<{ sha: string }>('POST', '/commits', { files })).sha;
  };
  const shas = { v41: await push('v41'), v42: await push('v42') };
  const token = async () => 'ghs_test';
  const git = { repository: REPOSITORY, branch: 'main', mode };
  const github = async <T>(path: string) => {
    const headers = { authorization: `Bearer ${await token()}` };
    return (await (await fetch(`${standIns.urls.github}/repos/${REPOSITORY}${path}`, { headers })).json()) as T;
  };
  const world = await argoWorld({
    standIns,
    time,
    config: { git },
    application: {
      source: { repoURL: `git@github.com:${REPOSITORY}.git`, path: PATH, targetRevision: 'main' },
      automated: { prune: true, selfHeal: true },
      ...more.application,
    },
    git: gitReverter(git, { apiUrl: standIns.urls.github, token, clock: { now: () => timestamp(time.now()) } }),
    revisions: shas,
    act: COMMIT,
  });
  const pull = async () => {
    const { object } = await github<{ object: { sha: string } }>('/git/ref/heads/main');
    await world.tell('POST', '/commit', { revision: object.sha });
  };
  const entry = async (commit: string, path: string) => {
    type Tree = { tree: { path: string; sha: string }[] };
    const { tree } = await github<{ tree: { sha: string } }>(`/git/commits/${commit}`);
    let at: string | undefined = tree.sha;
    for (const name of path.split('/')) {
      const found: Tree = await github<Tree>(`/git/trees/${at ?? ''}`);
      at = found.tree.find((each) => each.path === name)?.sha;
    }
    return at;
  };
  const versionOf = async (sha: string) => {
    const [v41, v42, now] = await Promise.all([shas.v41, shas.v42, sha].map((commit) => entry(commit, PATH)));
    return now === v41 ? 'v41' : now === v42 ? 'v42' : sha;
  };
  /** Refreshes, syncs, and rolls out the state in Git. */
  const goOn = async () => {
    await pull();
    await world.read('?refresh=normal');
    await world.read();
    await world.settle();
  };
  return {
    ...world,
    shas,
    push,
    entry,
    pull,
    settle: async (how) => {
      await untilNothingIsHeld(standIns);
      await pull();
      await world.read('?refresh=normal');
      await world.read();
      await world.settle(how);
    },
    running: async () => versionOf((await world.read()).status.history.at(-1)?.revision ?? ''),
    async begun() {
      const commits = await github<{ commit: { message: string } }[]>('/commits');
      return commits.filter(({ commit }) => commit.message.includes('Firebreak-Key:')).length;
    },
    async ship() {
      const sha = await push('v43');
      await goOn();
      return sha;
    },
    async occupy() {
      await push('v43');
      await pull();
      await world.read('?refresh=normal');
    },
    async drift() {
      await push('v43');
      await goOn();
    },
    async conclude(how) {
      const [open] = await github<{ number: number }[]>('/pulls');
      await atGithub('POST', '/merges', { number: open?.number ?? 0, how });
    },
  };
}
