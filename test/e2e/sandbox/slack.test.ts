import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { WebClient } from '@slack/web-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startStandIns, type StandIns } from '../../../packages/sandbox/core/index.ts';
import { startReceiver, type Receiver } from '../../../packages/sandbox/test/slack-receiver.ts';
import { Browser, haveBrowser, type Page } from '../../support/browser.ts';
import { eventually } from '../../support/firebreak.ts';

const plain = (text: string) => ({ type: 'plain_text', text });
const option = (value: string) => ({ text: plain(value), value });

const QUESTION = [
  { type: 'section', block_id: 's', text: { type: 'mrkdwn', text: 'Roll *checkout* back?' } },
  {
    type: 'actions',
    block_id: 'a',
    elements: [
      {
        type: 'button',
        action_id: 'approve',
        text: plain('Approve'),
        style: 'danger',
        value: '{"incident":"inc_1"}',
        confirm: { title: plain('Roll back?'), text: plain('To v41.'), confirm: plain('Yes'), deny: plain('No') },
      },
      {
        type: 'static_select',
        action_id: 'severity',
        placeholder: plain('Severity'),
        options: [option('critical'), option('info')],
      },
    ],
  },
];

const DECLARE = {
  type: 'modal',
  callback_id: 'declare_incident',
  title: plain('Declare an incident'),
  submit: plain('Declare'),
  blocks: [
    {
      type: 'input',
      block_id: 'title',
      label: plain('What is wrong?'),
      element: { type: 'plain_text_input', action_id: 'text' },
    },
    {
      type: 'input',
      block_id: 'service',
      label: plain('Service'),
      element: { type: 'external_select', action_id: 'choice', min_query_length: 1 },
    },
    {
      type: 'input',
      block_id: 'severity',
      label: plain('Severity'),
      element: {
        type: 'static_select',
        action_id: 'choice',
        options: [option('critical'), option('info')],
        initial_option: option('info'),
      },
    },
  ],
};

