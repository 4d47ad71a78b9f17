import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, minutesAgo } from '../../../support/alerts.ts';
import { INCIDENT_EVENTS } from '../../../../core/domain/incidents/incident-events.ts';
import { ADMIN_TOKEN, EACH_ALONE, eventually, Firebreak, INGEST_TOKEN } from '../../../support/firebreak.ts';
import { deliver, fixture, forService, type Inbound, inEnvironment, routed, seen } from '../../../support/fixtures.ts';
import { actingIn, Alerting, all, atHome, given, homeOf } from './alerting.ts';
import { REOPEN_WITHIN_SECONDS } from '../../../../core/domain/alerts/admission.ts';

const TIME_SCALE = 300;

/** The requests were recorded before this time. They are sent as if that were now, because Firebreak does not act on old problems. */
const LATER_MS = Date.now() - Date.parse('2026-11-20T07:00:00Z');
const nowOf = (recorded: string): string => new Date(Date.parse(recorded) + LATER_MS).toISOString();
const recent = (...[path]: Parameters<typeof fixture>): Inbound[] =>
  fixture(path).map((request) => ({ ...request, body: request.body.replaceAll(/2026-11-20T[\d:.]+Z/g, nowOf) }));

const atItsHome = (request: Inbound | undefined, from: string, service = from): Inbound =>
  inEnvironment(forService(given(request), from, service), homeOf(service));

/**
 * A long time limit. Each test only waits for what it expects, but there are several waits, and the machine may be
 * busy.
 */

const SHOP = 'shop';

let firebreak: Firebreak;
const { deployed, incident, incidentsOf, judged, paged, pagesFor, rollbacksOf, send, sendAlerts } = new Alerting(
  () => firebreak,
);

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: TIME_SCALE, // a verification takes three seconds
    configFiles: EACH_ALONE,
    services: {
      ...all(['cart', 'checkout-api', 'inventory'], actingIn(SHOP)),
      ...Object.fromEntries(
        ['ledger', 'zahlung-größe', 'lifecycle', 'rule', 'blind', 'replicas'].map((name) => [
          name,
          actingIn(homeOf(name)),
        ]),
      ),
      logged: {
        environments: {
          [homeOf('logged')]: {
            deployer: { kind: 'http' },
            autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 1440 },
          },
        },
      },
    },
  });
});
afterAll(() => firebreak.remove());

const timelineOf = async ({ id }: { id: string }): Promise<any[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items;

describe.concurrent('real alerts', () => {
  test('a firing alert pages and rolls back once; when it resolves, so does the incident', async () => {
    const [firing, resolved] = recent('alertmanager/lifecycle-firing-then-resolved').map((request) =>
      atItsHome(request, 'checkout-api', 'lifecycle'),
    );
    await deployed('lifecycle', nowOf('2026-11-20T06:43:40.145Z'));
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

    // The same alert with another start time is a new episode. Soon after the resolution, it would reopen the incident.
    const minutesLater = Date.parse(String(closed.resolved_at)) + (REOPEN_WITHIN_SECONDS * 1000) / TIME_SCALE;
    await eventually(async () => Date.now() > minutesLater + 1000, 'the time in which it would reopen');
    const again = {
      ...given(firing),
      body: given(firing).body.replaceAll(nowOf('2026-11-20T06:43:40.145Z'), nowOf('2026-11-20T06:58:12.031Z')),
    };
    expect(await routed(firebreak, await send(again))).toMatchObject({ opened: 1 });
    const second = await incident('lifecycle', ({ id, decisions }) => id !== opened.id && decisions.length > 0);
    expect(second).toMatchObject({ status: expect.not.stringMatching('resolved'), signal_count: 1 });
    await eventually(async () => (await pagesFor(second)).length === 1, 'its page');
    expect(await incidentsOf('lifecycle')).toHaveLength(2);
  });

  test('an alert of a real Prometheus rule has the same effects', async () => {
    const [firing] = recent('alertmanager/from-prometheus-rule');
    const [resolved] = recent('alertmanager/from-prometheus-rule-resolved');
    await deployed('rule', nowOf('2026-11-20T06:46:15.812Z'));
    await send(atItsHome(firing, 'checkout-api', 'rule'));
    await incident('rule', ({ status }) => status === 'mitigated');
    await send(atItsHome(resolved, 'checkout-api', 'rule'));
    await incident('rule', ({ status }) => status === 'resolved');
    expect(await rollbacksOf('rule')).toHaveLength(1);
  });

  test('repeated notifications with the same bytes add nothing', async () => {
    await deployed('ledger', nowOf('2026-11-20T06:43:40.284Z'));
    const made = [];
    for (const request of recent('alertmanager/repeat-interval')) {
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
    const [three] = recent('alertmanager/group-three-firing');
    const [mixed] = recent('alertmanager/group-mixed-firing-resolved');
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
    const [request] = recent('alertmanager/group-multiple-services');
    await Promise.all(
      ['cart', 'checkout-api'].map((service) => deployed(service, nowOf('2026-11-20T06:45:15.281Z'), SHOP)),
    );
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
    const [request] = recent('alertmanager/unicode');
    await deployed('zahlung-größe', nowOf('2026-11-20T06:43:40.206Z'));
    // The tests above have used up the automatic rollbacks of the ingest token.
    const sent = atItsHome(request, 'zahlung-größe');
    await routed(firebreak, await deliver(firebreak, '/v1/alerts/alertmanager', sent, ADMIN_TOKEN));
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
    const [request] = recent('grafana/datasource-error');
    await deployed('blind', nowOf('2026-11-20T06:48:10Z'));
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

test('the log at level info contains exactly the story of an incident', async () => {
  await firebreak.resolveAll();
  const mark = firebreak.output.length;
  const problem = { ...atHome('logged') };
  const firing = alert({ labels: problem, fingerprint: 'logged', startsAt: minutesAgo(0.5) });
  await deployed('logged', minutesAgo(1));
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
