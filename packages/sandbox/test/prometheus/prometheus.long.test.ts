import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, group } from '../../../../test/support/alerts.ts';
import { eventually, Firebreak } from '../../../../test/support/firebreak.ts';

describe('in a sandbox', () => {
  let firebreak: Firebreak;
  beforeAll(async () => {
    const service = { environments: { production: {} } };
    firebreak = await Firebreak.start({ services: { checkout: service, search: service } });
  });
  afterAll(() => firebreak.remove());

  /** Sends an alert for the service, and waits until its incident has been judged. */
  const judged = async (service: string) => {
    await firebreak.post('/v1/alerts/alertmanager', group([alert({ labels: { service } })]));
    await eventually(async () => {
      const { items } = (await firebreak.get('/v1/incidents')).body;
      const incident = items.find((item: { service: string }) => item.service === service);
      return incident && (await firebreak.get(`/v1/incidents/${incident.id}`)).body.decisions.length > 0;
    }, `the judgement about ${service}`);
  };

  test('Prometheus is absent until its stand-in gets data, even after a restart', async () => {
    expect(firebreak.output).toContain('PUT /sandbox/prometheus/series');
    await judged('checkout');
    expect(await firebreak.calls('prometheus')).toEqual([]);

    const series = { query: 'errors', steps: [{ after_seconds: 0, value: 0 }] };
    expect((await firebreak.put('/sandbox/prometheus/series', series)).status).toBe(200);
    await firebreak.stop();
    await firebreak.start(); // the product caches for a moment that Prometheus is absent
    await judged('search');
    const requested = await firebreak.calls('prometheus');
    expect(requested).toContainEqual(expect.objectContaining({ path: '/api/v1/rules', status: 200 }));

    await firebreak.stop();
    const printed = firebreak.output.length;
    await firebreak.start();
    expect(firebreak.output.slice(printed)).not.toContain('Prometheus is off');
  });
});
