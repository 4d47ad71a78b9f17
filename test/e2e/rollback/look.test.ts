import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../packages/demo/free-port.ts';
import { alert, group } from '../../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../../support/firebreak.ts';
import { have, type Running, startPrometheus } from '../../support/prometheus-stack.ts';
import { type Cluster, deploy, startCluster } from '../support/cluster.ts';

/**
 * Shares of requests that fail in a fresh pod. `checkout`: the new version is bad. `cart`: a config map was changed with the
 * deploy, which every pod reads at its start.
 */
const FRESH = { checkout: { v42: 0.3, v41: 0.002 }, cart: { v42: 0.3, v41: 0.3 } } as const;
type Service = keyof typeof FRESH;
const SERVICES = Object.keys(FRESH) as Service[];

const MINUTES_BEFORE = 90;
const MINUTES_SINCE = 3;
const SCRAPE_SECONDS = 15;
const PER_SECOND = 20;

const NOW = Math.floor(Date.now() / 1000);
const DEPLOYED = NOW - MINUTES_SINCE * 60;
const at = (seconds: number): string => new Date(seconds * 1000).toISOString();

const PODS = '/api/v1/namespaces/default/pods?labelSelector=firebreak.dev/look';
const WAIT_MS = 400_000;

type Pod = { service: Service; name: string; errors: number; since: number };

/** The three pods that serve since a time: of v41, replaced in place by those of v42, of which all fail. */
const serving = (version: 'v41' | 'v42', since: number): Pod[] =>
  SERVICES.flatMap((service) =>
    [1, 2, 3].map((number) => ({
      service,
      name: `${service}-${version}-${number}`,
      errors: version === 'v41' ? 0.002 : 0.3,
      since,
    })),
  );

/** Returns the counters of a pod as lines of metrics. */
const countersOf = ({ service, name, errors, since }: Pod, time: number, more = ''): string[] =>
  ['200', '500'].map((code) => {
    const count = Math.floor(PER_SECOND * Math.max(0, time - since) * (code === '500' ? errors : 1 - errors));
    return `http_requests_total{service="${service}",pod="${name}",code="${code}"${more}} ${count}`;
  });

/** Returns what Prometheus has scraped from a target until now. */
function recorded(target: string): string {
  const scraped = (pods: readonly Pod[], from: number, until: number): string[] =>
    pods.flatMap((pod) =>
      Array.from({ length: Math.floor((until - from) / SCRAPE_SECONDS) }, (_, index) => from + index * SCRAPE_SECONDS)
        .map((time) => countersOf(pod, time, `,job="services",instance="${target}"`).map((line) => `${line} ${time}`))
        .flat(),
    );
  const began = NOW - MINUTES_BEFORE * 60;
  const lines = [
    ...scraped(serving('v41', began), began, DEPLOYED),
    ...scraped(serving('v42', DEPLOYED), DEPLOYED, NOW),
  ];
  return [...lines, '# EOF\n'].join('\n');
}

