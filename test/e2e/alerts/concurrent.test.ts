import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { minutesAgo } from '../../support/alerts.ts';
import { eventually, type Firebreak } from '../../support/firebreak.ts';
import { freePort } from '../../../packages/demo/free-port.ts';
import { exampleAlertmanager, exampleRules, have } from '../../support/prometheus-stack.ts';
import type { CdServer } from '../support/cd-server.ts';
import type { Relay } from '../support/relay.ts';
import { Stage } from '../support/stage.ts';
import {
  catalogue,
  deployBroken,
  errorRatioOf,
  haveHistory,
  incidentsOf,
  pagesOf,
  record,
  untilResolved,
} from '../support/story.ts';
import type { ToyService } from '../support/toy-service.ts';

/** Additional rules beside the example's. Each one asks for a rollback by itself. */
const MORE_RULES = {
  ManyErrors: 'sum by (service, environment) (rate(requests_total{code="500"}[4s])) > 1',
  FewGoodAnswers:
    'sum by (service, environment) (rate(requests_total{code="200"}[4s]))' +
    ' / sum by (service, environment) (rate(requests_total[4s])) < 0.9',
};

/**
 * All three alerts of each service arrive at once in separate notifications, as if Alertmanager did not group by
 * service. The storefront depends on checkout, and its own latest deploy is a few minutes old.
 */
describe.runIf(have('prometheus', 'alertmanager'))('many alerts for one bad deploy', () => {
  const stage = new Stage();
  let firebreak: Firebreak;
  let cd: CdServer;
  let relay: Relay;
  let checkout: ToyService, storefront: ToyService;

  beforeAll(async () => {
    const services = await stage.toyServices('checkout', 'storefront');
    [checkout, storefront] = services;
    storefront.needs = checkout;
    cd = await stage.cd(services);
    const port = await freePort();
    const known = {
      ...catalogue(cd, [checkout], { health: errorRatioOf(checkout) }),
      ...catalogue(cd, [storefront], { health: errorRatioOf(storefront) }),
    };
    firebreak = await stage.firebreak({
      services: { ...known, storefront: { ...known['storefront'], dependsOn: ['checkout'] } },
      env: { PROMETHEUS_URL: `http://127.0.0.1:${port}` },
    });
    await haveHistory(firebreak, services);
    storefront.version = 'v2';
    const deployed = { has_migration: false, started_at: minutesAgo(6), finished_at: minutesAgo(4) };
    await record(firebreak, { service: 'storefront', version: 'v2', ...deployed });
    relay = await stage.relay(firebreak.url);
    const { route, receivers } = await exampleAlertmanager('alertmanager.yml', relay.url);
    const config = { route: { ...route, group_by: ['...'] }, receivers };
    await stage.prometheus(services, [await stage.alertmanager({ config })], { port, rules: await allRules() });
  });

  afterAll(() => stage.stop());

  const untilAllFire = (service: ToyService) =>
    eventually(
      async () => (await incidentsOf(firebreak, service))[0]?.signal_count === 1 + Object.keys(MORE_RULES).length,
      `all alerts of ${service.name}`,
    );

  test('cause one rollback', async () => {
    const finish = cd.holdUp(); // an alert that fires after the rollback counts as recurring, and pages again
    await deployBroken(firebreak, checkout, 'v2');
    for (const service of [checkout, storefront]) await untilAllFire(service);
    finish();
    const [incident, ofStorefront] = await Promise.all([
      untilResolved(firebreak, checkout),
      untilResolved(firebreak, storefront),
    ]);

    for (const { name } of [checkout, storefront]) {
      expect(relay.about(name).filter(([first]) => first === 'firing').length).toBeGreaterThanOrEqual(3);
      expect(relay.about(name).every((statuses) => statuses.length === 1)).toBe(true);
    }
    expect(incident.signal_count).toBe(3);
    expect(incident.decisions.filter(({ kind }) => kind === 'roll_back')).toHaveLength(1);
    expect(incident.effects.filter(({ kind }) => kind === 'roll-back')).toMatchObject([{ state: 'succeeded' }]);
    expect(cd.rollbacksOf('checkout')).toEqual([{ from: 'v2', to: 'v1' }]);
    expect(cd.keysOf('checkout')).toHaveLength(1);

    expect(await incidentsOf(firebreak, storefront)).toHaveLength(1);
    expect(ofStorefront.decisions.filter(({ kind }) => kind === 'roll_back')).toEqual([]);
    expect(cd.requestsOf('storefront')).toEqual([]);
    // The service and its caller are one outage: one page, by whichever came first.
    const [group] = await incidentsOf(firebreak, { name: 'several-services' });
    if (group === undefined) return expect.unreachable();
    expect([incident.parent_id, ofStorefront.parent_id]).toEqual([group.id, group.id]);
    const pages = async () =>
      (await Promise.all([incident, ofStorefront, group].map((one) => pagesOf(firebreak, one)))).flat();
    await eventually(async () => (await pages()).some(({ action }) => action === 'resolve'), 'the end of the page');
    expect((await pages()).map(({ action }) => action)).toEqual(['trigger', 'resolve']);
  });
});

async function allRules(): Promise<string> {
  const labels = { severity: 'critical', action: 'auto-rollback' };
  const rules = Object.entries(MORE_RULES).map(([alert, expr]) => ({ alert, expr, for: '1s', labels }));
  const more = stringify([{ name: 'more', interval: '1s', rules }]);
  return `${await exampleRules()}\n${more.replaceAll(/^/gm, '  ')}`;
}
