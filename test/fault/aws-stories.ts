import { createHmac } from 'node:crypto';
import { expect } from 'vitest';
import type { AwsProduct, FunctionName } from '../support/aws/product.ts';
import { alert, group, twoDeployments } from '../support/alerts.ts';
import { eventually } from '../support/firebreak.ts';
import { catalogueOf, expectPromisesKept, play } from '../support/scenario/scenario.ts';
import type { Vendors } from '../support/scenario/vendors.ts';

/** A story on platform AWS, and what must be true after it, in all cases: nothing is lost, nothing happens twice. */
export type AwsStory = {
  services: object;
  configFiles?: Record<string, string>;
  /** The functions whose calls are interrupted. */
  functions: readonly FunctionName[];
  /** Whether the vendors that show incidents are on. */
  channels?: true;
  before?(product: AwsProduct): Promise<void>;
  play(product: AwsProduct, vendors: Vendors): Promise<void>;
  expectKept(product: AwsProduct, vendors: Vendors): Promise<void>;
};

const FAILED_RUN = 'failed by the test';
const ALERTS = '/v1/alerts/alertmanager';
const SLACK_SECRET = 'dev0slack0signing0secret00000001';
const ADA = 'U024BE7LH';

/** Secrets of the stories, besides those of the vendors. */
export const STORY_ENV = { SLACK_SIGNING_SECRET: SLACK_SECRET };

export const STORIES: Readonly<Record<string, AwsStory>> = {
  'an alert pages and rolls back': {
    functions: ['http', 'route', 'incident-response'],
    services: catalogueOf('act'),
    play: (product, vendors) => play('act', product, vendors),
    expectKept: (product, vendors) => expectPromisesKept('act', product, vendors),
  },

  'a freeze stops a deploy until it is lifted': {
    functions: ['http', 'project'],
    services: { checkout: { environments: { production: {} } } },
    channels: true,
    // Not interrupted: a request that is repeated after it was aborted behind its write opens another freeze.
    before: async (product) => {
      const body = { service: 'checkout', reason: 'the quarter is being closed' };
      expect((await product.insist('POST', '/v1/freezes', body)).status).toBe(201);
    },
    play: async (product) => {
      const [opened] = (await product.get('/v1/freezes')).body.items;
      expect(await verdict(product)).toMatchObject({ allowed: false, verdict: 'freeze' });
      // A repeated request finds it lifted.
      expect((await product.insist('DELETE', `/v1/freezes/${opened.id}`)).status).toBeOneOf([200, 409]);
      // A decision whose record is unclear is a warning.
      expect(await verdict(product)).toMatchObject({ allowed: true, verdict: expect.stringMatching(/^(allow|warn)$/) });
    },
    expectKept: async (product, vendors) => {
      // Another instance reuses its list for up to a second.
      const items = await eventually(async () => {
        const page = (await product.get('/v1/freezes')).body.items;
        return page[0].state === 'over' && page;
      }, 'the list to show the end of the freeze');
      expect(items).toMatchObject([{ reason: 'the quarter is being closed' }]);
      await eventually(async () => {
        const { views } = await vendors.sandbox<{ views: { grafana: { annotations: { tags: string[] }[] } } }>(
          '/state',
        );
        const tags = views.grafana.annotations.flatMap((one) => one.tags.filter((tag) => tag.startsWith('firebreak:')));
        expect(tags).toEqual([`firebreak:${items[0].id}`]);
        return true;
      }, 'one annotation of the freeze');
    },
  },

  'commands from Slack acknowledge an incident and add a note': {
    functions: ['slack', 'inbound', 'incident-response'],
    services: { checkout: { environments: { production: {} } } },
    configFiles: { 'people.yaml': `people: { ada: { name: Ada, slack: ${ADA} } }\n` },
    channels: true,
    play: async (product, vendors) => {
      await product.insist('POST', ALERTS, group([alert({ labels: { action: 'none' } })]));
      const page = await eventually(async () => (await vendors.pagerDutyIncidents())[0], 'the page');
      const id = page.incident_key.split('.')[0] ?? '';
      await command(product, `ack ${id}`, '1.1.ack');
      await command(product, `note ${id} the cache is cold`, '1.1.note');
      await eventually(
        async () => (await vendors.pagerDutyIncidents())[0]?.status === 'acknowledged',
        'the acknowledgement at PagerDuty',
      );
      await eventually(async () => (await entries(product, id, 'note')).length > 0, 'the note');
    },
    expectKept: async (product, vendors) => {
      const [{ id }] = (await product.get('/v1/incidents')).body.items;
      expect(await entries(product, id, 'incident.acknowledged')).toMatchObject([{ actor: 'ada' }]);
      expect(await vendors.pagerDutyIncidents()).toMatchObject([{ status: 'acknowledged' }]);
      expect(await entries(product, id, 'note')).toMatchObject([
        { actor: 'ada', text: expect.stringContaining('the cache is cold') },
      ]);
    },
  },

  'a run hands over to the next one': {
    functions: ['sweep', 'incident-response'],
    services: { checkout: { environments: { production: { autoRollback: { mode: 'shadow' } } } } },
    play: async (product, vendors) => {
      const firing = alert();
      await product.insist('POST', ALERTS, group([firing]));
      const page = await eventually(async () => (await vendors.pagerDutyIncidents())[0], 'the page');
      const id = page.incident_key.split('.')[0] ?? '';
      await product.leaveUnknownMessage(id);
      await eventually(async () => (await entries(product, id, 'inbox.skipped')).length > 0, 'the next run');
      const resolved = { ...firing, status: 'resolved', endsAt: new Date().toISOString() };
      await product.insist('POST', ALERTS, group([resolved]));
      await eventually(
        async () => (await vendors.pagerDutyIncidents())[0]?.status === 'resolved',
        'the end of the page at PagerDuty',
      );
    },
    expectKept: async (product, vendors) => {
      const [{ id }] = (await product.get('/v1/incidents')).body.items;
      const texts = (await entries(product, id, 'workflow.handed_over')).map(({ text }) => text);
      expect(new Set(texts).size).toBe(texts.length); // an aborted run can be replaced by the sweep, too
      expect(texts.join()).toContain("because this version can't read a message");
      expect(await entries(product, id, 'inbox.skipped')).toHaveLength(1);
      await eventually(
        async () => (await product.get(`/v1/incidents/${id}`)).body.status === 'resolved',
        'the resolved incident',
      );
      expect(await vendors.pagerDutyIncidents()).toMatchObject([{ incident_key: `${id}.page.1`, status: 'resolved' }]);
    },
  },

  'the sweep replaces a run that failed': {
    functions: ['sweep', 'incident-response'],
    services: catalogueOf('act'),
    play: async (product, vendors) => {
      for (const deployment of twoDeployments()) await product.insist('POST', '/v1/deployments', deployment);
      const firing = alert();
      await product.insist('POST', ALERTS, group([firing]));
      await eventually(async () => (await vendors.pagerDutyIncidents()).length > 0, 'the page');
      product.failRun();
      await eventually(async () => product.output.includes(FAILED_RUN), 'the end of the run');
      // The sweep takes a run for alive until half a minute after its last sign; an aborted sweep was one.
      let nextAt = 0;
      await eventually(async () => {
        if (Date.now() >= nextAt) product.advance(60);
        if (Date.now() >= nextAt) nextAt = Date.now() + 3000;
        return (await vendors.live())[0]?.version === 'v1';
      }, 'the rollback');
      const resolved = { ...firing, status: 'resolved', endsAt: new Date().toISOString() };
      await product.insist('POST', ALERTS, group([resolved]));
      await eventually(
        async () => (await vendors.pagerDutyIncidents())[0]?.status === 'resolved',
        'the end of the page at PagerDuty',
      );
    },
    expectKept: async (product, vendors) => {
      expect(product.output).toContain(FAILED_RUN);
      const incident = await eventually(async () => {
        const [first] = (await product.get('/v1/incidents')).body.items;
        return first?.status === 'resolved' ? first : undefined;
      }, 'the resolved incident');
      expect(await vendors.pagerDutyIncidents()).toMatchObject([
        { incident_key: `${incident.id}.page.1`, status: 'resolved' },
      ]);
      const calls = (await vendors.calls('cd')).filter(
        ({ method, outcome }) => method === 'POST' && Number(outcome) < 300,
      );
      expect(new Set(calls.map(({ headers }) => headers['idempotency-key']))).toEqual(
        new Set([`${incident.id}.roll-back.1`]),
      );
    },
  },
};

