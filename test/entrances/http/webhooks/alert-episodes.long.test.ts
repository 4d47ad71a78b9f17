import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, group, minutesAgo } from '../../../support/alerts.ts';
import { EACH_ALONE, Firebreak, INGEST_TOKEN } from '../../../support/firebreak.ts';
import { routed } from '../../../support/fixtures.ts';
import { actingIn, Alerting, all, atHome, homeOf } from './alerting.ts';

/** A long time limit, because the machine may be busy. */

let firebreak: Firebreak;
const { deployed, incident, incidentsOf, judged, paged, rollbacksOf, sendAlerts } = new Alerting(() => firebreak);

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 300, // a verification takes three seconds
    configFiles: EACH_ALONE,
    services: {
      asked: actingIn(homeOf('asked')),
      ...all(
        ['early', 'closed', 'probe', 'probe-zero', 'zero-alertmanager', 'zero-grafana', 'louder', 'flaps'],
        actingIn('production'),
      ),
      ...all(['label', 'label-ingest', 'replay-only', 'replay-and-ask'], {
        environments: {
          production: { deployer: { kind: 'http' }, autoRollback: { mode: 'approve', evidence: 'time' } },
        },
      }),
      ...all(
        ['hostile', 'victim-firing', 'victim-resolved', 'twin-a', 'twin-b', 'ahead', 'raised', 'owned', 'owned-early'],
        null,
      ),
    },
  });
});
afterAll(() => firebreak.remove());

