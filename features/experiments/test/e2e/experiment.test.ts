import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../../packages/demo/free-port.ts';
import { EACH_ALONE, eventually, type Firebreak } from '../../../../test/support/firebreak.ts';
import { exampleAlertmanager, have } from '../../../../test/support/prometheus-stack.ts';
import type { CdServer } from '../../../../test/e2e/support/cd-server.ts';
import { close, listen } from '../../../../test/e2e/support/server.ts';
import { Stage } from '../../../../test/e2e/support/stage.ts';
import { catalogue, haveHistory } from '../../../../test/e2e/support/story.ts';
import type { ToyService } from '../../../../test/e2e/support/toy-service.ts';

/** A measurement of 20 seconds takes one second. Prometheus and Alertmanager are in real time. */
const TIME_SCALE = 20;

/** A chaos tool that stops runs. */
class ChaosTool {
  readonly stops: { id: string; key: string; at: number }[] = [];
  /** Called before the first answer to a stop. */
  beforeAnswer: () => Promise<void> = async () => undefined;
  url = '';
  readonly #stopped = new Set<string>();
  readonly #server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on(
      'end',
      () =>
        void this.#answer(request.url ?? '/', Buffer.concat(chunks).toString()).then(
          (body) => response.setHeader('content-type', 'application/json').end(body),
          () => response.destroy(),
        ),
    );
  });

  async #answer(path: string, text: string): Promise<string> {
    if (text === '') {
      const id = new URL(path, 'http://chaos.test').searchParams.get('id') ?? '';
      return JSON.stringify({ status: this.#stopped.has(id) ? 'ended' : 'running' });
    }
    const { id, idempotency_key: key } = JSON.parse(text) as { id: string; idempotency_key: string };
    this.stops.push({ id, key, at: Date.now() });
    this.#stopped.add(id);
    const { beforeAnswer } = this;
    this.beforeAnswer = async () => undefined;
    await beforeAnswer();
    return JSON.stringify({ status: 'ended' });
  }

  async start(): Promise<void> {
    this.url = await listen(this.#server);
  }

  stop = (): Promise<void> => close(this.#server);
}

describe.runIf(have('prometheus', 'alertmanager'))('a chaos experiment with a real Prometheus', () => {
  const stage = new Stage();
  const chaos = new ChaosTool();
  let firebreak: Firebreak;
  let cd: CdServer;
  let checkout: ToyService, payments: ToyService, search: ToyService;

  beforeAll(async () => {
    await chaos.start();
    const services = await stage.toyServices('checkout', 'payments', 'search');
    [checkout, payments, search] = services;
    cd = await stage.cd(services);
    const [port, own] = [await freePort(), await freePort()];
    // The test ends the grace period.
    const experiments = { graceMinutes: 60, chaos: { kind: 'http', url: `${chaos.url}/runs` } };
    firebreak = await stage.firebreak({
      timeScale: TIME_SCALE,
      unshown: true,
      services: catalogue(cd, services, { experiments }),
      configFiles: EACH_ALONE,
      // The same address after a restart, which Alertmanager knows.
      env: { PROMETHEUS_URL: `http://127.0.0.1:${port}`, PORT: String(own) },
    });
    await haveHistory(firebreak, services);
    const config = await exampleAlertmanager('alertmanager.yml', firebreak.url);
    await stage.prometheus(services, [await stage.alertmanager({ config })], { port });
    await eventually(async () => {
      const ratio = encodeURIComponent('count(service:requests:error_ratio == 0)');
      const { data } = (await (await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${ratio}`)).json()) as any;
      return data.result[0]?.value[1] === String(services.length);
    }, 'the error ratios of all services');
  });
  afterAll(async () => {
    await stage.stop();
    await chaos.stop();
  });

  const post = (service: string, more: object) =>
    firebreak.post('/v1/experiments', {
      name: `fail the requests of ${service}`,
      scope: [{ service, environment: 'production' }],
      hypothesis: 'Less than 5 % of the requests fail',
      checks: [{ name: 'errors', promql: `service:requests:error_ratio{service="${service}"}`, max: 0.05, ...more }],
      duration_seconds: 3600,
      interval_seconds: 20,
      steady_state_seconds: 60,
      run: { kind: 'http', id: `run-${service}` },
    });
  const record = async (service: string, more: object): Promise<string> => {
    const { status, body } = await post(service, more);
    expect(status).toBe(202);
    await reaches(body.id, 'ready');
    expect((await firebreak.request('PATCH', `/v1/experiments/${body.id}`, { status: 'running' })).status).toBe(202);
    await reaches(body.id, 'running');
    return body.id;
  };
  const read = async (id: string): Promise<any> => (await firebreak.get(`/v1/experiments/${id}`)).body;
  const reaches = (id: string, status: string): Promise<any> =>
    eventually(async () => {
      const found = await read(id);
      if (found.status === 'ended' && status !== 'ended') throw new Error(JSON.stringify(found.conclusion));
      return found.status === status && (status !== 'ended' || found.conclusion !== null) && found;
    }, `status ${status} of ${id}`);
  const incidentsOf = async ({ name }: ToyService): Promise<any[]> =>
    (await firebreak.get(`/v1/incidents?service=${name}`)).body.items;
  const pagesOf = async ({ name }: ToyService): Promise<any[]> =>
    (await firebreak.calls('pagerduty')).filter(
      ({ body }) => body?.event_action === 'trigger' && body.payload.source === name,
    );
  const restart = async () => {
    await firebreak.kill9();
    await firebreak.start();
  };

  /** Expects that each observation and event is recorded once, and that the numbers are those of the observations. */
  const expectNumbers = (found: any, events: string[]): any => {
    const times = found.observations.map(({ at, phase }: any) => `${phase} ${at}`);
    expect(new Set(times).size).toBe(times.length);
    expect(found.events.map(({ kind }: any) => kind)).toEqual(events);
    const [check] = found.conclusion.checks;
    for (const phase of ['before', 'during', 'after']) {
      const values: number[] = found.observations
        .filter((one: any) => one.phase === phase)
        .flatMap((one: any) => one.values.flatMap(({ value }: any) => value ?? []));
      expect([phase, check[phase].measured, check[phase].outside]).toEqual([
        phase,
        values.length,
        values.filter((value) => value > 0.05).length,
      ]);
      expect([check[phase].min, check[phase].max]).toEqual(
        values.length === 0 ? [null, null] : [Math.min(...values), Math.max(...values)],
      );
    }
    return check;
  };

  test('is refused if Prometheus has no series of a metric in its hypothesis', async () => {
    const unknown = await post('checkout', {
      promql: 'sum(rate(requests_totl[1m])) / sum(service:requests:error_ratio)',
    });
    expect(unknown).toMatchObject({
      status: 422,
      body: {
        code: 'unmeasurable-check',
        detail: expect.stringMatching(/errors: Prometheus has no series of requests_totl$/),
      },
    });
    const wrong = await post('checkout', { promql: 'service:requests:error_ratio{service="chekout"}' });
    expect([wrong.status, wrong.body.detail]).toEqual([422, expect.stringMatching(/had no result in the last 60 s$/)]);
    expect((await firebreak.get('/v1/experiments?service=checkout')).body.items).toEqual([]);
  });

  test('keeps its own alerts quiet, also after kill -9, while that of another service pages', async () => {
    const id = await record('checkout', {});
    checkout.broken.add('v1');
    search.broken.add('v1');
    await eventually(async () => (await read(id)).alerts.length > 0, 'the expected alert');
    await eventually(async () => (await pagesOf(search)).length > 0, 'the page of another service');
    await restart();
    const { observations } = await read(id);
    await eventually(async () => (await read(id)).observations.length > observations.length + 1, 'more measurements');
    expect(await read(id)).toMatchObject({ status: 'running', alerts: [{ service: 'checkout', abort: false }] });
    const quiet = async () => (await firebreak.get('/v1/signals?service=checkout&muted=true')).body.items;
    expect(await quiet()).toMatchObject([{ status: 'firing', muted: { by: 'experiment', name: id } }]);
    checkout.broken.clear();
    search.broken.clear();
    await eventually(async () => (await quiet()).length === 0, 'the end of the alert');
    await firebreak.request('PATCH', `/v1/experiments/${id}`, { status: 'finished' });
    await reaches(id, 'settling');
    await eventually(
      async () =>
        (await read(id)).observations.some(({ phase, values }: any) => phase === 'after' && values[0].value === 0),
      'a measurement after the experiment',
    );
    await firebreak.post(`/v1/experiments/${id}/actions/stop`);
    const ended = await reaches(id, 'ended');
    expect(ended).toMatchObject({
      ending: { code: 'finished' },
      conclusion: { outcome: 'failed', because: 'outside_limits', recovered: true },
      expected: 1,
    });
    const { before, during } = expectNumbers(ended, ['created', 'steady', 'started', 'stopped', 'settling', 'ended']);
    expect(before).toMatchObject({ max: 0, outside: 0 });
    expect(during.max).toBeGreaterThan(0.5);
    const report = String((await firebreak.get(`/v1/experiments/${id}/report`)).body);
    expect(report).toContain(`| during | ${during.measured} | ${during.missing} | ${during.outside} |`);
    expect([await incidentsOf(checkout), await pagesOf(checkout), cd.rollbacksOf('checkout')]).toEqual([[], [], []]);
    expect(chaos.stops).toEqual([]);
  });

  test('is stopped at its abort limit before anyone is paged, once, although kill -9 hides the confirmation', async () => {
    const id = await record('payments', { abort_above: 0.5 });
    const killed = new Promise<void>((resolve) => {
      chaos.beforeAnswer = async () => {
        await firebreak.kill9();
        resolve();
        throw new Error('the caller has died');
      };
    });
    payments.broken.add('v1');
    await killed;
    await firebreak.start();
    const ended = await reaches(id, 'ended');
    expect(ended).toMatchObject({
      ending: { code: 'abort_check', reason: expect.stringMatching(/^errors is \S+, above its abort limit 0\.5$/) },
      stop: { state: 'confirmed' },
      conclusion: { outcome: 'failed', because: 'aborted' },
    });
    expectNumbers(ended, [
      'created',
      'steady',
      'started',
      'abort',
      'stopping',
      'stopped',
      ...releasedIn(ended),
      'ended',
    ]);
    const [page] = await eventually(async () => {
      const pages = await pagesOf(payments);
      return pages.length > 0 && pages;
    }, 'the page of the aborted experiment');
    expect(new Set(chaos.stops.map(({ id: run, key }) => `${run} ${key}`))).toEqual(
      new Set([`run-payments experiment-${id}-stop`]),
    );
    expect(chaos.stops[0]?.at).toBeLessThanOrEqual(Date.parse(page.at));
    expect(ended.stopped_at <= page.at).toBe(true);
    expect(await incidentsOf(payments)).toHaveLength(1);
    expect(cd.rollbacksOf('payments')).toEqual([]);
  });
});

/** Whether the alert fired before the stop depends on the time of the death. */
const releasedIn = ({ events }: { events: { kind: string }[] }): string[] =>
  events.filter(({ kind }) => kind === 'released').map(({ kind }) => kind);
