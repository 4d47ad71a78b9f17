import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { at } from '../entrances/cli/support.ts';
import { alert, group, minutesAgo, twoDeployments } from '../support/alerts.ts';
import { ADMIN_TOKEN, EACH_ALONE, eventually, Firebreak } from '../support/firebreak.ts';

/**
 * A question to roll back v2 waits, v3 is deployed, and then a person approves what they read before: by each way to answer,
 * with the requests that the old page, message, or command line sends.
 */

const SLACK_SECRET = 'a-signing-secret-of-this-test';

const ASKING = {
  deployer: { kind: 'http' },
  autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 1440 },
};

/** A button, or a form, as it was shown with the question. */
type Shown = { incident: any; digest: string; link: string; slack: { channel: any; message: any; button: any } };

/** Approves the question that was shown. Returns what the person is told. */
type Approve = (shown: Shown) => Promise<string>;

let firebreak: Firebreak;
let session: { cookie: string; form_key: string };

/** Sends a form as a browser does. Returns the page, or that of the redirect. */
async function submit(path: string, fields: Record<string, string>, cookie = session?.cookie ?? ''): Promise<Response> {
  const headers = { origin: firebreak.url, cookie, 'content-type': 'application/x-www-form-urlencoded' };
  const body = new URLSearchParams(fields).toString();
  return fetch(`${firebreak.url}${path}`, { method: 'POST', headers, body, redirect: 'manual' });
}

const page = async (path: string, cookie = session.cookie): Promise<string> =>
  (await fetch(`${firebreak.url}${path}`, { headers: { cookie, accept: 'text/html' } })).text();

const byForm = async (path: string, { digest }: Shown): Promise<string> => {
  const response = await submit(`${path}/actions/approve`, { form_key: session.form_key, digest });
  const location = response.headers.get('location');
  const markup = location === null ? await response.text() : await page(location);
  return (
    /<(\w+)[^>]*class="notice[^"]*"[^>]*>([^]*?)<\/\1>/.exec(markup)?.[2]?.replaceAll(/<[^>]+>|\s+/g, ' ') ?? markup
  );
};

const WAYS: Readonly<Record<string, Approve>> = {
  api: async ({ incident, digest }) => {
    const { status, body } = await firebreak.post(`/v1/incidents/${incident.id}/actions/approve`, { digest });
    return status === 200 ? 'approved' : `${status} ${body.detail}`;
  },
  cli: async ({ incident }) => {
    const { out, err } = await at(firebreak, 'incident', 'approve', `INC-${incident.number}`, '1');
    return out + err;
  },
  page: (shown) => byForm(`/console/incidents/INC-${shown.incident.number}`, shown),
  link: (shown) => byForm(shown.link, shown),
  slack: async ({ slack: { channel, message, button } }) => {
    // Slack shows an answer only to members of the channel, which a person who writes in it joins.
    await firebreak.post(`/sandbox/slack/channels/${channel.name}/messages`, { user: 'ada', text: 'I look at it' });
    const payload = {
      type: 'block_actions',
      user: { id: 'U024BE7LH', team_id: 'T0SANDBOX' },
      team: { id: 'T0SANDBOX' },
      channel: { id: channel.id, name: channel.name },
      message: { ts: message.ts },
      container: { type: 'message', channel_id: channel.id, message_ts: message.ts },
      trigger_id: '1.2.3',
      actions: [{ ...button, action_ts: '1.0' }],
    };
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const seconds = String(Math.floor(Date.now() / 1000));
    const signature = createHmac('sha256', SLACK_SECRET).update(`v0:${seconds}:${body}`).digest('hex');
    const { status } = await firebreak.request('POST', '/integrations/slack/interactions', body, {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': seconds,
      'x-slack-signature': `v0=${signature}`,
    });
    expect(status).toBe(200);
    return eventually(async () => {
      const { ephemerals = [] } = (await firebreak.get(`/sandbox/slack/channels/${channel.name}`)).body;
      return ephemerals
        .map((one: any) => JSON.stringify(one))
        .find((text: string) => /Approved\.|Superseded/.test(text));
    }, 'an answer in the channel');
  },
};

const named = Object.keys(WAYS);

