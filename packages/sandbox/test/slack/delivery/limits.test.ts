import { describe, expect, test } from 'vitest';
import { channels, client, errorOf, newChannel, post, refusal, throttledFor, say } from '../../slack-support.ts';
import { clock, start } from '../../support.ts';

describe('rate limits', () => {
  test('a tier 2 method allows 20 calls a minute, and responds with the time to wait', async () => {
    const time = clock();
    const slack = client(await start({ now: time.now }));
    await newChannel(slack, 'c0');
    time.forward(30_500);
    for (let i = 1; i < 20; i++) await newChannel(slack, `c${i}`);
    expect(await throttledFor(slack.conversations.create({ name: 'one-more' }))).toBe(30);
    time.forward(29_499);
    expect(await throttledFor(slack.conversations.create({ name: 'one-more' }))).toBe(1);
    time.forward(1);
    expect(await throttledFor(slack.conversations.create({ name: 'one-more' }))).toBeUndefined();
    expect(await throttledFor(slack.conversations.create({ name: 'another' }))).toBe(31);
  });

  test('a throttled call has no effect', async () => {
    const standIns = await start({ now: clock().now });
    const slack = client(standIns);
    for (let i = 0; i < 20; i++) await newChannel(slack, `c${i}`);
    await throttledFor(slack.conversations.create({ name: 'one-more' }));
    expect((await channels(standIns)).map(({ name }) => name)).not.toContain('one-more');
  });

  test.each([
    ['pins.list', 20],
    ['bookmarks.list', 50],
    ['conversations.info', 50],
    ['conversations.history', 50],
    ['conversations.members', 100],
    ['users.info', 100],
  ])('%s: %d a minute, including refused calls', async (method, max) => {
    const slack = client(await start({ now: clock().now }));
    for (let i = 0; i < max; i++) await errorOf(slack.apiCall(method, { channel: 'C0', channel_id: 'C0', user: 'U0' }));
    expect(await throttledFor(slack.apiCall(method))).toBe(60);
    await slack.auth.test();
  });

  test('a channel allows five messages at once and one per second, across its name and ID', async () => {
    const time = clock();
    const slack = client(await start({ now: time.now }));
    const channel = await newChannel(slack);
    for (let i = 0; i < 5; i++) {
      await post(slack, ['#incident-2611201', channel, 'incident-2611201'][i % 3] ?? '');
      time.forward(100);
    }
    expect(await throttledFor(say(slack, { channel, text: 'x' }))).toBe(5); // 4.5 s
    await post(slack, '#general');
    time.forward(4_500);
    await post(slack, channel);
    expect(await throttledFor(say(slack, { channel, text: 'x' }))).toBe(1);
  });

  test('a workspace allows 300 messages a minute', async () => {
    const slack = client(await start({ now: clock().now }));
    for (let i = 0; i < 60; i++) for (let n = 0; n < 5; n++) await post(slack, `#c${i}`);
    expect(await throttledFor(say(slack, { channel: '#general', text: 'x' }))).toBe(60);
  });
});

