import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as z from 'zod';
import { canary, DEPENDENCY, type Manifest, monitoring, NAMESPACE, NODE_PORTS, settings, workload } from './objects.ts';
import { type Fault, GOOD, type Scenario, SCENARIOS, type Step } from './scenarios.ts';
import type { Incident, World } from './play.ts';

/* The real systems in the cluster: kubectl, Firebreak, Argo CD, Gitea, and Alertmanager. */

const REQUEST_MS = 15_000;
const at = (port: number): string => `http://127.0.0.1:${port}`;
const USER = 'shop';
const PASSWORD = 'only-in-this-cluster';

const Incidents = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      service: z.string(),
      status: z.string(),
      decisions: z.array(
        z.object({
          kind: z.string(),
          state: z.string(),
          because: z.string(),
          digest: z.string(),
          from_version: z.string().nullable(),
        }),
      ),
    }),
  ),
});
const Token = z.object({ token: z.string() });

/** Runs kubectl, and returns its output. @throws with its messages if it fails */
async function kubectl(args: readonly string[], input?: unknown): Promise<string> {
  const running = promisify(execFile)('kubectl', ['--context', 'kind-firebreak', ...args], { maxBuffer: 2 ** 26 });
  running.child.stdin?.end(input === undefined ? undefined : JSON.stringify(input));
  return (await running).stdout.trim();
}

const apply = async (...items: Manifest[]): Promise<void> =>
  void (await kubectl(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items }));

const inShop = (...args: readonly string[]): Promise<string> => kubectl(['-n', NAMESPACE, ...args]);

/** The version of a workload, as a path for kubectl. */
const VERSION = String.raw`{.spec.template.metadata.labels.app\.kubernetes\.io/version}`;

/** Sends JSON. @throws unless the status is 2xx, or one of `accepted` */
async function send(
  method: string,
  url: string,
  body?: object,
  authorization?: string,
  accepted: readonly number[] = [],
): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  const text = await response.text();
  if (!response.ok && !accepted.includes(response.status))
    throw new Error(`${method} ${url}: ${response.status} ${text.slice(0, 500)}`);
  return text === '' ? {} : JSON.parse(text);
}

/** Creates a token of the account `firebreak` of Argo CD, as docs/how-to/argo-cd.md describes it. */
export async function argoCdToken(): Promise<string> {
  const encoded = await kubectl(
    '-n argocd get secret argocd-initial-admin-secret -o jsonpath={.data.password}'.split(' '),
  );
  const password = Buffer.from(encoded, 'base64').toString();
  const api = `${at(NODE_PORTS.argoCd)}/api/v1`;
  const session = Token.parse(await send('POST', `${api}/session`, { username: 'admin', password }));
  const created = await send(
    'POST',
    `${api}/account/firebreak/token`,
    { name: 'firebreak' },
    `Bearer ${session.token}`,
  );
  return Token.parse(created).token;
}

export class KindCluster implements World {
  readonly #bearer: string;
  readonly #git = `Basic ${btoa(`${USER}:${PASSWORD}`)}`;

  /** @param token the admin token of Firebreak */
  constructor(token: string) {
    this.#bearer = `Bearer ${token}`;
  }

