import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, group, minutesAgo } from '../support/alerts.ts';
import { eventually, Firebreak } from '../support/firebreak.ts';

const SECONDS = 1000;
const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * SECONDS).toISOString();

const team = (name: string) => ({ team: name, slack: { channel: `#${name}` }, repository: `acme/${name}` });
/** Services whose alerts a silence covers. */
const silenced = ['reports-1', 'reports-2', 'reports-3', 'reports-4', 'reports-5'];
/** How long Firebreak asks no more for silences after it got no answer within a second: on a busy machine, it may not get one. */
const SILENCES_UNREAD_MS = 10_000;
const several = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'];

const ROUTES = `
routes:
  - match: { alertname: CertificateExpires }
    page: true
  - match: 'alertname="DiskFills"'
    ticket: true
    slack: true
  - matchers: ['alertname="Quiet"']
    incident: true
manyAtOnce: { incidents: 5, minutes: 5, sharedDependency: off }
`;

const maintenance = (until: string): string => `
maintenance:
  - name: migration of the search index
    match: { service: search }
    from: "${minutesAgo(5)}"
    until: "${until}"
    reason: planned
`;

/** An Alertmanager with silences only. */
class SilencesServer {
  silences: object[] = [];
  readonly #server: Server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(this.silences));
  });

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

let firebreak: Firebreak;
const alertmanager = new SilencesServer();

beforeAll(async () => {
  alertmanager.silences = [
    {
      id: '1f6a',
      status: { state: 'active' },
      matchers: [{ name: 'service', value: 'reports-.', isRegex: true, isEqual: true }],
      startsAt: minutesAgo(60),
      endsAt: inSeconds(3600),
      updatedAt: minutesAgo(60),
      createdBy: 'ada',
      comment: 'known since Tuesday',
    },
  ];
  firebreak = await Firebreak.start({
    services: Object.fromEntries([
      ...['checkout', 'search', ...silenced, 'mail', 'certs', 'disks', 'hushed'].map((name) => [name, team(name)]),
      ...several.map((name) => [`shop-${name}`, {}]),
    ]),
    configFiles: { 'routes.yaml': ROUTES },
    env: { ALERTMANAGER_URL: await alertmanager.start() },
    timeScale: 60,
  });
});
afterAll(async () => {
  await firebreak?.remove();
  alertmanager.stop();
});

type Given = {
  alertname: string;
  severity: string;
  status?: 'firing' | 'resolved';
  startsAt?: string;
  environment?: string;
};

async function tell(
  service: string,
  { alertname, severity, status = 'firing', startsAt = minutesAgo(1), environment = 'production' }: Given,
) {
  const labels = { service, alertname, severity, environment, action: '' };
  const one = alert({
    labels,
    status,
    startsAt,
    fingerprint: `${service}/${alertname}`,
    annotations: { summary: alertname },
  });
  const { status: answer } = await firebreak.post('/v1/alerts/alertmanager', group([one]));
  expect(answer).toBe(202);
  return startsAt;
}

const incidentsOf = async (service: string): Promise<any[]> =>
  (await firebreak.get(`/v1/incidents?service=${service}&limit=100`)).body.items;

const messagesIn = async (channel: string): Promise<any[]> =>
  (await firebreak.get(`/sandbox/slack/channels/${channel}`)).body.messages ?? [];

const pagesOf = async (service: string): Promise<any[]> =>
  (await firebreak.calls('pagerduty')).filter(
    ({ body }) => body?.event_action === 'trigger' && body.payload.source === service,
  );

