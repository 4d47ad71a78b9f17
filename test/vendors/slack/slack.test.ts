import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ChatMessage } from '../../../core/domain/messages/chat-message.ts';
import type { Chat } from '../../../core/domain/ports/chat.ts';
import type { VendorResponse } from '../../../core/domain/ports/vendor-response.ts';
import { slackChat } from '../../../vendors/slack/chat.ts';
import { CALL_TIMEOUT_MS, PAGES_MAX, TOPIC_MAX_CHARS } from '../../../vendors/slack/limits.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { exchange } from '../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { impatient } from '../time-limits.ts';
import { nobody, type Received, type Reply, vendor, vendorThat } from '../server.ts';

const TOKEN = 'xoxb-test-dev';
const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;
const CHANNEL = 'C2147483705';
const MESSAGE: ChatMessage = { summary: 'Rollback started', parts: [] };

const chatAt = (url: string, token: () => Promise<string | undefined> = async () => TOKEN): Chat =>
  slackChat({ apiUrl: async () => `${url}/api/`, token, clock: new SetClock(NOON) });

const says = (body: object): Reply => ({ body: JSON.stringify({ ok: true, ...body }) });
const refuses = (error: string, more: object = {}): Reply => ({ body: JSON.stringify({ ok: false, error, ...more }) });
const DONE = says({});
const ME = says({ user_id: 'U0BOT', bot_id: 'B0BOT', team_id: 'T1' });

const methods = (received: readonly Received[]): string[] => received.map(({ path }) => path.replace('/api/', ''));

