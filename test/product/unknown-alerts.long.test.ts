import { expect, test } from 'vitest';
import { vendorThat, type Reply } from '../vendors/server.ts';
import { alert, group, minutesAgo } from '../support/alerts.ts';
import { eventually, Firebreak } from '../support/firebreak.ts';

/** A Prometheus of other services: it has firing alerts, but not this one, and no rule for it. */
async function prometheus() {
  let rules: object[] = [{ type: 'alerting', health: 'ok', name: 'QueueGrows', query: 'depth > 9', labels: {} }];
  const firing = [{ labels: { alertname: 'QueueGrows', service: 'mail' }, state: 'firing' }];
  const answers: Record<string, () => object> = {
    '/api/v1/alerts': () => ({ alerts: firing }),
    '/api/v1/rules': () => ({ groups: [{ name: 'all', interval: 15, rules }] }),
  };
  const { url, received } = await vendorThat(({ path }): Reply => {
    const data = answers[new URL(path, 'http://p').pathname]?.();
    return data === undefined ? { status: 404 } : { body: JSON.stringify({ status: 'success', data }) };
  });
  return {
    url,
    has: (rule: object) => (rules = [...rules, rule]),
    asked: () => received.filter(({ path }) => path.startsWith('/api/v1/alerts')).length,
  };
}

test('an alert unknown to Prometheus stays firing until Prometheus has its rule', async () => {
  const there = await prometheus();
  const firebreak = await Firebreak.start({
    unshown: true,
    services: { checkout: { environments: { production: {} } } },
    configFiles: { 'paging.yaml': 'autoResolveHours: 168\n' },
    env: { PROMETHEUS_URL: there.url, LOG_LEVEL: 'warn' },
  });
  try {
    const sent = await firebreak.post('/v1/alerts/alertmanager', group([alert({ startsAt: minutesAgo(3) })]));
    expect(sent.status).toBe(202);
    const incident = async () => (await firebreak.get('/v1/incidents?service=checkout')).body.items[0];
    await eventually(async () => there.asked() >= 5, 'the alert looked for five times');
    expect(await incident()).toMatchObject({ status: 'open' });

    there.has({ type: 'alerting', health: 'ok', name: 'HighErrorRatio', query: 'errors > 0.01', labels: {} });
    await eventually(async () => (await incident()).status === 'resolved', 'the incident closed');
    const { items } = (await firebreak.get(`/v1/incidents/${(await incident()).id}/timeline?limit=50`)).body;
    expect(items.map(({ kind }: { kind: string }) => kind)).toContain('alerts.ended');
  } finally {
    await firebreak.remove();
  }
});
