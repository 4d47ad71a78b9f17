import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { WebClient } from '@slack/web-api';
import { describe, expect, test } from 'vitest';
import { connectStandIns, productConnection } from '../../connect.ts';
import { slack as standIn } from '../../slack/slack.ts';
import { slackView } from '../../slack/blocks/view.ts';
import { channelNamed, channels, client, errorOf, newChannel, post, say } from '../slack-support.ts';
import { clock, folder, sandbox, start } from '../support.ts';

describe('actions of people', () => {
  test('a new workspace has one channel', async () => {
    expect((await channels(await start())).map(({ name }) => name)).toEqual(['general']);
  });

  test('a channel that a person creates is public, and the app is not a member', async () => {
    const standIns = await start();
    await sandbox(standIns, 'PUT', '/slack/channels', { name: 'payments' });
    await sandbox(standIns, 'PUT', '/slack/channels', { name: 'payments' });
    await sandbox(standIns, 'PUT', '/slack/channels', { name: 'sre', join: true });
    const { channels: listed } = await client(standIns).conversations.list();
    expect(listed?.map(({ name, is_member, creator }) => ({ name, is_member, creator })).slice(1)).toEqual([
      { name: 'payments', is_member: false, creator: 'U0ADMIN01' },
      { name: 'sre', is_member: true, creator: 'U0ADMIN01' },
    ]);
    await post(client(standIns), '#payments', 'news for all');
    expect((await channelNamed(standIns, 'payments')).messages).toMatchObject([{ text: 'news for all', bot: true }]);
  });

  test('a person posts a message', async () => {
    const standIns = await start();
    const channel = await newChannel(client(standIns), 'incident-2611201');
    const path = '/slack/channels/incident-2611201/messages';
    const { ts } = await sandbox<{ ts: string }>(standIns, 'POST', path, { user: 'ada', text: 'on it' });
    const { messages } = await client(standIns).conversations.history({ channel });
    expect(messages?.[0]).toMatchObject({ ts, user: 'U024BE7LH', text: 'on it' });
    expect((await channelNamed(standIns, 'incident-2611201')).messages).toMatchObject([{ user: 'ada', bot: false }]);
  });

  test.each([
    ['PUT', '/slack/channels', { name: 'No Name' }, 422],
    ['GET', '/slack/channels/nowhere', undefined, 404],
    ['POST', '/slack/channels/nowhere/messages', { user: 'ada', text: 'x' }, 404],
    ['POST', '/slack/channels/general/messages', { user: 'nobody', text: 'x' }, 422],
    ['POST', '/slack/channels/general/messages', { user: 'ada', text: '' }, 422],
  ])('%s %s %j is %i', async (method, path, body, status) => {
    const standIns = await start();
    await expect(sandbox(standIns, method, path, body)).rejects.toThrow(String(status));
  });

  test('an archived channel accepts no messages', async () => {
    const standIns = await start();
    const channel = await newChannel(client(standIns), 'old');
    await client(standIns).conversations.archive({ channel });
    const words = { user: 'ada', text: 'x' };
    await expect(sandbox(standIns, 'POST', '/slack/channels/old/messages', words)).rejects.toThrow('422');
  });
});

test('URLs in messages become links, as in Slack', async () => {
  const standIns = await start();
  const text = 'see https://x.io/a?b=1&c=2. and <https://x.io/d?e=1&f=2|dash> & <b> #general';
  await sandbox(standIns, 'POST', '/slack/channels/general/messages', { user: 'ada', text });
  const [said] = (await channelNamed(standIns, 'general')).messages;
  expect(said?.text).toMatch(
    /^see <https:\/\/x.io\/a\?b=1&amp;c=2>\. and <https:\/\/x.io\/d\?e=1&amp;f=2\|dash> &amp; &lt;b&gt; <#C0/,
  );
});

describe('team channels in a new workspace', () => {
  test('are created when the app first posts to their #name, as if by an administrator', async () => {
    const standIns = await start();
    const slack = client(standIns);
    const first = await say(slack, { channel: '#payments', text: 'one' });
    expect((await say(slack, { channel: 'payments', text: 'two' })).channel).toBe(first.channel);
    const { channel } = await slack.conversations.info({ channel: first.channel ?? '' });
    expect(channel).toMatchObject({ name: 'payments', creator: 'U0ADMIN01', is_member: false });
  });

  test("the app writes to a person's ID in one direct message channel", async () => {
    const standIns = await start();
    const slack = client(standIns);
    const first = await say(slack, { channel: 'U0MIRA0001', text: 'You are scribe' });
    expect(first.channel).toMatch(/^D0/);
    expect((await say(slack, { channel: 'U0MIRA0001', text: 'two' })).channel).toBe(first.channel);
    expect((await say(slack, { channel: first.channel, text: 'three' })).channel).toBe(first.channel);
    const shown = await channelNamed(standIns, '@mira');
    expect(shown).toMatchObject({ id: first.channel, members: ['firebreak', 'mira'] });
    expect(shown.messages.map(({ text }) => text)).toEqual(['You are scribe', 'two', 'three']);
    const { channel } = await slack.conversations.info({ channel: first.channel ?? '' });
    expect(channel).toMatchObject({ is_im: true, user: 'U0MIRA0001' });
    const listed = await slack.conversations.list({ types: 'public_channel,private_channel' });
    expect(listed.channels?.map(({ name }) => name)).toEqual(['general']);
    expect(await errorOf(slack.conversations.archive({ channel: first.channel ?? '' }))).toBe(
      'method_not_supported_for_channel_type',
    );
    const words = { user: 'mira', text: 'thanks' };
    await sandbox(standIns, 'POST', '/slack/channels/@mira/messages', words);
    await expect(
      sandbox(standIns, 'POST', '/slack/channels/@mira/messages', { ...words, user: 'bob' }),
    ).rejects.toThrow('422');
  });

  test.each(['U0BOT', '@mira', 'D000000001', 'payments', 'C0ZZZZZZZZ', '#', '#No Name', '#-'])(
    '%s is not such a channel',
    async (channel) => {
      const standIns = await start();
      expect(await errorOf(say(client(standIns), { channel, text: 'x' }))).toBe('channel_not_found');
      expect(await channels(standIns)).toHaveLength(1);
    },
  );

  test('are not created by a refused message', async () => {
    const standIns = await start();
    expect(await errorOf(say(client(standIns), { channel: '#payments', text: '' }))).toBe('no_text');
    expect(await channels(standIns)).toHaveLength(1);
  });
});

