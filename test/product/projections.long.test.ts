import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, group, minutesAgo } from '../support/alerts.ts';
import { eventually, Firebreak } from '../support/firebreak.ts';

const acting = {
  slack: { channel: '#payments' },
  statusPage: { components: ['Checkout'], publish: 'auto' },
  environments: {
    production: {
      deployer: { kind: 'http' },
      autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' },
    },
  },
};

const health = { promql: 'errors:unwell', max: 0.02 };

let firebreak: Firebreak;

/** Sets the health query of the service: values from this many minutes ago on. */
async function errors(steps: readonly (readonly [minutes: number, value: number])[]): Promise<void> {
  const given = steps.map(([minutes, value]) => ({ after_seconds: -60 * minutes, value }));
  expect((await firebreak.put('/sandbox/prometheus/series', { query: health.promql, steps: given })).status).toBe(200);
}

beforeAll(async () => {
  firebreak = await Firebreak.start({
    services: {
      'slack-down': acting,
      'slack-loses': acting,
      asks: { ...acting, statusPage: { components: ['Checkout', 'Payments'] } },
      unwell: {
        ...acting,
        statusPage: { components: ['Checkout', 'Search'], publish: 'auto' },
        environments: { production: { ...acting.environments.production, health } },
      },
    },
    timeScale: 120,
  });
  // Without any data, Prometheus counts as absent, and this is cached for a while.
  await errors([[120, 0.002]]);
});
afterAll(() => firebreak?.remove());

const WORD = 'checkout <!channel> answers with <https://evil.test|errors>';

async function badDeploy(service: string): Promise<{ id: string; startsAt: string }> {
  for (const [version, begun, ended] of [
    ['v1', 240, 235],
    ['v2', 8, 5],
  ] as const) {
    const times = { started_at: minutesAgo(begun), finished_at: minutesAgo(ended) };
    await firebreak.post('/v1/deployments', { service, environment: 'production', version, ...times });
  }
  const startsAt = minutesAgo(1);
  await tell(service, 'firing', startsAt);
  const incident = await eventually(
    async () => (await firebreak.get(`/v1/incidents?service=${service}`)).body.items[0],
    'the incident',
  );
  return { id: incident.id, startsAt };
}

const tell = (service: string, status: 'firing' | 'resolved', startsAt: string) =>
  firebreak.post(
    '/v1/alerts/alertmanager',
    group([alert({ labels: { service }, status, startsAt, fingerprint: service, annotations: { summary: WORD } })]),
  );

const incident = async (id: string): Promise<any> => (await firebreak.get(`/v1/incidents/${id}`)).body;

const NOT_IN_CHANNEL = /^(incident\.opened|alerts\.|workflow\.|mitigation\.not_taken|page-update\.succeeded)/;

const told = async (id: string): Promise<string[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items
    .toReversed()
    .filter(({ kind }: any) => !NOT_IN_CHANNEL.test(kind))
    .map(({ actor, text }: any) => (actor === 'admin' ? `admin: ${text}` : text));

const messagesIn = async (channel: string): Promise<any[]> =>
  (await firebreak.get(`/sandbox/slack/channels/${channel}`)).body.messages ?? [];

/** Returns the texts of a channel's messages, without the pinned one. */
async function said(channel: string): Promise<string[]> {
  const { body } = await firebreak.get(`/sandbox/slack/channels/${channel}`);
  const messages: any[] = body.messages ?? [];
  return messages
    .filter(({ ts, bot }) => bot && !body.pinned.includes(ts))
    .map(({ text }) => text.replace(/^\S+ /u, ''));
}

/** Makes calls to a vendor fail, or work again. */
async function fault(change: object): Promise<void> {
  expect((await firebreak.put('/sandbox/faults', change)).status).toBe(200);
}

const slack = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

async function isWhole(id: string): Promise<string> {
  const { channel } = await eventually(async () => (await incident(id)).channel && (await incident(id)), 'its channel');
  const name: string = channel.slice(1);
  await eventually(async () => {
    const wanted = (await told(id)).map((text) => slack(text).slice(0, 20)); // the list can grow with each read
    expect((await said(name)).map((text) => text.slice(0, 20))).toEqual(wanted);
    return true;
  }, 'everything in the channel, once and in order');
  return name;
}

/** Finds channels by their purpose, which may be set only after messages are posted. */
const channelsOf = (id: string): Promise<string[]> =>
  eventually(async () => {
    const { body } = await firebreak.get('/sandbox/slack/channels');
    const named = body.items.filter(({ purpose }: any) => purpose.includes(id)).map(({ name }: any) => name);
    return named.length > 0 && named;
  }, 'a channel with its purpose');

describe('Slack', () => {
  test('while it is down, page and rollback continue; afterwards the channel is complete without duplicates', async () => {
    await fault({ vendor: 'slack', fault: { kind: 'status', status: 500 } });
    const { id, startsAt } = await badDeploy('slack-down');
    const mitigated = await eventually(async () => {
      const now = await incident(id);
      return now.status === 'mitigated' && now;
    }, 'the rollback');
    // The open page is updated with the decision.
    const others = mitigated.effects.filter(({ kind }: any) => kind !== 'page-update');
    expect(others.map(({ kind, state }: any) => `${kind} ${state}`).toSorted()).toEqual([
      'page succeeded',
      'roll-back succeeded',
    ]);
    expect(mitigated.channel).toBeNull();
    await firebreak.post(`/v1/incidents/${id}/timeline`, { text: 'first note' });
    await firebreak.post(`/v1/incidents/${id}/timeline`, { text: 'second note' });
    await fault({ clear: true, vendor: 'slack' });
    const name = await isWhole(id);
    await tell('slack-down', 'resolved', startsAt);
    await eventually(async () => (await incident(id)).status === 'resolved', 'the end');
    await isWhole(id);
    expect(await channelsOf(id)).toEqual([name]);
    const channel = await eventually(async () => {
      const { body: shown } = await firebreak.get(`/sandbox/slack/channels/${name}`);
      return shown.topic.includes('resolved') && shown;
    }, 'the topic of the end');
    expect(channel.pinned).toHaveLength(1);
    const lines = (await messagesIn('payments')).filter(({ text }) => text.includes('slack-down'));
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(channel)).not.toMatch(/<!channel>|<https:\/\/evil/);
  });

  test('messages accepted without a response are found and not repeated', async () => {
    await fault({
      vendor: 'slack',
      fault: { kind: 'lost' },
      times: 3,
      match: { path: '/api/chat.postMessage' },
    });
    await fault({
      vendor: 'slack',
      fault: { kind: 'lost' },
      times: 1,
      match: { path: '/api/conversations.create' },
    });
    const { id } = await badDeploy('slack-loses');
    const name = await isWhole(id);
    expect(await channelsOf(id)).toEqual([name]);
    const lines = (await messagesIn('payments')).filter(({ text }) => text.includes('slack-loses'));
    expect(lines).toHaveLength(1);
  });
});

