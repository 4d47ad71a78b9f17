import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minutesAgo } from '../../../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../../../support/firebreak.ts';
import { seen } from '../../../support/fixtures.ts';

const ROUTES = `${EACH_ALONE['routes.yaml']}routes:
  - match: { service: ledger }
    page: true
  - match: ['service=~"paged|mended"']
    page: true
`;

let firebreak: Firebreak;
beforeAll(async () => {
  const told = (name: string) => ({ slack: { channel: `#${name}` } });
  /** A long time-out, so that no deployment is overdue. */
  const patient = { environments: { production: { deployTimeoutSeconds: 604_800 } } };
  firebreak = await Firebreak.start({
    services: {
      slow: { ...told('slow'), environments: { production: null } },
      broken: { ...told('broken'), environments: { production: null } },
      patient: { ...told('patient'), ...patient },
      ledger: { environments: { production: {} } },
      noticed: { ...told('noticed'), ...patient },
      paged: patient,
      mended: patient,
    },
    configFiles: { 'routes.yaml': ROUTES },
    env: { LOG_LEVEL: 'warn' },
  });
});
afterAll(() => firebreak?.remove());

const serviceEnvironment = (service: string) => ({ service, environment: 'production' });

describe('a deployment that does not end', () => {
  const begins = async (service: string, version: string, more: object = {}): Promise<any> => {
    const { status, body } = await firebreak.post('/v1/deployments', {
      ...serviceEnvironment(service),
      version,
      status: 'started',
      ...more,
    });
    expect(status).toBe(201);
    return body;
  };
  const patch = (id: string, body: object) => firebreak.request('PATCH', `/v1/deployments/${id}`, body);

  const signalsOf = async (service: string): Promise<any[]> =>
    (await firebreak.get('/v1/signals?limit=100')).body.items.filter((one: any) => one.service === service);
  const nameOf = ({ labels }: any): string => new Map<string, string>(labels).get('alertname') ?? '';

  /** Waits until the single message in the service's channel matches. */
  const told = (service: string, text: RegExp) =>
    seen(async () => {
      const { body } = await firebreak.get(`/sandbox/slack/channels/${service}`);
      const messages: any[] = body.messages ?? [];
      return messages.length === 1 && text.test(JSON.stringify(messages[0].blocks));
    }, `${text.source} in #${service}`);

  test("an overdue deployment is announced once in the service's channel, and its end is shown", async () => {
    const patient = await begins('patient', 'p1');
    const { id } = await begins('slow', 's1');
    const [signal] = await seen(async () => {
      const found = await signalsOf('slow');
      return found.length > 0 && found;
    }, 'the signal');
    expect(signal).toMatchObject({
      ...serviceEnvironment('slow'),
      source: 'deployment',
      status: 'firing',
      severity: 'warning',
    });
    expect(nameOf(signal)).toBe('DeploymentTimedOut');
    await told('slow', /The deploy of s1 started and is overdue/);

    // The first one is not announced again while the sweeper handles another.
    await begins('slow', 's2', { started_at: minutesAgo(30) });
    await seen(async () => (await signalsOf('slow')).length === 2, 'the second signal');
    expect(await signalsOf('patient')).toEqual([]);

    expect((await patch(id, { status: 'succeeded' })).body).toMatchObject({ status: 'succeeded' });
    await told('slow', /The deploy of s1 has ended/);
    expect((await patch(patient.id, { status: 'succeeded' })).status).toBe(200);
    expect((await signalsOf('slow')).map(nameOf)).toEqual(['DeploymentTimedOut', 'DeploymentTimedOut']);
    expect(await signalsOf('patient')).toEqual([]);
  });

  test('a report that contradicts itself is refused', async () => {
    const times = { started_at: minutesAgo(2), finished_at: minutesAgo(1) };
    const body = { ...serviceEnvironment('odd'), version: 'o1', status: 'started', ...times };
    expect(await firebreak.post('/v1/deployments', body)).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('contradicts status started') },
    });
    const { id } = await begins('odd', 'o1', { started_at: minutesAgo(2) });
    for (const [more, said] of [
      [{ finished_at: minutesAgo(1) }, 'contradicts status started'],
      [{ previous_version: 'o1' }, 'is the version of the deployment itself'],
    ] as const)
      expect(await patch(id, more)).toMatchObject({ status: 422, body: { detail: expect.stringContaining(said) } });
    expect((await patch(id, { previous_version: 'o0' })).status).toBe(200);
    expect((await patch(id, { status: 'cancelled', finished_at: minutesAgo(1) })).status).toBe(200);
  });

  test('an overdue deployment that finally fails is announced as failed', async () => {
    const { id } = await begins('broken', 'b1', { started_at: minutesAgo(10) });
    await seen(async () => (await signalsOf('broken')).length === 1, 'the signal');
    await patch(id, { status: 'failed' });
    const found = await seen(async () => {
      const signals = await signalsOf('broken');
      return signals.length === 2 && signals;
    }, 'the signal of the failure');
    expect(found.map(nameOf).toSorted()).toEqual(['DeploymentFailed', 'DeploymentTimedOut']);
    await told('broken', /The deploy of b1 failed/);
  });

  const deploy = (version: string, status: string) =>
    firebreak.post('/v1/deployments', { service: 'ledger', environment: 'production', version, status });
  const incident = (status: string): Promise<any> =>
    eventually(async () => {
      const { body } = await firebreak.get('/v1/incidents?service=ledger');
      return body.items[0]?.status === status && body.items[0];
    }, `an incident that is ${status}`);

  test('a failed deployment pages if a route says so, and its incident stays open until a person resolves it', async () => {
    await deploy('v7', 'failed');
    const { id } = await incident('open');
    await eventually(
      async () => (await firebreak.calls('pagerduty')).some(({ body }) => String(body.dedup_key).startsWith(id)),
      'the page',
    );
    const { body } = await firebreak.get(`/v1/incidents/${id}/timeline`);
    expect(body.items.map(({ kind }: { kind: string }) => kind)).not.toContain('incident.resolved');
    await firebreak.post(`/v1/incidents/${id}/actions/resolve`);
    await incident('resolved');
  });

  test('an overdue deployment has an incident until it ends', async () => {
    const { body: started } = await deploy('v8', 'started');
    const { id } = await incident('open');
    await firebreak.request('PATCH', `/v1/deployments/${started.id}`, { status: 'succeeded' });
    expect((await incident('resolved')).id).toBe(id);
    const { body } = await firebreak.get(`/v1/incidents/${id}/signals`);
    expect(body.items).toMatchObject([{ title: 'The deploy of v8 started and is overdue', status: 'resolved' }]);
  });
});

