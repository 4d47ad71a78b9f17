import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Guarded } from '../../product/guarded.ts';
import { alert, group, minutesAgo } from '../../support/alerts.ts';
import { EACH_ALONE, Firebreak, metricsOf } from '../../support/firebreak.ts';
import { seen } from '../../support/fixtures.ts';
import { acts, begin, bothWays, deployed, drillEnvironments, type DrillTarget, targetOf, runs } from './drills.ts';
import { at } from './support.ts';

const DRILLED = /^drill ([0-9A-Z]{26}): from v2 back to v1 and forward again, target http:/;

const fire = (firebreak: Firebreak, target: DrillTarget) =>
  firebreak.post(
    '/v1/alerts/alertmanager',
    group([alert({ labels: { ...target }, fingerprint: target.service, startsAt: minutesAgo(0.5) })]),
  );

const drillOf = async (firebreak: Firebreak, id: string) => (await firebreak.get(`/v1/drills/${id}`)).body;
const settings = (firebreak: Firebreak, cd: object) => firebreak.put('/sandbox/cd/settings', cd);

describe('a drill', () => {
  let firebreak: Firebreak;
  beforeAll(async () => {
    firebreak = await Firebreak.start({
      unshown: true,
      services: Object.fromEntries([
        ...drillEnvironments('works', 'fails', 'shipped', 'incident', 'busy', 'few', 'unfinished', 'paused', 'later'),
        ['live', { environments: { production: { deployer: { kind: 'http' } } } }],
        ['bare', { environments: { 'bare-lane': { drills: true } } }],
      ]),
      configFiles: EACH_ALONE,
      env: { LOG_LEVEL: 'warn' },
    });
  });
  afterAll(() => firebreak?.remove());

  test('rolls back and forward again, proves the rollback, and has no other effects', async () => {
    const target = targetOf('works');
    await deployed(firebreak, target);
    const { code, out, err } = await at(firebreak, 'drill', target.service, target.environment);
    expect([code, err, out]).toEqual([0, '', expect.stringMatching(DRILLED)]);
    // "changing" is left out if the CD system is done before its first answer.
    expect(out).toMatch(
      / back +v1 is running again\n(.* forth +changing to v2\n)?.* forth +v2 is running again\nproved: /,
    );
    const id = DRILLED.exec(out)?.[1] ?? '';
    expect(await acts(firebreak, target)).toEqual(bothWays(id));
    expect(await runs(firebreak, target)).toBe('v2');

    const { body: changes } = await firebreak.get(`/v1/deployments?service=works`);
    expect(changes.items.map(({ version, rolled_back_by: by }: any) => [version, by])).toEqual([
      ['v2', null],
      ['v1', null],
    ]);
    expect((await firebreak.get('/v1/versions/pinned')).body.items).toEqual([]);
    expect((await firebreak.get('/v1/incidents?service=works')).body.items).toEqual([]);

    const drill = await drillOf(firebreak, id);
    expect(drill).toMatchObject({ ...target, outcome: 'proved', reason: null, asked_by: 'admin', phase: 'ended' });
    expect(drill.rollback_s).toBeGreaterThanOrEqual(0);
    expect(drill.duration_s).toBeGreaterThanOrEqual(drill.rollback_s);
    const { body: listed } = await firebreak.get(`/v1/drills?service=works`);
    expect(listed).toEqual({
      items: [drill],
      next_cursor: null,
      environments: [{ ...target, last_proved_at: drill.ended_at, drill_id: id }],
    });
    const seconds = Date.parse(drill.ended_at) / 1000;
    expect(await metricsOf(firebreak)).toContain(
      `firebreak_drill_last_proved_timestamp_seconds{service="works",environment="works-lane"} ${seconds}\n`,
    );

    const status = await at(firebreak, 'drill', 'status', '--service', 'works');
    expect([status.code, status.out]).toEqual([0, expect.stringMatching(/works +works-lane +20\d\d-/)]);
    const one = await at(firebreak, 'drill', 'status', id);
    expect([one.code, one.out]).toEqual([0, expect.stringMatching(/v2 is running again\nproved: /)]);
  });

  test('a failed drill reports the reason and restores the version', async () => {
    const target = targetOf('fails');
    await deployed(firebreak, target);
    await settings(firebreak, { outcome: 'failed' });
    try {
      const { code, out, err } = await at(firebreak, 'drill', target.service, target.environment);
      expect([code, out]).toEqual([1, expect.stringMatching(DRILLED)]);
      expect(err).toMatch(/^failed: the rollback to v1 failed: .*"status":"failed"/);
      expect(await acts(firebreak, target)).toEqual(bothWays(DRILLED.exec(out)?.[1] ?? ''));
      expect(await runs(firebreak, target)).toBe('v2');
      const { environments: proved } = (await firebreak.get(`/v1/drills?service=fails`)).body;
      expect(proved).toEqual([{ ...target, last_proved_at: null, drill_id: null }]);
      const status = await at(firebreak, 'drill', 'status', '--service', 'fails');
      expect(status.out).toMatch(/fails +fails-lane +never\n/);
    } finally {
      await settings(firebreak, {});
    }
  });

  test('does nothing if another version runs than recorded', async () => {
    const target = targetOf('shipped');
    await deployed(firebreak, target);
    await firebreak.put('/sandbox/cd/live', { ...target, version: 'v3' });
    const { code, err } = await at(firebreak, 'drill', target.service, target.environment);
    expect([code, err]).toEqual([1, 'failed: v3 is running instead of v2; nothing was changed\n']);
    expect(await runs(firebreak, target)).toBe('v3');
  });

  test('retries with the same key while the CD system is unavailable', async () => {
    const target = targetOf('later');
    await deployed(firebreak, target);
    const fault = { kind: 'status', status: 503, body: 'away' };
    const match = { method: 'POST', path: '/api/v1/rollback' };
    await firebreak.put('/sandbox/faults', { vendor: 'cd', fault, times: 3, match });
    const { code, out } = await at(firebreak, 'drill', target.service, target.environment);
    expect([code, out]).toEqual([0, expect.stringMatching(/back +the CD system answered 503.*\n(.*\n)+proved/)]);
    expect(await acts(firebreak, target)).toEqual(bothWays(DRILLED.exec(out)?.[1] ?? ''));
  });

  test.each<[string, DrillTarget, string, RegExp]>([
    [
      'in an environment without drills',
      { service: 'live', environment: 'production' },
      'drills-not-enabled',
      /drills: true/,
    ],
    [
      'in an unknown environment',
      { service: 'live', environment: 'moon' },
      'unknown-service-environment',
      /has no service live in moon/,
    ],
    ['without a deployer', { service: 'bare', environment: 'bare-lane' }, 'no-deployer', /no deployer/],
    ['without recorded deploys', targetOf('few'), 'no-rollback-target', /no deployment is recorded/],
  ])('is refused %s', async (_, { service, environment }, code, why) => {
    const ended = await at(firebreak, 'drill', service, environment);
    const isUsage = code === 'unknown-service-environment';
    expect(ended).toEqual({ code: isUsage ? 2 : 1, out: '', err: expect.stringMatching(why) });
    expect(ended.err).toContain(`(${code})`);
  });

  test('is refused with only one version, during a deploy, and while automation is paused', async () => {
    const few = targetOf('few');
    await firebreak.post('/v1/deployments', { ...few, version: 'v1', started_at: minutesAgo(300) });
    expect(await begin(firebreak, few)).toMatchObject({ status: 409, body: { code: 'no-rollback-target' } });

    const unfinished = targetOf('unfinished');
    await deployed(firebreak, unfinished);
    await firebreak.post('/v1/deployments', { ...unfinished, version: 'v3', status: 'started' });
    expect(await begin(firebreak, unfinished)).toMatchObject({ status: 409, body: { code: 'deploy-in-progress' } });

    const paused = targetOf('paused');
    await deployed(firebreak, paused);
    await firebreak.put('/v1/automation', { paused: true, reason: 'test' });
    expect(await begin(firebreak, paused)).toMatchObject({ status: 409, body: { code: 'automation-paused' } });
    await firebreak.put('/v1/automation', { paused: false });
    expect(await acts(firebreak, paused)).toEqual([]);
  });

  test('waits between rollback and redeploy while automation is paused', async () => {
    const target = targetOf('paused');
    const cd = new Guarded(() => firebreak);
    await cd.holdRollbacks();
    const { body: begun } = await begin(firebreak, target);
    await seen(async () => (await acts(firebreak, target)).length === 1, 'the way back');
    await firebreak.put('/v1/automation', { paused: true, reason: 'test' });
    await cd.letRollbacksEnd();
    const waits = ({ steps }: any) => steps.some(({ phase, kind }: any) => phase === 'forth' && kind === 'withheld');
    await seen(async () => waits(await drillOf(firebreak, begun.id)), 'that it waits');
    expect(await acts(firebreak, target)).toHaveLength(1);
    await firebreak.put('/v1/automation', { paused: false });
    await seen(async () => (await drillOf(firebreak, begun.id)).outcome === 'proved', 'its end');
    expect(await acts(firebreak, target)).toEqual(bothWays(begun.id));
  });

  test('is refused while an incident is open', async () => {
    const target = targetOf('incident');
    await deployed(firebreak, target);
    const { body: incident } = await firebreak.post('/v1/incidents', { ...target, title: 'Slow', severity: 'info' });
    expect(await begin(firebreak, target)).toMatchObject({ status: 409, body: { code: 'incident-open' } });
    await firebreak.post(`/v1/incidents/${incident.id}/actions/resolve`);
    const begun = await seen(async () => {
      const answered = await begin(firebreak, target);
      return answered.status === 202 && answered.body;
    }, 'a drill after the incident');
    await seen(async () => (await drillOf(firebreak, begun.id)).outcome === 'proved', 'its end');
  });

  test('holds its target: a second drill is refused, and an incident does not act', async () => {
    const target = targetOf('busy');
    await deployed(firebreak, target);
    const cd = new Guarded(() => firebreak);
    await cd.holdRollbacks();
    const { body: begun } = await begin(firebreak, target);
    expect(await begin(firebreak, target)).toMatchObject({ status: 409, body: { code: 'drill-running' } });
    // The drill locks its target with its first call. An incident that acts before it ends the drill.
    await seen(async () => (await acts(firebreak, target)).length === 1, 'the rollback of the drill');
    await fire(firebreak, target);
    const incident = await seen(async () => {
      const { items } = (await firebreak.get('/v1/incidents?service=busy')).body;
      return items.find(({ decisions }: any) => decisions.length > 0);
    }, 'the decision');
    const timeline = async () => (await firebreak.get(`/v1/incidents/${incident.id}/timeline?limit=200`)).body.items;
    const said = await seen(
      async () => (await timeline()).find(({ kind }: any) => kind.startsWith('mitigation.')),
      'that it is withheld',
    );
    expect(said).toMatchObject({ kind: 'mitigation.withheld', text: expect.stringContaining('a drill') });
    await cd.letRollbacksEnd();
    await seen(async () => (await drillOf(firebreak, begun.id)).outcome === 'proved', 'its end');
    expect(await acts(firebreak, target)).toEqual(bothWays(begun.id));
  });

  test('a repeated Idempotency-Key returns the same drill', async () => {
    const target = targetOf('works');
    const asked = { 'idempotency-key': 'nightly' };
    const first = await firebreak.request('POST', '/v1/drills', target, asked);
    const again = await firebreak.request('POST', '/v1/drills', target, asked);
    expect([first.status, again.status, again.body.id]).toEqual([202, 202, first.body.id]);
    await seen(async () => (await drillOf(firebreak, first.body.id)).outcome === 'proved', 'its end');
    firebreak.forgetResponses();
    const later = await firebreak.request('POST', '/v1/drills', target, asked);
    expect([later.status, later.body.id]).toEqual([202, first.body.id]);
  });

  test('requires permission for the service to start and to read', async () => {
    const as = async (grant: object) => {
      const { body } = await firebreak.post('/v1/tokens', { name: 'grace', ...grant });
      return { authorization: `Bearer ${body.token}` };
    };
    const elsewhere = await as({ actions: ['drills:read', 'drills:write'], services: ['fails'] });
    expect((await firebreak.request('POST', '/v1/drills', targetOf('works'), elsewhere)).status).toBe(403);
    const { body } = await firebreak.request('GET', '/v1/drills', undefined, elsewhere);
    expect(new Set([...body.items, ...body.environments].map(({ service }: any) => service))).toEqual(
      new Set(['fails']),
    );
    const reader = await as({ actions: ['drills:read'] });
    expect((await firebreak.request('POST', '/v1/drills', targetOf('works'), reader)).status).toBe(403);
    const [{ id }] = (await firebreak.get('/v1/drills?service=works')).body.items;
    expect((await firebreak.request('GET', `/v1/drills/${id}`, undefined, elsewhere)).status).toBe(403);
    expect((await firebreak.get(`/v1/drills/${'0'.repeat(26)}`)).body.code).toBe('unknown-drill');
  });
});
