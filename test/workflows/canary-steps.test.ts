import { expect, test } from 'vitest';
import { api } from '../../entrances/http/app.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import { NOON } from '../core/arbitraries.ts';
import { consoleWorld } from '../support/console-world.ts';
import { FakeWorld } from '../support/fake-deps.ts';
import { acting, deploys, ends, fires, handlerWith, liveThrough, type Moment, samplesOf, theIncident } from './play.ts';
import { VirtualExecutions } from './virtual-executions.ts';

/** The steps of a canary that a CD system reports: from its requests to the reasons that people read. */

const after = (minutes: number): Timestamp => plusSeconds(NOON, 60 * minutes);

/** Measures errors of all versions together, with requests. */
const measuring =
  (ratioAt: (at: Timestamp) => number): Moment =>
  ({ deps: { metrics } }) => {
    metrics.range = async (promql, from, until, _combine, { stepSeconds = 30 } = {}) =>
      samplesOf(from, until, (at) => (promql.includes('errors') ? ratioAt(at) : 100), stepSeconds);
  };

/** Plays a canary with 10 % of the traffic from noon on, and 50 % from 12:20 on, and an alert at 12:26. */
async function canaryWith(ratioAt: (at: Timestamp) => number) {
  const world = new FakeWorld();
  world.config = acting({
    health: {
      promql: 'sum(rate(errors[1m])) / sum(rate(requests[1m]))',
      max: 0.01,
      traffic: 'sum(rate(requests[1m]))',
    },
    autoRollback: { mode: 'act', evidence: 'proved', unknownMigration: 'act' },
  });
  await deploys('v1', 240)(world);
  await measuring(ratioAt)(world);
  const secrets = { get: async (name: string) => (name === 'FIREBREAK_ADMIN_TOKEN' ? 'admin' : undefined) };
  const tokens = Object.assign({}, world.deps.tokens, { find: async () => undefined, list: async () => [] });
  const app = api({ ...world.deps, secrets, tokens });
  let deployment = { id: '' };
  const sends = (method: string, path: () => string, body: object) => async () => {
    const headers = { authorization: 'Bearer admin', 'content-type': 'application/json' };
    const response = await app.request(path(), { method, headers, body: JSON.stringify(body) });
    expect(response.ok).toBe(true);
    deployment = (await response.json()) as typeof deployment;
  };
  const started = { service: 'checkout', environment: 'production', version: 'v2', status: 'started' };
  const virtual = new VirtualExecutions(world.clock, handlerWith(world.deps));
  world.engine = virtual;
  await liveThrough(world, virtual, {
    '0 s': sends('POST', () => '/v1/deployments', { ...started, canary_weight: 0.1, has_migration: false }),
    '20 min': sends('PATCH', () => `/v1/deployments/${deployment.id}`, { canary_weight: 0.5 }),
    '26 min': fires({ began: 120 }),
    '40 min': ends(),
  });
  const incident = await world.deps.incidents.view(theIncident(world));
  const page = await consoleWorld(undefined, world).get('/console/incidents/INC-1', { token: 'grace' });
  return { deployment, incident, shown: (await page.text()).replace(/<[^>]+>/g, '') };
}

const shareAt = (at: Timestamp): number => (at < after(0) ? 0 : at < after(20) ? 0.1 : 0.5);

test('errors that are in proportion to the share of a canary are a reason for its version, which a person decides', async () => {
  const { deployment, incident, shown } = await canaryWith((at) => 0.001 + 0.04 * shareAt(at));
  expect(deployment).toMatchObject({
    canary_weight: 0.5,
    canary_steps: [
      { at: after(0), weight: 0.1 },
      { at: after(20), weight: 0.5 },
    ],
  });
  const reason = 'errors moved with its share of the traffic: 0.5 % at 10 % and 2.1 % at 50 %';
  expect(incident?.suspects[0]).toMatchObject({ version: 'v2', reasons: expect.arrayContaining([reason]) });
  expect(incident?.decisions[0]).toMatchObject({ kind: 'approve', because: 'not_proved' });
  expect(shown).toContain(reason);
});

test('errors that stay the same as its share rises are a reason against it', async () => {
  const { incident, shown } = await canaryWith((at) => (at < after(10) ? 0.001 : 0.03));
  const reason = 'errors did not move with its share of the traffic: 3 % at 10 % and 3 % at 50 %';
  expect(incident?.suspects[0]?.reasons).toContain(`against it: ${reason}`);
  expect(shown).toContain(reason);
});