const verdict = async (product: AwsProduct): Promise<object> =>
  (await product.insist('GET', '/v1/freeze-check?service=checkout&environment=production&version=v2')).body;

type Entry = { kind: string; actor: string; text: string };

const entries = async (product: AwsProduct, id: string, of: string): Promise<Entry[]> =>
  (await product.get(`/v1/incidents/${id}/timeline`)).body.items.filter(({ kind }: Entry) => kind === of);

/** Enters `/incident …` in Slack, and repeats the delivery until it is accepted, with the same trigger. */
async function command(product: AwsProduct, text: string, trigger: string): Promise<void> {
  const body = new URLSearchParams({
    team_id: 'T0001',
    channel_id: 'C2147483705',
    channel_name: 'payments',
    user_id: ADA,
    user_name: 'ada',
    response_url: 'https://hooks.slack.com/commands/T0001/1234/5678',
    trigger_id: trigger,
    command: '/incident',
    text,
  }).toString();
  await eventually(async () => {
    const at = String(Math.floor(Date.now() / 1000));
    const signature = createHmac('sha256', SLACK_SECRET).update(`v0:${at}:${body}`).digest('hex');
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-signature': `v0=${signature}`,
      'x-slack-request-timestamp': at,
    };
    const answer = await product.insist('POST', '/integrations/slack/commands', body, headers);
    expect(answer.status).toBe(200);
    return !JSON.stringify(answer.body).includes('nothing was done');
  }, `/incident ${text} to be accepted`);
}
