import { describe, expect, test } from 'vitest';
import { channelNamed, client, errorOf, newChannel, post, refusal, TOKEN, pages, say } from '../slack-support.ts';
import { calls, clock, folder, sandbox, setFault, start } from '../support.ts';

describe('authentication', () => {
  test('auth.test names the app', async () => {
    const { user_id, bot_id, team_id } = await client(await start()).auth.test();
    expect({ user_id, bot_id, team_id }).toEqual({ user_id: 'U0BOT', bot_id: 'BAH5CA16Z', team_id: 'T0SANDBOX' });
  });

  test.each([
    ['no header', undefined, 'not_authed'],
    ['another scheme', 'Basic eG94Yi0xOg==', 'not_authed'],
    ["a person's token", 'Bearer xoxp-1', 'invalid_auth'],
    ['any bot token', 'Bearer xoxb-1', undefined],
  ])('%s', async (_, authorization, error) => {
    const { urls } = await start();
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(`${urls.slack}/api/auth.test`, { method: 'POST', headers });
    expect(response.status).toBe(200);
    expect((await response.json()) as object).toMatchObject(error ? { ok: false, error } : { ok: true });
  });

  test('a method without a stand-in is an unknown method, for any name', async () => {
    const slack = client(await start());
    for (const name of ['files.list', 'constructor', 'toString']) {
      expect(await errorOf(slack.apiCall(name))).toBe('unknown_method');
    }
  });

  test('the token is not in the journal', async () => {
    const standIns = await start();
    await post(client(standIns), '#general');
    const [call] = await calls(standIns, '?vendor=slack');
    expect(call).toMatchObject({ path: '/api/chat.postMessage', status: 200 });
    expect(JSON.stringify(call)).not.toContain(TOKEN);
  });
});

describe('arguments', () => {
  const form = 'application/x-www-form-urlencoded';
  const json = 'application/json; charset=utf-8';
  const call = async (contentType: string | undefined, body: string): Promise<Record<string, any>> => {
    const { urls } = await start();
    const response = await fetch(`${urls.slack}/api/chat.postMessage`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, ...(contentType && { 'content-type': contentType }) },
      body: contentType === undefined ? Buffer.from(body) : body,
    });
    expect(response.status).toBe(200);
    return (await response.json()) as Record<string, any>;
  };
  const blocks = [{ type: 'divider', block_id: 'b' }];

  test.each([
    ['a form with lists in JSON', form, `channel=%23general&blocks=${encodeURIComponent(JSON.stringify(blocks))}`],
    ['JSON', json, JSON.stringify({ channel: 'general', blocks })],
    ['JSON with nested JSON', json, JSON.stringify({ channel: '#general', blocks: JSON.stringify(blocks) })],
  ])('%s', async (_, type, body) => {
    expect(await call(type, body)).toMatchObject({ ok: true, message: { blocks } });
  });

  test.each([
    ['invalid JSON', json, '{', 'invalid_json'],
    ['a JSON list', json, '[]', 'json_not_object'],
    ['another content type', 'text/plain', 'x', 'invalid_post_type'],
    ['no content type', undefined, 'x', 'missing_post_type'],
    ['blocks that are not JSON', form, 'channel=general&blocks=%5B', 'invalid_blocks_format'],
    ['blocks that are not a list', json, '{"channel":"general","blocks":{}}', 'invalid_blocks_format'],
    [
      'metadata without a payload',
      json,
      '{"channel":"general","text":"x","metadata":{"event_type":"e"}}',
      'invalid_metadata_format',
    ],
    ['no channel', json, '{"text":"x"}', 'invalid_arguments'],
  ])('%s', async (_, type, body, error) => {
    expect(await call(type, body)).toMatchObject({ ok: false, error });
  });
});