describe('the view', () => {
  test('shows what a person sees', async () => {
    const dir = folder();
    const standIns = await start({ dir, now: clock().now });
    const slack = client(standIns);
    const channel = await newChannel(slack, 'incident-2611201');
    await slack.conversations.setTopic({ channel, topic: 'SEV1 | checkout-api' });
    const ts = await post(slack, channel, 'summary');
    await slack.chat.update({ channel, ts, text: 'new summary' });
    await say(slack, { channel, text: 'details', thread_ts: ts });
    await slack.pins.add({ channel, timestamp: ts });
    await slack.reactions.add({ channel, timestamp: ts, name: 'eyes' });
    await slack.bookmarks.add({ channel_id: channel, title: 'Runbook', type: 'link', link: 'https://example.com/r' });
    await standIns.close();

    const [shown] = slackView({ db: new DatabaseSync(join(dir, 'standins.sqlite'), { readOnly: true }) }).channels;
    expect(shown).toMatchObject({
      id: channel,
      name: 'incident-2611201',
      topic: 'SEV1 | checkout-api',
      archived: false,
      created: '2026-11-20T06:48:00.000Z',
      bookmarks: [{ title: 'Runbook', link: 'https://example.com/r' }],
      pinned: [ts],
    });
    expect(shown?.messages).toEqual([
      {
        ts,
        user: 'firebreak',
        bot: true,
        text: 'new summary',
        blocks: [],
        attachments: [],
        metadata: null,
        edited: true,
        reactions: [{ name: 'eyes', count: 1 }],
        replies: [expect.objectContaining({ text: 'details', edited: false, replies: [] })],
      },
    ]);
    expect(standIn.view).toBe(slackView);
  });

  test('is limited to 30 channels and 50 messages, newest first', async () => {
    const dir = folder();
    const time = clock();
    const standIns = await start({ dir, now: time.now });
    const slack = client(standIns);
    for (let i = 0; i < 31; i++) {
      time.forward(3_000);
      await post(slack, `#c${i}`);
    }
    for (let i = 0; i < 51; i++) {
      time.forward(1_000);
      await post(slack, '#c5', `m${i}`);
    }
    await standIns.close();

    const view = slackView({ db: new DatabaseSync(join(dir, 'standins.sqlite'), { readOnly: true }) });
    expect(view.channels.map(({ name }) => name).toSorted()).toEqual(
      Array.from({ length: 31 }, (_, i) => `c${i}`)
        .filter((name) => name !== 'c0')
        .toSorted(),
    );
    expect(view.channels[0]?.messages.map(({ text }) => text)).toEqual(
      Array.from({ length: 50 }, (_, i) => `m${i + 1}`),
    );
  });
});

describe('the product calls', () => {
  test('the stand-in if no Slack variable is set', async () => {
    const standIns = await start();
    const env: NodeJS.ProcessEnv = {};
    connectStandIns(env, standIns);
    const slack = new WebClient(env['SLACK_BOT_TOKEN'], { slackApiUrl: env['SLACK_API_URL'] ?? '' });
    expect((await slack.auth.test()).user).toBe('firebreak');
    expect(env['SLACK_SIGNING_SECRET']).toHaveLength(32);
  });

  test('the stand-in, which gets the signing secret unless the product uses the real Slack', async () => {
    const standIns = await start();
    const env: NodeJS.ProcessEnv = {};
    connectStandIns(env, standIns);
    const url = 'http://127.0.0.1:8080';
    expect(productConnection(env, standIns.urls, url)).toMatchObject({
      url,
      slackSigningSecret: env['SLACK_SIGNING_SECRET'],
    });
    const real: NodeJS.ProcessEnv = { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_SIGNING_SECRET: 'real' };
    connectStandIns(real, standIns);
    expect(productConnection(real, standIns.urls, url)).not.toHaveProperty('slackSigningSecret');
  });

  test('with another secret at each start, unless one is set', async () => {
    const standIns = await start();
    const [one, two, set]: NodeJS.ProcessEnv[] = [{}, {}, { SLACK_SIGNING_SECRET: 'mine' }];
    for (const env of [one, two, set]) connectStandIns(env ?? {}, standIns);
    expect(one?.['SLACK_SIGNING_SECRET']).not.toBe(two?.['SLACK_SIGNING_SECRET']);
    expect(set?.['SLACK_SIGNING_SECRET']).toBe('mine');
  });
});
