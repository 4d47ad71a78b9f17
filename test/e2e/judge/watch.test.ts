import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../packages/demo/free-port.ts';
import { minutesAgo } from '../../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../../support/firebreak.ts';
import { have, type Running, startPrometheus } from '../../support/prometheus-stack.ts';
import { CD_TOKEN, CdServer } from '../support/cd-server.ts';
import { catalogue } from '../support/story.ts';
import type { ToyService } from '../support/toy-service.ts';
import { judgeOf, MINUTES_OF_CANARY, recorded } from './traffic.ts';

/** The service with these recorded series, and how it is configured and deployed. */
const WATCHED = {
  good: {},
  failing: { mode: 'act' },
  slow: { mode: 'approve' },
  quiet: {},
} as const;
type Name = keyof typeof WATCHED;
const NAMES = Object.keys(WATCHED) as Name[];

describe.skipIf(!have('prometheus', 'promtool'))('the watch of a deploy with a real Prometheus', () => {
  let prometheus: Running;
  let cd: CdServer;
  let firebreak: Firebreak;

  beforeAll(async () => {
    prometheus = await startPrometheus({
      port: await freePort(),
      targets: [],
      alertmanagers: [],
      rules: 'groups: []\n',
      history: recorded(Math.floor(Date.now() / 1000)),
    });
    const services = NAMES.map((name) => ({ name, version: 'v42' }) as unknown as ToyService);
    cd = await CdServer.start(services);
    const entries = services.map((service) =>
      catalogue(cd, [service], {
        autoRollback: {
          mode: 'suggest',
          evidence: 'time',
          ...WATCHED[service.name as Name],
          unknownMigration: 'approve',
        },
        judge: judgeOf(service.name),
        watch: { checks: 3, intervalSeconds: 10 },
      }),
    );
    firebreak = await Firebreak.start({
      unshown: true,
      timeScale: 20,
      configFiles: EACH_ALONE,
      env: { PROMETHEUS_URL: prometheus.url, CD_TOKEN },
      services: Object.assign({}, ...entries) as object,
    });
    for (const service of NAMES) {
      await deploy(service, 'v41', 75, {});
      await deploy(service, 'v42', MINUTES_OF_CANARY, { has_migration: false });
    }
  });
  afterAll(async () => {
    await firebreak?.remove();
    await cd?.stop();
    await prometheus?.stop();
  });

  const deploy = (service: Name, version: string, ago: number, more: object) =>
    firebreak.post('/v1/deployments', {
      service,
      environment: 'production',
      version,
      started_at: minutesAgo(ago),
      finished_at: minutesAgo(ago),
      ...more,
    });

  const untilWatched = (service: Name) =>
    eventually(async () => {
      const { body } = await firebreak.get(`/v1/watches?service=${service}`);
      return body.items.length === 1 && body.items[0].outcome !== null && body.items[0];
    }, `the watch of ${service} has ended`);

  const incidentsOf = async (service: Name) => (await firebreak.get(`/v1/incidents?service=${service}`)).body.items;
  const untilDecided = (service: Name) =>
    eventually(async () => {
      const [incident] = await incidentsOf(service);
      return incident?.decisions.length > 0 && incident;
    }, `an incident of ${service} is judged`);

  test('a good version passes all checks', async () => {
    const watch = await untilWatched('good');
    expect(watch).toMatchObject({
      version: 'v42',
      baseline: 'v41',
      outcome: 'healthy',
      startup: { slow: false },
      metrics: [
        { name: 'errors', verdict: 'healthy' },
        { name: 'p95', verdict: 'healthy' },
      ],
    });
    expect(watch.checks.map(({ number }: { number: number }) => number)).toEqual([1, 2, 3]);
    expect(await incidentsOf('good')).toEqual([]);
    expect((await firebreak.get(`/v1/watches/${watch.id}`)).body).toEqual(watch);
    expect((await firebreak.get(`/v1/deployments/${watch.change_id}`)).body.watch).toMatchObject({
      id: watch.id,
      state: 'ended',
      outcome: 'healthy',
      checks_planned: 3,
      checks_done: 3,
      url: `/v1/watches/${watch.id}`,
    });
    expect((await firebreak.get('/v1/watches?outcome=running&service=good')).body.items).toEqual([]);
  });

  test('3 % errors are rolled back by the engine', async () => {
    expect(await untilWatched('failing')).toMatchObject({
      outcome: 'degraded',
      reason: expect.stringMatching(/^errors: 3 % of .*; v41 at the same time: 0\.3 % of /),
    });
    const incident = await untilDecided('failing');
    expect(incident).toMatchObject({ decisions: [{ kind: 'roll_back', from_version: 'v42', to_version: 'v41' }] });
    await eventually(async () => cd.rollbacksOf('failing').length > 0, 'the version is rolled back');
    expect(cd.rollbacksOf('failing')).toEqual([{ from: 'v42', to: 'v41' }]);
  });

  test('a slow 95 % quantile is degraded, and mode approve asks', async () => {
    expect(await untilWatched('slow')).toMatchObject({
      outcome: 'degraded',
      metrics: [{ verdict: 'healthy' }, { name: 'p95', verdict: 'degraded' }],
    });
    expect(await untilDecided('slow')).toMatchObject({
      title: 'v42 is degraded since its deploy',
      decisions: [{ kind: 'approve', from_version: 'v42', to_version: 'v41' }],
    });
    expect(cd.rollbacksOf('slow')).toEqual([]);
  });

  test('too little traffic is inconclusive, and opens no incident', async () => {
    expect(await untilWatched('quiet')).toMatchObject({
      outcome: 'inconclusive',
      reason: expect.stringContaining('errors: too little traffic'),
    });
    const signals = await eventually(async () => {
      const { body } = await firebreak.get('/v1/signals?service=quiet');
      return body.items.length > 0 && body.items;
    }, 'the finding is recorded');
    expect(signals).toMatchObject([{ source: 'watch', severity: 'info', status: 'firing' }]);
    expect(await incidentsOf('quiet')).toEqual([]);
  });
});
