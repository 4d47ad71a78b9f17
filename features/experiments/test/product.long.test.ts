import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, group } from '../../../test/support/alerts.ts';
import { eventually, Firebreak } from '../../../test/support/firebreak.ts';

/** A chaos system with Firebreak's contract, and the service that it disturbs. */
class ChaosServer {
  /** Calls that stop a run, with the time of their receipt. */
  stops: { id: string; key: string; at: number; signed: boolean }[] = [];
  /** Value of the metric, by service. */
  values: Record<string, number> = {};
  readonly #secret: string;
  readonly #server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://chaos.test');
    response.setHeader('content-type', 'application/json');
    if (url.pathname === '/metric')
      return void response.end(JSON.stringify({ value: this.values[url.searchParams.get('service') ?? ''] ?? 0.001 }));
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const id = request.method === 'GET' ? (url.searchParams.get('id') ?? '') : JSON.parse(text).id;
      if (request.method === 'POST') {
        const headers = request.headers as Record<string, string>;
        this.stops.push({
          id,
          key: headers['idempotency-key'] ?? '',
          at: Date.now(),
          signed: this.#isSigned(text, headers),
        });
      }
      const isStopped = this.stops.some((stop) => stop.id === id);
      response.end(JSON.stringify({ status: isStopped ? 'ended' : 'running' }));
    });
  });

  constructor(secret: string) {
    this.#secret = secret;
  }

  #isSigned(text: string, headers: Record<string, string>): boolean {
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
    const key = Buffer.from(this.#secret.slice('whsec_'.length), 'base64');
    return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  }

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

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const SERVICES = ['quiet', 'aborted', 'limited', 'unsteady', 'lasting', 'unstoppable', 'other'] as const;

let firebreak: Firebreak;
const chaos = new ChaosServer(SECRET);

beforeAll(async () => {
  const url = await chaos.start();
  const environment = (service: string) => ({
    experiments: {
      chaos: { kind: 'http', url: `${url}/runs`, auth: { webhookSignature: 'CHAOS_SECRET' } },
      graceMinutes: 1,
    },
    judge: { metrics: [{ name: 'errors', kind: 'http', url: `${url}/metric?service=${service}`, value: '/value' }] },
  });
  firebreak = await Firebreak.start({
    services: Object.fromEntries(
      SERVICES.map((name) => [
        name,
        { environments: name === 'other' ? { production: null } : { production: environment(name), staging: null } },
      ]),
    ),
    env: { CHAOS_SECRET: SECRET },
    timeScale: 60,
  });
});
afterAll(async () => {
  await firebreak?.remove();
  chaos.stop();
});

/** @param more replaces parts of the request */
const record = (service: string, more: object = {}) =>
  firebreak.post('/v1/experiments', {
    name: `kill a pod of ${service}`,
    scope: [{ service, environment: 'production' }],
    hypothesis: 'It survives the loss of one pod',
    checks: [{ name: 'errors', metric: 'errors', max: 0.02, abort_above: 0.2 }],
    status: 'running',
    duration_seconds: 3600,
    interval_seconds: 60,
    abort_alerts: [{ alertname: 'DataLoss' }],
    run: { kind: 'http', id: `run-${service}` },
    ...more,
  });

const read = async (id: string): Promise<any> => (await firebreak.get(`/v1/experiments/${id}`)).body;

const reaches = (id: string, status: string): Promise<any> =>
  eventually(async () => {
    const found = await read(id);
    return found.status === status && (status !== 'ended' || found.conclusion !== null) ? found : false;
  }, `status ${status} of ${id}`);

const tell = async (
  service: string,
  {
    alertname = 'HighErrorRatio',
    environment = 'production',
    status = 'firing',
    startsAt = new Date().toISOString(),
  } = {},
): Promise<string> => {
  const labels = { service, alertname, environment, severity: 'critical' };
  const one = alert({
    labels,
    status: status as 'firing',
    startsAt,
    fingerprint: `${service}/${alertname}`,
    annotations: { summary: `${alertname} of ${service}` },
  });
  // Alertmanager may deliver a notification several times.
  for (let times = 0; times < 2; times += 1)
    expect((await firebreak.post('/v1/alerts/alertmanager', group([one]))).status).toBe(202);
  return startsAt;
};

const pagesOf = async (service: string): Promise<any[]> =>
  (await firebreak.calls('pagerduty')).filter(
    ({ body }) => body?.event_action === 'trigger' && body.payload.source === service,
  );

const incidentsOf = async (service: string, environment = 'production'): Promise<any[]> =>
  (await firebreak.get(`/v1/incidents?service=${service}&limit=100`)).body.items.filter(
    (one: any) => one.environment === environment,
  );