describe('muted alerts', () => {
  /** Sends alerts that are silenced until Firebreak has read the silences for one. If it has not, it pages. */
  async function readSilenced(services: readonly string[] = silenced): Promise<any[]> {
    const [service, ...others] = services;
    if (service === undefined) return expect.unreachable('the silences were never read');
    await tell(service, { alertname: 'Down', severity: 'critical' });
    const { items } = await eventually(async () => {
      const { body } = await firebreak.get('/v1/signals?muted=true&limit=100');
      const found = body.items.filter((one: any) => one.service === service);
      return (found.length > 0 || (await incidentsOf(service)).length > 0) && { items: found };
    }, 'the signal');
    if (items.length > 0) return items;
    const again = Date.now() + SILENCES_UNREAD_MS;
    await eventually(() => Promise.resolve(Date.now() > again), 'the next request for silences');
    return readSilenced(others);
  }

  test('an alert silenced in Alertmanager does not page, and the reason is shown', async () => {
    const [muted] = await readSilenced();
    expect(muted.muted).toMatchObject({ by: 'silence', name: '1f6a', reason: 'known since Tuesday (by ada)' });
    expect(await incidentsOf(muted.service)).toEqual([]);
    expect(await pagesOf(muted.service)).toEqual([]);
  });

  test('a maintenance window mutes pages, and alerts that still fire at its end page then', async () => {
    const version = async () => (await firebreak.get('/readyz')).body.config.version;
    const before = await version();
    await firebreak.write('routes.yaml', ROUTES + maintenance(inSeconds(10)));
    await eventually(async () => (await version()) !== before, 'the window in force');
    // The thread that admits alerts reads the configuration again within two seconds.
    const inForce = Date.now() + 2_000;
    await eventually(() => Promise.resolve(Date.now() > inForce), 'the window in force in all threads');
    await tell('search', { alertname: 'Down', severity: 'critical' });
    const listed = await eventually(async () => {
      const { body } = await firebreak.get('/v1/signals?muted=true&limit=100');
      return body.items.find(({ service }: any) => service === 'search');
    }, 'the muted signal');
    expect(listed.muted).toMatchObject({ by: 'maintenance', name: 'migration of the search index' });
    expect(await pagesOf('search')).toEqual([]);
    await eventually(async () => (await pagesOf('search')).length === 1, 'the page after the window');
    expect((await incidentsOf('search'))[0]).toMatchObject({ status: 'open', severity: 'critical' });
  });
});

describe('by severity', () => {
  test("a warning is one message in the service's channel, updated as alerts change", async () => {
    const first = await tell('checkout', { alertname: 'Slow', severity: 'warning' });
    const [message] = await eventually(async () => {
      const said = (await messagesIn('checkout')).filter(({ text }) => text.includes('1 alert'));
      return said.length > 0 && said;
    }, 'the notice');
    await tell('checkout', { alertname: 'Slower', severity: 'warning' });
    await eventually(
      async () => (await messagesIn('checkout')).some(({ ts, text }) => ts === message.ts && text.includes('2 alerts')),
      'the second alert in the same message',
    );
    await tell('checkout', { alertname: 'Slow', severity: 'warning', status: 'resolved', startsAt: first });
    await eventually(
      async () => (await messagesIn('checkout')).some(({ ts, text }) => ts === message.ts && text.includes('1 alert')),
      'one alert less in the same message',
    );
    expect(await incidentsOf('checkout')).toEqual([]);
    expect((await messagesIn('checkout')).filter(({ text }) => text.includes('checkout'))).toHaveLength(1);
  });

  test('an info alert is recorded and listed', async () => {
    await tell('mail', { alertname: 'Deployed', severity: 'info' });
    const { items } = await eventually(async () => {
      const { body } = await firebreak.get('/v1/signals?limit=100');
      return body.items.some(({ service }: any) => service === 'mail') && body;
    }, 'the recorded signal');
    expect(items.find(({ service }: any) => service === 'mail')).toMatchObject({ severity: 'info', muted: null });
    expect(await incidentsOf('mail')).toEqual([]);
    expect(await pagesOf('mail')).toEqual([]);
  });

  test('a warning joins the open incident of its service, without a separate message', async () => {
    await tell('mail', { alertname: 'Down', severity: 'critical' });
    await eventually(async () => (await incidentsOf('mail'))[0]?.channel, 'the channel of the incident');
    await tell('mail', { alertname: 'Slow', severity: 'warning' });
    await eventually(async () => (await incidentsOf('mail'))[0]?.signal_count === 2, 'the warning in the incident');
    const said = (await messagesIn('mail')).map(({ text }) => text);
    expect(said.filter((text) => text.includes('no incident') || text.includes('alerts'))).toEqual([]);
  });
});

