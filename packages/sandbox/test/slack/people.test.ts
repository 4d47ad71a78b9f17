import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { DeliveryShown } from '../../slack/delivery/deliveries.ts';
import { COMMANDS, SCOPES, SHORTCUTS, SUBSCRIBED } from '../../slack/directory.ts';
import type { StandIns } from '../../core/index.ts';
import { channelNamed, client, newChannel, say } from '../slack-support.ts';
import { isSigned, receiver, type ReceivedRequest } from '../slack-receiver.ts';
import { clock, folder, sandbox, start } from '../support.ts';

type Act = {
  delivery: DeliveryShown | null;
  modal: { id: string; errors: Record<string, string>; problem: string } | null;
};

/** Performs an action of a person in Slack. */
const act = <T = Act>(standIns: StandIns, path: string, body: object): Promise<T> =>
  sandbox<T>(standIns, 'POST', `/slack${path}`, body);

const plain = (text: string) => ({ type: 'plain_text', text });

const option = (value: string) => ({ text: plain(value.toUpperCase()), value });

const BUTTONS = [
  { type: 'section', block_id: 's', text: plain('Roll back?') },
  {
    type: 'actions',
    block_id: 'a',
    elements: [
      { type: 'button', action_id: 'approve', text: plain('Approve'), value: 'x-1', style: 'danger' },
      { type: 'static_select', action_id: 'severity', options: [option('sev1'), option('sev2')] },
    ],
  },
];

const DECLARE = {
  type: 'modal',
  callback_id: 'declare_incident',
  private_metadata: '{"channel":"C1"}',
  title: plain('Declare an incident'),
  submit: plain('Declare'),
  notify_on_close: true,
  blocks: [
    {
      type: 'input',
      block_id: 'title',
      label: plain('Title'),
      element: { type: 'plain_text_input', action_id: 'text', max_length: 20 },
    },
    {
      type: 'input',
      block_id: 'severity',
      label: plain('Severity'),
      element: {
        type: 'static_select',
        action_id: 'choice',
        options: [option('sev1'), option('sev2')],
        initial_option: option('sev2'),
      },
    },
    {
      type: 'input',
      block_id: 'service',
      optional: true,
      label: plain('Service'),
      element: { type: 'external_select', action_id: 'choice' },
    },
  ],
};

/** All events that an app can subscribe to. */
const EVENTS = { events: ['member_joined_channel', 'message.channels', 'reaction_added'] };

/** Starts an app in its own channel, with ada and sam. */
async function app() {
  const standIns = await start();
  await sandbox(standIns, 'PUT', '/slack/settings', EVENTS);
  const slack = client(standIns);
  const channel = await newChannel(slack, 'incident-1');
  await slack.conversations.invite({ channel, users: 'U024BE7LH,U2147483697' }); // ada and sam
  return { standIns, slack, channel, heard: await receiver(standIns) };
}

