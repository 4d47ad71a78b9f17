import { describe, expect, test } from 'vitest';
import { channelNamed, client, errorOf, newChannel, post, refusal, TOKEN, say } from '../slack-support.ts';
import { sandbox, setFault, start } from '../support.ts';

describe('authentication', () => {
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
  const metadata = { event_type: 'firebreak', event_payload: { key: 'inc-1/summary' } };

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
