import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isSignedBySlack } from '../../../entrances/slack/requests/signature.ts';
import { fixture, FORM, receivedOf, SECRET, World } from './support.ts';

const NAMES = readdirSync(join(import.meta.dirname, '../../fixtures/slack'))
  .filter((file) => file.endsWith('.request.json'))
  .map((file) => file.replace('.request.json', ''));

const REFUSED = ['slash-command-bad-signature', 'slash-command-stale-timestamp', 'slash-command-documented-vector'];

describe('signatures', () => {
  test('the published example of Slack is valid at its time, and rejected as a replay later', () => {
    const vector = fixture('slash-command-documented-vector');
    const at = Date.parse(vector.receivedAt) / 1000;
    const received = receivedOf(vector);
    expect(isSignedBySlack(received, vector.secret.signingSecret, at)).toBe(true);
    expect(isSignedBySlack(received, vector.secret.signingSecret, at + 300)).toBe(true);
    expect(isSignedBySlack(received, vector.secret.signingSecret, at + 301)).toBe(false);
    expect(isSignedBySlack(received, vector.secret.signingSecret, at - 301)).toBe(false);
  });

  test.each([
    ['another secret', 'x'.repeat(32)],
    ['no secret', undefined],
    ['an empty secret', ''],
  ])('are invalid with %s', (_what, secret) => {
    const command = fixture('slash-command-freeze');
    expect(isSignedBySlack(receivedOf(command), secret, Date.parse(command.receivedAt) / 1000)).toBe(false);
    expect(isSignedBySlack(receivedOf(command), SECRET, Date.parse(command.receivedAt) / 1000)).toBe(true);
  });

  test.each([
    ['x-slack-signature', undefined],
    ['x-slack-signature', 'v0=00'],
    ['x-slack-signature', `v1=${'0'.repeat(64)}`],
    ['x-slack-request-timestamp', undefined],
    ['x-slack-request-timestamp', 'NaN'],
    ['x-slack-request-timestamp', '1795157401'],
  ])('are refused with %s %s', async (name, value) => {
    const world = new World();
    const received = receivedOf(fixture('slash-command-freeze'));
    const answer = await world.receive({ ...received, headers: { ...received.headers, [name]: value } });
    expect(answer.status).toBe(401);
    expect(world.heard).toEqual([]);
  });

  test('are refused for a changed body', async () => {
    const received = receivedOf(fixture('slash-command-freeze'));
    const body = Buffer.from(received.body.toString().replace('checkout-api', 'payments-api'));
    expect((await new World().receive({ ...received, body })).status).toBe(401);
  });

  test('cannot be verified without access to the secret, and Slack must retry', async () => {
    const world = new World();
    world.deps.secrets.get = async () => {
      throw new Error('SSM is away');
    };
    expect((await world.receive(receivedOf(fixture('event-reaction-added')))).status).toBe(503);
  });
});

describe('requests from Slack:', () => {
  test.each(NAMES)('%s', async (name) => {
    const world = new World();
    const request = fixture(name);
    const answer = await world.receive(receivedOf(request));
    expect(answer.status).toBe(REFUSED.includes(name) ? 401 : 200);
    if (request.expectResponse?.body !== undefined) expect(answer.body).toBe(request.expectResponse.body);
    expect(world.kept).toEqual([]);
  });

  /** Kind of the queued request of each fixture. Others are not queued. */
  const HEARD = [
    'slash-command-freeze',
    'slash-command-unicode',
    'event-message-channel',
    'event-reaction-added',
    'event-reaction-added-retry',
    'message-action-add-to-timeline',
    'view-submission-declare-incident',
  ];

  test('only these are queued', async () => {
    const event: string[] = [];
    for (const name of NAMES) {
      const world = new World();
      await world.receive(receivedOf(fixture(name)));
      if (world.heard.length > 0) event.push(name);
    }
    expect(event.toSorted()).toEqual(HEARD.toSorted());
  });

  test('a repeated event has the same key', async () => {
    const world = new World();
    await world.receive(receivedOf(fixture('event-reaction-added')));
    await world.receive(receivedOf(fixture('event-reaction-added-retry')));
    expect(world.heard.map(({ heard: event }) => event.key)).toEqual(['event:Ev08MFMKH6', 'event:Ev08MFMKH6']);
    expect(new Set(world.heard.map(({ group }) => group))).toEqual(new Set(['channel:C2147483705']));
  });

  test('an event that cannot be queued must be retried by Slack', async () => {
    const world = new World();
    world.deps.inbound.send = async () => {
      throw new Error('SQS is away');
    };
    expect((await world.receive(receivedOf(fixture('event-reaction-added')))).status).toBe(503);
  });

  test('unknown types are accepted and ignored', async () => {
    const world = new World();
    const events = [
      { type: 'event_callback', event_id: 'Ev1', event_time: 1, team_id: 'T1', event: { type: 'tea_made' } },
      { type: 'tea_made' },
    ];
    for (const event of events) expect(await world.event(event)).toMatchObject({ status: 200, body: '' });
    expect(await world.interact({ type: 'tea_made' })).toMatchObject({ status: 200, body: '' });
    expect(world.heard).toEqual([]);
  });

  test('events of the app itself are ignored', async () => {
    const world = new World();
    const reaction = JSON.parse(fixture('event-reaction-added').body);
    await world.event({ ...reaction, event: { ...reaction.event, user: 'U0BOT' } });
    await world.event({ ...reaction, event: { ...reaction.event, reaction: 'tada' } });
    expect(world.heard).toEqual([]);
  });
});