describe('the status page', () => {
  const created = async (): Promise<any[]> =>
    (await firebreak.calls('statuspage')).filter(
      ({ method, path }) => method === 'POST' && path.endsWith('/incidents'),
    );

  test('shows nothing before a person approves it, and then only template texts', async () => {
    const { id, startsAt } = await badDeploy('asks');
    await eventually(async () => (await told(id)).some((text) => text.includes('/actions/publish')), 'the question');
    const before = (await created()).filter(({ body }) => body.incident.name.includes('Payments'));
    expect(before).toEqual([]);
    expect((await firebreak.post(`/v1/incidents/${id}/actions/publish`)).status).toBe(202);
    const [public_, ...others] = await eventually(async () => {
      const all = (await created()).filter(({ body }) => body.incident.name.includes('Payments'));
      return all.length > 0 && all;
    }, 'the public incident');
    expect(others).toEqual([]);
    expect(public_.body.incident.name).toBe('Problems with Checkout and Payments');
    await tell('asks', 'resolved', startsAt);
    await eventually(
      async () => (await firebreak.calls('statuspage')).some(({ body }) => body?.incident?.status === 'resolved'),
      'the end',
    );
    expect(JSON.stringify((await firebreak.calls('statuspage')).map(({ body }) => body))).not.toContain('evil');
  });
});

describe('a mitigation that did not help', () => {
  /** Returns the updates of a component that no other incident affects. */
  const updates = async (): Promise<any[]> => {
    const { items } = (await firebreak.get('/sandbox/statuspage/components')).body;
    const { id } = items.find(({ name }: any) => name === 'Search') ?? {};
    return (await firebreak.calls('statuspage'))
      .map(({ body }) => body?.incident)
      .filter((one) => one?.components?.[id] !== undefined);
  };

  test('reopens the incident in the channel and on the status page', async () => {
    await errors([
      [120, 0.002],
      [6, 0.6],
    ]);
    const { id } = await badDeploy('unwell');
    const stands = (status: string) =>
      eventually(async () => {
        const now = await incident(id);
        return now.status === status && now;
      }, `the incident, ${status}`);
    const topic = (says: RegExp) =>
      eventually(async () => {
        const { channel } = await incident(id);
        const { body } = await firebreak.get(`/sandbox/slack/channels/${channel?.slice(1)}`);
        return says.test(body.topic ?? '') && body.topic;
      }, `the topic ${says.source}`);
    await stands('mitigated');
    await topic(/mitigated, not verified yet/);
    await stands('open');
    expect(await told(id)).toContain('Not healthy: errors:unwell is 0.6, above 0.02. The incident is open again');
    expect(await topic(/open/)).toMatch(/^🔴 INC-\d+ critical · open: the mitigation did not help/);
    const seen = await eventually(async () => {
      const all = (await updates()).map(({ status }) => status);
      return all.at(-1) === 'investigating' && all.includes('monitoring') && all;
    }, 'what the status page says');
    expect(seen.slice(-2)).toEqual(['monitoring', 'investigating']);
    expect(Object.values((await updates()).at(-1).components)).toContain('major_outage');
  });
});

describe('Grafana', () => {
  test('has one annotation for each deploy, rollback, and incident, by its tag', async () => {
    const { body } = await firebreak.get('/sandbox/state');
    const tags: string[][] = body.views.grafana.annotations.map((one: any) => one.tags);
    const own = tags.map((all) => all.find((tag) => tag.startsWith('firebreak:')));
    expect(new Set(own).size).toBe(own.length);
    expect(tags.filter(([kind]) => kind === 'rollback').length).toBeGreaterThan(0);
    expect(tags.filter((all) => all.includes('deploy') && all.includes('slack-down'))).toHaveLength(2);
  });
});
