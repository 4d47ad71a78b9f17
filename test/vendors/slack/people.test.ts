import { describe, expect, test } from 'vitest';
import type { ChatMessage } from '../../../core/domain/messages/chat-message.ts';
import { responseUrlFault } from '../../../vendors/slack/response-url.ts';
import { slackDirectory } from '../../../vendors/slack/users/directory.ts';
import { slackEphemeralMessages } from '../../../vendors/slack/ephemeral.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { type Received, type Reply, vendorThat } from '../server.ts';

const API = 'https://slack.com/api/';
const MESSAGE: ChatMessage = { summary: 'Done', parts: [{ kind: 'text', text: ['It is <!channel> done'] }] };
const ADA = { id: 'U1', team_id: 'T1', profile: { email: 'ada@example.com', display_name: '', real_name: 'Ada Park' } };

const ok = (body: object = {}): Reply => ({ body: JSON.stringify({ ok: true, ...body }) });
const refuses = (error: string): Reply => ({ body: JSON.stringify({ ok: false, error }) });

/** Starts a server that replies by method. Paths outside the API are response URLs. */
async function slack(answers: Record<string, Reply>) {
  const server = await vendorThat(({ path }) => answers[path.replace('/api/', '')] ?? refuses('unknown_method'));
  const options = {
    apiUrl: async () => `${server.url}/api/`,
    token: async () => 'xoxb-test',
    clock: new SetClock(NOON),
  };
  return { ...server, directory: slackDirectory(options), ephemeralMessages: slackEphemeralMessages(options) };
}

const NOON = '2026-11-20T12:00:00.000Z';
const methods = (received: readonly Received[]): string[] => received.map(({ path }) => path.replace('/api/', ''));

describe('the identity of a user', () => {
  const users = (more: object) =>
    slack({ 'auth.test': ok({ team_id: 'T1' }), 'users.info': ok({ user: { ...ADA, ...more } }) });

  test.each([
    ['a member of the workspace of the app', {}, { kind: 'member', email: 'ada@example.com', name: 'Ada Park' }],
    ['a guest', { is_ultra_restricted: true }, { kind: 'guest' }],
    ['a member whose workspace is unknown', { team_id: undefined }, { kind: 'member' }],
    ['a member of another company', { team_id: 'T2' }, { kind: 'outsider' }],
    ['a bot', { is_bot: true }, { kind: 'outsider' }],
    ['a deactivated user', { deleted: true }, { kind: 'outsider' }],
    ['a member with an unconfirmed address', { is_email_confirmed: false }, { kind: 'member', email: null }],
  ])('%s', async (_, more, expected) => {
    const { directory } = await users(more);
    expect(await directory.user('U1', [])).toEqual({ kind: 'done', value: expect.objectContaining(expected) });
  });

  test('members of other workspaces count if those are configured', async () => {
    const { directory, received } = await users({ team_id: 'T2' });
    expect(await directory.user('U1', ['T2'])).toMatchObject({ value: { kind: 'member' } });
    expect(methods(received)).toEqual(['users.info']);
  });

  test('an unknown user is null', async () => {
    const { directory } = await slack({ 'users.info': refuses('user_not_found') });
    expect(await directory.user('U1', [])).toEqual({ kind: 'done', value: null });
  });

  test('a failure of Slack is returned as such', async () => {
    const { directory } = await slack({
      'users.info': { status: 503, body: '' },
      'usergroups.users.list': refuses('missing_scope'),
    });
    expect(await directory.user('U1', [])).toMatchObject({ kind: 'later' });
    expect(await directory.groupMembers('S1')).toMatchObject({ kind: 'refused', code: 'missing_scope' });
  });
});

describe('the user with an email address', () => {
  test.each([
    ['a member', ok({ user: { id: 'U1' } }), { kind: 'done', value: 'U1' }],
    ['a deactivated user', ok({ user: { id: 'U1', deleted: true } }), { kind: 'done', value: null }],
    ['an unknown user', refuses('users_not_found'), { kind: 'done', value: null }],
    ['an app without the scope', refuses('missing_scope'), { kind: 'refused', code: 'missing_scope' }],
    ['a fault of Slack', { status: 503, body: '' }, { kind: 'later' }],
  ])('%s', async (_, reply, expected) => {
    const { directory, received } = await slack({ 'users.lookupByEmail': reply });
    expect(await directory.userByEmail('ada@example.com')).toMatchObject(expected);
    expect(received.map(({ body }) => body)).toEqual(['email=ada%40example.com']);
  });
});