  #firebreak = (method: string, path: string, body?: object): Promise<unknown> =>
    send(method, at(NODE_PORTS.firebreak) + path, body, this.#bearer);

  #token = async (name: string, action: string, service: string): Promise<string> =>
    Token.parse(await this.#firebreak('POST', '/v1/tokens', { name, actions: action.split(' '), services: [service] }))
      .token;

  /** Connects the systems with tokens of Firebreak, and puts the first version of each service on record. */
  async connect(): Promise<void> {
    const names = [DEPENDENCY, ...SCENARIOS.map(({ service }) => service)];
    const tokens: Record<string, string> = {};
    for (const name of names)
      tokens[name] = await this.#token(`alertmanager-${name}`, 'alerts:write rollback:request', name);
    await apply(...monitoring(tokens));
    const create = `gitea admin user create --username ${USER} --password ${PASSWORD} --email shop@example.com --must-change-password=false`;
    await kubectl(['-n', 'git', 'exec', 'deploy/git', '--', ...create.split(' ')]);
    const repository = { name: 'deploy', default_branch: 'main', auto_init: true };
    await send('POST', `${at(NODE_PORTS.git)}/api/v1/user/repos`, repository, this.#git);
    for (const { service, target, recordRollouts, ...more } of SCENARIOS) {
      if (target === 'flagger')
        await apply(canary(service, await this.#token(`flagger-${service}`, 'flagger:gate', service)));
      const first = workload({ service, target, ...more }, GOOD);
      const commit = target === 'argo-cd' ? await this.#commit(service, first) : undefined;
      if (recordRollouts) continue; // Firebreak sees it in the cluster
      await this.#record(service, { version: GOOD, has_migration: false, ...(commit && { commit }) });
    }
  }

  /** Records a deploy, as a pipeline does. Returns its ID. */
  async #record(service: string, deploy: object): Promise<string> {
    const body = { service, environment: 'production', ...deploy };
    return z.object({ id: z.string() }).parse(await this.#firebreak('POST', '/v1/deployments', body)).id;
  }

  /** Commits the manifest of a service to the repository that Argo CD reads. Returns the commit. */
  async #commit(service: string, manifest: Manifest): Promise<string> {
    const url = `${at(NODE_PORTS.git)}/api/v1/repos/${USER}/deploy/contents/${service}/deployment.yaml`;
    const { sha } = z.object({ sha: z.string().optional() }).parse(await send('GET', url, undefined, this.#git, [404]));
    const content = Buffer.from(JSON.stringify(manifest)).toString('base64');
    const body = { branch: 'main', message: `Deploy ${service}`, content, ...(sha && { sha }) };
    const done = await send(sha ? 'PUT' : 'POST', url, body, this.#git);
    return z.object({ commit: z.object({ sha: z.string() }) }).parse(done).commit.sha;
  }

  async deploy(scenario: Scenario, step: Extract<Step, { deploy: string }>): Promise<void> {
    const { service, target, recordRollouts } = scenario;
    const { deploy: version, migration = false } = step;
    const manifest = workload(scenario, version, step.fault);
    const commit = target === 'argo-cd' ? await this.#commit(service, manifest) : undefined;
    const record = { version, has_migration: migration, status: 'started', ...(commit && { commit }) };
    const id = recordRollouts ? undefined : await this.#record(service, record);
    if (commit === undefined) await apply(manifest);
    // A canary goes on until its controller promotes it, and no pipeline waits for an image that does not exist.
    if (id === undefined || target === 'argo-rollouts' || target === 'flagger') return;
    const isSet = `--for=jsonpath=${VERSION}=${version}`;
    await inShop('wait', `deployment/${service}`, isSet, '--timeout=100s');
    await inShop('rollout', 'status', `deployment/${service}`, '--timeout=100s');
    await this.#firebreak('PATCH', `/v1/deployments/${id}`, { status: 'succeeded' });
  }

  configure = ({ service }: Scenario, fault: Fault): Promise<void> => apply(settings(service, fault));

  scale = async (service: string, replicas: number): Promise<void> =>
    void (await inShop('scale', `deployment/${service}`, `--replicas=${replicas}`));

  async alert({ service }: Scenario, state: 'fires' | 'ends'): Promise<void> {
    const labels = `Flapping service=${service} environment=production severity=critical action=auto-rollback`.split(
      ' ',
    );
    const until = state === 'ends' ? [`--end=${new Date().toISOString()}`] : [];
    const amtool = ['amtool', 'alert', 'add', ...labels, ...until, '--alertmanager.url=http://127.0.0.1:9093'];
    await kubectl(['-n', 'monitoring', 'exec', 'alertmanager-demo-0', '-c', 'alertmanager', '--', ...amtool]);
  }

  approve = async ({ id, decisions }: Incident): Promise<void> =>
    void (await this.#firebreak('POST', `/v1/incidents/${id}/actions/approve`, { digest: decisions.at(-1)?.digest }));

  async running({ service, target }: Scenario): Promise<string> {
    const read = (kind: string, name: string, path: string) => inShop('get', kind, name, '-o', `jsonpath=${path}`);
    if (target === 'argo-rollouts') return await read('rollout', service, VERSION);
    if (target !== 'flagger') return await read('deployment', service, VERSION);
    const phase = await read('canary', service, '{.status.phase}');
    const isRollingOut = ['Progressing', 'WaitingPromotion', 'Promoting', 'Finalising'].includes(phase);
    return await read('deployment', isRollingOut ? service : `${service}-primary`, VERSION);
  }

  incidents = async (): Promise<Incident[]> =>
    Incidents.parse(await this.#firebreak('GET', '/v1/incidents?limit=100')).items;

  /** Ends what a scenario has left, so that the next one begins with services that are well. */
  async reset(scenario: Scenario): Promise<void> {
    await this.scale(DEPENDENCY, 2);
    await apply(settings(scenario.service, {}));
    if (scenario.target === 'argo-cd') await this.#commit(scenario.service, workload(scenario, GOOD));
    await apply(workload(scenario, GOOD)); // also of Argo CD, whose automated sync is suspended after a rollback
    for (const { id, status } of await this.incidents())
      if (status !== 'resolved')
        await this.#firebreak('POST', `/v1/incidents/${id}/actions/resolve`, { note: 'end of the scenario' });
  }
}
