import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Deps } from '../../../domain/ports/deps.ts';
import { reportOverdue } from '../../../actions/changes/overdue-deploys.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { minutesAgo } from '../../support/alerts.ts';
import { FakeWorld } from '../../support/fake-deps.ts';
import { EACH_ALONE, eventually, Firebreak } from '../../support/firebreak.ts';
import { seen } from '../../support/fixtures.ts';
import { acting } from '../../workflows/play.ts';

describe('a deployment that does not end', () => {
  /** Creates a world with one deployment that started `seconds` ago. Returns its signals. */
  async function rolling(seconds: number, more: object = {}) {
    const world = new FakeWorld();
    world.config = acting();
    const said: Signal[] = [];
    const queue: Deps['queue'] = { sendAll: async (_, signals) => void said.push(...signals) };
    const started_at = new Date(world.clock.millis - seconds * 1000).toISOString();
    const serviceEnvironment = { service: 'checkout', environment: 'production' };
    const { change } = await world.deps.changes.record(
      NewChange.parse({ ...serviceEnvironment, version: 'v7', status: 'started', started_at, ...more }),
    );
    const sweep = (timeScale = 1) => reportOverdue({ ...world.deps, queue, timeScale });
    return { world, said, change, sweep };
  }

  test('is a warning of its service after its time-out, with that time as the start', async () => {
    const { world, said, change, sweep } = await rolling(299);
    await sweep();
    expect(said).toEqual([]);
    world.clock.set(world.clock.millis + 1000);
    await sweep();
    expect(said).toMatchObject([
      {
        source: 'deployment',
        status: 'firing',
        service: 'checkout',
        environment: 'production',
        severity: 'warning',
        asksRollback: false,
        title: 'The deploy of v7 started and is overdue',
        startsAt: world.clock.now(),
      },
    ]);
    expect(new Map(said[0]?.labels)).toEqual(
      new Map([
        ['alertname', 'DeploymentTimedOut'],
        ['service', 'checkout'],
        ['environment', 'production'],
        ['severity', 'warning'],
        ['version', 'v7'],
      ]),
    );
    expect(await world.deps.changes.overdueAt(change.id)).toBe(world.clock.now());
  });

  test('is reported once', async () => {
    const { world, said, sweep } = await rolling(1000);
    await sweep();
    world.clock.set(world.clock.millis + 3_600_000);
    await sweep();
    expect(said).toHaveLength(1);
  });

  test('is dropped after a month: its warning ends, and it is no longer read', async () => {
    const { world, said, sweep } = await rolling(1000);
    await sweep();
    world.clock.set(world.clock.millis + 29 * 86_400_000);
    await sweep();
    expect(said).toHaveLength(1);
    expect(await world.deps.changes.rolling()).toHaveLength(1);
    world.clock.set(world.clock.millis + 86_400_000);
    await sweep();
    expect(said.map(({ status, title }) => [status, title])).toEqual([
      ['firing', 'The deploy of v7 started and is overdue'],
      ['resolved', 'The end of the deploy of v7 was not reported for 30 days'],
    ]);
    expect(said[1]?.episode).toBe(said[0]?.episode);
    expect(await world.deps.changes.rolling()).toEqual([]);
  });

  test('of a kind without an expected end is not reported', async () => {
    const { world, said, sweep } = await rolling(1, { kind: 'flag' });
    await sweep();
    expect(said).toEqual([]);
    expect(await world.deps.changes.rolling()).toEqual([]);
  });

  test('is reported again as the same signal if the first attempt is unclear', async () => {
    const { world, said, sweep } = await rolling(1000);
    world.on('changes.setOverdue', {
      before: () => {
        throw new Error('the table did not answer');
      },
    });
    await sweep();
    expect(said).toHaveLength(1);
    world.on('changes.setOverdue', {});
    world.clock.set(world.clock.millis + 60_000);
    await sweep();
    expect(said).toHaveLength(2);
    expect(said[1]?.episode).toBe(said[0]?.episode);
  });

  test.each([
    ['succeeded', { status: 'succeeded' }],
    ['failed, which was reported separately', { status: 'failed' }],
    ['was cancelled', { status: 'cancelled' }],
    ['is a flag change', { kind: 'flag' }],
    ['is an experiment', { kind: 'experiment' }],
  ])('does not include one that %s', async (_, more) => {
    const { said, sweep } = await rolling(86_400, more);
    await sweep();
    expect(said).toEqual([]);
  });

  test.each([
    [900, 899, 1, 0],
    [900, 900, 1, 1],
    [30, 30, 1, 1],
    [900, 90, 10, 1],
    [900, 89, 10, 0],
  ])(
    'can have a time-out of %d s for its environment: reported after %d s at %d times the speed',
    async (may, seconds, scale, count) => {
      const { world, said, sweep } = await rolling(seconds);
      world.config = acting({ deployTimeoutSeconds: may });
      await sweep(scale);
      expect(said).toHaveLength(count);
    },
  );

  test('does not block reports of others', async () => {
    const { world, said, sweep } = await rolling(1000);
    const serviceEnvironment = { service: 'search', environment: 'staging', version: 'v1', status: 'started' };
    await world.deps.changes.record(NewChange.parse({ ...serviceEnvironment, started_at: '2026-11-20T11:00:00.000Z' }));
    await sweep();
    expect(said.map(({ service, unmatched }) => unmatched ?? service).toSorted()).toEqual(['checkout', 'search']);
  });
});

describe('through the front door', { timeout: 180_000 }, () => {
  let firebreak: Firebreak;
  const serviceEnvironment = (service: string) => ({ service, environment: 'production' });
  beforeAll(async () => {
    const told = (name: string) => ({ slack: { channel: `#${name}` } });
    firebreak = await Firebreak.start({
      services: {
        slow: { ...told('slow'), environments: { production: null } },
        broken: { ...told('broken'), environments: { production: null } },
        patient: { ...told('patient'), environments: { production: { deployTimeoutSeconds: 604_800 } } },
        ledger: { environments: { production: {} } },
      },
      configFiles: {
        'routes.yaml': `${EACH_ALONE['routes.yaml']}routes: [{ match: { service: ledger }, page: true }]\n`,
      },
      env: { LOG_LEVEL: 'warn' },
    });
  });
  afterAll(() => firebreak?.remove());

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
