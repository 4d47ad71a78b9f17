import { WebClient } from '@slack/web-api';
import { describe, expect, test } from 'vitest';
import { connectStandIns, productConnection } from '../../connect.ts';
import { channelNamed, channels, client, errorOf, newChannel, say } from '../slack-support.ts';
import { sandbox, start } from '../support.ts';

describe('actions of people', () => {
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