describe.runIf(haveBrowser())('Slack on the sandbox page', () => {
  let dir: string;
  let standIns: StandIns;
  let server: Server;
  let app: Receiver & { close(): void };
  let slack: WebClient;
  let channel: string;
  let browser: Browser;
  let page: Page;

  /** Waits until a part of the page has this text. */
  const reads = (selector: string, pattern: RegExp): Promise<string> =>
    eventually(async () => {
      const text = await page.text(selector);
      if (text === undefined || !pattern.test(text)) throw new Error(`${selector} reads: ${text}`);
      return text;
    }, `${selector} reads like ${pattern}`);

  /** Returns the last request to the app, once it is of this type. */
  const told = (type: string): Promise<any> =>
    eventually(() => {
      const last = app.received.at(-1)?.fields;
      const is = last?.event?.type ?? last?.command ?? last?.type;
      if (is !== type) throw new Error(`the last request is: ${String(is)}`);
      return Promise.resolve(last);
    }, `a request of type ${type} to the app`);

  /** Returns the newest request of this type, also if others came after it. */
  const newest = (type: string): any => app.received.findLast(({ fields }) => fields.type === type)?.fields;

  /** Types into a field. */
  const write = async (selector: string, text: string): Promise<void> => {
    await page.click(selector);
    await page.type(text);
  };

  const choose = (selector: string, value: string): Promise<unknown> =>
    page.evaluate(`(() => {
      const select = document.querySelector(${JSON.stringify(selector)});
      select.value = ${JSON.stringify(value)};
      select.dispatchEvent(new Event('change', { bubbles: true }));
    })()`);

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'firebreak-slack-page-'));
    standIns = await startStandIns({ dir });
    server = createAdaptorServer({ fetch: standIns.app.fetch, overrideGlobalObjects: false }) as Server;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    app = await startReceiver(standIns);
    const events = ['member_joined_channel', 'message.channels', 'reaction_added'];
    await standIns.app.request('/sandbox/slack/settings', { method: 'PUT', body: JSON.stringify({ events }) });
    slack = new WebClient('xoxb-test', { slackApiUrl: `${standIns.urls.slack}/api/` });
    channel = (await slack.conversations.create({ name: 'incident-1' })).channel?.id ?? '';
    await slack.conversations.invite({ channel, users: 'U024BE7LH,U0GRACE001' }); // ada and grace
    await eventually(async () => app.received.length === 2, 'both events');
    app.received.length = 0;
    const { ts = '' } = (await slack.apiCall('chat.postMessage', {
      channel,
      text: 'Roll back?',
      blocks: QUESTION,
    })) as { ts?: string };
    await slack.pins.add({ channel, timestamp: ts });
    browser = await Browser.start();
    const { port } = server.address() as AddressInfo;
    page = await browser.open(`http://127.0.0.1:${port}/sandbox`, { width: 1440, height: 1200 });
    await reads('#slack .messages', /Roll checkout back\?/);
  });

  afterAll(async () => {
    await browser?.stop();
    app?.close();
    server?.closeAllConnections();
    server?.close();
    await standIns?.close();
    await rm(dir, { recursive: true, force: true });
  });

  test('a button with a confirmation does nothing if the person cancels', async () => {
    await page.click('[data-action="approve"]');
    await reads('#slack-question', /Roll back\?\s+To v41\./);
    await page.click('#slack-question button[value="no"]');
    expect(app.received).toEqual([]);
    await page.click('[data-action="approve"]');
    await page.click('#slack-question button[value="yes"]');
    const { actions, user } = await told('block_actions');
    expect([user.name, actions[0].value]).toEqual(['ada', '{"incident":"inc_1"}']);
  });

  test('a menu sends the selection, on behalf of the selected person', async () => {
    await choose('[data-slack="who"]', 'grace');
    await choose('[data-action="severity"]', 'critical');
    await expect
      .poll(async () => {
        const { user, actions } = await told('block_actions');
        return [user.name, actions[0].selected_option?.value];
      })
      .toEqual(['grace', 'critical']);
  });

  test('a command is typed, and only the person who typed it sees the response', async () => {
    app.answer = () => ({ body: { response_type: 'ephemeral', text: 'checkout is *frozen*' } });
    await write('.composer input', '/freeze status checkout');
    await page.press('Enter');
    expect(await told('/freeze')).toMatchObject({ text: 'status checkout', user_name: 'grace' });
    await reads('.ephemeral', /Only visible to you[^]*checkout is frozen/);
    await choose('[data-slack="who"]', 'ada');
    await expect.poll(() => page.text('.ephemeral')).toBeUndefined();
    app.answer = () => ({});
  });

  test('a message is posted, pinned to the timeline with a reaction, and has a shortcut', async () => {
    await write('.composer input', 'errors are falling');
    await page.press('Enter');
    expect((await told('message')).event.text).toBe('errors are falling');
    await reads('#slack .messages', /ada[^]*errors are falling/);
    await page.click('.message:last-child .menu summary');
    await page.click('.message:last-child [data-reaction="pushpin"]');
    expect((await told('reaction_added')).event.reaction).toBe('pushpin');
    await reads('.message:last-child .reactions', /📌\s*1/);
    await page.click('.message:last-child .menu summary');
    await page.click('.message:last-child [data-id="add_to_timeline"]');
    expect((await told('message_action')).message.text).toBe('errors are falling');
  });

  test('a modal is opened, filled in, corrected, and submitted', async () => {
    app.answer = async ({ fields }) => {
      if (fields.type === 'shortcut') {
        await slack.views.open({ trigger_id: fields.trigger_id, view: DECLARE as never });
      }
      if (fields.type === 'block_suggestion') return { body: { options: [option('checkout'), option('cart')] } };
      if (fields.type !== 'view_submission') return {};
      const { value } = fields.view.state.values.title.text;
      return value === 'x' ? { body: { response_action: 'errors', errors: { title: 'Say more.' } } } : {};
    };
    await page.click('.composer .menu summary');
    await page.click('.composer [data-id="declare_incident"]');
    await reads('#slack-modal h3', /Declare an incident/);
    expect(await page.evaluate('document.activeElement.closest("[data-field-of]").dataset.fieldOf')).toBe('title');

    await page.click('#slack-modal [type="submit"]');
    await reads('#slack-modal .problem', /complete this required field/);

    await write('[data-field-of="title"] input', 'x');
    await write('[data-field-of="service"] input', 'c');
    await told('block_suggestion');
    await expect.poll(() => page.evaluate('document.querySelector("#slack-modal datalist").options.length')).toBe(2);
    await page.type('heckout');
    await choose('[data-field-of="severity"] select', 'critical');
    await page.click('#slack-modal [type="submit"]');
    await reads('#slack-modal .problem', /^Say more\.$/);

    await write('[data-field-of="title"] input', 'y');
    await page.click('#slack-modal [type="submit"]');
    await expect.poll(() => page.evaluate('document.querySelector("#slack-modal").open')).toBe(false);
    const { view, user } = newest('view_submission'); // a late request for options may follow it
    expect(user.name).toBe('ada');
    expect(view.state.values).toMatchObject({
      title: { text: { value: expect.stringMatching(/^(xy|yx)$/) } },
      service: { choice: { selected_option: { value: 'checkout' } } },
      severity: { choice: { selected_option: { value: 'critical' } } },
    });
  });

  test('the keyboard is sufficient: Escape closes a menu and a modal, Enter submits', async () => {
    const isOpen = () => page.evaluate<boolean>('document.querySelector("#slack-modal").open');
    await page.click('.composer .menu summary');
    await page.press('Escape');
    expect(await page.evaluate('document.querySelectorAll("#slack .menu[open]").length')).toBe(0);
    await page.press('Enter'); // on the element that opened it
    await page.press('Tab');
    await page.press('Enter');
    await expect.poll(isOpen).toBe(true);
    await page.press('Enter');
    await reads('#slack-modal .problem', /complete this required field/);
    await page.press('Escape');
    await expect.poll(isOpen).toBe(false);
  });

  test('errors are shown', async () => {
    app.answer = () => ({ status: 500 });
    await page.click('[data-action="approve"]');
    await page.click('#slack-question button[value="yes"]');
    await reads('.ephemeral', /Slackbot[^]*Action failed: the app responded with status 500/);
    await standIns.connect({ url: 'http://127.0.0.1:9' });
    await write('.composer input', '/incident');
    await page.press('Enter');
    await reads('.said-below', /does not receive requests from this Slack/);
  });

  test('the page has no errors, and its policy blocked nothing', () => {
    expect(page.problems.filter((problem) => !problem.includes('status of 422'))).toEqual([]);
  });
});