describe('by routes', () => {
  test('a warning with a paging route opens an incident and pages', async () => {
    await tell('certs', { alertname: 'CertificateExpires', severity: 'warning' });
    await eventually(async () => (await pagesOf('certs')).length === 1, 'the page');
    expect((await incidentsOf('certs'))[0]).toMatchObject({ severity: 'warning', status: 'open' });
  });

  test('a route can open an incident without a page, even for a critical alert', async () => {
    await tell('hushed', { alertname: 'Quiet', severity: 'critical' });
    await eventually(async () => (await incidentsOf('hushed'))[0]?.channel, 'its channel');
    expect(await pagesOf('hushed')).toEqual([]);
  });

  test('a ticket is opened once, gets a comment when the alert resolves, and the channel gets a notice', async () => {
    const startsAt = await tell('disks', { alertname: 'DiskFills', severity: 'warning' });
    await tell('disks', { alertname: 'DiskFills', severity: 'warning', startsAt });
    const opened = async () =>
      (await firebreak.calls('github')).filter(({ method, path }) => method === 'POST' && path.endsWith('/issues'));
    await eventually(async () => (await opened()).length > 0, 'the issue');
    await eventually(async () => (await messagesIn('disks')).length > 0, 'the notice');
    await tell('disks', { alertname: 'DiskFills', severity: 'warning', status: 'resolved', startsAt });
    await eventually(
      async () =>
        (await firebreak.calls('github')).some(({ path, method }) => method === 'POST' && path.endsWith('/comments')),
      'the comment',
    );
    const [issue, ...others] = await opened();
    expect(others).toEqual([]);
    expect(issue).toMatchObject({ path: '/repos/acme/disks/issues', status: 201 });
    expect(issue?.body.title).toBe('disks production: DiskFills');
  });
});

describe('many alerts at once', () => {
  test('form one incident group with one parent, one channel, and no separate pages', async () => {
    const all = several.map((name) => `shop-${name}`);
    const down = { alertname: 'Down', severity: 'critical', environment: 'staging' };
    await Promise.all(all.map((service) => tell(service, down)));
    const parent = await eventually(async () => {
      const [one] = await incidentsOf('several-services');
      const children = (await Promise.all(all.map(incidentsOf)))
        .flat()
        .filter(({ parent_id }) => parent_id === one?.id);
      return children.length === all.length && one;
    }, 'the parent with all its children');
    const channel: string = await eventually(
      async () => (await incidentsOf('several-services'))[0]?.channel,
      'its channel',
    );
    const shown = await eventually(async () => {
      const [summary] = await messagesIn(channel.slice(1));
      const text = JSON.stringify(summary?.blocks ?? []);
      return all.every((service) => text.includes(service)) && text;
    }, 'every child as a row in the summary');
    expect(shown).toContain('7 of 7 open');
    await eventually(async () => (await pagesOf('several-services')).length === 1, 'its page');
    const pages = [...(await pagesOf('several-services')), ...(await Promise.all(all.map(pagesOf))).flat()];
    expect(pages.length).toBeLessThanOrEqual(6);
    const [child] = await incidentsOf('shop-seven');
    expect(child).toMatchObject({ parent_id: parent.id, channel: expect.stringMatching(/^#incident-/) });

    const began = await Promise.all(all.map(async (service) => (await incidentsOf(service))[0]));
    for (const { service, id } of began) {
      const { items } = (await firebreak.get(`/v1/incidents/${id}/signals`)).body;
      await tell(service, { ...down, status: 'resolved', startsAt: items[0].starts_at });
    }
    await eventually(
      async () => (await incidentsOf('several-services'))[0]?.status === 'resolved',
      'the parent resolved',
    );
  });
});
