import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { sha256 } from '../../../../core/stores/hash.ts';
import { compareRouting, compareRules } from '../../actions/compare-generated.ts';
import { freePort } from '../../../../packages/demo/free-port.ts';
import { generatedRules } from '../../decisions/generate/files.ts';
import { alertmanagerConfig } from '../../decisions/generate/alertmanager.ts';
import { routingDifferences } from '../../vendors/alertmanager-routing.ts';
import { loadedRules } from '../../vendors/loaded-rules.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { Slo } from '../../../../schemas/slo/slo.ts';
import { badOfAll, goodOfAll, objective, slow } from '../decisions/generate/objectives.ts';
import { have, type Running, startAlertmanager, startPrometheus } from '../../../../test/support/prometheus-stack.ts';
import { serverAt } from '../../../../vendors/shared/server.ts';

/** Objectives with every form of query, among them ones that Prometheus writes differently. */
const SLOS: Slo[] = [
  objective('availability', badOfAll),
  objective('rpc', goodOfAll, { service: 'rpc' }),
  objective('latency', slow, { service: 'search' }),
  objective('sliced', badOfAll, {
    service: 'jobs',
    budgeting: { kind: 'timeslices', sliceSeconds: 300, sliceTarget: 0.95 },
  }),
  objective(
    'written-freely',
    {
      ...badOfAll,
      numerator: `sum(rate(http_requests_total{service='checkout',code=~"5..|429", env!=""}[{{.window}}])) by (job)  # ours`,
      total: 'sum(rate(http_requests_total[{{.window}}]) > bool 0.50)',
    },
    { service: 'free' },
  ),
];

const SERVICES = {
  checkout: { environments: { production: { sources: { argoApplication: 'checkout-prod' } } } },
};

const configWith = (slos: Slo[]) =>
  Config.parse({ version: 'test', paging: {}, services: SERVICES, slos: slos.map((slo) => structuredClone(slo)) });

describe.runIf(have('prometheus'))('generated rules that a real Prometheus has loaded', () => {
  let prometheus: Running;

  beforeAll(async () => {
    const { services, delivery } = configWith([]);
    const files = generatedRules(SLOS, {
      preset: 'simple',
      raw: true,
      lowVelocity: true,
      url: 'https://firebreak.example',
      services,
      environments: delivery.environments,
      hash: sha256,
    });
    const rules = stringify({ groups: [...files.values()].flatMap(({ groups }) => groups) });
    prometheus = await startPrometheus({ port: await freePort(), targets: [], alertmanagers: [], rules });
  });
  afterAll(() => prometheus?.stop());

  const comparedWith = (slos: Slo[]) => {
    const config = configWith(slos);
    return compareRules({
      config: { current: async () => config, problems: async () => [] },
      loadedMonitoring: {
        ...loadedRules(async () => serverAt(prometheus.url)),
        routing: async () => null,
        dashboard: async () => null,
      },
    });
  };

  test('do not differ, although Prometheus writes their queries differently', async () => {
    expect(await comparedWith(SLOS)).toMatchObject({ state: 'same', differences: [] });
  });

  test('differ by what has changed in the objectives since', async () => {
    const rest = SLOS.slice(3);
    const found = await comparedWith([
      objective('availability', { ...badOfAll, total: badOfAll.total.replace('checkout', 'checkout-v2') }),
      objective('rpc', goodOfAll, { service: 'rpc', target: 0.99 }),
      objective('new', goodOfAll, { service: 'new' }),
      ...rest,
    ]);
    const names = found.differences.map(({ kind, name }) => `${kind} ${name}`);
    expect(names).toContain(
      'changed firebreak-slo-checkout: firebreak:slo_events:rate5m (availability, checkout, production)',
    );
    expect(names).toContain('changed firebreak-slo-rpc: firebreak:slo_error_budget:ratio (rpc, rpc, production)');
    expect(names).toContain('missing firebreak-slo-new');
    expect(names).toContain('missing firebreak-slo-raw-new');
    expect(names).toContain('stale firebreak-slo-search');
    expect(names.some((name) => /firebreak-slo-(?:burn|ratios|free|jobs)/.test(name))).toBe(false);
    expect(new Set(found.places.map(({ service }) => service))).toEqual(new Set(['checkout', 'rpc', 'new', 'search']));
  });
});

describe.runIf(have('alertmanager'))('the configuration that a real Alertmanager has loaded', () => {
  const differencesOf = async (change: (config: ReturnType<typeof alertmanagerConfig>) => object) => {
    const port = await freePort();
    const config = change(alertmanagerConfig({ url: 'http://127.0.0.1:9', tokenFile: '/etc/none' }));
    const alertmanager = await startAlertmanager({ port, config: config as never });
    try {
      const compared = await compareRouting({
        config: { current: async () => configWith(SLOS), problems: async () => [] },
        loadedMonitoring: {
          rules: async () => null,
          formatted: async () => undefined,
          routing: () => routingDifferences(async () => alertmanager.url),
          dashboard: async () => null,
        },
      });
      return compared.differences.map(({ detail }) => detail);
    } finally {
      await alertmanager.stop();
    }
  };

  test('is the generated one, or lacks a route or the ends of alerts', async () => {
    expect(await differencesOf((config) => config)).toEqual([]);
    const unrouted = await differencesOf(({ receivers, route, ...rest }) => ({
      ...rest,
      route: { ...route, receiver: 'others', routes: [{ receiver: 'firebreak', matchers: ['severity="page"'] }] },
      receivers: [
        { ...receivers[0], webhook_configs: [{ ...receivers[0]?.webhook_configs[0], send_resolved: false }] },
        { name: 'others' },
      ],
    }));
    expect(unrouted).toEqual([
      expect.stringContaining('send_resolved: true'),
      expect.stringContaining('no route leads SLOSlowBurn to receiver firebreak'),
    ]);
  });
});
