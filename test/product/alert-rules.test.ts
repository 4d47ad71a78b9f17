import { afterAll, beforeAll, expect, test } from 'vitest';
import { EACH_ALONE, eventually, Firebreak } from '../support/firebreak.ts';

let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({ unshown: true, services: { wallet: {} }, configFiles: EACH_ALONE });
});
afterAll(() => firebreak.remove());

const tell = (alertname: string, severity: string) =>
  firebreak.post('/v1/alerts/generic', {
    service: 'wallet',
    environment: 'production',
    severity,
    title: alertname,
    status: 'firing',
    dedup_key: alertname,
    labels: { alertname },
  });
const incident = async () => (await firebreak.get('/v1/incidents?service=wallet')).body.items[0];
const figures = async () => {
  const { items } = (await firebreak.get('/v1/reports/alerts')).body as { items: Record<string, unknown>[] };
  return Object.fromEntries(items.map(({ rule, paged, acted_on }) => [rule, { paged, acted_on }]));
};

test('only alerts that page count as paged, and an acknowledgment counts as an action only with a note', async () => {
  await tell('Errors', 'critical');
  const { id } = await eventually(incident, 'the incident');
  await eventually(async () => (await figures())['Errors']?.paged === 1, 'the page in the report');
  await tell('Slow', 'warning');
  await eventually(async () => (await incident()).signal_count === 2, 'the warning in the incident');
  expect((await firebreak.post(`/v1/incidents/${id}/actions/acknowledge`, {})).status).toBeLessThan(300);
  // The report is kept for some time.
  const unnoted = await eventually(async () => {
    const read = await figures();
    return Object.keys(read).length === 2 && read;
  }, 'both rules');
  expect(unnoted).toEqual({ Errors: { paged: 1, acted_on: 0 }, Slow: { paged: 0, acted_on: 0 } });
  expect((await firebreak.post(`/v1/incidents/${id}/timeline`, { text: 'A full disk' })).status).toBe(201);
  await eventually(async () => (await figures())['Errors']?.acted_on === 1, 'the action in the report');
  expect((await figures())['Slow']).toEqual({ paged: 0, acted_on: 1 });
});
