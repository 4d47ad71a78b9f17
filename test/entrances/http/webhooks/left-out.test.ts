import { afterAll, beforeAll, expect, test } from 'vitest';
import { alert, group } from '../../../support/alerts.ts';
import { Firebreak } from '../../../support/firebreak.ts';
import { routed } from '../../../support/fixtures.ts';

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({ services: { checkout: { environments: { production: null } } } });
});
afterAll(() => firebreak?.remove());

test('alerts that Alertmanager left out of a group are on the timeline once, with what to set', async () => {
  const truncated = group([alert({ annotations: { summary: 'errors' } })], { truncatedAlerts: 12 });
  for (const _ of [1, 2]) {
    const answer = await firebreak.post('/v1/alerts/alertmanager', truncated);
    expect(answer.body).toMatchObject({ accepted: 1, truncated: 12 });
    await routed(firebreak, answer);
  }
  const [incident] = (await firebreak.get('/v1/incidents')).body.items;
  const { items } = (await firebreak.get(`/v1/incidents/${incident.id}/timeline?limit=200`)).body;
  const entries = items.filter(({ kind }: { kind: string }) => kind === 'alerts.left_out');
  expect(entries).toMatchObject([
    {
      actor: 'alerts',
      text: 'The sender of "errors" left out 12 alerts of its group, so this incident may lack them. Set max_alerts of its receiver in Alertmanager to 0, or group by more labels',
      detail: { source: 'alertmanager', left_out: 12 },
    },
  ]);
});