describe('channels', () => {
  test('a new channel belongs to the app, which is a member', async () => {
    const standIns = await start({ now: clock().now });
    const slack = client(standIns);
    const channel = await newChannel(slack);
    const { channel: info } = await slack.conversations.info({ channel, include_num_members: true });
    expect(info).toMatchObject({ creator: 'U0BOT', is_member: true, created: 1_795_157_280, num_members: 1 });
    expect((await slack.conversations.members({ channel })).members).toEqual(['U0BOT']);
  });

  test.each([
    ['incident-2611201', undefined],
    ['x'.repeat(80), undefined],
    ['störung_é', undefined],
    ['x'.repeat(81), 'invalid_name_maxlength'],
    ['Incident', 'invalid_name_specials'],
    ['an incident', 'invalid_name_specials'],
    ['#incident', 'invalid_name_specials'],
    ['-_-', 'invalid_name_punctuation'],
    ['general', 'name_taken'],
  ])('the name %s', async (name, error) => {
    const created = client(await start()).conversations.create({ name });
    if (error) expect(await errorOf(created)).toBe(error);
    else expect((await created).channel?.name).toBe(name);
  });

  test('are listed in pages, archived channels included unless excluded', async () => {
    const slack = client(await start());
    const ids: string[] = [];
    for (const name of ['one', 'two', 'three']) ids.push(await newChannel(slack, name));
    await slack.conversations.archive({ channel: ids[1] ?? '' });

    const listed = await pages<{ name: string }>(slack, 'conversations.list', 'channels', { limit: 2 });
    const names = listed.map((page) => page.map(({ name }) => name));
    expect(names).toEqual([
      ['general', 'one'],
      ['two', 'three'],
    ]);
    const open = await slack.conversations.list({ limit: 1000, exclude_archived: true });
    expect(open.channels?.map(({ name }) => name)).toEqual(['general', 'one', 'three']);
    expect(open.response_metadata?.next_cursor).toBe('');
    expect((await slack.conversations.list({ types: 'private_channel' })).channels).toEqual([]);
  });

  test('with a page size of 1001, an unknown type, or an invalid cursor are refused', async () => {
    const slack = client(await start());
    expect(await errorOf(slack.conversations.list({ limit: 1001 }))).toBe('invalid_limit');
    expect(await errorOf(slack.conversations.list({ types: 'secret' }))).toBe('invalid_types');
    expect(await errorOf(slack.conversations.list({ cursor: 'x' }))).toBe('invalid_cursor');
  });

  test('topic and purpose have at most 250 characters', async () => {
    const standIns = await start();
    const slack = client(standIns);
    const channel = await newChannel(slack);
    const longest = '🔥'.repeat(250);
    expect((await slack.conversations.setTopic({ channel, topic: longest })).channel?.topic?.value).toBe(longest);
    expect(await errorOf(slack.conversations.setTopic({ channel, topic: `${longest}x` }))).toBe('too_long');
    await slack.conversations.setPurpose({ channel, purpose: longest });
    expect(await errorOf(slack.conversations.setPurpose({ channel, purpose: `${longest}x` }))).toBe('too_long');
    expect(await channelNamed(standIns, 'incident-2611201')).toMatchObject({ topic: longest, purpose: longest });
  });

  test('the app must join a channel before it can change or read it', async () => {
    const standIns = await start();
    const slack = client(standIns);
    const { channel } = await say(slack, { channel: '#payments', text: 'may be written to' });
    const id = channel ?? '';
    expect(await errorOf(slack.conversations.setTopic({ channel: id, topic: 'x' }))).toBe('not_in_channel');
    expect(await errorOf(slack.conversations.history({ channel: id }))).toBe('not_in_channel');
    expect(await errorOf(slack.conversations.archive({ channel: id }))).toBe('not_in_channel');
    expect(await errorOf(slack.conversations.invite({ channel: id, users: 'U024BE7LH' }))).toBe('not_in_channel');
    await slack.conversations.join({ channel: id });
    expect(await slack.conversations.join({ channel: id })).toMatchObject({ warning: 'already_in_channel' });
    expect((await slack.conversations.history({ channel: id })).messages?.map(({ text }) => text)).toEqual([
      '<@U0BOT> has joined the channel',
      'may be written to',
    ]);
  });

  test("an archived channel accepts no changes, and a bot can't unarchive it", async () => {
    const slack = client(await start());
    const channel = await newChannel(slack);
    const ts = await post(slack, channel);
    expect(await errorOf(slack.conversations.unarchive({ channel }))).toBe('not_archived');
    await slack.conversations.archive({ channel });
    expect(await errorOf(slack.conversations.unarchive({ channel }))).toBe('not_in_channel');
    expect(await errorOf(slack.conversations.setTopic({ channel, topic: 'x' }))).toBe('is_archived');
    expect(await errorOf(slack.conversations.join({ channel }))).toBe('is_archived');
    expect(await errorOf(say(slack, { channel: '#incident-2611201', text: 'x' }))).toBe('is_archived');
    expect(await errorOf(slack.chat.update({ channel, ts, text: 'x' }))).toBe('is_inactive');
    expect((await slack.conversations.history({ channel })).messages?.[1]?.text).toBe('hello');
  });

  test('general cannot be archived', async () => {
    const slack = client(await start());
    const { channels } = await slack.conversations.list();
    const channel = channels?.[0]?.id ?? '';
    await slack.conversations.join({ channel });
    expect(await errorOf(slack.conversations.archive({ channel }))).toBe('cant_archive_general');
  });

  test("only the methods for messages accept a channel's name", async () => {
    const slack = client(await start());
    for (const channel of ['#general', 'general', 'C0ZZZZZZZZ']) {
      expect(await errorOf(slack.conversations.info({ channel }))).toBe('channel_not_found');
    }
  });

  test("one user who can't be invited prevents all invitations, unless forced", async () => {
    const slack = client(await start());
    const channel = await newChannel(slack);
    const users = 'U024BE7LH,UNOBODY01';
    expect(await refusal(slack.conversations.invite({ channel, users }))).toMatchObject({
      error: 'user_not_found',
      errors: [{ user: 'UNOBODY01', ok: false, error: 'user_not_found' }],
    });
    expect((await slack.conversations.members({ channel })).members).toEqual(['U0BOT']);
    await slack.conversations.invite({ channel, users, force: true });
    const { members, response_metadata } = await slack.conversations.members({ channel, limit: 1 });
    const rest = await slack.conversations.members({ channel, cursor: response_metadata?.next_cursor ?? '' });
    expect([...(members ?? []), ...(rest.members ?? [])]).toEqual(['U024BE7LH', 'U0BOT']);
  });
});

