import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { PagerDutyEvent } from '../../../../schemas/messages/pagerduty.ts';
import { vendorThat } from '../../../../test/vendors/server.ts';
import { exchange, incidents, sandbox, send, start } from '../support.ts';

const SECRET = 'webhook-secret';

/** Starts a stand-in with an open incident and a receiver of its webhooks. */
async function told(...statuses: number[]) {
  const listener = await vendorThat((_, n) => ({
    status: statuses[Math.min(n, statuses.length - 1)] ?? 202,
    body: '{}',
  }));
  const standIns = await start({ timeScale: 1000 });
  await standIns.connect({ url: listener.url, pagerDutyWebhookSecret: SECRET });
  await send(standIns.urls.pagerduty, exchange('pagerduty/enqueue-trigger'));
  const [incident] = await incidents(standIns);
  const act = (what: string, body: object = {}) =>
    sandbox<any>(standIns, 'POST', `/pagerduty/incidents/${incident?.id}/${what}`, body);
  const events = () => listener.received.map(({ body }) => PagerDutyEvent.parse(JSON.parse(body).event));
  return { standIns, listener, act, events, id: incident?.id };
}

test('each action sends a signed webhook, after the one for the opened incident', async () => {
  const { act, listener, events, id } = await told();
  expect(await act('acknowledge', { by: 'Ada Park' })).toMatchObject({
    status: 'acknowledged',
    delivery: { event_type: 'incident.acknowledged', status: 202 },
  });
  await act('annotate', { by: 'Ada Park', text: 'looks better 🎉' });
  await act('reassign', { by: 'Ada Park', to: ['Bob Tanaka', 'Zoe'] });
  await act('escalate');
  await act('resolve', { by: 'Zoe' });
  expect(events()).toMatchObject([
    { event_type: 'incident.triggered', agent: null, data: { id } },
    { event_type: 'incident.acknowledged', agent: { id: 'PADA001', summary: 'Ada Park' }, data: { id } },
    { event_type: 'incident.annotated', data: { incident: { id }, content: 'looks better 🎉' } },
    { event_type: 'incident.reassigned', data: { assignees: [{ id: 'PBOB001' }, { summary: 'Zoe' }] } },
    { event_type: 'incident.escalated', data: { assignees: [{ summary: 'Grace Moreau' }] } },
    { event_type: 'incident.resolved', agent: { type: 'user_reference', summary: 'Zoe' } },
  ]);
  for (const { path, headers, body } of listener.received) {
    const digest = createHmac('sha256', SECRET).update(body).digest('hex');
    expect([path, headers['x-pagerduty-signature']]).toEqual(['/integrations/pagerduty/webhook', `v1=${digest}`]);
  }
  expect(new Set(listener.received.map(({ headers }) => headers['x-webhook-id'])).size).toBe(6);
});

test('a failed webhook is repeated as the same webhook', async () => {
  const { act, listener } = await told(202, 503, 202);
  expect(await act('acknowledge')).toMatchObject({ delivery: { status: 503 } });
  await expect.poll(() => listener.received.length).toBe(3);
  const [, first, again] = listener.received;
  expect([again?.headers['x-webhook-id'], again?.body]).toEqual([first?.headers['x-webhook-id'], first?.body]);
});

test('a refused webhook is not repeated', async () => {
  const { act, listener } = await told(400);
  await act('acknowledge');
  await act('resolve');
  expect(listener.received).toHaveLength(3);
});

test('no webhook is sent without a receiver, or if the product uses the real PagerDuty', async () => {
  const { standIns, act, listener } = await told();
  await standIns.connect({ url: listener.url });
  expect(await act('acknowledge')).toMatchObject({ status: 'acknowledged', delivery: null });
  expect(listener.received).toEqual([]);
});
