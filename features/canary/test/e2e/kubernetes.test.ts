import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../../packages/demo/free-port.ts';
import { minutesAgo } from '../../../../test/support/alerts.ts';
import { ADMIN_TOKEN, bareEnvironment, eventually, Firebreak } from '../../../../test/support/firebreak.ts';
import { have, type Running, startPrometheus } from '../../../../test/support/prometheus-stack.ts';
import { type Cluster, deploy, ROLLOUTS, startCluster } from '../../../../test/e2e/support/cluster.ts';
import { judgeOf, recorded } from '../../../../test/e2e/judge/traffic.ts';

const TIME_SCALE = 200;
const WAIT_MS = 170_000;

const ROUTES = '/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes';
const SPLITS = '/apis/split.smi-spec.io/v1alpha4/namespaces/default/trafficsplits';

const blueAndGreen = (name: string) => [`${name}-blue`, `${name}-green`] as const;

/** Deploys v41 behind the Service with all of the traffic, and v42 behind the other one. */
async function deployBoth(cluster: Cluster, name: string): Promise<void> {
  const [blue, green] = blueAndGreen(name);
  await deploy(cluster, blue, 'v41');
  await deploy(cluster, green, 'v42');
}

type Router = {
  traffic(name: string): object;
  deploy(cluster: Cluster, name: string): Promise<void>;
  /** Percent of v42. */
  share(cluster: Cluster, name: string): Promise<number>;
};

const backendsOf = (name: string) => blueAndGreen(name).map((service) => ({ service }));

const percent = ([stable = 0, canary = 0]: number[]): number => Math.round((100 * canary) / (stable + canary));

const ROUTERS: Record<string, Router> = {
  'gateway-api': {
    traffic: (name) => ({ kind: 'gateway-api', backends: backendsOf(name) }),
    async deploy(cluster, name) {
      await deployBoth(cluster, name);
      const backendRefs = blueAndGreen(name).map((service, index) => ({ name: service, port: 80, weight: 1 - index }));
      await cluster.ask('POST', ROUTES, {
        metadata: { name },
        spec: { parentRefs: [{ name: 'shop' }], rules: [{ backendRefs }] },
      });
    },
    async share({ ask }, name) {
      const { spec } = await ask('GET', `${ROUTES}/${name}`);
      return percent(spec.rules[0].backendRefs.map(({ weight }: { weight: number }) => weight));
    },
  },
  smi: {
    traffic: (name) => ({ kind: 'smi', backends: backendsOf(name) }),
    async deploy(cluster, name) {
      await deployBoth(cluster, name);
      const backends = blueAndGreen(name).map((service, index) => ({ service, weight: 1 - index }));
      await cluster.ask('POST', SPLITS, { metadata: { name }, spec: { service: name, backends } });
    },
    async share({ ask }, name) {
      const { spec } = await ask('GET', `${SPLITS}/${name}`);
      return percent(spec.backends.map(({ weight }: { weight: number }) => weight));
    },
  },
  'argo-rollouts': {
    traffic: () => ({ kind: 'argo-rollouts' }),
    async deploy(cluster, name) {
      const steps = [{ pause: {} }, ...[5, 25, 50, 100].flatMap((setWeight) => [{ setWeight }, { pause: {} }])];
      for (const version of ['v41', 'v42'])
        await deploy(cluster, name, version, { kind: 'Rollout', steps, trafficRouting: {} });
    },
    async share({ ask }, name) {
      const { status, spec } = await ask('GET', `${ROLLOUTS}/${name}`);
      if (status.stableRS === status.currentPodHash)
        return spec.template.spec.containers[0].image.endsWith('v42') && status.phase === 'Healthy' ? 100 : 0;
      return status.canary?.weights?.canary.weight ?? 0;
    },
  },
};

const OUTCOMES = ['good', 'failing'] as const;
const nameOf = (kind: string, outcome: string) => `${kind}-${outcome}`;
const place = (service: string) => ({ service, environment: 'production' });