beforeAll(async () => {
  firebreak = await Firebreak.start({
    services: Object.fromEntries(
      named.flatMap((way) =>
        [`late-${way}`, `soon-${way}`].map((service) => [service, { environments: { production: ASKING } }]),
      ),
    ),
    configFiles: EACH_ALONE,
    timeScale: 60,
    env: { SLACK_SIGNING_SECRET: SLACK_SECRET, FIREBREAK_PUBLIC_URL: 'https://firebreak.test' },
  });
  const signedIn = await submit('/login', { token: ADMIN_TOKEN }, '');
  const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const form_key = /name="form_key" value="([0-9a-f]+)"/.exec(await page('/console/automation', cookie))?.[1] ?? '';
  session = { cookie, form_key };
});
afterAll(() => firebreak?.remove());

const incidentOf = async (service: string): Promise<any> =>
  (await firebreak.get(`/v1/incidents?service=${service}`)).body.items[0];

/** Asks whether to roll back v2 of a service. Returns what each way shows. */
async function asks(service: string): Promise<Shown> {
  for (const deployment of twoDeployments(service)) await firebreak.post('/v1/deployments', deployment);
  const firing = alert({ labels: { service }, fingerprint: service, startsAt: minutesAgo(1) });
  await firebreak.post('/v1/alerts/alertmanager', group([firing]));
  const incident = await eventually(async () => {
    const one = await incidentOf(service);
    return one?.channel && one.decisions[0]?.state === 'waiting' && one;
  }, 'the question');
  const [{ digest, from_version, to_version }] = incident.decisions;
  expect({ from_version, to_version }).toEqual({ from_version: 'v2', to_version: 'v1' });
  const slack = await eventually(async () => {
    const channel = (await firebreak.get(`/sandbox/slack/channels/${incident.channel.slice(1)}`)).body;
    const message = channel.messages.find(({ ts }: any) => channel.pinned.includes(ts));
    const elements = (message?.blocks ?? []).flatMap((block: any) => [block.accessory, ...(block.elements ?? [])]);
    const button = elements.find((element: any) => element?.action_id === 'firebreak:approve');
    return button && { channel, message, button };
  }, 'the button in Slack');
  const link = await eventually(
    async () => /\/console\/approve\/[\w.-]+/.exec(JSON.stringify(slack.message.blocks))?.[0],
    'the link to the question',
  );
  return { incident, digest, link, slack };
}

const rollbacksOf = async (service: string): Promise<any[]> =>
  (await firebreak.calls('cd')).filter(({ method, body }) => method === 'POST' && body.service === service);

const deploysNext = (service: string) =>
  firebreak.post('/v1/deployments', { service, environment: 'production', version: 'v3', started_at: minutesAgo(0) });

test.concurrent.each(named)(
  'an approval by %s of a question that was withdrawn does nothing, and says why',
  async (way) => {
    const service = `late-${way}`;
    const shown = await asks(service);
    await deploysNext(service);
    await eventually(
      async () => (await incidentOf(service)).decisions[0].state === 'withdrawn',
      'the end of the question',
    );
    expect(await WAYS[way]?.(shown)).toMatch(/the question was withdrawn: Deploy v3 took effect/i);
    expect((await incidentOf(service)).decisions[0].state).toBe('withdrawn');
    expect(await rollbacksOf(service)).toEqual([]);
  },
);

test.concurrent.each(named)(
  'an approval by %s right after a newer deploy rolls nothing back, and says why',
  async (way) => {
    const service = `soon-${way}`;
    const shown = await asks(service);
    await deploysNext(service);
    // The approval or the withdrawal comes first.
    await WAYS[way]?.(shown);
    const { state, not_done, withdrawn } = await eventually(async () => {
      const [asked] = (await incidentOf(service)).decisions;
      return (asked.not_done !== undefined || asked.withdrawn !== undefined) && asked;
    }, 'the end of the question');
    expect({ state, because: not_done ?? withdrawn.because }).toEqual(
      state === 'approved'
        ? { state, because: expect.stringContaining('v3') }
        : { state: 'withdrawn', because: expect.stringContaining('Deploy v3') },
    );
    expect(await rollbacksOf(service)).toEqual([]);
  },
);