/** Serves the metrics of the pods that serve, and of the fresh ones as soon as the cluster runs them. */
async function serveMetrics(cluster: Cluster): Promise<{ url: string; server: Server }> {
  const server = createServer((_, response) => {
    void cluster.ask('GET', PODS).then(({ items }) => {
      const fresh = (items as any[]).map(({ metadata, spec }): Pod => {
        const service = metadata.labels['app.kubernetes.io/name'] as Service;
        const version = spec.containers[0].image.split(':').at(-1) as 'v41' | 'v42';
        const since = Date.parse(metadata.creationTimestamp) / 1000;
        return { service, name: metadata.name, errors: FRESH[service][version], since };
      });
      const lines = [...serving('v42', DEPLOYED), ...fresh].flatMap((pod) => countersOf(pod, Date.now() / 1000));
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
      response.end(`# TYPE http_requests_total counter\n${lines.join('\n')}\n`);
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${port}`, server };
}

const requests = (service: Service, more = '') => `http_requests_total{service="${service}"${more}}`;

const production = (service: Service) => ({
  deployer: { kind: 'kubernetes' },
  autoRollback: { mode: 'act', unknownMigration: 'act' },
  look: {},
  health: {
    promql: `sum(rate(${requests(service, ',code="500"')}[1m])) / sum(rate(${requests(service)}[1m]))`,
    max: 0.01,
  },
  judge: {
    stepSeconds: 10,
    metrics: [
      {
        kind: 'ratio',
        name: 'errors',
        bad: `sum by (version) (rate(${requests(service, ',code="500"')}[{{.window}}]))`,
        total: `sum by (version) (rate(${requests(service)}[{{.window}}]))`,
      },
    ],
  },
});

describe.skipIf(!have('prometheus', 'promtool'))('an in-place deploy, beside which no old pod serves', () => {
  let cluster: Cluster;
  let metrics: Awaited<ReturnType<typeof serveMetrics>>;
  let prometheus: Running;
  let firebreak: Firebreak;

  beforeAll(async () => {
    cluster = await startCluster();
    for (const name of SERVICES) {
      for (const version of ['v41', 'v42']) await deploy(cluster, name, version);
      const selector = { 'app.kubernetes.io/name': name };
      await cluster.ask('POST', '/api/v1/namespaces/default/services', { metadata: { name }, spec: { selector } });
    }
    metrics = await serveMetrics(cluster);
    prometheus = await startPrometheus({
      port: await freePort(),
      targets: [{ url: metrics.url, labels: {} }],
      alertmanagers: [],
      rules: 'groups: []\n',
      history: recorded(new URL(metrics.url).host),
    });
    firebreak = await Firebreak.start({
      unshown: true,
      timeScale: 20,
      configFiles: EACH_ALONE,
      services: Object.fromEntries(SERVICES.map((name) => [name, { environments: { production: production(name) } }])),
      env: { PROMETHEUS_URL: prometheus.url, KUBERNETES_URL: cluster.url, KUBERNETES_TOKEN: 'a-token' },
    });
  });
  afterAll(async () => {
    await firebreak?.remove();
    await prometheus?.stop();
    metrics?.server.close();
    cluster?.close();
  });

  async function fails(service: Service): Promise<void> {
    const place = { service, environment: 'production' };
    const times = (seconds: number) => ({ started_at: at(seconds - 30), finished_at: at(seconds) });
    for (const [version, seconds] of [
      ['v41', NOW - 85 * 60],
      ['v42', DEPLOYED],
    ] as const)
      expect((await firebreak.post('/v1/deployments', { ...place, version, ...times(seconds) })).status).toBe(201);
    const firing = alert({ labels: place, fingerprint: service, startsAt: at(DEPLOYED + 60) });
    expect((await firebreak.post('/v1/alerts/alertmanager', group([firing]))).status).toBe(202);
  }

  const incidentOf = async (service: Service): Promise<any> => {
    const [found] = (await firebreak.get(`/v1/incidents?service=${service}`)).body.items;
    return found && (await firebreak.get(`/v1/incidents/${found.id}`)).body;
  };

  const timelineOf = async (id: string): Promise<any[]> =>
    (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items;

  /** Waits for the end of the test of a service, and returns the incident after it was judged with the result. */
  const tested = (service: Service): Promise<any> =>
    eventually(
      async () => {
        const incident = await incidentOf(service);
        const isTested = incident && (await timelineOf(incident.id)).some(({ kind }) => kind === 'look.ended');
        return isTested && incident.decisions.length > 1 && incident;
      },
      `the test of ${service}`,
      WAIT_MS,
    );

  const runs = async (service: Service): Promise<string> => {
    const deployment = await cluster.ask('GET', `/apis/apps/v1/namespaces/default/deployments/${service}`);
    return deployment.spec.template.spec.containers[0].image.split(':').at(-1);
  };

  test(
    'is tested by the look and rolled back unattended; a fault of a config map is asked about',
    { timeout: WAIT_MS },
    async () => {
      for (const service of SERVICES) await fails(service);
      const [checkout, cart] = [await tested('checkout'), await tested('cart')];

      const started = (await timelineOf(checkout.id)).find(({ kind }) => kind === 'look.started');
      expect(started.text).toMatch(/Testing v42 against v41: .* each gets about 1 in 5 requests/);
      const ended = (await timelineOf(checkout.id)).find(({ kind }) => kind === 'look.ended');
      expect(ended.text).toMatch(/of two fresh instances, only that of v42 fails \(errors: 3\d? %/);
      expect(ended.detail.curves).toMatchObject({ metric: 'errors' });
      await eventually(async () => (await runs('checkout')) === 'v41', 'the rollback of checkout', WAIT_MS);
      const acted = (await incidentOf('checkout')).decisions.filter(({ kind }: any) => kind === 'roll_back');
      expect(acted).toEqual([expect.objectContaining({ from_version: 'v42', to_version: 'v41', answered_by: null })]);

      const both = (await timelineOf(cart.id)).find(({ kind }) => kind === 'look.ended');
      expect(both.text).toMatch(/fresh instances of v42 and v41 both fail .* this does not clear the version/);
      expect(cart.decisions.map(({ kind }: any) => kind)).not.toContain('roll_back');
      expect(cart.decisions.some(({ kind, state }: any) => kind === 'approve' && state === 'waiting')).toBe(true);
      expect(await runs('cart')).toBe('v42');

      expect((await cluster.ask('GET', PODS)).items).toEqual([]);
    },
  );
});
