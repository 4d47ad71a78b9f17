import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { onsetOf } from '../../../core/domain/correlation/onset.ts';
import type { Firebreak } from '../../support/firebreak.ts';
import { freePort } from '../../../packages/demo/free-port.ts';
import {
  type AlertmanagerConfig,
  exampleAlertmanager,
  have,
  onlyFor,
  type Running,
} from '../../support/prometheus-stack.ts';
import type { CdServer } from '../support/cd-server.ts';
import { Stage } from '../support/stage.ts';
import {
  catalogue,
  deployBroken,
  expectOneOfEach,
  haveHistory,
  type Incident,
  timelineOf,
  untilResolved,
} from '../support/story.ts';
import type { ToyService } from '../support/toy-service.ts';

/**
 * `send_resolved: false`: Firebreak gets only the start of an alert, and must query its end. One Firebreak can query
 * Alertmanager, another one Prometheus.
 */
describe.runIf(have('prometheus', 'alertmanager'))('an Alertmanager that never sends resolved alerts', () => {
  const stage = new Stage();
  let cd: CdServer;
  let asksAlertmanager: Firebreak, asksPrometheus: Firebreak;
  let billing: ToyService, mail: ToyService, stock: ToyService;

  beforeAll(async () => {
    const services = await stage.toyServices('billing', 'mail', 'stock');
    [billing, mail, stock] = services;
    cd = await stage.cd(services);
    const ports = { alertmanager: await freePort(), prometheus: await freePort() };

    const ALERTMANAGER_URL = `http://127.0.0.1:${ports.alertmanager}`;
    asksAlertmanager = await stage.firebreak({ services: catalogue(cd, [billing]), env: { ALERTMANAGER_URL } });
    await haveHistory(asksAlertmanager, [billing]);

    const PROMETHEUS_URL = `http://127.0.0.1:${ports.prometheus}`;
    const health = { promql: 'service:requests:error_ratio{service="stock"}', max: 0.01 };
    const known = { ...catalogue(cd, [mail]), ...catalogue(cd, [stock], { health }) };
    asksPrometheus = await stage.firebreak({ services: known, env: { PROMETHEUS_URL } });
    await haveHistory(asksPrometheus, [mail, stock]);

    const alertmanager = await startAlertmanager(ports.alertmanager);
    await stage.prometheus(services, [alertmanager], { port: ports.prometheus });
  });

  afterAll(() => stage.stop());

  /** Starts one Alertmanager for both. Each Firebreak gets the alerts of its own services. */
  async function startAlertmanager(port: number): Promise<Running> {
    const first = onlyFor(['billing'], silent(await exampleAlertmanager('alertmanager.yml', asksAlertmanager.url)));
    const second = silent(await exampleAlertmanager('alertmanager.yml', asksPrometheus.url));
    const other = second.receivers.map((receiver) => ({ ...receiver, name: 'other' }));
    const route = { ...second.route, receiver: 'other', matchers: ['service=~"mail|stock"'] };
    const config: AlertmanagerConfig = {
      route: { ...first.route, routes: [...(first.route.routes ?? []), route] },
      receivers: [...first.receivers, ...other],
    };
    return stage.alertmanager({ port, config });
  }

  test.concurrent('Firebreak queries Alertmanager, and closes the incident when the alert is gone there', async () => {
    await deployBroken(asksAlertmanager, billing, 'v2');
    const incident = await untilResolved(asksAlertmanager, billing);
    await expectOneOfEach(asksAlertmanager, cd, billing, incident);
    expect(await endsOf(asksAlertmanager, incident)).toEqual(['alerts.ended']);
  });

  test.concurrent('Firebreak queries Prometheus if it has no Alertmanager', async () => {
    await deployBroken(asksPrometheus, mail, 'v2');
    const incident = await untilResolved(asksPrometheus, mail);
    await expectOneOfEach(asksPrometheus, cd, mail, incident);
    expect(await endsOf(asksPrometheus, incident)).toEqual(['alerts.ended']);
  });

  test.concurrent('the health query determines when the problem began, and whether the rollback has helped', async () => {
    await deployBroken(asksPrometheus, stock, 'v2');
    const incident = await untilResolved(asksPrometheus, stock);
    await expectOneOfEach(asksPrometheus, cd, stock, incident);
    const { body } = await asksPrometheus.get(`/v1/incidents/${incident.id}/decisions/1`);
    const { onset, health, at } = body.inputs.evidence;
    expect(onset).toMatchObject({ rule: { for_seconds: 1, interval_seconds: 1 } });
    expect(onsetOf({ onset: { alertStartedAt: onset.alert_started_at, rule: null }, health, at }).from).toBe('health');
    const verified = (await timelineOf(asksPrometheus, incident)).find(({ kind }) => kind === 'verification.passed');
    expect(verified?.text).toMatch(/^Healthy: service:requests:error_ratio\{service="stock"\} is 0 %,/);
  });
});

/** Returns the timeline entries about the end of alerts. */
const endsOf = async (firebreak: Firebreak, incident: Incident): Promise<string[]> =>
  (await timelineOf(firebreak, incident))
    .map(({ kind }) => kind)
    .filter((kind) => kind === 'alerts.ended' || kind === 'alerts.resolved');

const silent = ({ route, receivers }: AlertmanagerConfig): AlertmanagerConfig => ({
  route,
  receivers: receivers.map((receiver) => ({
    ...receiver,
    webhook_configs: (receiver.webhook_configs ?? []).map((webhook) => ({ ...webhook, send_resolved: false })),
  })),
});