/** Returns the arguments of a call, with JSON parsed. */
function argumentsOf(call: Received | undefined): Record<string, unknown> {
  const fields = [...new URLSearchParams(call?.body ?? '')];
  return Object.fromEntries(fields.map(([name, value]) => [name, /^[[{]/.test(value) ? JSON.parse(value) : value]));
}

const containing = (...parts: string[]): unknown => expect.stringMatching(new RegExp(parts.join('.*'), 's'));

describe('documented exchange', () => {
  const refusal = (code: string, ...parts: string[]) => ({ kind: 'refused', code, detail: containing(code, ...parts) });
  const token = 'SLACK_BOT_TOKEN.*docs/reference/errors.md#slack-token';
  const EXPECTED: Record<string, unknown> = {
    'chat-postMessage-429': { kind: 'later', detail: containing('chat.postMessage', '429'), afterSeconds: 30 },
    'chat-postMessage-500': { kind: 'unclear', detail: containing('500', 'internal_error') },
    'chat-postMessage-channel_not_found': refusal('channel_not_found', 'docs/reference/errors.md#slack-channel'),
    'chat-postMessage-invalid_blocks': refusal('invalid_blocks', '/blocks/0/text/text', 'slack-refused'),
    'chat-postMessage-is_archived': refusal('is_archived', 'slack-channel'),
    'chat-postMessage-msg_too_long': refusal('msg_too_long'),
    'chat-postMessage-no_text': refusal('no_text'),
    'chat-postMessage-not_in_channel': refusal('not_in_channel', 'invite the app'),
    'chat-postMessage-ok': { kind: 'done', value: { channel: CHANNEL, id: '1795157400.000200' } },
    'chat-postMessage-rate_limited': { kind: 'later', detail: containing('rate_limited'), afterSeconds: null },
    'conversations-archive-already_archived': { kind: 'done', value: null },
    'conversations-create-account_inactive': refusal('account_inactive', token),
    'conversations-create-invalid_auth': refusal('invalid_auth', token),
    'conversations-create-invalid_name_maxlength': refusal('invalid_name_maxlength'),
    'conversations-create-invalid_name_specials': refusal('invalid_name_specials'),
    'conversations-create-missing_scope': refusal(
      'missing_scope',
      'needs channels:manage',
      'has chat:write',
      'slack-scope',
    ),
    'conversations-create-name_taken': refusal('name_taken'),
    'conversations-create-ok': { kind: 'done', value: { id: CHANNEL } },
    'conversations-create-restricted_action': refusal('restricted_action', 'admins', 'slack-restricted'),
    'conversations-create-token_revoked': refusal('token_revoked', token),
    'conversations-invite-already_in_channel': { kind: 'done', value: [] },
    'conversations-invite-cant_invite_self': { kind: 'done', value: [] },
    'conversations-invite-ok': { kind: 'done', value: [] },
    'conversations-invite-partial': { kind: 'done', value: [{ user: 'UNOBODY01', code: 'user_not_found' }] },
    'conversations-setTopic-ok': { kind: 'done', value: null },
  };

  test('has an expectation if Firebreak calls the method', () => {
    const called = /^(chat-postMessage|conversations-(archive|create|invite|setTopic))-.*(?=\.exchange\.json$)/;
    const files = readdirSync(new URL('../../fixtures/slack', import.meta.url)).flatMap(
      (file) => called.exec(file)?.[0] ?? [],
    );
    expect(files.toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
  });

  /** Uses `#name`, because such a channel can't be joined. */
  const CALLS: Record<string, (chat: Chat, body: Record<string, string>) => Promise<VendorResponse<unknown>>> = {
    'chat-postMessage': (chat) => chat.post('#payments', MESSAGE, 'act-7'),
    'conversations-archive': (chat) => chat.archive(CHANNEL),
    'conversations-create': (chat, { name = '' }) => chat.createChannel(name),
    'conversations-invite': (chat, { users = '' }) => chat.invite(CHANNEL, users.split(',')),
    'conversations-setTopic': (chat, { topic = '' }) => chat.setTopic(CHANNEL, [topic]),
  };

  test.each(Object.entries(EXPECTED))('%s is understood', async (name, expected) => {
    const { request, response } = exchange(`slack/${name}`);
    const { url, received } = await vendor(response);
    const call = CALLS[name.split('-').slice(0, 2).join('-')];
    const body = JSON.parse(request.body) as Record<string, string>;
    expect(await call?.(chatAt(url), body)).toEqual(expected);
    expect(received).toMatchObject([
      { method: 'POST', path: request.path, headers: { authorization: request.headers['Authorization'] } },
    ]);
    expect(received[0]?.body).not.toContain(TOKEN);
    if (!name.startsWith('chat'))
      expect(argumentsOf(received[0])).toMatchObject({ [Object.keys(body)[0] ?? '']: Object.values(body)[0] });
  });
});

describe('invitations to a channel', () => {
  const blamed = (user: string, error: string) => ({ user, ok: false, error });
  const argumentsOfEach = (received: readonly Received[]) => received.map((call) => argumentsOf(call));

  test("don't use force for a single user", async () => {
    const { url, received } = await vendor(DONE);
    expect(await chatAt(url).invite(CHANNEL, ['U1'])).toEqual({ kind: 'done', value: [] });
    expect(argumentsOfEach(received)).toEqual([{ channel: CHANNEL, users: 'U1' }]);
  });

  test('contain at most 100 users', async () => {
    const users = Array.from({ length: 101 }, (_, n) => `U${n}`);
    const { url, received } = await vendor(DONE);
    await chatAt(url).invite(CHANNEL, users);
    expect(received.map((call) => String(argumentsOf(call)['users']).split(',').length)).toEqual([100, 1]);
  });

  test('report each user if none could be invited', async () => {
    const errors = [blamed('U1', 'ura_max_channels'), blamed('U2', 'already_in_channel')];
    const { url, received } = await vendor(refuses('ura_max_channels', { errors }));
    const response = await chatAt(url).invite(CHANNEL, ['U1', 'U2']);
    expect(response).toEqual({ kind: 'done', value: [{ user: 'U1', code: 'ura_max_channels' }] });
    expect(received).toHaveLength(1);
  });

  test("are retried for a user that the response doesn't mention", async () => {
    const { url, received } = await vendorThat((_, n) =>
      n === 0 ? refuses('user_not_found', { errors: [blamed('U1', 'user_not_found')] }) : refuses('cant_invite'),
    );
    const response = await chatAt(url).invite(CHANNEL, ['U1', 'U2']);
    expect(response).toEqual({
      kind: 'done',
      value: [
        { user: 'U1', code: 'user_not_found' },
        { user: 'U2', code: 'cant_invite' },
      ],
    });
    expect(argumentsOfEach(received)).toEqual([
      { channel: CHANNEL, users: 'U1,U2', force: 'true' },
      { channel: CHANNEL, users: 'U2' },
    ]);
  });

  test("are retried one by one if an error doesn't name the user", async () => {
    const { url, received } = await vendorThat((_, n) => (n === 2 ? DONE : refuses('cant_invite')));
    const response = await chatAt(url).invite(CHANNEL, ['U1', 'U2']);
    expect(response).toEqual({ kind: 'done', value: [{ user: 'U1', code: 'cant_invite' }] });
    expect(received).toHaveLength(3);
  });

  test.each([
    [
      'missing_scope',
      refuses('missing_scope', { needed: 'channels:manage' }),
      { kind: 'refused', code: 'missing_scope' },
    ],
    ['is_archived', refuses('is_archived'), { kind: 'refused', code: 'is_archived' }],
    [
      'an error of the channel',
      refuses('is_archived', { errors: [{ ok: false, error: 'is_archived' }] }),
      { kind: 'refused' },
    ],
    ['429', { status: 429, body: '{}' }, { kind: 'later' }],
    ['503', { status: 503 }, { kind: 'unclear' }],
  ])('%s is an error of the call, not of a user', async (_, reply, expected) => {
    impatient();
    const { url, received } = await vendor(reply);
    expect(await chatAt(url).invite(CHANNEL, ['U1', 'U2'])).toMatchObject(expected);
    expect(received).toHaveLength(1);
  });
});

describe('an error', () => {
  const html = { headers: { 'content-type': 'text/html' }, body: '<html>please log in</html>' };
  test.each<[string, Reply, object]>([
    ['429 without a time', { status: 429, body: '{}' }, { kind: 'later', afterSeconds: null }],
    [
      '429 with a date',
      { status: 429, headers: { 'retry-after': 'Fri, 20 Nov 2026 12:01:00 GMT' } },
      { kind: 'later', afterSeconds: 60 },
    ],
    ['502 in HTML', { status: 502, ...html }, { kind: 'unclear' }],
    ['408', { status: 408 }, { kind: 'unclear' }],
    ['200 from something in between', html, { kind: 'unclear' }],
    ['200 with null', { body: 'null' }, { kind: 'unclear' }],
    ['200 without what was asked for', DONE, { kind: 'unclear', detail: containing('channel') }],
    ['an error that is no name', refuses('<html>'), { kind: 'unclear' }],
    ['a connection that is cut', { cut: 200 }, { kind: 'unclear' }],
    ['internal_error', refuses('internal_error'), { kind: 'unclear' }],
    ['fatal_error', refuses('fatal_error'), { kind: 'unclear' }],
    ['service_unavailable', refuses('service_unavailable'), { kind: 'unclear' }],
    ['request_timeout', refuses('request_timeout'), { kind: 'unclear' }],
    ['ratelimited', refuses('ratelimited'), { kind: 'later', afterSeconds: null }],
    [
      '302 to somewhere else',
      { status: 302, headers: { location: '/elsewhere' } },
      { kind: 'refused', code: 'http_302', detail: containing('SLACK_API_URL') },
    ],
    ['404', { status: 404, ...html }, { kind: 'refused', code: 'http_404' }],
  ])('%s is requested once', async (_, reply, expected) => {
    impatient();
    const { url, received } = await vendor(reply);
    const response = await chatAt(url).createChannel('incident-2611201');
    expect(response).toMatchObject(expected);
    expect(received).toHaveLength(1);
    expect(JSON.stringify(response)).not.toContain(TOKEN);
  });

  test('no response within the time limit is unclear', async () => {
    const limits = impatient();
    const { url, received } = await vendor('hang');
    expect(await chatAt(url).createChannel('incident-2611201')).toMatchObject({ kind: 'unclear' });
    expect(received).toHaveLength(1);
    expect(limits).toEqual([CALL_TIMEOUT_MS]);
  });

  test('without a connection, nothing was sent', async () => {
    expect(await chatAt(await nobody()).createChannel('x')).toMatchObject({
      kind: 'later',
      detail: containing('reached'),
    });
    const unknown = await chatAt('http://nowhere.invalid').createChannel('x');
    expect(unknown).toMatchObject({ kind: 'later', afterSeconds: null });
  });

  test('a read call had no effect', async () => {
    const { url } = await vendor({ status: 500 });
    expect(await chatAt(url).findChannel('payments')).toMatchObject({ kind: 'later', afterSeconds: null });
    expect(await chatAt(url).findPost(CHANNEL, 'k', NOON)).toMatchObject({ kind: 'later' });
  });
});

describe('the token', () => {
  test('that is missing means off, and nothing is sent', async () => {
    const { url, received } = await vendor(DONE);
    for (const token of [undefined, ''])
      expect(await chatAt(url, async () => token).archive(CHANNEL)).toMatchObject({
        kind: 'off',
        detail: containing('SLACK_BOT_TOKEN'),
      });
    expect(received).toEqual([]);
  });

  test('with invalid characters is refused and not revealed', async () => {
    const { url, received } = await vendor(DONE);
    const response = await chatAt(url, async () => 'xoxb-sécret\n').archive(CHANNEL);
    expect(response).toMatchObject({ kind: 'refused', code: 'invalid_auth' });
    expect(JSON.stringify(response)).not.toContain('xoxb');
    expect(received).toEqual([]);
  });

  test('that was rotated is used from then on, and its identity is read again', async () => {
    const { url, received } = await vendor(
      ME,
      says({ messages: [] }),
      says({ messages: [] }),
      ME,
      says({ messages: [] }),
    );
    const tokens = ['xoxb-a', 'xoxb-a', 'xoxb-b'];
    const chat = chatAt(url, async () => tokens.shift());
    for (let times = 0; times < 3; times += 1) await chat.findPost(CHANNEL, 'k', NOON);
    expect(received.map(({ path, headers }) => `${path} ${headers.authorization}`)).toEqual([
      '/api/auth.test Bearer xoxb-a',
      '/api/conversations.history Bearer xoxb-a',
      '/api/conversations.history Bearer xoxb-a',
      '/api/auth.test Bearer xoxb-b',
      '/api/conversations.history Bearer xoxb-b',
    ]);
  });
});

test('the API address works without a trailing slash', async () => {
  const { url, received } = await vendor(DONE);
  await slackChat({ apiUrl: async () => `${url}/api`, token: async () => TOKEN, clock: new SetClock(NOON) }).archive(
    CHANNEL,
  );
  expect(methods(received)).toEqual(['conversations.archive']);
});

describe('channels', () => {
  const channel = (name: string, more: object = {}) => ({
    id: `C${name.toUpperCase()}`,
    name,
    is_archived: false,
    creator: 'U1',
    ...more,
  });
  const page = (channels: object[], next_cursor: string) => says({ channels, response_metadata: { next_cursor } });

  test('are found by name on any page, including archived ones', async () => {
    const found = channel('incident-2611201', { is_archived: true, creator: 'U0BOT', purpose: { value: 'a &amp; b' } });
    const { url, received } = await vendor(
      page([channel('a')], 'dXNlcjpV'),
      page([channel('b'), found], 'bW9yZQ=='),
      ME,
    );
    expect(await chatAt(url).findChannel('incident-2611201')).toEqual({
      kind: 'done',
      value: { id: found.id, name: found.name, purpose: 'a & b', archived: true, isOwn: true },
    });
    expect(methods(received)).toEqual(['conversations.list', 'conversations.list', 'auth.test']);
    expect(argumentsOf(received[0])).toEqual({ types: 'public_channel', exclude_archived: 'false', limit: '999' });
    expect(argumentsOf(received[1])).toMatchObject({ cursor: 'dXNlcjpV', exclude_archived: 'false' });
  });

  test("that another user created don't count as Firebreak's", async () => {
    const { url } = await vendor(page([channel('payments')], ''), ME);
    expect(await chatAt(url).findChannel('payments')).toMatchObject({ value: { isOwn: false, purpose: '' } });
  });

  test('that are on no page are missing', async () => {
    const { url } = await vendor(page([channel('a')], 'x'), page([], ''));
    expect(await chatAt(url).findChannel('payments')).toEqual({ kind: 'done', value: null });
  });

  test('are not reported as missing while there are more pages', async () => {
    const { url, received } = await vendor(page([channel('a')], 'more'));
    expect(await chatAt(url).findChannel('payments')).toMatchObject({ kind: 'refused', code: 'too_many_pages' });
    expect(received).toHaveLength(PAGES_MAX);
  });

  test('are listed by prefix', async () => {
    const { url } = await vendor(
      page([channel('incident-1'), channel('a')], 'x'),
      page([channel('incident-2', { is_archived: true })], ''),
    );
    expect(await chatAt(url).channelNames('incident-')).toEqual({ kind: 'done', value: ['incident-1', 'incident-2'] });
  });

  test('have a topic and a purpose of one line, escaped and truncated', async () => {
    const { url, received } = await vendor(DONE);
    const chat = chatAt(url);
    expect(
      await chat.setTopic(CHANNEL, [{ bold: 'SEV1' }, ' |\n<!channel> ', { link: 'https://a.test', text: 'x' }]),
    ).toEqual({ kind: 'done', value: null });
    await chat.setPurpose(CHANNEL, 'ü'.repeat(TOPIC_MAX_CHARS + 1));
    expect(methods(received)).toEqual(['conversations.setTopic', 'conversations.setPurpose']);
    expect(argumentsOf(received[0])).toEqual({ channel: CHANNEL, topic: 'SEV1 | &lt;!channel&gt; x' });
    expect(argumentsOf(received[1])).toEqual({ channel: CHANNEL, purpose: `${'ü'.repeat(TOPIC_MAX_CHARS - 1)}…` });
  });
});

describe('a message', () => {
  const POSTED = says({ channel: CHANNEL, ts: '1795157400.000200' });

  test('is posted with its key, without mentions or previews', async () => {
    const { url, received } = await vendor(POSTED);
    await chatAt(url).post('#payments', MESSAGE, 'incident 01 line');
    expect(argumentsOf(received[0])).toEqual({
      channel: '#payments',
      text: 'Rollback started',
      blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'Rollback started', verbatim: true } }],
      metadata: { event_type: 'firebreak_message', event_payload: { key: 'incident 01 line' } },
      parse: 'none',
      link_names: 'false',
      unfurl_links: 'false',
      unfurl_media: 'false',
    });
  });

  test('is posted again after joining the channel', async () => {
    const { url, received } = await vendor(refuses('not_in_channel'), DONE, POSTED);
    expect(await chatAt(url).post(CHANNEL, MESSAGE, 'k')).toMatchObject({ kind: 'done' });
    expect(methods(received)).toEqual(['chat.postMessage', 'conversations.join', 'chat.postMessage']);
    expect(argumentsOf(received[1])).toEqual({ channel: CHANNEL });
  });

  test("is not posted if the app can't join the channel", async () => {
    const { url, received } = await vendor(
      refuses('not_in_channel'),
      refuses('missing_scope', { needed: 'channels:join', provided: 'chat:write' }),
    );
    expect(await chatAt(url).post(CHANNEL, MESSAGE, 'k')).toMatchObject({
      kind: 'refused',
      code: 'missing_scope',
      detail: containing('conversations.join', 'channels:join'),
    });
    expect(received).toHaveLength(2);
  });

  test('was not posted if the result of joining the channel is unclear', async () => {
    const { url } = await vendor(refuses('not_in_channel'), { status: 500 });
    expect(await chatAt(url).post(CHANNEL, MESSAGE, 'k')).toMatchObject({ kind: 'later' });
  });

  test('is edited in place and keeps its key', async () => {
    const { url, received } = await vendor(says({ channel: CHANNEL, ts: '1.2', text: '' }));
    expect(await chatAt(url).edit(CHANNEL, '1.2', MESSAGE, 'k')).toEqual({ kind: 'done', value: null });
    expect(methods(received)).toEqual(['chat.update']);
    expect(argumentsOf(received[0])).toMatchObject({
      channel: CHANNEL,
      ts: '1.2',
      text: 'Rollback started',
      metadata: { event_type: 'firebreak_message', event_payload: { key: 'k' } },
    });
  });

  test("that was deleted can't be edited", async () => {
    const { url } = await vendor(refuses('message_not_found'));
    expect(await chatAt(url).edit(CHANNEL, '1.2', MESSAGE, 'k')).toMatchObject({
      kind: 'refused',
      code: 'message_not_found',
    });
  });

  test.each([
    ['now', DONE],
    ['before', refuses('already_pinned')],
  ])('pinned %s is pinned', async (_, reply) => {
    const { url, received } = await vendor(reply);
    expect(await chatAt(url).pin(CHANNEL, '1.2')).toEqual({ kind: 'done', value: null });
    expect(argumentsOf(received[0])).toEqual({ channel: CHANNEL, timestamp: '1.2' });
  });
});