describe('messages', () => {
  type Said = { text?: string };
  const textsOf = (said: readonly Said[]) => said.map(({ text }) => text);
  const metadata = { event_type: 'firebreak', event_payload: { key: 'inc-1/summary' } };

  test('each have a later ts than the one before, even if the clock stands still', async () => {
    const slack = client(await start({ now: clock().now }));
    const channel = await newChannel(slack);
    const first = await post(slack, channel);
    const second = await post(slack, channel);
    expect(first).toMatch(/^1795157280\.\d{6}$/);
    expect(Number(second.slice(11))).toBeGreaterThan(Number(first.slice(11)));
  });

  test('come newest first, with metadata on request', async () => {
    const slack = client(await start());
    const channel = await newChannel(slack);
    await say(slack, { channel, text: 'first', metadata });
    await post(slack, channel, 'second');
    const plain = await slack.conversations.history({ channel });
    expect(plain.messages?.map(({ text }) => text)).toEqual(['second', 'first', '<@U0BOT> has joined the channel']);
    expect(plain.messages?.[1]).not.toHaveProperty('metadata');
    const { messages } = await slack.conversations.history({ channel, include_all_metadata: true });
    expect(messages?.[1]).toMatchObject({ metadata, bot_id: 'BAH5CA16Z' });
  });

  test('come in pages, from and to a time', async () => {
    const time = clock();
    const slack = client(await start({ now: time.now }));
    const channel = await newChannel(slack);
    const sent: string[] = [];
    for (let i = 0; i < 5; i++) {
      time.forward(1000);
      sent.push(await post(slack, channel, `m${i}`));
    }
    const texts = async (range: object) =>
      (await slack.conversations.history({ channel, ...range })).messages?.map(({ text }) => text);
    const [, m1 = '', , m3 = ''] = sent;
    expect(await texts({ oldest: m1, latest: m3 })).toEqual(['m2']);
    expect(await texts({ oldest: m1, latest: m3, inclusive: true })).toEqual(['m3', 'm2', 'm1']);
    expect(await texts({ oldest: m1.slice(0, 10), limit: 2 })).toEqual(['m4', 'm3']);

    const range = { channel, oldest: m1, limit: 2 };
    const read = await pages<Said>(slack, 'conversations.history', 'messages', range);
    expect(read.map(textsOf)).toEqual([['m4', 'm3'], ['m2']]);
    expect(await errorOf(slack.conversations.history({ channel, oldest: 'yesterday' }))).toBe('invalid_ts_oldest');
  });

  test('have replies in threads, which the channel does not show', async () => {
    const slack = client(await start());
    const channel = await newChannel(slack);
    const ts = await post(slack, channel, 'question');
    const answer = await say(slack, { channel, text: 'answer', thread_ts: ts });
    await say(slack, { channel, text: 'more', thread_ts: answer.ts ?? '' });
    const { messages } = await slack.conversations.history({ channel });
    expect(messages?.map(({ text }) => text)).toEqual(['question', '<@U0BOT> has joined the channel']);
    expect(messages?.[0]).toMatchObject({ thread_ts: ts, reply_count: 2 });
    const thread = await pages<Said>(slack, 'conversations.replies', 'messages', { channel, ts, limit: 2 });
    expect(thread.map(textsOf)).toEqual([['question', 'answer'], ['more']]);
    expect(await errorOf(slack.conversations.replies({ channel, ts: '1795157280.000001' }))).toBe('thread_not_found');
  });

  test('are updated in place; absent parts stay unchanged', async () => {
    const standIns = await start();
    const slack = client(standIns);
    const channel = await newChannel(slack);
    const attachments = [{ color: '#d92d20', fallback: 'f', blocks: [{ type: 'divider' as const }] }];
    const { ts = '' } = await say(slack, { channel, text: 'before', attachments, metadata });
    expect(await slack.chat.update({ channel, ts, text: 'after' })).toMatchObject({ ts, text: 'after' });
    const view = await channelNamed(standIns, 'incident-2611201');
    expect(view.messages).toMatchObject([
      { ts, text: 'after', edited: true, attachments: [{ fallback: 'f' }], metadata },
    ]);
    await slack.chat.update({ channel, ts, text: 'bare', attachments: [] });
    expect((await channelNamed(standIns, 'incident-2611201')).messages).toMatchObject([{ attachments: [] }]);
  });

  test("that are deleted, or from a person, can't be updated", async () => {
    const standIns = await start();
    const slack = client(standIns);
    const channel = await newChannel(slack);
    const ts = await post(slack, channel);
    await slack.chat.delete({ channel, ts });
    expect(await errorOf(slack.chat.update({ channel, ts, text: 'x' }))).toBe('message_not_found');
    expect(await errorOf(slack.chat.delete({ channel, ts }))).toBe('message_not_found');
    const path = '/slack/channels/incident-2611201/messages';
    const theirs = await sandbox<{ ts: string }>(standIns, 'POST', path, { user: 'ada', text: 'on it' });
    expect(await errorOf(slack.chat.update({ channel, ts: theirs.ts, text: 'x' }))).toBe('cant_update_message');
    expect(await errorOf(slack.chat.delete({ channel, ts: theirs.ts }))).toBe('cant_delete_message');
  });

  test('that are ephemeral are not in the history', async () => {
    const slack = client(await start());
    const channel = await newChannel(slack);
    const words = { channel, user: 'U024BE7LH', text: 'psst' };
    expect(await errorOf(slack.chat.postEphemeral(words))).toBe('user_not_in_channel');
    await slack.conversations.invite({ channel, users: 'U024BE7LH' });
    expect((await slack.chat.postEphemeral(words)).message_ts).toMatch(/^\d{10}\.\d{6}$/);
    const { messages } = await slack.conversations.history({ channel });
    expect(messages?.map(({ text }) => text)).not.toContain('psst');
  });

  test('that were posted without a response are there', async () => {
    const standIns = await start();
    const slack = client(standIns);
    const channel = await newChannel(slack);
    await setFault(standIns, {
      vendor: 'slack',
      fault: { kind: 'lost' },
      times: 1,
      match: { path: '/api/chat.postMessage' },
    });
    await expect(say(slack, { channel, text: 'hello', metadata })).rejects.toThrow();
    const { messages } = await slack.conversations.history({ channel, include_all_metadata: true });
    expect(messages?.[0]).toMatchObject({ text: 'hello', metadata });
  });
});