describe('unreadable requests:', () => {
  const EVENT = { 'content-type': 'application/json' };
  test.each([
    ['events', '{', EVENT, 400],
    ['events', '[]', EVENT, 400],
    ['events', '{"type":"url_verification"}', EVENT, 400],
    ['events', '{"type":"event_callback","event":{"type":"reaction_added"}}', EVENT, 400],
    ['events', '{}', FORM, 415],
    ['events', '{}', {}, 415],
    ['commands', 'command=%2Fincident', FORM, 400],
    ['commands', '{}', EVENT, 415],
    ['interactions', 'payload=%7B', FORM, 400],
    ['interactions', 'payload=%7B%22type%22%3A%22block_actions%22%7D', FORM, 400],
    ['interactions', 'a=b', FORM, 400],
    ['interactions', 'payload=%7B%7D&payload=%7B%7D', FORM, 400],
    ['commands', 'command=%2Fincident&command=%2Ffreeze', FORM, 400],
  ])('%s %s goes to quarantine, without a retry', async (place, body, headers, status) => {
    const world = new World();
    const answer = await world.post(`/integrations/slack/${place}`, { body, headers });
    expect(answer).toMatchObject({ status, headers: { 'x-slack-no-retry': '1' } });
    expect(world.kept).toMatchObject([{ receiver: `slack-${place}`, status }]);
    expect(world.heard).toEqual([]);
  });

  test('an interaction without a payload is refused with what is missing', async () => {
    const world = new World();
    await world.post('/integrations/slack/interactions', { body: 'a=b', headers: FORM });
    expect(world.kept).toMatchObject([{ detail: 'the field "payload" is missing' }]);
  });

  test('a form with escaped bytes that are not UTF-8 is refused', async () => {
    const world = new World();
    await world.post('/integrations/slack/commands', { body: 'command=%2Fincident&text=Jos%E9', headers: FORM });
    expect(world.kept).toMatchObject([{ detail: 'the form is not valid UTF-8' }]);
  });

  test('a request is refused even if it cannot be stored in quarantine', async () => {
    const world = new World();
    world.deps.quarantine.keep = async () => {
      throw new Error('S3 is away');
    };
    expect((await world.event([])).status).toBe(400);
  });

  test('a body of more than a megabyte is refused', async () => {
    const body = JSON.stringify({ type: 'event_callback', more: 'x'.repeat(1024 * 1024) });
    const answer = await new World().post('/integrations/slack/events', { body, headers: EVENT });
    expect(answer.status).toBe(413);
  });

  test('refused requests are counted by endpoint, reason, and whether Slack sent them', async () => {
    const world = new World();
    const path = '/integrations/slack/events';
    await world.post(path, { body: '{}', secret: 'x'.repeat(32) });
    await world.post(path, { body: 'no json', headers: { 'content-type': 'application/json' } });
    await world.post(path, { body: 'x'.repeat(1024 * 1024 + 1) });
    await world.post('/integrations/slack/other', { body: '' });
    await world.command('/incident', 'help');
    expect(world.counted).toEqual([
      `${path} unauthorized unknown`,
      `${path} wrong-shape slack`,
      `${path} body-too-large unknown`,
    ]);
  });

  test('every response has its request ID, and a refusal is a problem document', async () => {
    const world = new World();
    const received = receivedOf(fixture('slash-command-bad-signature'));
    const headers = { ...received.headers, 'x-request-id': 'slack/4711' };
    const { headers: sent, body } = await world.receive({ ...received, headers });
    expect(sent).toMatchObject({ 'content-type': 'application/problem+json', 'x-request-id': 'slack/4711' });
    expect(JSON.parse(body)).toMatchObject({ status: 401, code: 'unauthorized', request_id: 'slack/4711' });
    const helped = await world.receive(receivedOf(fixture('slash-command-help-empty-text')));
    expect(helped.headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
  });

  test('other paths and methods are refused', async () => {
    const world = new World();
    const received = receivedOf(fixture('slash-command-freeze'));
    expect((await world.receive({ ...received, path: '/integrations/slack/menus' })).status).toBe(404);
    expect((await world.receive({ ...received, method: 'GET' })).status).toBe(405);
  });
});