describe('a search for a message', () => {
  const metadata = (key: unknown) => ({ event_type: 'firebreak_message', event_payload: { key } });
  const history = (messages: object[], next_cursor = '') =>
    says({ messages, has_more: next_cursor !== '', response_metadata: { next_cursor } });

  test('finds it by its key on any page, starting one minute earlier', async () => {
    const { url, received } = await vendor(
      ME,
      history(
        [
          { ts: '9.0', user: 'U1', text: 'hi' },
          { ts: '8.0', user: 'U0BOT', metadata: metadata('other') },
        ],
        'bmV4dA==',
      ),
      history([{ ts: '7.0', bot_id: 'B0BOT', metadata: metadata('k') }]),
    );
    expect(await chatAt(url).findPost(CHANNEL, 'k', NOON)).toEqual({ kind: 'done', value: { id: '7.0' } });
    expect(argumentsOf(received[1])).toEqual({
      channel: CHANNEL,
      oldest: (Date.parse(NOON) / 1000 - 60).toFixed(6),
      inclusive: 'true',
      include_all_metadata: 'true',
      limit: '200',
    });
    expect(argumentsOf(received[2])).toMatchObject({ cursor: 'bmV4dA==' });
  });

  test.each([
    ['of another app', { user: 'U1', bot_id: 'B1', metadata: metadata('k') }],
    ["another app's kind", { user: 'U0BOT', metadata: { ...metadata('k'), event_type: 'task' } }],
    ['of a strange form', { user: 'U0BOT', metadata: { event_type: 'firebreak_message', event_payload: 'k' } }],
    ['without a key', { user: 'U0BOT', metadata: metadata(null) }],
  ])("doesn't find one that is %s", async (_, message) => {
    const { url } = await vendor(ME, history([{ ts: '9.0', ...message }]));
    expect(await chatAt(url).findPost(CHANNEL, 'k', NOON)).toEqual({ kind: 'done', value: null });
  });

  test('joins the channel first if necessary', async () => {
    const { url, received } = await vendor(
      ME,
      refuses('not_in_channel'),
      DONE,
      history([{ ts: '9.0', user: 'U0BOT', metadata: metadata('k') }]),
    );
    expect(await chatAt(url).findPost(CHANNEL, 'k', NOON)).toMatchObject({ value: { id: '9.0' } });
    expect(methods(received).slice(1)).toEqual([
      'conversations.history',
      'conversations.join',
      'conversations.history',
    ]);
  });

  test('is inconclusive while there are more pages', async () => {
    const { url } = await vendor(ME, history([], 'more'));
    expect(await chatAt(url).findPost(CHANNEL, 'k', NOON)).toMatchObject({ kind: 'refused', code: 'too_many_pages' });
  });
});

