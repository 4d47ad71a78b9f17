import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { about, Receiver, SECRET, sign, signed, webhook, WEBHOOKS } from './webhooks.ts';
import { runs } from '../../../support/runs.ts';

let receiver: Receiver;
beforeEach(() => {
  receiver = new Receiver();
});

const READ = WEBHOOKS.filter((name) => !/bad-signature|ping/.test(name));

describe('webhooks of PagerDuty', () => {
  test.each(READ)('%s is accepted and queued in order per incident', async (name) => {
    const sent = webhook(name);
    expect(await receiver.receive(sent)).toMatchObject({ status: 202, body: { event: expect.any(String) } });
    const [queued, ...more] = receiver.queue;
    expect(more).toEqual([]);
    expect(queued).toMatchObject({
      event: { from: 'pagerduty', key: `pagerduty:${sent.headers['X-Webhook-Id']}` },
      group: expect.stringMatching(/^pagerduty:PGR0VU[23]$/) as string,
    });
  });

  test('a repeated delivery has the same key', async () => {
    await receiver.receive(webhook('webhook-incident-resolved'));
    await receiver.receive(webhook('webhook-incident-resolved-redelivery'));
    const [one, other] = receiver.queue.map(({ event }) => event.key);
    expect(one).toBe(other);
  });

  test('without a webhook ID, the event ID is the key', async () => {
    const { body } = webhook('webhook-incident-resolved');
    await receiver.receive(signed(body));
    expect(receiver.queue[0]?.event.key).toBe('pagerduty:01CH754SM17TWPE2V2H4VPBRO9');
  });

  test('a ping is ignored', async () => {
    expect(await receiver.receive(webhook('webhook-ping'))).toEqual({ status: 202, body: { ignored: 'pagey.ping' } });
    expect(receiver.queue).toEqual([]);
  });

  test('an unavailable queue causes a retry', async () => {
    receiver.queueDown = true;
    expect(await receiver.receive(webhook('webhook-incident-resolved'))).toMatchObject({ status: 503 });
  });
});

describe('the signature', () => {
  test.each<[string, Record<string, string>]>([
    ['another signature', webhook('webhook-bad-signature').headers],
    ['no signature', { 'content-type': 'application/json' }],
    ['an empty signature', { 'x-pagerduty-signature': '' }],
    ['a signature of another version', { 'x-pagerduty-signature': sign('{}').replace('v1', 'v0') }],
    ['a signature that is not hexadecimal', { 'x-pagerduty-signature': `v1=${'z'.repeat(64)}` }],
    ['half a signature', { 'x-pagerduty-signature': sign('{}').slice(0, 40) }],
    ['a signature of other bytes', { 'x-pagerduty-signature': sign('{} ') }],
  ])('%s is refused', async (_, headers) => {
    const body = headers['X-Webhook-Id'] === undefined ? '{}' : webhook('webhook-bad-signature').body;
    expect(await receiver.receive({ headers, body })).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    expect([...receiver.queue, ...receiver.kept]).toEqual([]);
  });

  test.each([undefined, '', ',', ' , '])('without a secret (%j), every signature is refused', async (secret) => {
    receiver.secret = secret;
    const body = webhook('webhook-ping').body;
    for (const key of [SECRET, '', ' '])
      expect(await receiver.receive(signed(body, { 'x-pagerduty-signature': sign(body, key || 'x') }))).toMatchObject({
        status: 401,
      });
  });

  test('during rotation, either of our secrets matches either of their signatures', async () => {
    receiver.secret = `new-secret, ${SECRET}`;
    expect(await receiver.receive(webhook('webhook-ping'))).toMatchObject({ status: 202 });
    const body = webhook('webhook-ping').body;
    const header = `${sign(body, 'unknown')},${sign(body, 'new-secret')}`;
    expect(await receiver.receive(signed(body, { 'x-pagerduty-signature': header }))).toMatchObject({ status: 202 });
  });
});

describe('a signed webhook is never refused', () => {
  test.each(['', '[]', 'null', '{', '{"event":null}', '{"event":{}}', '{"event":{"event_type":5}}', '"text"'])(
    'the body %j is kept in quarantine',
    async (body) => {
      expect(await receiver.receive(signed(body))).toEqual({ status: 202, body: { quarantined: 'q1' } });
      expect(receiver.kept).toMatchObject([{ source: 'pagerduty', body }]);
    },
  );

  test.each([
    'service.updated',
    'incident.conference_bridge.updated',
    'incident.custom_field_values.updated',
    'incident.workflow.completed',
    'something.new',
  ])('%s is ignored', async (event_type) => {
    const sent = signed(JSON.stringify({ event: { id: 'E1', event_type, data: { what: 'ever' } } }));
    expect(await receiver.receive(sent)).toEqual({ status: 202, body: { ignored: event_type } });
    expect([...receiver.queue, ...receiver.kept]).toEqual([]);
  });

  test('an event without its incident is kept in quarantine', async () => {
    expect(await receiver.receive(about('webhook-incident-annotated', { data: { incident: null } }))).toMatchObject({
      status: 202,
      body: { quarantined: 'q1' },
    });
  });

  test('any content is accepted and processed without harm', async () => {
    const { event } = JSON.parse(webhook('webhook-incident-acknowledged').body) as { event: { data: object } };
    const anything = fc
      .anything({ maxDepth: 2 })
      .map((value) => JSON.parse(JSON.stringify(value) ?? 'null') as unknown);
    const types = fc.constantFrom(
      'acknowledged',
      'annotated',
      'resolved',
      'reassigned',
      'responder.added',
      'status_update_published',
    );
    await fc.assert(
      fc.asyncProperty(
        types,
        fc.dictionary(fc.constantFrom('id', 'agent', 'occurred_at', 'client', 'data'), anything),
        fc.dictionary(
          fc.constantFrom(
            'id',
            'incident',
            'assignees',
            'content',
            'message',
            'resolve_reason',
            'incident_key',
            'user',
          ),
          anything,
        ),
        async (type, change, data) => {
          const told = { ...event, event_type: `incident.${type}`, data: { ...event.data, ...data }, ...change };
          expect((await receiver.receive(signed(JSON.stringify({ event: told })))).status).toBe(202);
          await receiver.hear();
        },
      ),
      { numRuns: runs(50) },
    );
  });
});
