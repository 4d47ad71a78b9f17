import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../packages/demo/free-port.ts';
import { alert, group } from '../../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../../support/firebreak.ts';
import { have, type Running, startPrometheus } from '../../support/prometheus-stack.ts';

/**
 * Services with six pods, of which a rolling deploy replaces some or all, as a real Prometheus has scraped them. Only in `checkout` is the
 * new version bad. In the others, something else makes its pods fail, or all that can be seen of them.
 */
const MINUTES_BEFORE = 90;
/** Recorded in advance, so that the test does not depend on how long the start takes. */
const MINUTES_AHEAD = 20;
const SCRAPE_SECONDS = 15;
const PODS = 6;
const PER_SECOND = 10;

const NOW = Math.floor(Date.now() / 1000);
const OLD = { version: 'v41', from: -MINUTES_BEFORE * 60 };
const WELL = 0.001;
const BAD = 0.3;

/** `from`, `until`: seconds after now between which a pod serves. `errors`: share of its requests that fail, at seconds after now. */
type Pod = { version: string; from: number; until: number; errors: (at: number) => number };

/** Seconds after now at which the pods of the old version are replaced one by one, the first ones first. */
type Story = {
  replaced: readonly number[];
  /** Share of the requests to a pod of the new version that fail. @param age seconds since its start */
  errors: (pod: { number: number; age: number; at: number }) => number;
  /** Start of the deploy, which is not over. */
  deploy: number;
  alert: number;
  /** Another change, and when it was made. */
  other?: { kind: 'config' | 'flag'; version: string; at: number };
};

const HALF = [-240, -225, -210];
const STORIES = {
  checkout: { replaced: HALF, errors: () => BAD, deploy: -250, alert: -150 },
  // A config map was changed 40 seconds after the deploy had begun. A pod reads it only at its start.
  cart: {
    replaced: [-200, -185, -170],
    errors: () => BAD,
    deploy: -250,
    alert: -120,
    other: { kind: 'config', version: 'cart-settings 7', at: -210 },
  },
  // Each pod fails while its caches are cold. The deploy goes on, so that one of them does however long the start takes.
  search: {
    replaced: [-140, -100, -60, -20, 20, 60],
    errors: ({ age }) => (age < 50 ? 0.4 : WELL),
    deploy: -150,
    alert: -70,
  },
  // The node under one of the new pods fails.
  basket: {
    replaced: HALF,
    errors: ({ number, at }) => (number === 1 && at >= -100 ? 0.95 : WELL),
    deploy: -250,
    alert: -60,
  },
  // Only the new version, which was good for 20 minutes, knows the flag.
  pricing: {
    replaced: [-1500, -1485, -1470],
    errors: ({ at }) => (at >= -150 ? BAD : WELL),
    deploy: -1510,
    alert: -80,
    other: { kind: 'flag', version: 'new-prices 3 (on)', at: -155 },
  },
} as const satisfies Record<string, Story>;
type Service = keyof typeof STORIES;
const SERVICES = Object.keys(STORIES) as Service[];

const podsOf = ({ replaced, errors }: Story): Pod[] => [
  ...Array.from({ length: PODS }, (_, n): Pod => ({ ...OLD, until: replaced[n] ?? Infinity, errors: () => WELL })),
  ...replaced.map((from, n): Pod => ({
    version: 'v42',
    from,
    until: Infinity,
    errors: (at) => errors({ number: n, age: at - from, at }),
  })),
];

/** Returns the counters of all pods as a Prometheus would have scraped them. */
function recorded(): string {
  const lines = SERVICES.flatMap((service) =>
    podsOf(STORIES[service]).flatMap(({ version, from, until, errors }, n) => {
      const counts = { 200: 0, 500: 0 };
      const seconds = Math.min(until, MINUTES_AHEAD * 60) - from;
      return Array.from({ length: Math.floor(seconds / SCRAPE_SECONDS) }, (_, index) => {
        const at = from + index * SCRAPE_SECONDS;
        const labels = `service="${service}",version="${version}",pod="${service}-${version}-${n}",job="services",instance="10.0.0.${n}:8080"`;
        const sample = (['200', '500'] as const).map(
          (code) => `http_requests_total{${labels},code="${code}"} ${Math.floor(counts[code])} ${NOW + at}`,
        );
        const failed = errors(at);
        counts[200] += PER_SECOND * SCRAPE_SECONDS * (1 - failed);
        counts[500] += PER_SECOND * SCRAPE_SECONDS * failed;
        return sample;
      }).flat();
    }),
  );
  return [...lines, '# EOF\n'].join('\n');
}