describe('the text of a message', () => {
  const said = { ts: '1.000200', text: 'it hurts', user: 'U1' };
  const link = ok({ permalink: 'https://x.slack.com/archives/C1/p1000200' });

  test('in a channel', async () => {
    const { directory } = await slack({ 'conversations.history': ok({ messages: [said] }), 'chat.getPermalink': link });
    expect(await directory.message('C1', '1.000200')).toEqual({
      kind: 'done',
      value: { text: 'it hurts', user: 'U1', url: 'https://x.slack.com/archives/C1/p1000200' },
    });
  });

  test('in a thread, and of a deleted message', async () => {
    const history = ok({ messages: [{ ...said, ts: '0.000100' }] });
    const { directory } = await slack({
      'conversations.history': history,
      'conversations.replies': ok({ messages: [{ ...said, ts: '0.000100' }, said] }),
      'chat.getPermalink': refuses('message_not_found'),
    });
    expect(await directory.message('C1', '1.000200')).toMatchObject({ value: { text: 'it hurts', url: null } });
    expect(await directory.message('C1', '2.000200')).toEqual({ kind: 'done', value: null });
  });
});

describe('responses to a user', () => {
  test("are sent to the response URL and don't replace the message", async () => {
    const { ephemeralMessages, url, received } = await slack({ '/commands/T1/1/x': { body: 'ok' } });
    const replyTo = { user: 'U1', channel: 'C1', responseUrl: `${url}/commands/T1/1/x` };
    expect(await ephemeralMessages.send(replyTo, MESSAGE)).toEqual({ kind: 'done', value: null });
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      response_type: 'ephemeral',
      replace_original: false,
      blocks: [{ text: { text: 'It is &lt;!channel&gt; done', verbatim: true } }],
    });
    await ephemeralMessages.send(replyTo, MESSAGE, true);
    expect(JSON.parse(received[1]?.body ?? '')).toMatchObject({ response_type: 'in_channel' });
  });

  test('are sent to the channel if the response URL has expired, or else as a direct message', async () => {
    const { ephemeralMessages, url, received } = await slack({
      '/commands/T1/1/x': { status: 404, body: 'used_url' },
      'chat.postEphemeral': refuses('user_not_in_channel'),
      'chat.postMessage': ok(),
    });
    const replyTo = { user: 'U1', channel: 'C1', responseUrl: `${url}/commands/T1/1/x` };
    expect(await ephemeralMessages.send(replyTo, MESSAGE)).toEqual({ kind: 'done', value: null });
    expect(methods(received)).toEqual(['/commands/T1/1/x', 'chat.postEphemeral', 'chat.postMessage']);
    expect(new URLSearchParams(received[2]?.body).get('channel')).toBe('U1');
  });

  test('are never sent to a URL outside Slack', async () => {
    const other = await vendorThat(() => ok());
    const { ephemeralMessages, received } = await slack({ 'chat.postEphemeral': ok() });
    await ephemeralMessages.send({ user: 'U1', channel: 'C1', responseUrl: `${other.url}/commands/x` }, MESSAGE);
    expect(other.received).toEqual([]);
    expect(methods(received)).toEqual(['chat.postEphemeral']);
  });

  test.each([
    ['https://hooks.slack.com/commands/T1/1/x', API, true],
    ['http://hooks.slack.com/commands/T1/1/x', API, false],
    ['https://hooks.slack.com.evil.test/x', API, false],
    ['https://hooks.slack.com:8443/x', API, false],
    ['https://user@hooks.slack.com/x', API, false],
    ['https://slack.com/x', API, false],
    ['http://127.0.0.1:9000/x', API, false],
    ['http://127.0.0.1:9000/x', 'http://127.0.0.1:9000/api/', true],
    ['http://127.0.0.1:9001/x', 'http://127.0.0.1:9000/api/', false],
    ['http://10.0.0.1:9000/x', 'http://10.0.0.1:9000/api/', false],
    ['https://slack.internal.test/x', 'https://slack.internal.test/api/', true],
    ['nonsense', API, false],
  ])('%s, with the API at %s: %s', (address, api, isSlack) => {
    expect(responseUrlFault(address, api) === undefined).toBe(isSlack);
  });
});
