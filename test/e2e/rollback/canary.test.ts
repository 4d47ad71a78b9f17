import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minutesAgo } from '../../support/alerts.ts';
import { EACH_ALONE, eventually, type Firebreak } from '../../support/firebreak.ts';
import { freePort } from '../../../packages/demo/free-port.ts';
import { exampleAlertmanager, have } from '../../support/prometheus-stack.ts';
import type { CdServer } from '../support/cd-server.ts';
import { Stage } from '../support/stage.ts';
import {
  catalogue,
  errorRatioByVersionOf,
  errorRatioOf,
  expectOneOfEach,
  expectOnePage,
  haveHistory,
  incidentsOf,
  record,
  trafficByVersionOf,
  untilResolved,
} from '../support/story.ts';
import type { ToyService } from '../support/toy-service.ts';

/** Automation may act only on a version that monitoring proves bad. v2 gets a third of the requests, v1 the others. */
describe.runIf(have('prometheus', 'alertmanager'))('a canary that rolls out during an increase of errors', () => {
  const stage = new Stage();
  let firebreak: Firebreak;
  let cd: CdServer;
  let checkout: ToyService, search: ToyService;

  beforeAll(async () => {
    const services = await stage.toyServices('checkout', 'search');
    [checkout, search] = services;
    cd = await stage.cd(services);
    const port = await freePort();
    const known = services.map((service) =>
      catalogue(cd, [service], {
        autoRollback: { mode: 'act', evidence: 'version' },
        health: {
          ...errorRatioOf(service),
          byVersion: errorRatioByVersionOf(service),
          trafficByVersion: trafficByVersionOf(service),
        },
      }),
    );
    firebreak = await stage.firebreak({
      services: Object.assign({}, ...known) as object,
      configFiles: EACH_ALONE,
      env: { PROMETHEUS_URL: `http://127.0.0.1:${port}` },
    });
    await haveHistory(firebreak, services);
    for (const service of services) await rollOutCanary(service);
    const config = await exampleAlertmanager('alertmanager.yml', firebreak.url);
    await stage.prometheus(services, [await stage.alertmanager({ config })], { port });
  });

  afterAll(() => stage.stop());

  async function rollOutCanary(service: ToyService): Promise<void> {
    service.beside = { version: service.version, oneOf: 3 };
    service.version = 'v2';
    await record(firebreak, {
      service: service.name,
      version: 'v2',
      status: 'started',
      canary_weight: 0.3,
      has_migration: false,
      started_at: minutesAgo(2),
    });
  }

  test.concurrent('is rolled back once if it fails and the version beside it does not', async () => {
    checkout.broken.add('v2');
    const incident = await untilResolved(firebreak, checkout);
    // A question may come first, until both versions have served enough requests.
    const decision = incident.decisions.at(-1);
    expect(decision).toMatchObject({ kind: 'roll_back', from_version: 'v2', to_version: 'v1' });
    expect(decision?.reasons[0]?.text).toMatch(/v2 is at [\d.]+ % \(\d+ % of traffic\), v1 at 0 % \(/);
    await expectOneOfEach(firebreak, cd, checkout, incident);
    expect(cd.rollbacksOf('checkout')).toEqual([{ from: 'v2', to: 'v1' }]);
  });

  test.concurrent('is not rolled back if all versions fail alike', async () => {
    search.broken.add('v1').add('v2');
    const judged = await eventually(
      async () => (await incidentsOf(firebreak, search)).at(-1)?.decisions.at(-1),
      'the decision',
    );
    // A slow machine asks, because v2 has served too few requests: it answers what it can't tell.
    expect(judged).toMatchObject(
      judged.kind === 'approve' ? { because: 'not_proved' } : { kind: 'none', because: 'no_confident_suspect' },
    );
    expect(judged.reasons).toContainEqual(
      judged.kind === 'approve'
        ? { code: 'not_proved', text: expect.stringContaining('v2 received fewer than 10 requests') }
        : { code: 'all_versions_bad', text: expect.stringMatching(/^v2 is at .+, v1 at .+: all versions are bad$/) },
    );
    search.broken.clear();
    const incident = await untilResolved(firebreak, search);
    await expectOnePage(firebreak, incident);
    expect(cd.requestsOf('search')).toEqual([]);
  });
});