describe('an experiment', () => {
  test('keeps its own alerts quiet, and an unrelated one pages', async () => {
    const { status, body } = await record('quiet');
    expect([status, body.status]).toEqual([202, 'preparing']);
    await reaches(body.id, 'running');
    await tell('quiet');
    await tell('other');
    await tell('quiet', { environment: 'staging' });
    const found = await eventually(async () => {
      const now = await read(body.id);
      return now.alerts.length > 0 && now;
    }, 'the expected alert');
    expect(found.alerts).toMatchObject([{ title: 'HighErrorRatio of quiet', abort: false, environment: 'production' }]);
    expect(found.alerts[0].reasons.map(({ code }: any) => code)).toEqual(['in_scope', 'in_time', 'expected_alert']);
    await eventually(async () => (await pagesOf('other')).length > 0, 'the page of another service');
    await eventually(async () => (await incidentsOf('quiet', 'staging')).length > 0, 'the incident of staging');
    expect(await incidentsOf('quiet')).toEqual([]);
    const { items } = (await firebreak.get('/v1/signals?muted=true')).body;
    expect(items.find((one: any) => one.service === 'quiet')?.muted).toMatchObject({ by: 'experiment', name: body.id });

    // The same service and environment cannot have another one; the whole one is done once.
    expect(await record('quiet')).toMatchObject({
      status: 409,
      body: { type: expect.stringContaining('experiment-in-progress') },
    });
    await tell('quiet', { status: 'resolved', startsAt: found.alerts[0].episode.split(':').slice(2).join(':') });
    await firebreak.request('PATCH', `/v1/experiments/${body.id}`, { status: 'finished' });
    const ended = await reaches(body.id, 'ended');
    expect(ended).toMatchObject({ conclusion: { outcome: 'held' }, ending: { code: 'finished' }, expected: 1 });
    expect(await incidentsOf('quiet')).toEqual([]);
    expect(chaos.stops.filter(({ id }) => id === 'run-quiet')).toEqual([]);
    const report = await firebreak.request('GET', `/v1/experiments/${body.id}/report`);
    expect([report.status, report.body]).toEqual([200, expect.stringContaining('# Experiment: kill a pod of quiet')]);

    // Its change is one annotation, which has become a region.
    const marks = await eventually(async () => {
      const { annotations } = (await firebreak.get('/sandbox/state')).body.views.grafana;
      const own = annotations.filter(({ tags }: any) => tags[0] === 'experiment' && tags.includes('quiet'));
      return own.some(({ until }: any) => until !== null) && own;
    }, 'the region in Grafana');
    expect(marks).toMatchObject([
      {
        from: ended.started_at,
        until: ended.stopped_at,
        tags: ['experiment', expect.stringMatching(/^firebreak:chg_/), 'quiet', 'production', 'kill a pod of quiet'],
      },
    ]);
  });

  test('is stopped before an alert that aborts it pages', async () => {
    const { body } = await record('aborted');
    await reaches(body.id, 'running');
    await tell('aborted');
    await tell('aborted', { alertname: 'DataLoss' });
    const [page] = await eventually(async () => {
      const pages = await pagesOf('aborted');
      return pages.length > 0 && pages;
    }, 'the page of the abort');
    const stops = chaos.stops.filter(({ id }) => id === 'run-aborted');
    expect(new Set(stops.map(({ key }) => key)).size).toBe(1);
    expect(stops).toMatchObject([{ signed: true }]);
    expect(stops[0]?.at).toBeLessThanOrEqual(Date.parse(page.at));
    const ended = await reaches(body.id, 'ended');
    expect(ended).toMatchObject({
      ending: { code: 'abort_alert' },
      stop: { state: 'confirmed' },
      conclusion: { outcome: 'failed', because: 'aborted' },
    });
    expect(await incidentsOf('aborted')).toHaveLength(1);
    // Its hypothesis failed, so it has action items, which are followed like those of post-mortems.
    const items = async (query: string) =>
      (await firebreak.get(`/v1/action-items?service=aborted&${query}`)).body.items;
    const open = await items('status=open');
    expect(open).toMatchObject([
      { title: expect.stringMatching(/^Make the hypothesis of "kill a pod of aborted" hold: /), priority: 'P1' },
      { title: 'Repeat the experiment "kill a pod of aborted"', incident_id: null, experiment_id: body.id },
    ]);
    const path = `/v1/action-items/${open[1].id}`;
    expect((await firebreak.request('PATCH', path, { status: 'done', owner: 'ada' })).body).toMatchObject({
      id: open[1].id,
      status: 'done',
      owner: 'ada',
    });
    expect(await items('status=done')).toMatchObject([{ id: open[1].id, owner: 'ada', issue: null }]);
    expect((await firebreak.request('PATCH', `/v1/action-items/${body.id}-ffffffff`, { status: 'done' })).status).toBe(
      404,
    );
    expect((await firebreak.post(`${path}/issue`)).status).toBe(404);
  });

  test('is stopped at the limit of a check', async () => {
    const { body } = await record('limited');
    await reaches(body.id, 'running');
    chaos.values['limited'] = 0.5;
    expect(await reaches(body.id, 'ended')).toMatchObject({
      ending: { code: 'abort_check', reason: 'errors is 0.5, above its abort limit 0.2' },
      stop: { state: 'confirmed' },
    });
  });

  test('pages if it is aborted and may still run, because Firebreak cannot stop it', async () => {
    const { body } = await record('unstoppable', { run: null });
    await reaches(body.id, 'running');
    chaos.values['unstoppable'] = 0.5;
    expect(await reaches(body.id, 'ended')).toMatchObject({ ending: { code: 'abort_check' } });
    await eventually(async () => (await pagesOf('unstoppable')).length > 0, 'the page about the experiment');
    expect(await incidentsOf('unstoppable')).toMatchObject([
      { title: 'The experiment kill a pod of unstoppable may still run: stop it by hand', severity: 'critical' },
    ]);
  });

  test('does not start without its steady state, and expects nothing', async () => {
    chaos.values['unsteady'] = 0.05;
    const { body } = await record('unsteady', { status: 'planned' });
    expect(await reaches(body.id, 'ended')).toMatchObject({
      started_at: null,
      conclusion: { outcome: 'inconclusive', because: 'not_steady' },
    });
    await tell('unsteady');
    await eventually(async () => (await pagesOf('unsteady')).length > 0, 'the page');
  });

  test('leaves alerts that still fire after its grace period to people', async () => {
    const { body } = await record('lasting', { duration_seconds: 120, interval_seconds: 10 });
    await reaches(body.id, 'running');
    await tell('lasting');
    await eventually(async () => (await read(body.id)).alerts.length > 0, 'the expected alert');
    await eventually(async () => (await pagesOf('lasting')).length > 0, 'the page after the grace period');
    const ended = await reaches(body.id, 'ended');
    const [incident] = await incidentsOf('lasting');
    // The workflow or the sweeper sends it once more, whichever is first.
    expect(incident.opened_at >= ended.stopped_at).toBe(true);
  });

  test('is recorded once, even if the response of the first request was never stored', async () => {
    const body = {
      name: 'once',
      scope: [{ service: 'quiet', environment: 'production' }],
      hypothesis: 'It survives',
      checks: [{ name: 'errors', metric: 'errors', max: 0.02 }],
      duration_seconds: 60,
    };
    const ask = () => firebreak.request('POST', '/v1/experiments', body, { 'idempotency-key': 'once' });
    const first = await ask();
    firebreak.forgetResponses();
    expect(await ask()).toMatchObject({ status: first.status, body: { id: first.body.id } });
    expect(first.status).toBe(202);
    await firebreak.post(`/v1/experiments/${first.body.id}/actions/stop`, { reason: 'it was recorded once' });
  });

  test('is refused without a token, without the permission, and where it is not configured', async () => {
    const path = '/v1/experiments';
    expect(await firebreak.request('POST', path, {}, { authorization: '' })).toMatchObject({ status: 401 });
    const { body: token } = await firebreak.post('/v1/tokens', { name: 'reader', actions: ['experiments:read'] });
    const headers = { authorization: `Bearer ${token.token}` };
    expect(await firebreak.request('GET', path, undefined, headers)).toMatchObject({ status: 200 });
    expect(await firebreak.request('POST', path, {}, headers)).toMatchObject({ status: 403 });
    expect(await record('other')).toMatchObject({
      status: 409,
      body: { type: expect.stringContaining('experiments-not-configured') },
    });
    expect(await record('quiet', { checks: [{ name: 'errors', metric: 'eror', max: 1 }] })).toMatchObject({
      status: 422,
      body: { code: 'unmeasurable-check', detail: expect.stringContaining('no metric eror in judge.metrics') },
    });
    expect(await record('quiet', { duration_seconds: 3601 })).toMatchObject({ status: 422 });
    expect(await record('quiet', { run: { kind: 'litmus', engine: 'x' } })).toMatchObject({ status: 409 });
    expect((await firebreak.get(`${path}/${'0'.repeat(26)}`)).status).toBe(404);
  });
});
