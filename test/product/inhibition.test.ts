import { afterAll, beforeAll, expect, test } from 'vitest';
import { EACH_ALONE, eventually, Firebreak } from '../support/firebreak.ts';

const RULES = `
inhibit_rules:
  - source_matchers: [alertname="ClusterDown"]
    target_matchers: [severity="critical"]
    equal: [cluster]
  - source_match: { severity: page }
    target_match: { severity: ticket }
    equal: [cluster]
  - target_matchers: ["alertname = InfoInhibitor"]
routes:
  - match: { alertname: Slow }
    incident: true
`;

let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    services: { cluster: {}, checkout: {}, search: {}, basket: {}, region: {}, ledger: {}, queue: {}, stock: {} },
    configFiles: { 'routes.yaml': `${EACH_ALONE['routes.yaml']}${RULES}` },
  });
});
afterAll(() => firebreak.remove());

const tell = (service: string, alertname: string, cluster: string, status = 'firing', severity = 'critical') =>
  firebreak.post('/v1/alerts/generic', {
    service,
    environment: 'production',
    severity,
    title: alertname,
    status,
    dedup_key: `${service} ${alertname}`,
    labels: { alertname, cluster },
  });
const alertmanagerGroup = (alerts: object[]) => ({
  version: '4',
  groupKey: '{}',
  truncatedAlerts: 0,
  status: 'firing',
  receiver: 'firebreak',
  groupLabels: {},
  commonLabels: {},
  commonAnnotations: {},
  externalURL: '',
  alerts,
});
const incidents = async (service: string) => (await firebreak.get(`/v1/incidents?service=${service}`)).body.items;
const opened = (service: string) => eventually(async () => (await incidents(service))[0], `the incident of ${service}`);

test('alerts are muted while another one fires, and open their incident when it has ended', async () => {
  expect((await tell('cluster', 'ClusterDown', 'eu')).status).toBe(202);
  await opened('cluster');
  await tell('checkout', 'Errors', 'eu');
  const muted = await eventually(
    async () =>
      (await firebreak.get('/v1/signals?muted=true')).body.items.find(({ service }: any) => service === 'checkout'),
    'the muted alert',
  );
  expect(muted.muted).toEqual({ by: 'inhibition', name: 'ClusterDown', until: null, reason: '' });
  await tell('search', 'Errors', 'us');
  await opened('search');
  expect(await incidents('checkout')).toEqual([]);
  await tell('cluster', 'ClusterDown', 'eu', 'resolved');
  expect(await opened('checkout')).toMatchObject({ severity: 'critical', title: 'Errors' });
});

test('alerts are muted by one that comes after them in the same request', async () => {
  const alert = (service: string, alertname: string) => ({
    status: 'firing',
    labels: { alertname, service, environment: 'production', severity: 'critical', cluster: 'asia' },
    annotations: {},
    startsAt: new Date().toISOString(),
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: '',
    fingerprint: `${service} ${alertname}`,
  });
  const alerts = [alert('basket', 'Errors'), alert('basket', 'Latency'), alert('cluster', 'ClusterDown')];
  const { status } = await firebreak.post('/v1/alerts/alertmanager', alertmanagerGroup(alerts));
  expect(status).toBe(202);
  await opened('cluster');
  await eventually(async () => {
    const muted = (await firebreak.get('/v1/signals?muted=true')).body.items;
    return muted.filter(({ service }: any) => service === 'basket').length === 2;
  }, 'the muted alerts');
  expect(await incidents('basket')).toEqual([]);
});

test('a muted alert that has joined an incident raises it when the other one has ended', async () => {
  await tell('ledger', 'Slow', 'africa', 'firing', 'warning');
  const incident = await opened('ledger');
  await tell('region', 'ClusterDown', 'africa');
  await opened('region');
  await tell('ledger', 'Errors', 'africa');
  await eventually(async () => (await incidents('ledger'))[0].signal_count === 2, 'the second alert');
  expect((await incidents('ledger'))[0]).toMatchObject({ id: incident.id, severity: 'warning' });
  const rules = async () => {
    const { items } = (await firebreak.get('/v1/reports/alerts')).body;
    return items.filter(({ service }: any) => service === 'ledger').map(({ rule }: any) => rule);
  };
  expect(await rules()).toEqual(['Slow']);
  await tell('region', 'ClusterDown', 'africa', 'resolved');
  await eventually(async () => (await incidents('ledger'))[0].severity === 'critical', 'the raised incident');
  // The report is kept for some time.
  await eventually(async () => (await rules()).length === 2, 'the rule of the alert in the report');
  expect((await rules()).toSorted()).toEqual(['Errors', 'Slow']);
});

test('rules have the words of the senders for severities', async () => {
  await tell('queue', 'Down', 'oceania', 'firing', 'page');
  expect(await opened('queue')).toMatchObject({ severity: 'critical' });
  await tell('stock', 'Lag', 'oceania', 'firing', 'ticket');
  const lag = await eventually(
    async () =>
      (await firebreak.get('/v1/signals?muted=true')).body.items.find(({ service }: any) => service === 'stock'),
    'the muted alert',
  );
  expect(lag).toMatchObject({ severity: 'warning', muted: { by: 'inhibition', name: 'Down' } });
});
