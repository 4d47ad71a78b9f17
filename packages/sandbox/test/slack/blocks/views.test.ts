import type { WebAPICallResult } from '@slack/web-api';
import { describe, expect, test } from 'vitest';
import type { StandIns } from '../../../core/index.ts';
import { client, errorOf, refusal, say } from '../../slack-support.ts';
import { receiver } from '../../slack-receiver.ts';
import { clock, exchange, sandbox, send, start } from '../../support.ts';

const plain = (text: string) => ({ type: 'plain_text', text });
const option = (value: string, text = value) => ({ text: plain(text), value });
const modal = (more: object = {}) => ({
  type: 'modal',
  title: plain('Declare'),
  blocks: [{ type: 'divider' }],
  ...more,
});
const x = (length: number) => 'x'.repeat(length);

/** Returns a function that creates triggers by actions of a person. */
async function triggers(standIns: StandIns): Promise<() => Promise<string>> {
  const event = await receiver(standIns);
  return async () => {
    await sandbox(standIns, 'POST', '/slack/shortcuts', { user: 'ada', callback_id: 'declare_incident' });
    return String(event.received.at(-1)?.fields.trigger_id);
  };
}

async function app() {
  const time = clock();
  const standIns = await start({ now: time.now });
  const slack = client(standIns);
  const trigger = await triggers(standIns);
  const call = (method: string, args: object): Promise<WebAPICallResult & { view?: any }> =>
    slack.apiCall(method, { ...args });
  const open = async (view: object) => (await call('views.open', { trigger_id: await trigger(), view })).view;
  return { time, standIns, slack, trigger, call, open };
}

describe('a trigger', () => {
  test('is valid for three seconds', async () => {
    const { call, trigger, time } = await app();
    const [first, second] = [await trigger(), await trigger()];
    time.forward(3_000);
    expect((await call('views.open', { trigger_id: first, view: modal() })).ok).toBe(true);
    time.forward(1);
    expect(await errorOf(call('views.open', { trigger_id: second, view: modal() }))).toBe('expired_trigger_id');
  });

  test('that is unknown has expired, as documented; malformed text is invalid', async () => {
    const { call, standIns } = await app();
    const documented = exchange('slack/views-open-expired_trigger_id');
    const answer = await send(standIns.urls.slack, documented);
    expect(await answer.json()).toEqual(JSON.parse(documented.response.body));
    expect(await errorOf(call('views.open', { trigger_id: 'no trigger', view: modal() }))).toBe('invalid_trigger_id');
  });

  test('is not used up by a refused view', async () => {
    const { call, trigger } = await app();
    const id = await trigger();
    expect(await errorOf(call('views.open', { trigger_id: id, view: { type: 'modal' } }))).toBe('invalid_arguments');
    expect((await call('views.open', { trigger_id: id, view: modal() })).ok).toBe(true);
  });

  test("of a shortcut can't push a view", async () => {
    const { call, trigger } = await app();
    expect(await errorOf(call('views.push', { trigger_id: await trigger(), view: modal() }))).toBe('not_found');
  });
});

describe('views.update', () => {
  test.each([
    [{ view_id: 'V0ZZZZZZZZ' }, 'not_found'],
    [{ external_id: 'nobody' }, 'not_found'],
    [{}, 'invalid_arguments'],
  ])('of %j is refused', async (which, word) => {
    const { call } = await app();
    expect(await errorOf(call('views.update', { ...which, view: modal() }))).toBe(word);
  });

  test('with the external ID of another modal is refused', async () => {
    const { call, open, trigger } = await app();
    await open(modal({ external_id: 'mine' }));
    const again = call('views.open', { trigger_id: await trigger(), view: modal({ external_id: 'mine' }) });
    expect(await errorOf(again)).toBe('duplicate_external_id');
  });
});