describe('a command', () => {
  const typed = { user: 'ada', channel: '#incident-1', text: '/incident severity critical for @sam & #general <b>' };

  test('is sent as a signed form, as by Slack', async () => {
    const { standIns, heard: event, channel } = await app();
    const { delivery } = await act(standIns, '/commands', typed);
    const [request] = event.received as [ReceivedRequest];
    expect(request.path).toBe('/integrations/slack/commands');
    expect(isSigned(request)).toBe(true);
    expect(request.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(request.fields).toEqual({
      token: expect.any(String),
      team_id: 'T0SANDBOX',
      team_domain: 'firebreak-sandbox',
      channel_id: channel,
      channel_name: 'incident-1',
      user_id: 'U024BE7LH',
      user_name: 'ada',
      command: '/incident',
      text: expect.stringMatching(/^severity critical for <@U2147483697\|sam> &amp; <#C\w+\|general> &lt;b&gt;$/),
      api_app_id: 'A0SANDBOX',
      is_enterprise_install: 'false',
      response_url: expect.stringMatching(`^${standIns.urls.slack}/commands/T0SANDBOX/`),
      trigger_id: expect.stringMatching(/^\d+\.\d+\.\w+$/),
    });
    expect(delivery).toMatchObject({ status: 200, answer: null, error: null, attempts: 1 });
    const { items } = await sandbox<{ items: DeliveryShown[] }>(standIns, 'GET', '/slack/deliveries');
    expect(items).toMatchObject([{ what: '/incident', body: { command: '/incident' } }]);
  });

  test.each([
    ['a text', 'on it'],
    ['JSON', { text: 'on it' }],
    ['JSON with the response type', { text: 'on it', response_type: 'ephemeral' }],
  ])('%s in the response is visible only to the person who typed the command', async (_, body) => {
    const { standIns, heard: event } = await app();
    event.answer = () => ({ body });
    await act(standIns, '/commands', typed);
    const { ephemerals, messages } = await channelNamed(standIns, 'incident-1');
    expect(ephemerals).toMatchObject([{ user: 'U024BE7LH', author: 'app', text: 'on it' }]);
    expect(messages).toEqual([]);
  });

  test.each([
    ['an error', { status: 500 }, 'dispatch_failed'],
    ['an invalid message', { body: { blocks: [{ type: 'marquee' }] } }, 'invalid_blocks'],
    ['invalid JSON', { body: '{"text"' }, 'invalid_payload'],
  ])('with %s as the response shows an error by Slack itself', async (_, reply, word) => {
    const { standIns, heard: event } = await app();
    event.answer = () => reply;
    await act(standIns, '/commands', typed);
    const { ephemerals } = await channelNamed(standIns, 'incident-1');
    expect(ephemerals).toMatchObject([{ author: 'slackbot', text: `/incident failed with the error "${word}"` }]);
  });

  test("can't be sent from other web pages in the same browser", async () => {
    const { standIns, heard: event } = await app();
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    const body = JSON.stringify(typed);
    const response = await standIns.app.request('/sandbox/slack/commands', { method: 'POST', headers, body });
    expect([response.status, event.received]).toEqual([403, []]);
  });

  test('is not sent before the product listens, or to a product that uses the real Slack', async () => {
    const standIns = await start();
    const words = { user: 'ada', channel: 'general', text: '/incident' };
    await expect(act(standIns, '/commands', words)).rejects.toThrow('does not receive requests from this Slack');
    await standIns.connect({ url: 'http://127.0.0.1:9' });
    await expect(act(standIns, '/commands', words)).rejects.toThrow('does not receive requests from this Slack');
  });
});

describe('an interaction', () => {
  test('with a button sends the message, the person, and the action, each time with another trigger', async () => {
    const { standIns, slack, channel, heard: event } = await app();
    const { ts } = await say(slack, { channel, text: 'Roll back?', blocks: BUTTONS });
    const pressed = { user: 'sam', channel: 'incident-1', ts, action_id: 'approve' };
    await act(standIns, '/actions', pressed);
    await act(standIns, '/actions', pressed);
    const [first, second] = event.received.map(({ fields }) => fields);
    expect(first).toMatchObject({
      type: 'block_actions',
      user: { id: 'U2147483697', username: 'sam', name: 'sam', team_id: 'T0SANDBOX' },
      container: { type: 'message', message_ts: ts, channel_id: channel, is_ephemeral: false },
      team: { id: 'T0SANDBOX', domain: 'firebreak-sandbox' },
      channel: { id: channel, name: 'incident-1' },
      message: { ts, text: 'Roll back?', bot_id: 'BAH5CA16Z', blocks: BUTTONS },
      state: { values: { a: { severity: { type: 'static_select', selected_option: null } } } },
      actions: [{ type: 'button', action_id: 'approve', block_id: 'a', value: 'x-1', style: 'danger' }],
    });
    expect(first.response_url).toMatch(`${standIns.urls.slack}/actions/`);
    expect(second.trigger_id).not.toBe(first.trigger_id);
  });

  test('that the app does not accept shows an error to the person', async () => {
    const { standIns, slack, channel, heard: event } = await app();
    const { ts } = await say(slack, { channel, text: 'x', blocks: BUTTONS });
    event.answer = () => ({ status: 503 });
    await act(standIns, '/actions', { user: 'sam', channel, ts, action_id: 'approve' });
    const { ephemerals } = await channelNamed(standIns, 'incident-1');
    expect(ephemerals).toMatchObject([
      { author: 'slackbot', text: 'Action failed: the app responded with status 503' },
    ]);
  });

  test('with an unknown element is refused, and not sent', async () => {
    const { standIns, slack, channel, heard: event } = await app();
    const { ts } = await say(slack, { channel, text: 'x', blocks: BUTTONS });
    const wrong = act(standIns, '/actions', { user: 'sam', channel, ts, action_id: 'reject' });
    await expect(wrong).rejects.toThrow('elements: approve in a, severity in a');
    expect(event.received).toEqual([]);
  });
});

describe('a response_url', () => {
  /** Returns the response_url of a button on a message. */
  async function pressed(now?: () => number) {
    const standIns = await start(now && { now });
    const slack = client(standIns);
    const channel = await newChannel(slack, 'incident-1');
    await slack.conversations.invite({ channel, users: 'U2147483697' });
    const event = await receiver(standIns);
    const { ts = '' } = await say(slack, { channel, text: 'Roll back?', blocks: BUTTONS });
    await act(standIns, '/actions', { user: 'sam', channel, ts, action_id: 'approve' });
    const url = String(event.received[0]?.fields.response_url);
    const respond = async (body: unknown) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const response = await fetch(url, { method: 'POST', body: text });
      return [response.status, await response.text()];
    };
    return { standIns, slack, channel, ts, respond };
  }

  test('can be used five times', async () => {
    const { respond } = await pressed();
    for (let i = 0; i < 5; i++) expect(await respond({ text: `${i}` })).toEqual([200, 'ok']);
    expect(await respond({ text: 'once more' })).toEqual([404, 'used_url']);
  });

  test('is valid for half an hour', async () => {
    const time = clock();
    const { respond } = await pressed(time.now);
    time.forward(30 * 60_000);
    expect(await respond({ text: 'just in time' })).toEqual([200, 'ok']);
    time.forward(1);
    expect(await respond({ text: 'late' })).toEqual([404, 'expired_url']);
  });

  test.each([
    ['{', 'invalid_payload'],
    [{}, 'no_text'],
    [{ blocks: [{ type: 'marquee' }] }, 'invalid_blocks'],
  ])('refuses %j', async (body, word) => {
    const { respond } = await pressed();
    expect(await respond(body)).toEqual([400, word]);
  });
});

describe('a modal', () => {
  /** Opens a modal from the app in response to a shortcut. */
  async function opened(view: object = DECLARE) {
    const all = await app();
    const { standIns, slack, heard: event } = all;
    event.answer = async ({ fields }) => {
      if (fields.type === 'shortcut') await slack.views.open({ trigger_id: fields.trigger_id, view: view as never });
      return {};
    };
    const { modal } = await act(standIns, '/shortcuts', { user: 'ada', callback_id: 'declare_incident' });
    const submit = (values: object) => act(standIns, `/views/${modal?.id}/submit`, { user: 'ada', values });
    return { ...all, id: modal?.id ?? '', submit };
  }

  test('is opened during a shortcut, and submitted with its values', async () => {
    const { heard: event, submit, id } = await opened();
    expect(event.received[0]?.fields).toMatchObject({ type: 'shortcut', callback_id: 'declare_incident' });
    const { modal } = await submit({ title: { text: 'Checkout fails' } });
    expect(modal).toBeNull();
    expect(event.received[1]?.fields).toMatchObject({
      type: 'view_submission',
      user: { id: 'U024BE7LH' },
      view: {
        id,
        type: 'modal',
        callback_id: 'declare_incident',
        private_metadata: '{"channel":"C1"}',
        hash: expect.stringMatching(/^\d+\.\w+$/),
        root_view_id: id,
        previous_view_id: null,
        state: {
          values: {
            title: { text: { type: 'plain_text_input', value: 'Checkout fails' } },
            severity: { choice: { type: 'static_select', selected_option: { value: 'sev2' } } },
            service: { choice: { type: 'external_select', selected_option: null } },
          },
        },
      },
      response_urls: [],
    });
  });

  test.each([
    ['nothing', {}, 'Please complete this required field.'],
    ['too much', { title: { text: 'x'.repeat(21) } }, 'Must be no more than 20 characters.'],
  ])('%s in a field shows an error by Slack itself', async (_, values, words) => {
    const { heard: event, submit } = await opened();
    expect(await submit(values)).toMatchObject({ delivery: null, modal: { errors: { title: words } } });
    expect(event.received).toHaveLength(1);
  });

  test("shows the app's errors at their fields until there are none", async () => {
    const { heard: event, submit, id } = await opened();
    event.answer = () => ({ body: { response_action: 'errors', errors: { title: 'taken' } } });
    expect((await submit({ title: { text: 'one' } })).modal).toEqual({ id, errors: { title: 'taken' }, problem: '' });
    event.answer = () => ({});
    expect((await submit({ title: { text: 'two' } })).modal).toBeNull();
  });

  test.each([
    ['an error', { status: 500 }],
    ['errors about unknown fields', { body: { response_action: 'errors', errors: { nowhere: 'x' } } }],
    ['an invalid view', { body: { response_action: 'update', view: { type: 'modal' } } }],
    ['an unknown response action', { body: { response_action: 'explode' } }],
  ])('with %s as the response stays open, and keeps its values', async (_, reply) => {
    const { standIns, heard: event, submit, id } = await opened();
    event.answer = () => reply;
    const { modal } = await submit({ title: { text: 'one' } });
    expect(modal).toMatchObject({ id, problem: expect.stringMatching(/^We had some trouble connecting/) });
    const state = await sandbox<any>(standIns, 'GET', '/state');
    expect(state.views.slack.modals[0].state.title.text.value).toBe('one');
  });
});

describe('the app', () => {
  test('has the scopes and events of its manifest', () => {
    const manifest = parse(readFileSync(new URL('../../../../entrances/slack/manifest.yaml', import.meta.url), 'utf8'));
    const { shortcuts, slash_commands: commands } = manifest.features;
    expect(commands.map(({ command }: { command: string }) => command)).toEqual(COMMANDS);
    expect(
      shortcuts.map(({ callback_id: id, name, type }: Record<string, string>) => ({ callback_id: id, name, of: type })),
    ).toEqual(SHORTCUTS);
    expect(manifest.settings.event_subscriptions.bot_events.toSorted()).toEqual(SUBSCRIBED);
    expect(SCOPES).toEqual(expect.arrayContaining(manifest.oauth_config.scopes.bot));
  });
});

describe('requests to the app', () => {
  /** Returns the fields of a documented request, and those of its payload. */
  const documented = (name: string): string[] => {
    const { body } = JSON.parse(
      readFileSync(new URL(`../../../../test/fixtures/slack/${name}.request.json`, import.meta.url), 'utf8'),
    ) as { body: string };
    const fields = Object.fromEntries(new URLSearchParams(body));
    return keysOf(fields['payload'] === undefined ? fields : JSON.parse(fields['payload']));
  };
  /** Returns the keys at all levels, except in parts that the app defines, and without fields for Enterprise only. */
  const keysOf = (fields: object, at = ''): string[] =>
    Object.entries(fields)
      .filter(([key]) => !key.startsWith('enterprise_'))
      .flatMap(([key, value]) => {
        const isOpaque = ['values', 'blocks', 'message', 'actions'].includes(key);
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        return [`${at}${key}`, ...(isObject && !isOpaque ? keysOf(value as object, `${at}${key}.`) : [])];
      });

  test.each([
    ['slash-command-freeze', '/commands', { channel: 'incident-1', text: '/freeze' }],
    ['block-actions-approve-rollback', '/actions', { channel: 'incident-1', action_id: 'approve', ts: '' }],
    ['global-shortcut-declare', '/shortcuts', { callback_id: 'declare_incident' }],
    ['message-action-add-to-timeline', '/shortcuts', { callback_id: 'add_to_timeline', channel: 'incident-1', ts: '' }],
  ])('have all fields of the documented %s', async (name, path, body) => {
    const { standIns, slack, channel, heard: event } = await app();
    const { ts } = await say(slack, { channel, text: 'x', blocks: BUTTONS });
    await act(standIns, path, { user: 'ada', ...body, ...('ts' in body && { ts }) });
    expect(keysOf(event.received[0]?.fields)).toEqual(expect.arrayContaining(documented(name)));
  });
});

describe('events', () => {
  const talk = (standIns: StandIns, user = 'ada') =>
    act<{ ts: string; delivery: DeliveryShown | null }>(standIns, '/channels/incident-1/messages', {
      user,
      text: 'rolled back',
    });

  test('about joins, messages, and reactions are sent in order and signed', async () => {
    const { standIns, heard: event, channel } = await app();
    const { ts, delivery } = await talk(standIns, 'grace');
    expect(delivery).toMatchObject({ what: 'message', status: 200, next_at: null });
    await act(standIns, '/channels/incident-1/reactions', { user: 'sam', ts, name: 'pushpin' });
    expect(event.received.every(isSigned)).toBe(true);
    expect(event.received.map(({ fields }) => fields.event)).toMatchObject([
      { type: 'member_joined_channel', user: 'U0GRACE001', channel, channel_type: 'C' },
      { type: 'message', user: 'U0GRACE001', channel, text: 'rolled back', ts, channel_type: 'channel' },
      { type: 'reaction_added', user: 'U2147483697', reaction: 'pushpin', item: { type: 'message', channel, ts } },
    ]);
    expect(event.received[1]?.fields).toMatchObject({
      type: 'event_callback',
      event_id: expect.stringMatching(/^Ev/),
      authorizations: [{ user_id: 'U0BOT', is_bot: true }],
    });
    expect((await channelNamed(standIns, 'incident-1')).messages).toMatchObject([{ reactions: [{ name: 'pushpin' }] }]);
  });

  test('that the app is not subscribed to are not sent: by its manifest, it gets no messages', async () => {
    const standIns = await start();
    const event = await receiver(standIns);
    await newChannel(client(standIns), 'incident-1');
    expect((await talk(standIns)).delivery).toBeNull();
    expect(event.received.map(({ fields }) => fields.event.type)).toEqual(['member_joined_channel']);
  });

  test('of a channel that the app is not in are not sent', async () => {
    const { standIns, heard: event } = await app();
    await act(standIns, '/channels/general/messages', { user: 'ada', text: 'lunch?' });
    expect(event.received).toEqual([]);
  });

  /** Waits until the app has received this number of requests. */
  const receivedTimes = (times: number, event: { received: ReceivedRequest[] }) =>
    expect.poll(() => event.received.length).toBe(times);

  test('that fail are sent again three times, with the same ID and new signatures', async () => {
    const standIns = await start({ timeScale: 1_000_000 });
    await sandbox(standIns, 'PUT', '/slack/settings', EVENTS);
    const event = await receiver(standIns);
    await newChannel(client(standIns), 'incident-1');
    await act(standIns, '/channels/incident-1/members', { user: 'ada' });
    event.received.length = 0;
    event.answer = () => ({ status: 500 });
    await talk(standIns);
    await receivedTimes(4, event);
    expect(new Set(event.received.map(({ fields }) => fields.event_id)).size).toBe(1);
    expect(event.received.every(isSigned)).toBe(true);
    expect(event.received.map(({ headers }) => headers['x-slack-retry-num'])).toEqual([undefined, '1', '2', '3']);
    expect(event.received[1]?.headers['x-slack-retry-reason']).toBe('http_error');
    await expect
      .poll(async () => (await sandbox<any>(standIns, 'GET', '/slack/deliveries')).items[0])
      .toMatchObject({ attempts: 4, status: 500, next_at: null });
  });

  test('are not sent again if the app says so, or once they are accepted', async () => {
    const standIns = await start({ timeScale: 1_000_000 });
    await sandbox(standIns, 'PUT', '/slack/settings', EVENTS);
    const event = await receiver(standIns);
    await newChannel(client(standIns), 'incident-1');
    await act(standIns, '/channels/incident-1/members', { user: 'ada' });
    event.answer = () => ({ status: 500, headers: { 'x-slack-no-retry': '1' } });
    expect((await talk(standIns)).delivery).toMatchObject({ attempts: 1, next_at: null });
    event.answer = ({ headers }) => ({ status: headers['x-slack-retry-num'] === '1' ? 200 : 500 });
    await talk(standIns);
    await receivedTimes(4, event);
    await expect
      .poll(async () => (await sandbox<any>(standIns, 'GET', '/slack/deliveries')).items[0])
      .toMatchObject({ attempts: 2, status: 200, next_at: null });
  });

  test('with pending retries are sent again after a restart', async () => {
    const dir = folder();
    const first = await start({ dir });
    const event = await receiver(first);
    await newChannel(client(first), 'incident-1');
    event.answer = ({ headers }) => ({ status: headers['x-slack-retry-num'] === '2' ? 200 : 500 });
    await act(first, '/channels/incident-1/members', { user: 'ada' });
    await receivedTimes(2, event); // the third attempt is due in a minute
    await expect
      .poll(async () => (await sandbox<any>(first, 'GET', '/slack/deliveries')).items[0])
      .toMatchObject({ attempts: 2 });
    await first.close();

    const second = await start({ dir, now: () => Date.now() + 60_000 });
    event.received.length = 0;
    const again = await receiver(second);
    await receivedTimes(1, again);
    expect(again.received[0]?.headers['x-slack-retry-num']).toBe('2');
  });

  test("start with Slack's verification of the app's URL", async () => {
    const { standIns, heard: event } = await app();
    event.answer = ({ fields }) => ({ body: fields.challenge });
    expect(await act(standIns, '/verification', {})).toMatchObject({ verified: true });
    event.answer = () => ({ body: 'no' });
    expect(await act(standIns, '/verification', {})).toMatchObject({ verified: false });
  });
});
