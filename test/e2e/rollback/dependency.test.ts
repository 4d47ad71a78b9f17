import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minutesAgo } from '../../support/alerts.ts';
import { EACH_ALONE, eventually, type Firebreak } from '../../support/firebreak.ts';
import { freePort } from '../../../packages/demo/free-port.ts';
import { exampleAlertmanager, have, type Recorded } from '../../support/prometheus-stack.ts';
import type { CdServer } from '../support/cd-server.ts';
import { Stage } from '../support/stage.ts';
import {
  catalogue,
  errorRatioOf,
  expectOnePage,
  haveHistory,
  incidentsOf,
  record,
  untilJudged,
  untilResolved,
} from '../support/story.ts';
import type { ToyService } from '../support/toy-service.ts';

/**
 * The rule "errors have more than doubled within 30 minutes of the deploy" would roll back both checkout and search,
 * which would not help.
 */
describe.runIf(have('prometheus', 'alertmanager', 'promtool'))('a service that fails because of its dependency', () => {
  const stage = new Stage();
  let firebreak: Firebreak;
  let cd: CdServer;
  let checkout: ToyService, payments: ToyService, search: ToyService, index: ToyService;

  beforeAll(async () => {
    const services = await stage.toyServices('checkout', 'payments-api', 'search', 'search-index');
    [checkout, payments, search, index] = services;
    cd = await stage.cd(services);
    const port = await freePort();
    const known = services.map((service) => catalogue(cd, [service], { health: errorRatioOf(service) }));
    const all = Object.assign({}, ...known) as ReturnType<typeof catalogue>;
    firebreak = await stage.firebreak({
      services: {
        ...all,
        checkout: { ...all['checkout'], dependsOn: ['payments-api'] },
        search: { ...all['search'], dependsOn: ['search-index'] },
      },
      configFiles: EACH_ALONE,
      env: { PROMETHEUS_URL: `http://127.0.0.1:${port}` },
    });
    await haveHistory(firebreak, services);
    for (const service of [checkout, search]) await deployedWell(service, 'v2');
    search.needs = index;
    index.broken.add('v1');
    const config = await exampleAlertmanager('alertmanager.yml', firebreak.url);
    const history = [recorded(checkout, 0), recorded(payments, 0), recorded(search, 90), recorded(index, 90)];
    await stage.prometheus(services, [await stage.alertmanager({ config })], { port, history });
  });

  afterAll(() => stage.stop());

  /** Records a successful deploy some minutes ago. */
  async function deployedWell(service: ToyService, version: string): Promise<void> {
    service.version = version;
    await record(firebreak, {
      service: service.name,
      version,
      has_migration: false,
      started_at: minutesAgo(6),
      finished_at: minutesAgo(4),
    });
  }

  test.concurrent('is not rolled back if the dependency has failed first', async () => {
    payments.broken.add('v1');
    await eventually(async () => (await incidentsOf(firebreak, payments)).length > 0, 'an incident of payments-api');
    checkout.needs = payments;
    await told(checkout, payments);
  });

  test.concurrent('is not rolled back if both fail in the same second', async () => {
    await told(search, index);
  });

  /** Expects that people see the reason, and that both incidents end by themselves after the dependency recovers. */
  async function told(service: ToyService, dependency: ToyService): Promise<void> {
    const { decisions } = await untilJudged(firebreak, service);

    expect(decisions).toMatchObject([{ kind: 'none', because: 'no_confident_suspect' }]);
    expect(decisions[0]?.reasons).toContainEqual({
      code: 'dependency_failed_first',
      text: `dependencies that failed first or at the same time: ${dependency.name}`,
    });
    dependency.broken.clear();
    for (const each of [service, dependency]) {
      const incident = await untilResolved(firebreak, each);
      await expectOnePage(firebreak, incident);
      expect(incident.effects.filter(({ kind }) => kind === 'roll-back')).toEqual([]);
      expect(cd.requestsOf(each.name)).toEqual([]);
    }
  }
});

/** Returns two hours of the error ratio, which is almost zero except for the last seconds. */
const recorded = ({ target }: ToyService, badSeconds: number): Recorded => ({
  name: 'service:requests:error_ratio',
  labels: target.labels,
  minutes: 120,
  at: (secondsAgo) => (secondsAgo <= badSeconds ? 0.4 : 0.001),
});
