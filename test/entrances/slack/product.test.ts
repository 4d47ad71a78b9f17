import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, Firebreak } from '../../support/firebreak.ts';
import { FIELDS } from '../../../entrances/slack/modals/form.ts';
import { COMMAND, FORM, FORMS } from './support.ts';

/** Tests of the running product with requests as Slack sends them. */

const SECRET = 'a-signing-secret-of-this-test';

/**
 * A user of the sandbox's workspace. Firebreak sends no answer to this response URL, because it is not one of Slack's.
 */
const TEAM = 'T0SANDBOX';
const FROM = { ...COMMAND, team_id: TEAM, response_url: 'https://elsewhere.example/answers' };
const USER = { user: { id: COMMAND.user_id, team_id: TEAM }, team: { id: TEAM } };

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({
    timeScale: 1,
    services: { checkout: { environments: { production: {} } }, carts: { environments: { production: {} } } },
    env: { SLACK_SIGNING_SECRET: SECRET, LOG_LEVEL: 'debug' },
  });
});
afterAll(() => firebreak.remove());

async function slack(place: string, body: string, secret = SECRET, type = FORM['content-type']) {
  const at = String(Math.floor(Date.now() / 1000));
  const answer = await fetch(`${firebreak.url}/integrations/slack/${place}`, {
    method: 'POST',
    headers: {
      'content-type': type,
      'x-slack-request-timestamp': at,
      'x-slack-signature': `v0=${createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex')}`,
    },
    body,
  });
  const text = await answer.text();
  return { status: answer.status, text, json: (): any => JSON.parse(text) };
}

const command = (text: string, trigger: string, secret?: string) =>
  slack(
    'commands',
    new URLSearchParams({ ...FROM, command: '/incident', text, trigger_id: trigger }).toString(),
    secret,
  );

test('only requests that Slack has signed are processed', async () => {
  expect((await command('help', '1.1.a')).json()).toMatchObject({ response_type: 'ephemeral' });
  expect((await command('help', '1.1.a', 'another secret')).status).toBe(401);
  const verification = JSON.stringify({ type: 'url_verification', challenge: '3eZbrw1a' });
  expect(await slack('events', verification, SECRET, 'application/json')).toMatchObject({
    status: 200,
    text: '3eZbrw1a',
  });
  // The rest of the API is still available.
  expect((await firebreak.get('/healthz')).status).toBe(200);
});

test('an incident declared over HTTP is listed in Slack for members of the workspace', async () => {
  const serviceEnvironment = { service: 'checkout', environment: 'production', severity: 'critical' };
  const { body } = await firebreak.post('/v1/incidents', { ...serviceEnvironment, title: 'Payments fail' });
  const said = await eventually(async () => {
    const { text } = await command('list', `1.1.${Math.random()}`);
    return text.includes('Payments fail') && text;
  }, 'the incident in the list');
  expect(said).toContain('checkout in production');
  expect(body.id).toBeDefined();
});

test('a command that changes something is queued once', async () => {
  // On a busy machine, the answer is that the command was not stored in time, and people send it again.
  await eventually(
    async () => (await command('note the pager is quiet', '1.2.b')).text.includes('Working on it…'),
    'the answer that it is queued',
  );
  await eventually(
    async () => firebreak.output.includes('"key":"command:1.2.b"'),
    'the log entry of the queued command',
  );
});

test('the answer says if Slack does not open a dialog; a dialog suggests services from the catalogue', async () => {
  // A trigger ID that Slack has not issued.
  expect((await command('', '9.9.never')).text).toContain('Nothing was done');
  const payload = { type: 'block_suggestion', ...USER, action_id: 'service', block_id: 'service', value: 'check' };
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  // Slack gets an empty list if the services are not read in time.
  const suggested = await eventually(async () => {
    const { options } = (await slack('interactions', body)).json();
    return options.length > 0 && options;
  }, 'the suggestion');
  expect(suggested).toEqual([{ text: { type: 'plain_text', text: 'checkout', emoji: true }, value: 'checkout' }]);
});

test('a submitted modal is executed on behalf of its user', async () => {
  const field = (name: string, value: string) => [name, { [name]: { type: 'plain_text_input', value } }] as const;
  const values = Object.fromEntries([
    field(FIELDS.title, 'Carts are empty'),
    field(FIELDS.service, 'carts'),
    field(FIELDS.environment, 'production'),
    field(FIELDS.severity, 'sev1'),
  ]);
  const view = { id: 'V1', hash: '1.1', callback_id: FORMS.declare, private_metadata: '', state: { values } };
  const payload = { type: 'view_submission', ...USER, trigger_id: '1.3.c', view };
  const answer = await slack('interactions', new URLSearchParams({ payload: JSON.stringify(payload) }).toString());
  expect(answer).toMatchObject({ status: 200, text: '' });
  const id = await eventually(async () => {
    const { body } = await firebreak.get('/v1/incidents');
    return body.items.find((one: { title: string }) => one.title === 'Carts are empty')?.id;
  }, 'the incident');
  const { body } = await firebreak.get(`/v1/incidents/${id}/timeline`);
  expect(body.items.map(({ actor }: { actor: string }) => actor)).toContain(`slack:${COMMAND.user_id}`);
});

test('an unreadable request is in quarantine', async () => {
  const unreadable = async () => (await slack('interactions', 'payload=%7B')).status;
  expect(await unreadable()).toBe(400);
  // Slack gets its response after at most 1.5 s, so the entry may be missing on a busy machine. Repeats count once.
  const items = await eventually(async () => {
    const { body } = await firebreak.get('/v1/quarantine');
    if (body.items.length === 0) await unreadable();
    return body.items.length > 0 && body.items;
  }, 'the entry');
  expect(items).toMatchObject([{ source: 'slack', status: 400 }]);
});
