import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { alert, group, minutesAgo } from '../../support/alerts.ts';
import { INCIDENT_EVENTS } from '../../../domain/incidents/incident-events.ts';
import { ADMIN_TOKEN, EACH_ALONE, Firebreak, INGEST_TOKEN } from '../../support/firebreak.ts';
import { deliver, fixture, forService, type Inbound, inEnvironment, routed, seen } from '../../support/fixtures.ts';

/** An environment with automatic rollbacks. */
const actingIn = (environment: string) => ({
  environments: {
    [environment]: { deployer: { kind: 'http' }, autoRollback: { mode: 'act', unknownMigration: 'act' } },
  },
});

/**
 * A separate environment for each service: simultaneous failures of others would speak against its deploy as the cause.
 */
const homeOf = (service: string): string => `${service}-prod`;
const atHome = (service: string) => ({ service, environment: homeOf(service) });
const atItsHome = (request: Inbound | undefined, from: string, service = from): Inbound =>
  inEnvironment(forService(given(request), from, service), homeOf(service));

/**
 * A long time limit. Each test only waits for what it expects, but there are several waits, and the machine may be
 * busy.
 */
const TOGETHER = { timeout: 180_000 };

const SHOP = 'shop';

const STORM = ['cart', 'checkout-api', 'gateway', 'identity', 'inventory', 'ledger', 'media', 'pricing', 'search'];
const all = (services: readonly string[], entry: unknown) => Object.fromEntries(services.map((name) => [name, entry]));

let firebreak: Firebreak;
beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 300, // a verification takes three seconds
    configFiles: EACH_ALONE,
    services: {
      ...all(['cart', 'checkout-api', 'inventory'], actingIn(SHOP)),
      ...Object.fromEntries(
        ['ledger', 'zahlung-größe', 'lifecycle', 'rule', 'blind', 'replicas', 'left', 'right', 'asked'].map((name) => [
          name,
          actingIn(homeOf(name)),
        ]),
      ),
      ...all(['early', 'late', 'closed', 'probe', 'louder', 'flaps'], actingIn('production')),
      ...all(['label', 'label-ingest', 'replay-only', 'replay-and-ask'], {
        environments: { production: { deployer: { kind: 'http' }, autoRollback: { mode: 'approve' } } },
      }),
      logged: {
        environments: {
          [homeOf('logged')]: {
            deployer: { kind: 'http' },
            autoRollback: { mode: 'approve', unknownMigration: 'act', approvalTimeoutMinutes: 1440 },
          },
        },
      },
      ...all(['hostile', 'victim-firing', 'victim-resolved', 'twin-a', 'twin-b', 'ahead', 'raised'], null),
      ...all(
        [...STORM, 'shipping'].flatMap((name) => [`burst-${name}`, `group-${name}`]),
        null,
      ),
    },
  });
});
afterAll(() => firebreak.remove());

const send = (request: Inbound | undefined) => deliver(firebreak, '/v1/alerts/alertmanager', given(request));
const sendAlerts = (...alerts: object[]) => firebreak.post('/v1/alerts/alertmanager', group(alerts));

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the fixture holds no such request');
  return value;
}

/** v1 has been good for hours, and v2 finished three minutes before `problem`. */
async function deployed(service: string, problem: string | number, environment = homeOf(service)): Promise<void> {
  const at = (minutes: number) => new Date(new Date(problem).getTime() - minutes * 60_000).toISOString();
  for (const [version, start] of [
    ['v1', 240],
    ['v2', 6],
  ] as const) {
    const times = { started_at: at(start), finished_at: at(start - 3) };
    await firebreak.post('/v1/deployments', { service, environment, version, ...times });
  }
}

const incidentsOf = async (service: string): Promise<any[]> =>
  (await firebreak.get(`/v1/incidents?service=${encodeURIComponent(service)}`)).body.items;

/** Waits for the newest incident of the service to match. */
const incident = (service: string, is: (incident: any) => boolean = () => true) =>
  seen(async () => (await incidentsOf(service)).find(is), `the incident of ${service}`);

const judged = (service: string) => incident(service, ({ decisions }) => decisions.length > 0);

