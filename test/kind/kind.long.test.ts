import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { startCluster } from '../e2e/support/cluster.ts';
import { alert, group, minutesAgo } from '../support/alerts.ts';
import { ADMIN_TOKEN, Firebreak } from '../support/firebreak.ts';
import { chartValues } from './objects.ts';
import { type Clock, type Incident, play, type World } from './play.ts';
import { GOOD, type Scenario, scenarioOf } from './scenarios.ts';

/* The runner with a real Firebreak, the stand-in of the cluster's API, and the configuration of the real cluster. */

let cluster: Awaited<ReturnType<typeof startCluster>>;
let firebreak: Firebreak;
beforeAll(async () => {
  cluster = await startCluster();
  const { config } = chartValues();
  firebreak = await Firebreak.start({
    unshown: true,
    configFiles: { 'services.yaml': stringify(config.services), 'routes.yaml': stringify(config.routes) },
    env: { KUBERNETES_URL: cluster.url, KUBERNETES_TOKEN: ADMIN_TOKEN },
    timeScale: 20,
  });
});
afterAll(async () => {
  await firebreak.remove();
  cluster.close();
});

/** The stand-ins, with a health query that is bad from the deploy of a fault to its rollback. */
class Sandbox implements World {
  #bad = new Map<string, string>();
  #firingSince = '';

  async #health(service: string, ratio: number): Promise<void> {
    const { services } = chartValues().config.services as unknown as {
      services: Record<string, { environments: { production: { health: { promql: string } } } }>;
    };
    const query = services[service]?.environments.production.health.promql ?? '';
    const steps = [
      { after_seconds: -7200, value: 0.001 },
      { after_seconds: ratio > 0.05 ? -180 : 0, value: ratio },
    ];
    await firebreak.put('/sandbox/prometheus/series', { query, steps });
  }

  async #alert(service: string, status: 'firing' | 'resolved'): Promise<void> {
    if (status === 'firing') this.#firingSince = new Date().toISOString();
    const given = { labels: { service }, status, startsAt: this.#firingSince, fingerprint: service };
    const { status: answer } = await firebreak.post('/v1/alerts/alertmanager', group([alert(given)]));
    expect(answer).toBe(202);
  }

  async first({ service }: Scenario): Promise<void> {
    await cluster.control('POST', '/deploy', { namespace: 'shop', name: service, image: `shop/${service}:${GOOD}` });
    await firebreak.post('/v1/deployments', {
      ...this.#at(service, GOOD),
      started_at: minutesAgo(300),
      finished_at: minutesAgo(299),
    });
  }

  #at = (service: string, version: string) => ({ service, environment: 'production', version, has_migration: false });

  deploy: World['deploy'] = async ({ service, recordRollouts }, { deploy: version, fault, migration = false }) => {
    await cluster.control('PUT', '/settings', {
      observe_ms: 0,
      rollout_ms: 0,
      ...(fault?.image && { outcome: 'failed' }),
    });
    await cluster.control('POST', '/deploy', {
      namespace: 'shop',
      name: service,
      image: `shop/${service}:${version}`,
    });
    if (recordRollouts) return; // Firebreak sees it in the cluster
    const times = { started_at: minutesAgo(5), finished_at: minutesAgo(4) };
    await firebreak.post('/v1/deployments', { ...this.#at(service, version), ...times, has_migration: migration });
    if (fault === undefined) return;
    this.#bad.set(service, version);
    await this.#health(service, 0.2);
    await this.#alert(service, 'firing');
  };
  configure = () => Promise.reject(new Error('not here'));
  scale = () => Promise.reject(new Error('not here'));
  alert: World['alert'] = async ({ service }, state) => {
    await this.#alert(service, state === 'fires' ? 'firing' : 'resolved');
  };
  approve: World['approve'] = async ({ id, decisions }) => {
    const { status } = await firebreak.post(`/v1/incidents/${id}/actions/approve`, {
      digest: decisions.at(-1)?.digest,
    });
    expect(status).toBe(200);
  };
  running: World['running'] = async ({ service }) => {
    const path = `/apis/apps/v1/namespaces/shop/deployments/${service}`;
    const found = (await cluster.ask('GET', path)) as {
      spec: { template: { spec: { containers: { image: string }[] } } };
    };
    const version = found.spec.template.spec.containers[0]?.image.split(':')[1] ?? '';
    if (this.#bad.has(service) && this.#bad.get(service) !== version) {
      this.#bad.delete(service);
      await this.#health(service, 0.001);
      await this.#alert(service, 'resolved');
    }
    return version;
  };
  incidents = async (): Promise<Incident[]> =>
    (await firebreak.get('/v1/incidents?limit=100')).body.items as Incident[];
}

/** Shortens waits. An expectation has time enough on any machine. */
const hurried = (scenario: Scenario): Scenario => ({
  ...scenario,
  steps: scenario.steps.map((step) => {
    if ('waitMinutes' in step) return { waitMinutes: step.waitMinutes / 10 };
    return 'expect' in step ? { ...step, withinMinutes: step.withinMinutes * 2.5 } : step;
  }),
});
let now = 0;
const patient: Clock = {
  now: () => now,
  sleep: (ms) => sleep(250, void (now += ms)),
};

test.each(['bad-image', 'errors', 'migration', 'flapping'])('Firebreak passes the scenario of %s', async (service) => {
  const sandbox = new Sandbox();
  const scenario = hurried(scenarioOf(service));
  await sandbox.first(scenario);
  expect(await play(scenario, sandbox, patient)).toMatchObject({ problems: [] });
});