describe('marks', () => {
  test('pins', async () => {
    const standIns = await start();
    const slack = client(standIns);
    const channel = await newChannel(slack);
    const timestamp = await post(slack, channel);
    await slack.pins.add({ channel, timestamp });
    expect(await errorOf(slack.pins.add({ channel, timestamp }))).toBe('already_pinned');
    expect(await errorOf(slack.pins.add({ channel, timestamp: '1795157280.000001' }))).toBe('message_not_found');
    expect(await errorOf(slack.pins.add({ channel, timestamp: 'x' }))).toBe('bad_timestamp');
    expect((await slack.pins.list({ channel })).items).toMatchObject([{ type: 'message', message: { ts: timestamp } }]);
    expect((await channelNamed(standIns, 'incident-2611201')).pinned).toEqual([timestamp]);
    await slack.pins.remove({ channel, timestamp });
    expect(await errorOf(slack.pins.remove({ channel, timestamp }))).toBe('no_pin');
    expect((await slack.pins.list({ channel })).items).toEqual([]);
  });

  test('bookmarks', async () => {
    const standIns = await start();
    const slack = client(standIns);
    const channel_id = await newChannel(slack);
    const add = (title: string, link: string) => slack.bookmarks.add({ channel_id, title, link, type: 'link' });
    const { bookmark } = await add('Runbook', 'https://runbooks.example.com/checkout');
    const bookmark_id = bookmark?.id ?? '';
    await add('Dashboard', 'https://grafana.example.com/d/checkout');
    expect(await errorOf(add('Bad', 'javascript:alert(1)'))).toBe('invalid_link');
    await slack.bookmarks.edit({ channel_id, bookmark_id, title: 'The runbook' });
    expect(await errorOf(slack.bookmarks.edit({ channel_id, bookmark_id: 'Bk0', title: 'x' }))).toBe('not_found');
    const titles = async () => (await slack.bookmarks.list({ channel_id })).bookmarks?.map(({ title }) => title);
    expect(await titles()).toEqual(['The runbook', 'Dashboard']);
    await slack.bookmarks.remove({ channel_id, bookmark_id });
    expect(await titles()).toEqual(['Dashboard']);
  });

  test('reactions', async () => {
    const slack = client(await start());
    const channel = await newChannel(slack);
    const timestamp = await post(slack, channel);
    await slack.reactions.add({ channel, timestamp, name: 'eyes' });
    expect(await errorOf(slack.reactions.add({ channel, timestamp, name: 'eyes' }))).toBe('already_reacted');
    expect(await errorOf(slack.reactions.add({ channel, timestamp, name: 'No!' }))).toBe('invalid_name');
    const { messages } = await slack.conversations.history({ channel });
    expect(messages?.[0]?.reactions).toEqual([{ name: 'eyes', users: ['U0BOT'], count: 1 }]);
  });
});

