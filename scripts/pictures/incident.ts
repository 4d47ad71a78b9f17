import type { Story } from '../../packages/demo/stage.ts';
import { callsOf } from '../../packages/demo/event-source.ts';
import type { Page } from '../../test/support/browser.ts';
import { type Camera, DESKTOP, PHONE } from './camera.ts';
import { emailPage } from './email.ts';
import { Workspace } from './workspace.ts';

/** Channels of the service's team and of stakeholders. */
const TEAM = 'payments';
const STATUS = 'status';

/** Recipient of emails. */
const READER = 'cto@example.com';

const config = {
  'people.yaml': {
    people: {
      ada: { name: 'Ada Park', slack: 'U024BE7LH', teams: [TEAM] },
      bob: { name: 'Bob Tanaka', slack: 'U0BOB00001', teams: [TEAM] },
      mira: { name: 'Mira Lindt', slack: 'U0MIRA0001', roles: ['viewer'] },
    },
  },
  // A minute takes a second here, and pictures take several seconds.
  'response.yaml': {
    triage: { acknowledgeMinutes: 30, commanderMinutes: 40, updateMinutes: 60, times: 1 },
    stakeholders: [{ email: [READER] }, { slack: `#${STATUS}` }],
  },
};

/** Returns a story in which people respond from Slack, with pictures. @param camera creates a camera for an address */
export const photographed = (camera: (url: string) => Camera): Story => ({
  name: 'photographed',
  title: 'an incident response in Slack',
  about: 'A deploy with a migration breaks checkout; Firebreak asks, a person approves.',
  services: { checkout: { version: 'v41', team: TEAM, component: 'Checkout' } },
  config,
  async play(stage) {
    const { firebreak } = stage;
    const take = camera(firebreak.url);
    const slack = new Workspace(firebreak);
    await stage.waitMinutes(1);
    await stage.deploy('checkout', 'v42', { failing: 0.24, hasMigration: true });
    const channel = await stage.until('a question in a channel', async () => {
      const [incident] = await stage.incidents();
      return incident?.decisions.some(({ state }) => state === 'waiting') && incident.channel?.slice(1);
    });
    await slack.until(channel, /Asks because/);
    await take.channel('slack-incident', { width: DESKTOP, as: 'ada', channel });
    await take.channel('slack-phone', { width: PHONE, as: 'ada', channel, messages: [PINNED] });

    await slack.say('bob', channel, 'My card was declined, too. The receipt queue is growing.');
    await slack.until(channel, /not acknowledged yet/);
    await slack.until(channel, /has no commander/);
    await slack.press('ada', channel, 'acknowledge');
    await slack.press('ada', channel, 'take_command');
    await slack.until(channel, /No update since/);
    const reminders = [/not acknowledged yet/, /has no commander/, /No update since/];
    await take.channel('slack-reminders', { width: DESKTOP, as: 'ada', channel, messages: reminders });

    await slack.join('mira', channel);
    await slack.until(channel, /What happened so far/);
    const soFar = [/What happened so far/];
    await take.channel('slack-so-far', { width: DESKTOP, as: 'mira', channel, messages: soFar });

    await slack.command('ada', TEAM, '/rollback checkout', /would go back|Roll back/);
    await take.dialog('slack-rollback', {
      width: DESKTOP,
      height: 440,
      as: 'ada',
      channel: TEAM,
      messages: [/Roll back to v41/],
      open: (page) => page.click('[data-action="firebreak:rollback"]'),
      after: (page) => page.click('#slack-question button[value="no"]'),
    });

    await slack.command('ada', TEAM, '/freeze open checkout 2h the migration must be reverted first', /Frozen: /);
    await slack.command('ada', TEAM, '/freeze status checkout', /the migration must be reverted/);
    await take.channel('slack-freeze', { width: DESKTOP, as: 'ada', channel: TEAM, messages: [/Frozen: /, /Lift/] });
    await slack.command('mira', TEAM, '/freeze lift checkout we have to ship', /have permission/);
    await take.channel('slack-refused', { width: DESKTOP, as: 'mira', channel: TEAM, messages: [/have permission/] });

    await take.dialog('slack-declare', {
      width: 560,
      height: 520,
      as: 'bob',
      channel: TEAM,
      open: fillIn,
      after: (page) => page.press('Escape'),
    });

    await slack.command('ada', channel, `/incident update ${UPDATE}`, /Update recorded/);
    await take.dialog('slack-approve', {
      width: DESKTOP,
      height: 560,
      as: 'bob',
      channel,
      messages: [PINNED],
      open: (page) => page.click('[data-action="firebreak:approve"]'),
      after: (page) => page.click('#slack-question button[value="yes"]'),
    });
    await stage.untilRolledBack();
    await slack.until(STATUS, /mitigated/);
    await slack.say('mira', STATUS, 'Support has 40 calls about this. Thank you.');
    await slack.until(STATUS, /^Resolved: /);
    await take.channel('slack-digest', {
      width: DESKTOP,
      as: 'ada',
      channel: STATUS,
      messages: [/Impact[^]*Next update[^]*resolved/i],
    });
    const email = await stage.until('the last email', async () => {
      const emails = await callsOf(firebreak, { vendor: 'mail' });
      return emails.map(({ body }) => String(body)).find((body) => body.includes('Subject: Resolved: '));
    });
    await take.document('mail-digest', emailPage(email), DESKTOP);

    await slack.until(channel, /Resolved: /);
    await take.channel('slack-resolved', {
      width: DESKTOP,
      as: 'ada',
      channel,
      messages: [/Pinned[^]*the incident is resolved/],
    });
    await take.page('sandbox', { width: 1440, height: 1180 });
    return []; // nothing to check: the pictures are the result
  },
});

/** Pinned summary of the incident. */
const PINNED = /Pinned[^]*Details/;

const UPDATE = 'Card payments fail for one in four customers. In ten minutes, we decide whether to roll back.';

/** Fills in the dialog that declares an incident. */
async function fillIn(page: Page): Promise<void> {
  await page.evaluate(`document.querySelector('.composer [data-id="declare_incident"]').click()`);
  await page.evaluate(`new Promise((done) => {
    const look = () => document.querySelector('#slack-modal')?.open ? done() : setTimeout(look, 50);
    look();
  })`);
  await page.click('[data-field-of="summary"] input');
  await page.type('Receipts are not sent');
  await page.click('[data-field-of="service"] input');
  await page.type('checkout');
}
