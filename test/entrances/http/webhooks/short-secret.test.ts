import { createHmac } from 'node:crypto';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import type { Env } from '../../../../entrances/http/context.ts';
import { signedBody } from '../../../../entrances/http/webhooks/received-body.ts';
import { pagerDutySignature } from '../../../../vendors/pagerduty/webhook.ts';
import { SetClock } from '../../../support/fake-deps.ts';

test.each([undefined, 'short'])('a webhook whose secret is %s is refused with what can be wrong', async (secret) => {
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  const app = new Hono<Env>();
  app.post('/', async (c) => {
    await signedBody(c, { secrets: { get: async () => secret }, clock }, pagerDutySignature, 100);
    return c.body(null);
  });
  app.onError((error) => new Response(error.message, { status: 401 }));
  const signature = `v1=${createHmac('sha256', secret ?? '')
    .update('{}')
    .digest('hex')}`;
  const answer = await app.request('/', {
    method: 'POST',
    body: '{}',
    headers: { 'x-pagerduty-signature': signature },
  });
  expect(await answer.text()).toBe(
    'X-PagerDuty-Signature is missing or invalid, or PAGERDUTY_WEBHOOK_SECRET is not set in Firebreak or cannot be used, such as because it is too short: firebreak doctor says so',
  );
});