test('people and user groups', async () => {
  const slack = client(await start());
  expect((await slack.users.info({ user: 'U024BE7LH' })).user?.name).toBe('ada');
  expect((await slack.users.info({ user: 'U0BOT' })).user?.is_bot).toBe(true);
  expect(await errorOf(slack.users.info({ user: 'UNOBODY01' }))).toBe('user_not_found');
  expect((await slack.users.lookupByEmail({ email: 'Sam@example.com' })).user?.id).toBe('U2147483697');
  expect(await errorOf(slack.users.lookupByEmail({ email: 'nobody@example.com' }))).toBe('users_not_found');
  const { usergroups } = await slack.usergroups.list({ include_users: true });
  expect(usergroups).toMatchObject([{ handle: 'on-call', users: ['U024BE7LH', 'U2147483697'] }]);
});

test('all data survives a restart', async () => {
  const options = { dir: folder(), now: clock().now };
  const before = await start(options);
  const channel = await newChannel(client(before));
  const timestamp = await post(client(before), channel);
  await client(before).pins.add({ channel, timestamp });
  const seen = await sandbox(before, 'GET', '/slack/channels');
  await before.close();

  const after = await start(options);
  expect(await sandbox(after, 'GET', '/slack/channels')).toEqual(seen);
  expect(await errorOf(client(after).pins.add({ channel, timestamp }))).toBe('already_pinned');
  const later = await post(client(after), channel);
  expect(Number(later.slice(11))).toBeGreaterThan(Number(timestamp.slice(11)));
});