describe('a failed deployment', () => {
  const deploy = async (service: string, version: string, more: object = {}): Promise<any> => {
    const told = { service, environment: 'production', version, ...more };
    const { status, body } = await firebreak.post('/v1/deployments', told);
    expect([status, body.detail]).toEqual([201, undefined]);
    return body;
  };
  const signalOf = (service: string, status: string, path = '/v1/signals?limit=100'): Promise<any> =>
    seen(
      async () =>
        (await firebreak.get(path)).body.items.find((one: any) => one.service === service && one.status === status),
      `the signal of ${service}, ${status}`,
    );
  const incidentOf = (service: string, status: string): Promise<any> =>
    seen(
      async () =>
        (await firebreak.get(`/v1/incidents?service=${service}`)).body.items.find((one: any) => one.status === status),
      `the incident of ${service}, ${status}`,
    );

  test('the signal ends when a later deployment of the service and environment succeeds, and the channel shows it', async () => {
    await deploy('noticed', 'n1', { status: 'failed', started_at: minutesAgo(5), finished_at: minutesAgo(4) });
    const firing = await signalOf('noticed', 'firing');
    expect(firing).toMatchObject({ title: 'The deploy of n1 failed', ends_at: null });
    const { id } = await deploy('noticed', 'n2', { status: 'started' });
    expect(await signalOf('noticed', 'firing')).toMatchObject({ episode: firing.episode });
    await firebreak.request('PATCH', `/v1/deployments/${id}`, { status: 'succeeded' });
    const ended = await signalOf('noticed', 'resolved');
    expect(ended).toMatchObject({ episode: firing.episode, starts_at: firing.starts_at });
    expect(ended.ends_at > ended.starts_at).toBe(true);
    const all = (await firebreak.get('/v1/signals?limit=100')).body.items;
    expect(all.filter(({ service }: any) => service === 'noticed')).toHaveLength(1);
    await seen(async () => {
      const { body } = await firebreak.get('/sandbox/slack/channels/noticed');
      return JSON.stringify(body.messages ?? []).includes('all alerts resolved');
    }, 'the end in #noticed');
  });

  test('the signal of an incident ends with the incident', async () => {
    await deploy('paged', 'p1', { status: 'failed' });
    const { id } = await incidentOf('paged', 'open');
    await signalOf('paged', 'firing', `/v1/incidents/${id}/signals`);
    await firebreak.post(`/v1/incidents/${id}/actions/resolve`);
    const { resolved_at } = await incidentOf('paged', 'resolved');
    expect(await signalOf('paged', 'resolved', `/v1/incidents/${id}/signals`)).toMatchObject({ ends_at: resolved_at });
  });

  test('the signal of an incident ends when a later deployment succeeds; a person still closes the incident', async () => {
    await deploy('mended', 'm1', { status: 'failed', started_at: minutesAgo(2) });
    const { id } = await incidentOf('mended', 'open');
    await deploy('mended', 'm2');
    await signalOf('mended', 'resolved', `/v1/incidents/${id}/signals`);
    const timeline = (await firebreak.get(`/v1/incidents/${id}/timeline`)).body.items;
    expect(timeline.map(({ text }: any) => text)).toContain('Resolved: The deploy of m1 failed');
    expect((await firebreak.get(`/v1/incidents/${id}`)).body.status).toBe('open');
    await firebreak.post(`/v1/incidents/${id}/actions/resolve`);
    await incidentOf('mended', 'resolved');
  });
});