describe('a view at its limits and just above', () => {
  const input = (element: object, more: object = {}) => ({ type: 'input', label: plain('L'), element, ...more });
  const withInput = (element: object, more: object = {}) =>
    modal({ submit: plain('Go'), blocks: [input(element, more)] });
  const select = (count: number) => ({
    type: 'static_select',
    action_id: 'a',
    options: Array.from({ length: count }, (_, i) => option(`o${i}`)),
  });
  const confirm = (title: number, text: number, yes: number) => ({
    title: plain(x(title)),
    text: plain(x(text)),
    confirm: plain(x(yes)),
    deny: plain('No'),
  });
  const button = (more: object) => ({ type: 'button', action_id: 'a', text: plain('B'), ...more });
  const actions = (...elements: object[]) => modal({ blocks: [{ type: 'actions', elements }] });

  test.each([
    ['a title of 24 characters', modal({ title: plain(x(24)) })],
    ['100 blocks', modal({ blocks: Array.from({ length: 100 }, () => ({ type: 'divider' })) })],
    ['3,000 characters of metadata', modal({ private_metadata: x(3000) })],
    ['a callback ID of 255 characters', modal({ callback_id: x(255) })],
    ['100 options', withInput(select(100))],
    ['an input with length limits', withInput({ type: 'plain_text_input', min_length: 0, max_length: 3000 })],
    ['a confirmation', actions(button({ confirm: confirm(100, 300, 30) }))],
    [
      'an overflow menu of five options',
      actions({ type: 'overflow', options: Array.from({ length: 5 }, (_, i) => option(`${i}`)) }),
    ],
    ['a users menu', withInput({ type: 'users_select', action_id: 'a' }, { hint: plain(x(2000)) })],
  ])('%s is accepted', async (_, view) => {
    const { open } = await app();
    expect(await open(view)).toMatchObject({ type: 'modal' });
  });

  test.each([
    ['a title of 25 characters', modal({ title: plain(x(25)) }), '/view/title/text'],
    ['101 blocks', modal({ blocks: Array.from({ length: 101 }, () => ({ type: 'divider' })) }), '/view/blocks'],
    ['3,001 characters of metadata', modal({ private_metadata: x(3001) }), '/view/private_metadata'],
    ['a callback ID of 256 characters', modal({ callback_id: x(256) }), '/view/callback_id'],
    ['101 options', withInput(select(101)), '/view/blocks/0/element/options'],
    ['no options', withInput(select(0)), '/view/blocks/0/element/options'],
    ['an option of 76 characters', withInput({ ...select(1), options: [option('a', x(76))] }), '/options/0/text/text'],
    ['a value of 151 characters', withInput({ ...select(1), options: [option(x(151))] }), '/options/0/value'],
    ['an unknown initial option', withInput({ ...select(1), initial_option: option('zz') }), '/initial_option'],
    ['a placeholder of 151 characters', withInput({ ...select(1), placeholder: plain(x(151)) }), '/placeholder/text'],
    ['inputs without a submit button', modal({ blocks: [input({ type: 'plain_text_input' })] }), '/view]'],
    ['a button in an input', withInput(button({})), '/element/type'],
    ['an input among actions', actions({ type: 'plain_text_input', action_id: 'a' }), '/elements/0/type'],
    [
      'a label of 2,001 characters',
      modal({ submit: plain('Go'), blocks: [{ ...input(select(1)), label: plain(x(2001)) }] }),
      '/label',
    ],
    ['a max_length of 3,001', withInput({ type: 'plain_text_input', max_length: 3001 }), '/max_length'],
    ['a long confirmation', actions(button({ confirm: confirm(101, 301, 31) })), '/confirm/title/text'],
    ['an unknown style', actions(button({ style: 'loud' })), '/elements/0/style'],
    ['a duplicate action_id', actions(button({}), button({})), '/elements/1/action_id'],
    [
      'a duplicate block_id',
      modal({ blocks: [1, 2].map(() => ({ type: 'divider', block_id: 'd' })) }),
      '/blocks/1/block_id',
    ],
    [
      'six options in an overflow menu',
      actions({ type: 'overflow', options: [1, 2, 3, 4, 5, 6].map((i) => option(`${i}`)) }),
      '/options',
    ],
    ['a table', modal({ blocks: [{ type: 'table', rows: [] }] }), '/view/blocks/0/type'],
    ['a home tab', modal({ type: 'home' }), '/view/type'],
    ['no blocks', { type: 'modal', title: plain('T') }, '/view/blocks'],
  ])('%s is refused', async (_, view, at) => {
    const { call, trigger } = await app();
    const { error, errors } = await refusal(call('views.open', { trigger_id: await trigger(), view }));
    expect(error).toBe('invalid_arguments');
    expect((errors as string[]).join('\n')).toContain(at);
  });

  test('more than 250 KB is too large', async () => {
    const { call, trigger } = await app();
    const blocks = Array.from({ length: 90 }, () => ({ type: 'section', text: plain(x(2900)) }));
    const opening = call('views.open', { trigger_id: await trigger(), view: modal({ blocks }) });
    expect(await errorOf(opening)).toBe('view_too_large');
  });
});

describe('messages', () => {
  test('duplicate action_ids in a block, and duplicate block_ids, are refused there too', async () => {
    const standIns = await start();
    const slack = client(standIns);
    const button = { type: 'button', action_id: 'same', text: plain('B') };
    const blocks = [
      { type: 'actions', block_id: 'b', elements: [button, button] },
      { type: 'divider', block_id: 'b' },
    ];
    const { error, errors } = await refusal(say(slack, { channel: '#general', text: 'x', blocks }));
    expect(error).toBe('invalid_blocks');
    expect(errors).toHaveLength(2);
  });
});