function healthOf(service: Service): object {
  const rate = (more = '') => `(rate(http_requests_total{service="${service}"${more}}[1m]))`;
  const share = (sum: string) => `${sum}${rate(',code="500"')} / ${sum}${rate()}`;
  return {
    promql: share('sum'),
    max: 0.01,
    traffic: `sum${rate()}`,
    byVersion: share('sum by (version) '),
    trafficByVersion: `sum by (version) ${rate()}`,
  };
}

const time = (seconds: number): string => new Date((NOW + seconds) * 1000).toISOString();

describe.skipIf(!have('prometheus', 'promtool'))('what a real Prometheus shows of a rolling deploy', () => {
  let prometheus: Running;
  let firebreak: Firebreak;

  beforeAll(async () => {
    prometheus = await startPrometheus({
      port: await freePort(),
      targets: [],
      alertmanagers: [],
      rules: 'groups: []\n',
      history: recorded(),
    });
    const entry = (service: Service) => ({
      environments: {
        production: {
          deployer: { kind: 'http' },
          autoRollback: { mode: 'act', unknownMigration: 'act' },
          health: healthOf(service),
        },
      },
    });
    firebreak = await Firebreak.start({
      unshown: true,
      timeScale: 3, // each look is a minute later for the product, and 20 s for Prometheus
      configFiles: EACH_ALONE,
      services: Object.fromEntries(SERVICES.map((name) => [name, entry(name)])),
      env: { PROMETHEUS_URL: prometheus.url },
    });
  });
  afterAll(async () => {
    await firebreak?.remove();
    await prometheus?.stop();
  });

  async function fails(service: Service): Promise<void> {
    const place = { service, environment: 'production' };
    const { deploy, alert: alerted, other }: Story = STORIES[service];
    const changes = [
      { version: 'v41', started_at: time(OLD.from), finished_at: time(OLD.from + 60) },
      { version: 'v42', status: 'started', started_at: time(deploy) },
      ...(other === undefined
        ? []
        : [{ kind: other.kind, version: other.version, started_at: time(other.at), finished_at: time(other.at) }]),
    ];
    for (const change of changes)
      expect((await firebreak.post('/v1/deployments', { ...place, ...change })).status).toBe(201);
    const firing = alert({ labels: place, fingerprint: service, startsAt: time(alerted) });
    expect((await firebreak.post('/v1/alerts/alertmanager', group([firing]))).status).toBe(202);
  }

  /** Returns the decisions about a service once it does not wait to look again, or has looked again: caches warm up for minutes. */
  const decided = (service: Service): Promise<any[]> =>
    eventually(async () => {
      const [found] = (await firebreak.get(`/v1/incidents?service=${service}`)).body.items;
      const newest = found?.decisions.at(-1);
      return newest !== undefined && (newest.kind !== 'wait' || found.decisions.length > 2) && found.decisions;
    }, `the decision about ${service}`);

  test('proves a bad version beside a good one, and none that fails because of something else', async () => {
    for (const service of SERVICES) await fails(service);
    const made = new Map<Service, any[]>();
    for (const service of SERVICES) made.set(service, await decided(service));
    const newest = (service: Service): any => made.get(service)?.at(-1);
    const isRollback = ({ kind }: any): boolean => kind === 'roll_back';
    expect(SERVICES.filter((service) => made.get(service)?.some(isRollback))).toEqual(['checkout']);
    expect(newest('checkout')).toMatchObject({ from_version: 'v42', to_version: 'v41', answered_by: null });

    expect(newest('cart')).toMatchObject({ kind: 'approve', because: 'other_cause' });
    expect(newest('cart').reasons[0].text).toContain('cart-settings 7');
    expect(made.get('search')?.[0]).toMatchObject({ kind: 'wait', because: 'errors_fall' });
    expect(newest('basket')).toMatchObject({ kind: 'approve', because: 'not_proved' });
    expect(newest('basket').reasons[0].text).toMatch(
      /only instance basket-v42-7 of v42 fails, at 9\d %; 2 other instances/,
    );
    expect(newest('pricing')).toMatchObject({
      kind: 'none',
      because: 'not_a_deploy',
      from_version: 'new-prices 3 (on)',
    });
    const called = (await firebreak.calls('cd')).filter(({ method }) => method === 'POST');
    expect(called.map(({ body }) => (body as { service: string }).service)).toEqual(['checkout']);
  });
});
