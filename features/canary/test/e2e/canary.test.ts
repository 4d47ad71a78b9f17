import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditEntry } from '../../../../core/domain/ports/audit.ts';
import type { IncidentView } from '../../../../schemas/incidents/incident.ts';
import { freePort } from '../../../../packages/demo/free-port.ts';
import { minutesAgo } from '../../../../test/support/alerts.ts';
import { eventually, Firebreak } from '../../../../test/support/firebreak.ts';
import { have, type Running, startPrometheus } from '../../../../test/support/prometheus-stack.ts';
import { judgeOf, recorded } from '../../../../test/e2e/judge/traffic.ts';

/** The product's waits take 1/200 of their time; a step of ten minutes takes three seconds. */
const TIME_SCALE = 200;

const WAIT_MS = 170_000;

const environmentOf = (service: string) => ({
  environments: { production: { judge: judgeOf(service), canary: { traffic: { kind: 'http' } } } },
});

type Product = { firebreak: Firebreak; begin(service: string): Promise<any>; ended(id: string): Promise<any> };

function productOf(firebreak: Firebreak): Product {
  const story = async (id: string) => (await firebreak.get(`/v1/canaries/${id}`)).body;
  return {
    firebreak,
    async begin(service) {
      const place = { service, environment: 'production' };
      const times = { started_at: minutesAgo(300), finished_at: minutesAgo(298) };
      await firebreak.post('/v1/deployments', { ...place, version: 'v41', ...times });
      // The pipeline has brought the instances of the new version out before their metrics began, so all of them count.
      const started = { status: 'started', started_at: minutesAgo(9) };
      await firebreak.post('/v1/deployments', { ...place, version: 'v42', ...started });
      const keyed = { 'idempotency-key': service };
      const ask = () => firebreak.request('POST', '/v1/canaries', { ...place, version: 'v42' }, keyed);
      const { status, body } = await ask();
      expect([status, body.stable_version]).toEqual([202, 'v41']);
      firebreak.forgetResponses();
      expect(await ask()).toMatchObject({ status: 202, body: { id: body.id } });
      return body;
    },
    ended: (id) =>
      eventually(async () => (await story(id)).ended_at !== null && story(id), `the end of ${id}`, WAIT_MS),
  };
}

/** Returns the orders that the router received, without repeats. */
async function orders(firebreak: Firebreak, service: string): Promise<string[]> {
  const puts = (await firebreak.calls('cd')).filter(({ method, body }) => method === 'PUT' && body.service === service);
  return [...new Set(puts.map(({ body }) => `${body.sequence}: ${body.action} ${body.weight}`))];
}

const ALL_STEPS = ['1: set 5', '2: set 25', '3: set 50', '4: set 100', '5: promote 100'];