describe('messages at their limits and just above', () => {
  const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
  const header = (text: string) => ({ type: 'header', text: { type: 'plain_text', text } });
  const fields = (count: number, text = 'f') => ({ type: 'section', fields: many(count, { type: 'mrkdwn', text }) });
  const context = (count: number) => ({ type: 'context', elements: many(count, { type: 'mrkdwn', text: 'c' }) });
  const button = (change: object) => ({
    type: 'actions',
    elements: [{ type: 'button', text: { type: 'plain_text', text: 'Roll back' }, ...change }],
  });
  const label = (text: string) => ({ text: { type: 'plain_text', text } });
  const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);
  const x = (count: number) => 'x'.repeat(count);

  /** Returns Slack's errors about these blocks, without their locations. */
  const problems = async (blocks: unknown[]): Promise<string[]> => {
    const slack = client(await start());
    const message = { channel: '#general', text: 'x', blocks };
    const outcome = await say(slack, message).catch((error: { data: Record<string, any> }) => error.data);
    if (outcome.ok) return [];
    const { error, errors, response_metadata } = outcome as Record<string, any>;
    expect(error).toBe('invalid_blocks');
    expect(response_metadata.messages).toEqual(errors.map((each: string) => `[ERROR] ${each}`));
    return errors;
  };

  test.each([
    ['blocks', many(50, { type: 'divider' }), many(51, { type: 'divider' }), 'no more than 50 items allowed', ''],
    [
      'a section',
      [section('🔥'.repeat(3000))],
      [section(x(3001))],
      'must be less than 3001 characters',
      '/0/text/text',
    ],
    ['a header', [header(x(150))], [header(x(151))], 'must be less than 151 characters', '/0/text/text'],
    ['fields', [fields(10)], [fields(11)], 'no more than 10 items allowed', '/0/fields'],
    ['a field', [fields(1, x(2000))], [fields(1, x(2001))], 'must be less than 2001 characters', '/0/fields/0/text'],
    ['a context', [context(10)], [context(11)], 'no more than 10 items allowed', '/0/elements'],
    [
      'a button',
      [button(label(x(75)))],
      [button(label(x(76)))],
      'must be less than 76 characters',
      '/0/elements/0/text/text',
    ],
    [
      'a value',
      [button({ value: x(2000) })],
      [button({ value: x(2001) })],
      'must be less than 2001 characters',
      '/0/elements/0/value',
    ],
    [
      'an action',
      [button({ action_id: x(255) })],
      [button({ action_id: x(256) })],
      'must be less than 256 characters',
      '/0/elements/0/action_id',
    ],
    [
      'a block id',
      [{ type: 'divider', block_id: x(255) }],
      [{ type: 'divider', block_id: x(256) }],
      'must be less than 256 characters',
      '/0/block_id',
    ],
    [
      'a link',
      [button({ url: x(3000) })],
      [button({ url: x(3001) })],
      'must be less than 3001 characters',
      '/0/elements/0/url',
    ],
  ])('%s', async (_, fitting, tooMuch, problem, at) => {
    expect(await problems(fitting)).toEqual([]);
    expect(await problems(tooMuch)).toContain(`${problem} [json-pointer:/blocks${at}]`);
  });

  test.each([
    ['an empty text', section(''), 'must be more than 0 characters [json-pointer:/blocks/0/text/text]'],
    ['no text', { type: 'section' }, 'must define either `text` or `fields` [json-pointer:/blocks/0/type]'],
    [
      'a header with markup',
      { type: 'header', text: { type: 'mrkdwn', text: 'x' } },
      'must be a valid enum value [json-pointer:/blocks/0/text/type]',
    ],
    ['an unknown block', { type: 'marquee' }, 'unsupported type: marquee [json-pointer:/blocks/0/type]'],
    [
      'no elements',
      { type: 'context', elements: [] },
      'no less than 1 items allowed [json-pointer:/blocks/0/elements]',
    ],
    ['no block', 'x', 'must be an object [json-pointer:/blocks/0]'],
  ])('%s is refused', async (_, block, problem) => {
    expect(await problems([block])).toContain(problem);
  });

  test('blocks of attachments are checked too', async () => {
    const slack = client(await start());
    const message = (text: string) => ({
      channel: '#general',
      attachments: [{ color: '#d92d20', blocks: [section(text)] }],
    });
    await say(slack, message(x(3000)));
    expect(await refusal(say(slack, message(x(3001))))).toMatchObject({
      error: 'invalid_attachments',
      errors: [
        'failed to match all allowed schemas [json-pointer:/attachments/0/blocks/0/text]',
        'must be less than 3001 characters [json-pointer:/attachments/0/blocks/0/text/text]',
      ],
    });
  });

  test('all texts in blocks together: 12,000 characters', async () => {
    const slack = client(await start());
    const message = (last: number) => ({
      channel: '#general',
      blocks: [...many(3, section(x(3000))), section(x(last))],
    });
    await say(slack, { ...message(3000), text: 'does not count' });
    const oneMore = { ...message(3000), attachments: [{ blocks: [section('x')] }] };
    expect(await errorOf(say(slack, oneMore))).toBe('msg_blocks_too_long');
  });

  test('text: 40,000 characters in a post, 4,000 in an update', async () => {
    const slack = client(await start());
    const channel = await newChannel(slack);
    const ts = await post(slack, channel, '🔥'.repeat(40_000));
    expect(await errorOf(say(slack, { channel, text: x(40_001) }))).toBe('msg_too_long');
    await slack.chat.update({ channel, ts, text: x(4_000) });
    expect(await errorOf(slack.chat.update({ channel, ts, text: x(4_001) }))).toBe('msg_too_long');
  });

  test('a message without content is refused', async () => {
    const slack = client(await start());
    const nothing = { channel: '#general', text: '', blocks: [], attachments: [] };
    expect(await errorOf(say(slack, nothing))).toBe('no_text');
  });
});
