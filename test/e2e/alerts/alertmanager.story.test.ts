import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, type Firebreak } from '../../support/firebreak.ts';
import {
  type AlertmanagerConfig,
  exampleAlertmanager,
  examplePath,
  have,
  onlyFor,
  programPath,
  type Running,
} from '../../support/prometheus-stack.ts';
import type { CdServer } from '../support/cd-server.ts';
import { Stage } from '../support/stage.ts';
import {
  catalogue,
  deployBroken,
  expectOneOfEach,
  haveHistory,
  timelineOf,
  untilNotReopened,
  untilResolved,
} from '../support/story.ts';
import type { ToyService } from '../support/toy-service.ts';

describe.runIf(have('promtool', 'amtool'))("the examples are valid for the vendors' own tools", () => {
  test.each(['alertmanager.yml', 'alertmanager-rollback-webhook.yml'])('%s', (name) => {
    execFileSync(programPath('amtool') ?? '', ['check-config', examplePath(name)], { stdio: 'pipe' });
  });

  test('prometheus-rules.yml', () => {
    execFileSync(programPath('promtool') ?? '', ['check', 'rules', examplePath('prometheus-rules.yml')], {
      stdio: 'pipe',
    });
  });
});

/** Firebreak can query neither Alertmanager nor Prometheus here. It knows only the alerts that it gets. */
describe.runIf(have('prometheus', 'alertmanager'))('an Alertmanager that sends resolved alerts', () => {
  const stage = new Stage();
  let firebreak: Firebreak;
  let cd: CdServer;
  let checkout: ToyService, search: ToyService, legacy: ToyService, cart: ToyService;

  beforeAll(async () => {
    const services = await stage.toyServices('checkout', 'search', 'legacy', 'cart');
    [checkout, search, legacy, cart] = services;
    cd = await stage.cd(services);
    firebreak = await stage.firebreak({ services: catalogue(cd, services) });
    await haveHistory(firebreak, services);
    await stage.prometheus(services, await startAlertmanagers(), { relabel: LEGACY_LABELS });
  });

  /**
   * Starts an Alertmanager for each example. The second one serves only `legacy`, whose alerts do not ask for a
   * rollback by themselves.
   */
  async function startAlertmanagers(): Promise<Running[]> {
    const requested = await firebreak.post('/v1/tokens', { name: 'alertmanager', actions: ['rollback:request'] });
    expect(requested.status).toBe(201);
    const files = { 'firebreak-rollback-token': String(requested.body.token) };
    const example = await exampleAlertmanager('alertmanager.yml', firebreak.url);
    const dropIn = await exampleAlertmanager('alertmanager-rollback-webhook.yml', firebreak.url);
    return Promise.all([
      stage.alertmanager({ config: onlyFor(['checkout', 'cart'], example) }),
      stage.alertmanager({ config: onlyFor(['search'], withBasicAuth(example)) }),
      stage.alertmanager({ config: onlyFor(['legacy'], dropIn), files }),
    ]);
  }

  afterAll(() => stage.stop());

  test.concurrent('a bad deploy is rolled back once, and the incident ends with its alert', async () => {
    await deployBroken(firebreak, checkout, 'v2');
    await eventually(() => Promise.resolve(checkout.version === 'v1'), 'checkout runs v1 again');
    const incident = await untilResolved(firebreak, checkout);

    expect(incident).toMatchObject({
      severity: 'critical',
      signal_count: 1,
      decisions: [{ kind: 'roll_back', from_version: 'v2', to_version: 'v1' }],
    });
    await expectOneOfEach(firebreak, cd, checkout, incident);
    expect(cd.rollbacksOf('checkout')).toEqual([{ from: 'v2', to: 'v1' }]);
    const kinds = (await timelineOf(firebreak, incident)).map(({ kind }) => kind);
    const story = ['incident.opened', 'rollback.started', 'mitigation.succeeded', 'incident.resolved'];
    expect(kinds.filter((kind) => story.includes(kind))).toEqual(story);
    expect(kinds).toEqual(expect.arrayContaining(['page.succeeded', 'alerts.resolved', 'verification.passed']));
  });

  test.concurrent('the same with basic authentication, the token as password', async () => {
    await deployBroken(firebreak, search, 'v2');
    await expectOneOfEach(firebreak, cd, search, await untilResolved(firebreak, search));
  });

  test.concurrent('the rollback-webhook receiver requests a rollback that the alert itself does not ask for', async () => {
    await deployBroken(firebreak, legacy, 'v2');
    const incident = await untilResolved(firebreak, legacy);
    await expectOneOfEach(firebreak, cd, legacy, incident);
    expect(incident.decisions.filter(({ kind }) => kind === 'roll_back')).toHaveLength(1);
  });

  test.concurrent('an alert that fires again after its incident was resolved opens another one', async () => {
    await deployBroken(firebreak, cart, 'v2');
    const first = await untilResolved(firebreak, cart);
    // The pipeline reports the rollback, too, which Firebreak has recorded already.
    const reported = {
      service: 'cart',
      environment: 'production',
      version: 'v1',
      kind: 'rollback',
      previous_version: 'v2',
    };
    expect(await firebreak.post('/v1/deployments', reported)).toMatchObject({ status: 200 });
    await untilNotReopened(firebreak, first);
    await deployBroken(firebreak, cart, 'v3');
    const second = await untilResolved(firebreak, cart, 2);

    expect(second.id).not.toBe(first.id);
    await expectOneOfEach(firebreak, cd, cart, first);
    await expectOneOfEach(firebreak, cd, cart, second, { from: 'v3', to: 'v1' });
    expect(cd.rollbacksOf('cart')).toEqual([
      { from: 'v2', to: 'v1' },
      { from: 'v3', to: 'v1' },
    ]);
    expect(cd.keysOf('cart')).toHaveLength(2);
  });
});

/** Returns the same receivers with basic authentication instead of a bearer token. */
function withBasicAuth({ route, receivers }: AlertmanagerConfig): AlertmanagerConfig {
  const http_config = { basic_auth: { username: 'alertmanager', password_file: 'firebreak-token' } };
  const changed = receivers.map(({ name, webhook_configs = [] }) => ({
    name,
    webhook_configs: webhook_configs.map(({ url }) => ({ url, http_config })),
  }));
  return { route, receivers: changed };
}

/** The alerts of `legacy` do not say what Firebreak must do. Their labels only select their receiver. */
const LEGACY_LABELS = [
  { source_labels: ['service'], regex: 'legacy', target_label: 'rollback', replacement: 'automatic' },
  { source_labels: ['service'], regex: 'legacy', target_label: 'action', replacement: '' },
];