describe.skipIf(!have('prometheus', 'promtool'))('a canary in a Kubernetes cluster', () => {
  let prometheus: Running;
  let cluster: Cluster;
  let firebreak: Firebreak;

  beforeAll(async () => {
    cluster = await startCluster();
    prometheus = await startPrometheus({
      port: await freePort(),
      targets: [],
      alertmanagers: [],
      rules: 'groups: []\n',
      history: recorded(Math.floor(Date.now() / 1000)),
    });
    const services = Object.entries(ROUTERS).flatMap(([kind, { traffic }]) =>
      OUTCOMES.map((outcome) => {
        const name = nameOf(kind, outcome);
        const production = { judge: judgeOf(outcome), canary: { traffic: traffic(name) } };
        return [name, { environments: { production } }] as const;
      }),
    );
    firebreak = await Firebreak.start({
      unshown: true,
      timeScale: TIME_SCALE,
      env: { PROMETHEUS_URL: prometheus.url, KUBERNETES_URL: cluster.url, KUBERNETES_TOKEN: 'a-token' },
      services: Object.fromEntries(services),
    });
  });
  afterAll(async () => {
    await firebreak?.remove();
    await prometheus?.stop();
    cluster?.close();
  });

  async function deployed(kind: string, outcome: string): Promise<string> {
    const name = nameOf(kind, outcome);
    await ROUTERS[kind]?.deploy(cluster, name);
    const times = { started_at: minutesAgo(300), finished_at: minutesAgo(298) };
    await firebreak.post('/v1/deployments', { ...place(name), version: 'v41', ...times });
    await firebreak.post('/v1/deployments', {
      ...place(name),
      version: 'v42',
      status: 'started',
      started_at: minutesAgo(9),
    });
    return name;
  }

  const canaryOf = async (name: string): Promise<any> => {
    const { items } = (await firebreak.get(`/v1/canaries?service=${name}`)).body;
    expect(items).toHaveLength(1);
    return (await firebreak.get(`/v1/canaries/${items[0].id}`)).body;
  };
  const ended = (name: string): Promise<any> =>
    eventually(
      async () => {
        const canary = await canaryOf(name);
        return canary.ended_at !== null && canary;
      },
      `the end of the canary of ${name}`,
      WAIT_MS,
    );
  /** Returns the shares that the version had, in order. */
  const shares = ({ events }: { events: { kind: string; text: string }[] }): string[] =>
    events
      .toReversed()
      .filter(({ kind }) => kind === 'weight')
      .map(({ text }) => text);
  const cli = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['entrances/cli/main.ts', ...args], {
      env: { ...bareEnvironment(), FIREBREAK_URL: firebreak.url, FIREBREAK_TOKEN: ADMIN_TOKEN },
    });

  test('is promoted step by step by each router, also if the process is killed in between', async () => {
    const kinds = Object.keys(ROUTERS);
    for (const kind of kinds) {
      const name = await deployed(kind, 'good');
      const { stdout } = await cli('canary', 'start', name, 'production', 'v42');
      expect(stdout).toMatch(/v42 beside v41, 5, 25, 50, 100 % of the traffic/);
    }
    await eventually(async () => {
      const weights = await Promise.all(kinds.map(async (kind) => (await canaryOf(nameOf(kind, 'good'))).weight));
      return weights.every((weight) => weight > 0);
    }, 'the first shares');
    await firebreak.kill9();
    await firebreak.start();
    for (const kind of kinds) {
      const name = nameOf(kind, 'good');
      const canary = await ended(name);
      expect([kind, canary.status, canary.verdict, canary.reason]).toEqual([
        kind,
        'promoted',
        'healthy',
        expect.any(String),
      ]);
      expect([kind, shares(canary)]).toEqual([
        kind,
        [5, 25, 50, 100].map((weight) => `v42 gets ${weight} % of the traffic`),
      ]);
      expect([kind, await ROUTERS[kind]?.share(cluster, name)]).toEqual([kind, 100]);
    }
  });

  test('is set back in the first step by each router if its version fails', async () => {
    for (const kind of Object.keys(ROUTERS)) {
      const name = await deployed(kind, 'failing');
      expect((await firebreak.post('/v1/canaries', { ...place(name), version: 'v42' })).status).toBe(202);
    }
    for (const kind of Object.keys(ROUTERS)) {
      const name = nameOf(kind, 'failing');
      const canary = await ended(name);
      expect([kind, canary.status, canary.weight]).toEqual([kind, 'aborted', 0]);
      expect(canary.reason).toMatch(/degraded at 5 %: errors: 3(\.\d)? %/);
      expect([kind, shares(canary)]).toEqual([kind, ['v42 gets 5 % of the traffic', 'v41 has all traffic again']]);
      expect([kind, await ROUTERS[kind]?.share(cluster, name)]).toEqual([kind, 0]);
    }
  });
});