describe.concurrent('episodes', () => {
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

  test.each([
    ['without a start time', 'probe', {}],
    ['with the start time that Go sends for none', 'probe-zero', { starts_at: '0001-01-01T00:00:00Z' }],
  ])('a generic alert %s fires, resolves, and fires again by its key', async (_, service, start) => {
    const report = (status: string) =>
      firebreak.post('/v1/alerts/generic', {
        service,
        environment: 'production',
        severity: 'critical',
        title: 'The shop cannot be reached from Lisbon',
        dedup_key: `${service}/lisbon`,
        status,
        links: { runbook: 'https://runbooks.example.com/probe' },
        ...start,
      });
    expect(await routed(firebreak, await report('firing'))).toMatchObject({ opened: 1 });
    const one = await judged(service);
    expect(one).toMatchObject({ title: 'The shop cannot be reached from Lisbon', severity: 'critical' });
    expect(await routed(firebreak, await report('firing'))).toMatchObject({ opened: 0, known: 1 });
    await report('resolved');
    await incident(service, ({ status }) => status === 'resolved');
    const { items } = (await firebreak.get(`/v1/incidents/${one.id}/signals`)).body;
    expect(items.map(({ starts_at }: { starts_at: string }) => starts_at > minutesAgo(60))).toEqual([true]);
    // It reopens the incident if it is admitted within a second, which is five minutes here.
    const { opened, joined } = await routed(firebreak, await report('firing'));
    expect(opened + joined).toBe(1);
    expect((await incidentsOf(service))[0]).toMatchObject({ status: 'open' });
  });

  test.each(['alertmanager', 'grafana'])(
    'an alert of %s with the start time that Go sends for none resolves',
    async (sender) => {
      const service = `zero-${sender}`;
      const report = (status: 'firing' | 'resolved') =>
        firebreak.post(`/v1/alerts/${sender}`, {
          ...group([
            {
              ...alert({ labels: { service, severity: 'critical' }, fingerprint: service, status }),
              startsAt: '0001-01-01T00:00:00Z',
            },
          ]),
          version: sender === 'grafana' ? '1' : '4',
        });
      expect(await routed(firebreak, await report('firing'))).toMatchObject({ opened: 1 });
      const one = await judged(service);
      expect(one.opened_at > minutesAgo(60)).toBe(true);
      expect(await routed(firebreak, await report('firing'))).toMatchObject({ opened: 0, known: 1 });
      await report('resolved');
      await incident(service, ({ status }) => status === 'resolved');
      const { items } = (await firebreak.get(`/v1/incidents/${one.id}/signals`)).body;
      expect(items.map(({ starts_at }: { starts_at: string }) => starts_at > minutesAgo(60))).toEqual([true]);
    },
  );

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

  const senderOf = async (name: string) => {
    const { body } = await firebreak.post('/v1/tokens', { name, actions: ['alerts:write'] });
    return async (path: string, payload: object) =>
      firebreak.request('POST', path, payload, { authorization: `Bearer ${body.token}` });
  };

  test('an end counts only from the sender of the alert, whatever its token; a person may always end it', async () => {
    const [owner, stranger] = [await senderOf('owner'), await senderOf('stranger')];
    const one = { labels: { service: 'owned', action: 'notify' }, startsAt: minutesAgo(2), fingerprint: 'owned' };
    const [firing, resolved] = [group([alert(one)]), group([alert({ ...one, status: 'resolved' })])];
    const path = '/v1/alerts/alertmanager';
    expect(await stranger(path, resolved)).toMatchObject({ status: 202, body: { accepted: 1 } });
    expect(await routed(firebreak, await owner(path, firing))).toMatchObject({ opened: 1 });
    const found = await incident('owned');
    expect(await paged(found)).toHaveLength(1);
    expect(await routed(firebreak, await stranger(path, resolved))).toMatchObject({ joined: 0 });
    expect(await incident('owned')).toMatchObject({ status: 'open' });
    const { items } = (await firebreak.get(`/v1/incidents/${found.id}/timeline`)).body;
    expect(items).toContainEqual(
      expect.objectContaining({
        kind: 'alerts.end_ignored',
        text: expect.stringContaining('token:stranger') as string,
        detail: expect.objectContaining({ sender: 'token:stranger', reporters: ['token:owner'] }) as object,
      }),
    );
    const { body: before } = await firebreak.get('/v1/tokens?limit=500');
    const { id } = before.items.find(({ name }: { name: string }) => name === 'owner');
    expect(await firebreak.request('DELETE', `/v1/tokens/${id}`)).toMatchObject({ status: 204 });
    const rotated = await senderOf('owner');
    expect((await rotated(path, resolved)).status).toBe(202);
    await incident('owned', ({ status }) => status === 'resolved');
  });

  test("another sender's reports of the same key neither duplicate an alert nor change it", async () => {
    const [owner, stranger] = [await senderOf('owner-early'), await senderOf('stranger-early')];
    const report = (severity: string, status: string) => ({
      service: 'owned-early',
      environment: 'production',
      severity,
      title: 'The disk is full',
      dedup_key: 'disk',
      status,
    });
    for (const status of ['firing', 'resolved'])
      await routed(firebreak, await stranger('/v1/alerts/generic', report('info', status)));
    expect(await routed(firebreak, await owner('/v1/alerts/generic', report('critical', 'firing')))).toMatchObject({
      opened: 1,
    });
    const found = await incident('owned-early', ({ severity }) => severity === 'critical');
    expect(await paged(found)).toHaveLength(1);
    for (const status of ['firing', 'resolved'])
      await routed(firebreak, await stranger('/v1/alerts/generic', report('critical', status)));
    expect(await incident('owned-early')).toMatchObject({ status: 'open' });
    await firebreak.post(`/v1/incidents/${found.id}/actions/resolve`, { note: 'seen' });
    await incident('owned-early', ({ status }) => status === 'resolved');
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
    // It is news: it reopens the incident, or opens another one if a slow machine took longer than a second to get here.
    const { opened, joined, known } = await sendOne({ startsAt: new Date().toISOString() });
    expect({ news: opened + joined, known }).toEqual({ news: 1, known: 0 });
    await incident('ahead', ({ status }) => status === 'open');
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
    expect(suggested.decisions).toMatchObject([{ kind: 'suggest', because: 'sender_lacks_scope', from_version: 'v2' }]);
    expect(suggested.decisions[0].reasons[0].text).toContain('rollback:request');
    expect(await routed(firebreak, await sent('label-ingest', INGEST_TOKEN))).toMatchObject({ opened: 1 });
    expect((await judged('label-ingest')).decisions).toMatchObject([{ kind: 'approve', from_version: 'v2' }]);

    // The same alert from a sender with the permission is a request.
    expect(await routed(firebreak, await sent('label', INGEST_TOKEN))).toMatchObject({ opened: 0, joined: 1 });
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
    expect((await judged('replay-only')).decisions).toMatchObject([{ kind: 'suggest', because: 'sender_lacks_scope' }]);
    expect((await judged('replay-and-ask')).decisions).toMatchObject([{ kind: 'approve', from_version: 'v2' }]);
  });

  test('every firing alert at /api/v1/rollback requests a rollback, with its own scope', async () => {
    const quiet = group([
      alert({ labels: { ...atHome('asked'), severity: 'warning', action: 'notify' }, fingerprint: 'q' }),
    ]);
    await deployed('asked', Date.now() - 120_000); // before the alert, which started a minute ago
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
