import { expect, test } from 'vitest';
import { sources } from '../../../schemas/alerts/sources/index.ts';

const LONG = 'x'.repeat(100_000);
const parse = (source: string, body: object) => sources.get(source)?.parse(JSON.stringify(body), () => 0);

test.each(['alertmanager', 'grafana'])('an alert of %s is accepted with texts of any length', (source) => {
  const alert = {
    status: 'firing',
    labels: { alertname: 'HighErrorRatio', service: 'checkout' },
    annotations: { summary: LONG, description: LONG },
    startsAt: '2026-11-20T12:00:00Z',
    endsAt: LONG,
    generatorURL: `https://prometheus.test/graph?g0.expr=${LONG}`,
    dashboardURL: `https://grafana.test/${LONG}`,
    panelURL: `https://grafana.test/${LONG}`,
    fingerprint: 'a1b2c3',
  };
  const version = source === 'alertmanager' ? '4' : '1';
  const result = parse(source, { version, alerts: [alert], groupKey: LONG, externalURL: LONG });
  expect(result).toMatchObject({
    ok: true,
    parsed: { alerts: [{ generatorUrl: null, endsAt: null }], unreadable: [] },
  });
});

test('a long title of the generic source is cut visibly', () => {
  const body = {
    service: 'checkout',
    environment: 'production',
    severity: 'critical',
    dedup_key: 'a',
    status: 'firing',
  };
  const result = parse('generic', { ...body, title: LONG });
  if (result?.ok !== true) throw new Error('refused');
  const title = result.parsed.alerts[0]?.annotations.get('summary') ?? '';
  expect(title).toHaveLength(4096);
  expect(title.endsWith('x…')).toBe(true);
});