describe.skipIf(!have('prometheus', 'promtool'))('a canary with a real Prometheus', () => {
  let prometheus: Running;
  let product: Product;

  beforeAll(async () => {
    prometheus = await startPrometheus({
      port: await freePort(),
      targets: [],
      alertmanagers: [],
      rules: 'groups: []\n',
      history: recorded(Math.floor(Date.now() / 1000)),
    });
    const services = Object.fromEntries(
      ['good', 'failing', 'slow', 'quiet', 'frozen'].map((name) => [name, environmentOf(name)]),
    );
    product = productOf(
      await Firebreak.start({
        unshown: true,
        timeScale: TIME_SCALE,
        env: { PROMETHEUS_URL: prometheus.url },
        services: { ...services, frozen: environmentOf('good') },
      }),
    );
  });
  afterAll(async () => {
    await product?.firebreak.remove();
    await prometheus?.stop();
  });

  test('a good version is promoted step by step, and its deployment succeeds', async () => {
    const { firebreak } = product;
    const { id, change_id: change } = await product.begin('good');
    expect(
      (await firebreak.post('/v1/canaries', { service: 'good', environment: 'production', version: 'v43' })).body,
    ).toMatchObject({
      status: 409,
      code: 'canary-in-progress',
      detail: expect.stringContaining(id),
    });
    const canary = await product.ended(id);
    expect(canary).toMatchObject({ status: 'promoted', weight: 100, verdict: 'healthy' });
    expect(await orders(firebreak, 'good')).toEqual(ALL_STEPS);
    expect((await firebreak.get(`/v1/deployments/${change}`)).body).toMatchObject({
      status: 'succeeded',
      canary_weight: 1,
    });
    const { items } = (await firebreak.get('/v1/audit?limit=200')).body;
    expect(items.map(({ kind }: Pick<AuditEntry, 'kind'>) => kind)).toEqual(
      expect.arrayContaining(['canary.started', 'canary.weight']),
    );
    expect((await firebreak.post(`/v1/canaries/${id}/actions/abort`, {})).body.code).toBe('canary-ended');
  });

  test('3 % errors at 5 % of the traffic are stopped in the first step, and page', async () => {
    const { firebreak } = product;
    const { id, change_id: change } = await product.begin('failing');
    const canary = await product.ended(id);
    expect(canary).toMatchObject({
      status: 'aborted',
      weight: 0,
      reason: expect.stringMatching(/degraded at 5 %: errors: 3(\.\d)? %/),
    });
    expect(await orders(firebreak, 'failing')).toEqual(['1: set 5', '2: abort 0']);
    expect((await firebreak.get(`/v1/deployments/${change}`)).body).toMatchObject({ status: 'failed' });
    const incident = await eventually(async () => {
      const { items } = (await firebreak.get('/v1/incidents?service=failing')).body;
      return items.find(({ severity }: Pick<IncidentView, 'severity'>) => severity === 'critical');
    }, 'the incident');
    expect(incident).toMatchObject({ status: 'open', title: 'The canary v42 of failing was aborted' });
    const judged = await eventually(async () => {
      const { body } = await firebreak.get(`/v1/incidents/${incident.id}`);
      return body.decisions.length > 0 && body;
    }, 'the decision');
    expect(judged.suspects[0]).toMatchObject({
      version: 'v42',
      confidence: 0.99,
      reasons: [expect.stringMatching(/aborted the canary of v42: degraded at 5 %: errors: 3(\.\d)? %/)],
    });
    expect(judged.decisions[0]).toMatchObject({ kind: 'none' });
    expect(judged.decisions[0].reasons[0]).toMatchObject({ code: 'canary_aborted' });
    const paged = async () =>
      (await firebreak.calls('pagerduty')).filter(({ body }) => body?.event_action === 'trigger');
    await eventually(
      async () => (await paged()).some(({ body }) => JSON.stringify(body).includes('failing')),
      'the page',
    );
  });

  test('a slow version is stopped in the first step', async () => {
    const { id } = await product.begin('slow');
    expect(await product.ended(id)).toMatchObject({ status: 'aborted', reason: expect.stringContaining('p95') });
    expect(await orders(product.firebreak, 'slow')).toEqual(['1: set 5', '2: abort 0']);
  });

  test('with too little traffic, it is held until a person decides', async () => {
    const { firebreak } = product;
    const { id } = await product.begin('quiet');
    const held = await eventually(
      async () => {
        const { body } = await firebreak.get(`/v1/canaries/${id}`);
        return body.hold?.code === 'inconclusive' && body;
      },
      'that it is held',
      WAIT_MS,
    );
    expect(held).toMatchObject({
      status: 'held',
      weight: 5,
      reason: expect.stringMatching(/too little traffic|nothing was measured/),
    });
    const { body: token } = await firebreak.post('/v1/tokens', { name: 'reader', actions: ['canaries:read'] });
    const asReader = { authorization: `Bearer ${token.token}` };
    expect((await firebreak.request('POST', `/v1/canaries/${id}/actions/promote`, {}, asReader)).status).toBe(403);
    expect((await firebreak.post(`/v1/canaries/${id}/actions/promote`, { full: true })).status).toBe(202);
    expect(await product.ended(id)).toMatchObject({ status: 'promoted' });
    expect(await orders(firebreak, 'quiet')).toEqual(['1: set 5', '2: promote 100']);
  });

  test('a frozen service gets no canary traffic', async () => {
    const { firebreak } = product;
    const { body: freeze } = await firebreak.post('/v1/freezes', {
      service: 'frozen',
      environment: 'production',
      reason: 'a sale',
    });
    const { id } = await product.begin('frozen');
    const held = await eventually(
      async () => {
        const { body } = await firebreak.get(`/v1/canaries/${id}`);
        return body.hold?.code === 'frozen' && body;
      },
      'that it is held',
      WAIT_MS,
    );
    expect(held).toMatchObject({ weight: 0, reason: expect.stringContaining('a sale') });
    expect(await orders(firebreak, 'frozen')).toEqual([]);
    await firebreak.request('DELETE', `/v1/freezes/${freeze.id}`);
    await firebreak.post(`/v1/canaries/${id}/actions/abort`, { reason: 'test' });
    expect(await product.ended(id)).toMatchObject({ status: 'aborted' });
  });

  // test/kill/full plays every boundary, without Prometheus.
  test.each(['after PUT /api/v1/traffic #1'])('killed %s, it resumes and gives each share once', async (boundary) => {
    const dir = await mkdtemp(join(tmpdir(), 'firebreak-canary-'));
    const [armed, log] = [join(dir, 'armed'), join(dir, 'log')];
    await writeFile(log, '');
    const killed = productOf(
      await Firebreak.start({
        unshown: true,
        timeScale: TIME_SCALE,
        services: { good: environmentOf('good') },
        nodeArgs: ['--import', new URL('../../../../test/kill/at.ts', import.meta.url).href],
        env: {
          PROMETHEUS_URL: prometheus.url,
          FIREBREAK_KILL_LOG: log,
          FIREBREAK_KILL_ARMED: armed,
          FIREBREAK_KILL_AT: boundary,
        },
      }),
    );
    const { firebreak } = killed;
    try {
      await writeFile(armed, '');
      await killed.begin('good').catch(() => undefined); // it may die before it responds
      await firebreak.exited();
      expect(await readFile(log, 'utf8')).toContain(`killed ${boundary}`);
      await firebreak.start({ FIREBREAK_KILL_AT: '' });
      const { items } = (await firebreak.get('/v1/canaries')).body;
      expect(items).toHaveLength(1);
      expect(await killed.ended(items[0].id)).toMatchObject({ status: 'promoted' });
      expect(await orders(firebreak, 'good')).toEqual(ALL_STEPS);
    } finally {
      await firebreak.remove();
      await rm(dir, { recursive: true, force: true });
    }
  });
});