describe('bookmarks', () => {
  const listed = (...bookmarks: [id: string, title: string, link: string, user: string][]) =>
    says({
      bookmarks: bookmarks.map(([id, title, link, last_updated_by_user_id]) => ({
        id,
        title,
        link,
        last_updated_by_user_id,
        type: 'link',
        emoji: null,
      })),
    });
  const link = (title: string, url: string) => ({ title, url });

  async function calls(
    list: Reply,
    links: { title: string; url: string }[],
  ): Promise<[string, Record<string, unknown>][]> {
    const { url, received } = await vendor(ME, list, DONE);
    expect(await chatAt(url).setBookmarks(CHANNEL, links)).toEqual({ kind: 'done', value: null });
    return received.slice(2).map((call) => [methods([call])[0] ?? '', argumentsOf(call)]);
  }

  test('are added if there are none', async () => {
    expect(
      await calls(listed(), [link('Runbook', 'https://a.test/r'), link('Logs & more', 'https://a.test/l?a=1&b=2')]),
    ).toEqual([
      ['bookmarks.add', { channel_id: CHANNEL, type: 'link', title: 'Runbook', link: 'https://a.test/r' }],
      [
        'bookmarks.add',
        { channel_id: CHANNEL, type: 'link', title: 'Logs &amp; more', link: 'https://a.test/l?a=1&b=2' },
      ],
    ]);
  });

  test("that exist in Slack's escaped form are kept", async () => {
    const list = listed(
      ['Bk1', 'Logs &amp; more', 'https://a.test/l?a=1&amp;b=2', 'U0BOT'],
      ['Bk2', 'x', 'https://a.test', 'U0BOT'],
    );
    expect(await calls(list, [link('Logs & more', 'https://a.test/l?a=1&b=2'), link('x', 'https://a.test')])).toEqual(
      [],
    );
  });

  test('without a credential that their link had are kept', async () => {
    const wanted = link('Runbook', 'https://a.test/r?token=hunter2-of-a-wiki');
    const [[, added] = []] = await calls(listed(), [wanted]);
    expect(added).toMatchObject({ link: 'https://a.test/r?token=REDACTED' });
    expect(await calls(listed(['Bk1', 'Runbook', 'https://a.test/r?token=REDACTED', 'U0BOT']), [wanted])).toEqual([]);
  });

  test('of the app that are not needed are replaced or removed', async () => {
    const list = listed(['Bk1', 'Old', 'https://a.test/1', 'U0BOT'], ['Bk2', 'Older', 'https://a.test/2', 'U0BOT']);
    expect(await calls(list, [link('New', 'https://a.test/n')])).toEqual([
      ['bookmarks.edit', { channel_id: CHANNEL, bookmark_id: 'Bk1', title: 'New', link: 'https://a.test/n' }],
      ['bookmarks.remove', { channel_id: CHANNEL, bookmark_id: 'Bk2' }],
    ]);
  });

  test('of people are kept, and their URLs are not added again', async () => {
    const list = listed(
      ['Bk1', 'Our runbook', 'https://a.test/r', 'U1'],
      ['Bk2', 'Lunch', 'https://a.test/lunch', 'U1'],
    );
    expect(await calls(list, [link('Runbook', 'https://a.test/r')])).toEqual([]);
  });

  test('are http and https only, and each URL once', async () => {
    const links = [
      link('x', 'javascript:alert(1)'),
      link('y', 'slack://open'),
      link('Runbook', 'https://a.test/r'),
      link('Again', 'https://a.test/r'),
    ];
    expect(await calls(listed(), links)).toMatchObject([['bookmarks.add', { title: 'Runbook' }]]);
  });
});