const pagesFor = async ({ id }: { id: string }) =>
  (await firebreak.calls('pagerduty')).filter(
    ({ body }) => body.event_action === 'trigger' && String(body.dedup_key).startsWith(id),
  );
const paged = (one: { id: string }) =>
  seen(async () => {
    const pages = await pagesFor(one);
    return pages.length > 0 && pages;
  }, 'a page');
const rollbacksOf = async (service: string) =>
  (await firebreak.calls('cd')).filter(({ method, body }) => method === 'POST' && body.service === service);

const timelineOf = async ({ id }: { id: string }): Promise<any[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items;

describe.concurrent('real alerts', TOGETHER, () => {
  afterAll(() => firebreak.resolveAll());

  test('a firing alert pages and rolls back once; when it resolves, so does the incident', async () => {
    const [firing, resolved] = fixture('alertmanager/lifecycle-firing-then-resolved').map((request) =>
      atItsHome(request, 'checkout-api', 'lifecycle'),
    );
    await deployed('lifecycle', '2026-11-20T06:43:40.145Z');
    expect(await routed(firebreak, await send(firing))).toMatchObject({ opened: 1, joined: 0 });
    const opened = await incident('lifecycle', ({ status }) => status === 'mitigated');
    expect(opened).toMatchObject({ severity: 'critical', environment: homeOf('lifecycle'), signal_count: 1 });
    expect(opened.decisions).toMatchObject([{ kind: 'roll_back', from_version: 'v2', to_version: 'v1' }]);

    await send(resolved);
    const closed = await incident('lifecycle', ({ status }) => status === 'resolved');
    expect(closed.id).toBe(opened.id);
    expect(await rollbacksOf('lifecycle')).toMatchObject([{ body: { from_version: 'v2', to_version: 'v1' } }]);
    expect(await pagesFor(opened)).toHaveLength(1);

    // A late copy of the first notification belongs to the ended episode.
    expect(await routed(firebreak, await send(firing))).toMatchObject({ opened: 0, known: 1 });
    expect(await incidentsOf('lifecycle')).toHaveLength(1);

    // The same alert with another start time is a new episode.
    const again = { ...given(firing), body: given(firing).body.replaceAll('06:43:40.145Z', '06:58:12.031Z') };
    expect(await routed(firebreak, await send(again))).toMatchObject({ opened: 1 });
    const second = await incident('lifecycle', ({ id, decisions }) => id !== opened.id && decisions.length > 0);
    expect(second).toMatchObject({ status: expect.not.stringMatching('resolved'), signal_count: 1 });
    await paged(second);
    expect(await incidentsOf('lifecycle')).toHaveLength(2);
  });

  test('an alert of a real Prometheus rule has the same effects', async () => {
    const [firing] = fixture('alertmanager/from-prometheus-rule');
    const [resolved] = fixture('alertmanager/from-prometheus-rule-resolved');
    await deployed('rule', '2026-11-20T06:46:15.812Z');
    await send(atItsHome(firing, 'checkout-api', 'rule'));
    await incident('rule', ({ status }) => status === 'mitigated');
    await send(atItsHome(resolved, 'checkout-api', 'rule'));
    await incident('rule', ({ status }) => status === 'resolved');
    expect(await rollbacksOf('rule')).toHaveLength(1);
  });

  test('repeated notifications with the same bytes add nothing', async () => {
    await deployed('ledger', '2026-11-20T06:43:40.284Z');
    const made = [];
    for (const request of fixture('alertmanager/repeat-interval')) {
      made.push(await routed(firebreak, await send(atItsHome(request, 'ledger'))));
    }
    expect(made).toMatchObject([
      { opened: 1, known: 0 },
      { opened: 0, known: 1 },
      { opened: 0, known: 1 },
    ]);
    const one = await incident('ledger', ({ status }) => status === 'mitigated');
    expect(one.signal_count).toBe(1);
    expect(await incidentsOf('ledger')).toHaveLength(1);
    expect(await pagesFor(one)).toHaveLength(1);
    expect(await rollbacksOf('ledger')).toHaveLength(1);
  });

  test("one of three alerts that resolves leaves the incident open, regardless of the group's status", async () => {
    const [three] = fixture('alertmanager/group-three-firing');
    const [mixed] = fixture('alertmanager/group-mixed-firing-resolved');
    const as = (request: Inbound | undefined) => atItsHome(request, 'checkout-api', 'replicas');
    expect(await routed(firebreak, await send(as(three)))).toMatchObject({ opened: 1, joined: 2 });
    expect(await routed(firebreak, await send(as(mixed)))).toMatchObject({ opened: 0, joined: 0, known: 2 });
    const one = await judged('replicas');
    expect(one).toMatchObject({ status: 'open', signal_count: 3 });
    expect((await timelineOf(one)).map(({ kind }) => kind)).toContain('alerts.resolved');

    const body = as(mixed).body.replaceAll('"status":"firing"', '"status":"resolved"');
    await send({ ...as(mixed), body });
    await incident('replicas', ({ status }) => status === 'resolved');
  });

  test('a group of three services opens an incident for each that pages, and records the one that does not', async () => {
    const [request] = fixture('alertmanager/group-multiple-services');
    await Promise.all(['cart', 'checkout-api'].map((service) => deployed(service, '2026-11-20T06:45:15.281Z', SHOP)));
    expect(await routed(firebreak, await send(inEnvironment(given(request), SHOP)))).toMatchObject({
      opened: 2,
      joined: 0,
      recorded: 1,
    });
    for (const service of ['cart', 'checkout-api']) {
      const one = await incident(service, ({ status }) => status === 'mitigated');
      expect(one.signal_count).toBe(1);
      expect(await paged(one)).toHaveLength(1);
      expect(await rollbacksOf(service)).toHaveLength(1);
    }
    expect(await incidentsOf('inventory')).toEqual([]);
  });

  test('a service with any name is paged for and rolled back', async () => {
    const [request] = fixture('alertmanager/unicode');
    await deployed('zahlung-größe', '2026-11-20T06:43:40.206Z');
    await routed(firebreak, await send(atItsHome(request, 'zahlung-größe')));
    const one = await incident('zahlung-größe', ({ status }) => status === 'mitigated');
    const [page] = await paged(one);
    expect(page?.body.payload.summary).toContain('zahlung-größe');
    expect(await rollbacksOf('zahlung-größe')).toMatchObject([{ body: { to_version: 'v1' } }]);
    const { body } = await firebreak.get(`/v1/incidents/${one.id}/signals`);
    expect(new Map(body.items[0].labels).get('owner')).toBe('Zoë & <ops> "A"');
  });

  test.each([
    ['alertmanager/minimal-watchdog-no-grouping', 1],
    ['grafana/test-notification', 1],
    ['alertmanager/truncated-max-alerts', 3],
  ] as const)('%s is recorded without a page', async (path, recorded) => {
    const [vendor] = path.split('/');
    const answer = await deliver(firebreak, `/v1/alerts/${vendor}`, given(fixture(path)[0]));
    expect(await routed(firebreak, answer)).toMatchObject({ opened: 0, joined: 0, recorded });
  });

  test('a no-data alert of a rule without its service pages and does not roll back', async () => {
    const answer = await deliver(firebreak, '/v1/alerts/grafana', given(fixture('grafana/nodata')[0]));
    expect(await routed(firebreak, answer)).toMatchObject({ opened: 1 });
    const one = await judged('unmatched');
    expect(one).toMatchObject({ environment: 'production', decisions: [{ kind: 'none', because: 'unmatched' }] });
    await paged(one);
  });

  test('a data source error pages and does not roll back even if a deploy is suspected', async () => {
    const [request] = fixture('grafana/datasource-error');
    await deployed('blind', '2026-11-20T06:48:10Z');
    await routed(
      firebreak,
      await deliver(firebreak, '/v1/alerts/grafana', atItsHome(request, 'checkout-api', 'blind')),
    );
    const one = await incident('blind', ({ decisions, suspects }) => decisions.length > 0 && suspects.length > 0);
    expect(one.suspects).toMatchObject([{ version: 'v2' }]);
    expect(one.decisions).toMatchObject([{ kind: 'suggest', from_version: 'v2' }]);
    expect(one.decisions[0].reasons.map(({ code }: { code: string }) => code)).toContain('monitoring_failure');
    await paged(one);
    expect(await rollbacksOf('blind')).toEqual([]);
  });
});

// In sequence: with several storms at once, the router would exceed its time limit on a busy machine.
describe('many alerts at once', TOGETHER, () => {
  afterEach(() => firebreak.resolveAll());

  type Stormed = { labels: { service: string; severity: string; action: string } };

  /**
   * The services of a storm whose alerts page or request a rollback. Each has one incident, and one page if any alert
   * is critical.
   */
  const pagingIn = (requests: readonly Inbound[]): string[] => {
    const alerts = requests.flatMap(({ body }) => (JSON.parse(body) as { alerts: Stormed[] }).alerts);
    const paging = alerts.filter(({ labels }) => labels.severity === 'critical' || labels.action === 'auto-rollback');
    return [...new Set(paging.map(({ labels }) => labels.service))].toSorted();
  };

  const renamed = (requests: readonly Inbound[], prefix: string): Inbound[] =>
    requests.map((request) =>
      [...STORM, 'shipping'].reduce((as, name) => forService(as, name, `${prefix}${name}`), request),
    );

  test.each([
    ['in one group', 'group-', 'alertmanager/storm-50-one-group'],
    ['in fifty groups', 'burst-', 'alertmanager/storm-50-ungrouped'],
  ] as const)('fifty alerts %s open one incident for each service that pages', async (_, prefix, path) => {
    const requests = renamed(fixture(path), prefix);
    const answers = await Promise.all(requests.map(send));
    const made = await Promise.all(answers.map((answer) => routed(firebreak, answer)));
    const total = (count: 'opened' | 'joined' | 'recorded') => made.reduce((sum, one) => sum + one[count], 0);
    const services = pagingIn(requests);
    expect(total('opened')).toBe(services.length);
    expect(total('opened') + total('joined') + total('recorded')).toBe(50);
    for (const service of services) {
      const [one, ...more] = await incidentsOf(service);
      expect(more).toEqual([]);
      await paged(one);
    }
  });

  test('500 alerts of two services in one group create two incidents, two pages, and 500 signals', async () => {
    const problem = Date.now() - 60_000;
    const startsAt = new Date(problem).toISOString();
    const alerts = Array.from({ length: 500 }, (_, n) => {
      const service = n % 2 === 0 ? 'left' : 'right';
      return alert({ fingerprint: `many-${n}`, startsAt, labels: { ...atHome(service), instance: `10.0.0.${n}` } });
    });
    await Promise.all(['left', 'right'].map((service) => deployed(service, problem)));
    const answer = await sendAlerts(...alerts);
    expect(answer).toMatchObject({ status: 202, body: { accepted: 500, quarantined: 0, truncated: 0 } });
    expect(await routed(firebreak, answer)).toMatchObject({ opened: 2, joined: 498, recorded: 0, known: 0 });
    for (const service of ['left', 'right']) {
      const one = await incident(service, ({ status, signal_count }) => status === 'mitigated' && signal_count === 250);
      expect(await incidentsOf(service)).toHaveLength(1);
      expect(await paged(one)).toHaveLength(1);
      expect(await rollbacksOf(service)).toHaveLength(1);
      const fingerprints = new Set<string>();
      for (let path = '?limit=100'; path !== '';) {
        const { items, next_cursor } = (await firebreak.get(`/v1/incidents/${one.id}/signals${path}`)).body;
        for (const { fingerprint } of items) fingerprints.add(fingerprint);
        path = next_cursor === null ? '' : `?limit=100&cursor=${encodeURIComponent(next_cursor)}`;
      }
      expect(fingerprints.size).toBe(250);
    }
  });
});

describe.concurrent('episodes', TOGETHER, () => {
  afterAll(() => firebreak.resolveAll());

  test('an end that arrives before its start opens nothing', async () => {
    const labels = { service: 'early' };
    const startsAt = minutesAgo(2);
    const ended = await sendAlerts(alert({ labels, startsAt, status: 'resolved', fingerprint: 'early' }));
    expect(await routed(firebreak, ended)).toMatchObject({ opened: 0, recorded: 1 });
    const begun = await sendAlerts(alert({ labels, startsAt, fingerprint: 'early' }));
    expect(await routed(firebreak, begun)).toMatchObject({ opened: 0, known: 1 });
    expect(await incidentsOf('early')).toEqual([]);
  });

  test('an alert that ended and restarted without a notification ends with the last reported end', async () => {
    const flaps = (startsAt: string, status: 'firing' | 'resolved') =>
      alert({ labels: { service: 'flaps', action: 'notify' }, startsAt, status, fingerprint: 'flaps' });
    expect(await routed(firebreak, await sendAlerts(flaps(minutesAgo(9), 'firing')))).toMatchObject({ opened: 1 });
    const again = await routed(firebreak, await sendAlerts(flaps(minutesAgo(5), 'firing')));
    expect(again).toMatchObject({ opened: 0, joined: 1 });
    await routed(firebreak, await sendAlerts(flaps(minutesAgo(1), 'resolved')));
    const one = await incident('flaps', ({ status }) => status === 'resolved');
    const { items } = (await firebreak.get(`/v1/incidents/${one.id}/signals`)).body;
    expect(items.map(({ status }: { status: string }) => status)).toEqual(['resolved', 'resolved']);
  });

  test('an incident that a person has closed stays closed despite notifications in transit', async () => {
    const labels = { service: 'closed' };
    const firing = alert({ labels, fingerprint: 'closed' });
    await routed(firebreak, await sendAlerts(firing));
    const one = await incident('closed');
    await firebreak.post(`/v1/incidents/${one.id}/actions/resolve`, { note: 'known' });
    await incident('closed', ({ status }) => status === 'resolved');
    expect(await routed(firebreak, await sendAlerts(firing))).toMatchObject({ opened: 0, known: 1 });

    const other = alert({ labels, fingerprint: 'closed-other' });
    expect(await routed(firebreak, await sendAlerts(other))).toMatchObject({ opened: 1 });
  });

  test('a warning is recorded, and joins the incident that a critical alert opens', async () => {
    const warning = (fingerprint: string) =>
      alert({ labels: { service: 'louder', severity: 'warning', action: 'notify' }, fingerprint });
    expect(await routed(firebreak, await sendAlerts(warning('louder-1')))).toMatchObject({ opened: 0, recorded: 1 });
    const critical = alert({ labels: { service: 'louder', severity: 'page' }, fingerprint: 'louder-2' });
    expect(await routed(firebreak, await sendAlerts(critical))).toMatchObject({ opened: 1 });
    expect(await routed(firebreak, await sendAlerts(warning('louder-3')))).toMatchObject({ opened: 0, joined: 1 });
    expect(await incident('louder', ({ signal_count }) => signal_count === 2)).toMatchObject({ severity: 'critical' });
  });

  test('a generic alert without a start time fires, resolves, and fires again by its key', async () => {
    const report = (status: string) =>
      firebreak.post('/v1/alerts/generic', {
        service: 'probe',
        environment: 'production',
        severity: 'critical',
        title: 'The shop cannot be reached from Lisbon',
        dedup_key: 'probe/lisbon',
        status,
        links: { runbook: 'https://runbooks.example.com/probe' },
      });
    expect(await routed(firebreak, await report('firing'))).toMatchObject({ opened: 1 });
    const one = await judged('probe');
    expect(one).toMatchObject({ title: 'The shop cannot be reached from Lisbon', severity: 'critical' });
    expect(await routed(firebreak, await report('firing'))).toMatchObject({ opened: 0, known: 1 });
    await report('resolved');
    await incident('probe', ({ status }) => status === 'resolved');
    expect(await routed(firebreak, await report('firing'))).toMatchObject({ opened: 1 });
    expect(await incidentsOf('probe')).toHaveLength(2);
  });

  const generic = (service: string, dedup_key: string, severity: string, status = 'firing') =>
    firebreak.post('/v1/alerts/generic', {
      service,
      environment: 'production',
      severity,
      title: 'The disk is full',
      dedup_key,
      status,
    });

  test.each(['firing', 'resolved'] as const)(
    "a sender limited to one service cannot hide another service's alert with a %s alert that has a future time",
    async (status) => {
      const victim = `victim-${status}`;
      const { body } = await firebreak.post('/v1/tokens', {
        name: `hostile-${status}`,
        actions: ['alerts:write'],
        services: ['hostile'],
      });
      const labels = { service: 'hostile', severity: 'info', action: 'notify' };
      const far = '2099-01-01T00:00:00Z';
      const poison = { ...alert({ labels, status, fingerprint: victim, startsAt: far }), endsAt: far };
      const sent = await firebreak.request('POST', '/v1/alerts/alertmanager', group([poison]), {
        authorization: `Bearer ${body.token}`,
      });
      expect(await routed(firebreak, sent)).toMatchObject({ opened: 0, recorded: 1 });
      const real = alert({ labels: { service: victim, action: 'notify' }, fingerprint: victim });
      expect(await routed(firebreak, await sendAlerts(real))).toMatchObject({ opened: 1 });
      expect(await paged(await incident(victim))).toHaveLength(1);
    },
  );

  test('two services with the same dedup_key have separate incidents and ends', async () => {
    expect(await routed(firebreak, await generic('twin-a', 'disk', 'critical'))).toMatchObject({ opened: 1 });
    expect(await routed(firebreak, await generic('twin-b', 'disk', 'critical'))).toMatchObject({ opened: 1 });
    await generic('twin-a', 'disk', 'critical', 'resolved');
    await incident('twin-a', ({ status }) => status === 'resolved');
    expect(await incident('twin-b')).toMatchObject({ status: 'open', signal_count: 1 });
  });

  test('times in the future do not hide later alerts of the same service', async () => {
    const far = '2099-01-01T00:00:00Z';
    const labels = { service: 'ahead', action: 'notify' };
    const sendOne = async (more: object) =>
      routed(firebreak, await sendAlerts({ ...alert({ labels, fingerprint: 'ahead' }), ...more }));
    expect(await sendOne({ startsAt: far })).toMatchObject({ opened: 1 });
    expect(await sendOne({ startsAt: far })).toMatchObject({ known: 1 });
    expect(await sendOne({ startsAt: far, status: 'resolved', endsAt: far })).toMatchObject({ known: 0 });
    await incident('ahead', ({ status }) => status === 'resolved');
    expect(await sendOne({ startsAt: new Date().toISOString() })).toMatchObject({ opened: 1 });
  });

  test('a rising severity is a change: info opens nothing, critical with the same key opens an incident and pages', async () => {
    expect(await routed(firebreak, await generic('raised', 'k', 'info'))).toMatchObject({ opened: 0, recorded: 1 });
    expect(await routed(firebreak, await generic('raised', 'k', 'info'))).toMatchObject({ opened: 0, known: 1 });
    expect(await routed(firebreak, await generic('raised', 'k', 'critical'))).toMatchObject({ opened: 1 });
    const one = await incident('raised', ({ severity }) => severity === 'critical');
    expect(await paged(one)).toHaveLength(1);
    expect(await routed(firebreak, await generic('raised', 'k', 'critical'))).toMatchObject({ opened: 0, known: 1 });
  });

  test('the label of a sender without the scope rollback:request is only a suggestion; that of the ingest token is a request', async () => {
    const { body } = await firebreak.post('/v1/tokens', { name: 'alerts-only', actions: ['alerts:write'] });
    const labelled = (service: string) =>
      group([alert({ labels: { service, severity: 'warning' }, fingerprint: service, startsAt: minutesAgo(1) })]);
    const sent = (service: string, token: string) =>
      firebreak.request('POST', '/v1/alerts/alertmanager', labelled(service), { authorization: `Bearer ${token}` });
    for (const service of ['label', 'label-ingest']) await deployed(service, Date.now() - 60_000, 'production');
    expect(await routed(firebreak, await sent('label', body.token))).toMatchObject({ opened: 1 });
    const suggested = await judged('label');
    expect(suggested.decisions).toMatchObject([{ kind: 'suggest', because: 'sender_may_not_ask', from_version: 'v2' }]);
    expect(suggested.decisions[0].reasons[0].text).toContain('rollback:request');
    expect(await routed(firebreak, await sent('label-ingest', INGEST_TOKEN))).toMatchObject({ opened: 1 });
    expect((await judged('label-ingest')).decisions).toMatchObject([{ kind: 'approve', from_version: 'v2' }]);

    // The same alert from a sender with the permission is a request.
    await sent('label', INGEST_TOKEN);
    const again = await incident('label', ({ decisions }) => decisions.length === 2);
    expect(again.decisions).toMatchObject([{ kind: 'suggest' }, { kind: 'approve' }]);
  });

  test('a replayed alert requests a rollback with the permissions of the caller who replays it', async () => {
    const grants = { 'replay-only': [], 'replay-and-ask': ['rollback:request'] };
    for (const [service, more] of Object.entries(grants)) {
      await deployed(service, Date.now() - 60_000, 'production');
      const labels = { service, severity: 'warning' };
      const sent = await fetch(`${firebreak.url}/v1/alerts/alertmanager`, {
        method: 'POST',
        headers: { authorization: `Bearer ${INGEST_TOKEN}`, 'content-type': 'text/plain' },
        body: JSON.stringify(group([alert({ labels, fingerprint: service, startsAt: minutesAgo(1) })])),
      });
      const id = /q_[0-9a-f]{32}/.exec(await sent.text())?.[0];
      const { body } = await firebreak.post('/v1/tokens', { name: service, actions: ['quarantine:replay', ...more] });
      const replayed = await firebreak.request('POST', `/v1/quarantine/${id}/replay`, undefined, {
        authorization: `Bearer ${body.token}`,
      });
      expect(replayed).toMatchObject({ status: 202, body: { accepted: 1 } });
    }
    expect((await judged('replay-only')).decisions).toMatchObject([{ kind: 'suggest', because: 'sender_may_not_ask' }]);
    expect((await judged('replay-and-ask')).decisions).toMatchObject([{ kind: 'approve', from_version: 'v2' }]);
  });

  test('every firing alert at /api/v1/rollback requests a rollback, with its own scope', async () => {
    const quiet = group([
      alert({ labels: { ...atHome('asked'), severity: 'warning', action: 'notify' }, fingerprint: 'q' }),
    ]);
    await deployed('asked', Date.now() - 60_000);
    const { body } = await firebreak.post('/v1/tokens', { name: 'cd', actions: ['rollback:request'] });
    const ask = (token: string) =>
      firebreak.request('POST', '/api/v1/rollback', quiet, { authorization: `Bearer ${token}` });
    expect((await ask(INGEST_TOKEN)).status).toBe(403);
    const answer = await ask(body.token);
    expect(answer).toMatchObject({ status: 202, body: { accepted: 1 } });
    expect(await routed(firebreak, answer)).toMatchObject({ opened: 1 });
    await incident('asked', ({ status }) => status === 'mitigated');
    expect(await rollbacksOf('asked')).toHaveLength(1);
  });
});

// Last, because it uses up the limit for services outside the catalogue for an hour.
test('a flood of unknown services pages a few times, reports their number, and does not affect known services', async () => {
  const COUNT = 150;
  const unknown = Array.from({ length: COUNT }, (_, n) =>
    alert({ labels: { service: `unknown-${n}`, environment: `env-${n}` }, fingerprint: `flood-${n}` }),
  );
  const known = alert({ labels: { service: 'burst-shipping', environment: 'production' }, fingerprint: 'not-flood' });
  const before = (await incidentsOf('unmatched')).length;
  expect(await sendAlerts(...unknown, known)).toMatchObject({ status: 202, body: { accepted: COUNT + 1 } });

  const isOfFlood = ({ title }: { title: string }): boolean =>
    title.startsWith('unknown-') || title.endsWith('of services outside the catalogue');
  const ofFlood = await seen(async () => {
    const found = (await incidentsOf('unmatched')).filter(isOfFlood);
    const count = found.reduce((sum, { signal_count }) => sum + signal_count, 0);
    return count === COUNT && found;
  }, 'every alert counted');
  expect(ofFlood.length).toBeLessThanOrEqual(6);
  expect(ofFlood.length + before).toBeGreaterThanOrEqual(6);
  const shared = ofFlood.find(({ title }: { title: string }) => !title.startsWith('unknown-'));
  expect(shared).toMatchObject({
    title: `${shared.signal_count} alerts of services outside the catalogue`,
    environment: 'unknown',
    severity: 'critical',
    parent_id: null,
  });

  const [pageOfShared] = await paged(shared);
  expect(pageOfShared?.body.payload.summary).toMatch(
    /^unmatched unknown: \d+ alerts? of services outside the catalogue$/,
  );
  const shipping = await incident('burst-shipping', ({ status }) => status !== 'resolved');
  expect(shipping.parent_id).toBeNull();
  expect(await paged(shipping)).toHaveLength(1);
  for (const one of ofFlood) expect(await paged(one)).toHaveLength(1);
});

test('the log at level info contains exactly the story of an incident', TOGETHER, async () => {
  const mark = firebreak.output.length;
  const problem = { ...atHome('logged') };
  const firing = alert({ labels: problem, fingerprint: 'logged', startsAt: minutesAgo(0.5) });
  await deployed('logged', minutesAgo(3));
  await sendAlerts(firing);
  const asks = await seen(async () => (await incidentsOf('logged'))[0]?.decisions[0], 'the question');
  const [{ id }] = await incidentsOf('logged');
  const approved = await firebreak.post(`/v1/incidents/${id}/actions/approve`, {
    digest: asks.digest,
    note: 'said in confidence',
  });
  expect(approved.status).toBe(200);
  await seen(async () => (await incidentsOf('logged'))[0].status === 'mitigated', 'the rollback');
  await sendAlerts({ ...firing, status: 'resolved', endsAt: minutesAgo(0) });
  await seen(async () => (await incidentsOf('logged'))[0].status === 'resolved', 'the end');

  const written = () => firebreak.output.slice(mark);
  const parsed = () =>
    written()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, any>);
  const lines = await seen(async () => {
    const told = parsed().filter((line) => line['incident'] === id);
    const isOver = told.some(({ event, kind }) => event === 'effect.ended' && kind === 'page-resolve');
    return isOver && told.some(({ event }) => event === 'incident.resolved') && parsed();
  }, 'the last lines');
  const { trace } = lines.find(({ event, incident: one }) => event === 'incident.opened' && one === id) ?? {};
  const own = lines.filter((line) => line['trace'] === trace || JSON.stringify(line).includes(id));
  expect(own.filter(({ level, event }) => level !== 'info' || !(event in INCIDENT_EVENTS))).toEqual([]);
  const ofIncident = own.filter(({ event }) => !event.startsWith('alerts.'));
  for (const line of ofIncident) expect(line).toMatchObject({ incident: id, ...problem, trace });

  expect(own.find(({ event }) => event === 'alerts.routed')).toMatchObject({ ...problem, incidents: [id], opened: 1 });

  const isReceipt = ({ event }: Record<string, any>): boolean => event === 'alerts.received';
  expect(own.filter(isReceipt)).toMatchObject([{ accepted: 1, quarantined: 0 }]);
  // Arrivals, pages, and decisions run in parallel.
  const story = ofIncident.map(({ event, kind = null, outcome = null, actor = null }) => [event, kind, outcome, actor]);
  const isOfPage = ([event, kind]: (string | null)[]): boolean =>
    event === 'request.made' || (kind ?? '').startsWith('page');
  expect(story.filter((line) => !isOfPage(line))).toEqual([
    ['incident.opened', null, null, 'alerts'],
    ['decision.made', 'approve', null, null],
    ['approval.requested', null, null, null],
    ['approval.answered', null, 'approved', 'admin'],
    ['effect.started', 'roll-back', null, null],
    ['effect.ended', 'roll-back', 'succeeded', null],
    ['mitigation.ended', null, 'succeeded', null],
    ['verification.ended', null, 'passed', null],
    ['incident.resolved', null, null, 'firebreak'],
  ]);
  expect(story.filter(([, kind]) => kind === 'page' || kind === 'page-resolve')).toEqual([
    ['effect.started', 'page', null, null],
    ['effect.ended', 'page', 'succeeded', 'firebreak'],
    ['effect.started', 'page-resolve', null, null],
    ['effect.ended', 'page-resolve', 'succeeded', 'firebreak'],
  ]);
  expect(own.find(({ event }) => event === 'decision.made')).toMatchObject({
    decision: `${id}-1`,
    reason: 'mode_approve',
    from_version: 'v2',
    to_version: 'v1',
  });
  for (const secret of [ADMIN_TOKEN, INGEST_TOKEN, 'said in confidence']) expect(written()).not.toContain(secret);
  expect(lines.filter(({ level, message }) => level === 'debug' || message === 'step')).toEqual([]);
});
