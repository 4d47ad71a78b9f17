import { beforeEach, expect, test } from 'vitest';
import { sendUpdateToStakeholders } from '../../../../core/actions/incidents/acknowledge.ts';
import { declareIncident } from '../../../../core/actions/incidents/declare-incident.ts';
import type { Caller } from '../../../../core/actions/people/caller.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { FakeWorld, idleEngine } from '../../../support/fake-deps.ts';

const ADA: Caller = { name: 'ada', allow: () => undefined };

let world: FakeWorld;
let id: IncidentId;

const configured = async (statusPage: object, file: object = {}) => {
  world = new FakeWorld();
  world.engine = idleEngine();
  const environments = { production: {} };
  const services = {
    checkout: { statusPage, environments },
    shop: { statusPage: { components: ['Shop'] }, environments },
  };
  world.config = Config.parse({ version: 'test', services, paging: {}, statusPage: file });
  const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
  ({ id } = (
    await declareIncident(world.deps, ADA, { ...serviceEnvironment, title: 'Down', severity: 'critical', trace: 't' })
  ).incident);
};

beforeEach(() => configured({ components: ['Checkout'], publish: 'approve' }));

const says = async (publish: 'no' | 'if_shown' | 'required') =>
  (await sendUpdateToStakeholders(world.deps, ADA, { id, text: 'It is vendor X, do not tell customers', publish }))
    .public;
const isPublic = async () => (await world.deps.incidents.read(id))?.published_by !== undefined;

test('an internal update publishes nothing', async () => {
  expect(await says('no')).toEqual({ state: 'waits' });
  expect(await isPublic()).toBe(false);
});

test.each(['if_shown', 'required'] as const)(
  'an update with publication approves the status page: %s',
  async (publish) => {
    expect(await says(publish)).toEqual({ state: 'published' });
    expect(world.store.dossier(id).timeline.at(-1)?.kind).toBe('statuspage.published');
  },
);

test('there is nothing to allow', async () => {
  await configured({ components: ['Checkout'], publish: 'auto' });
  expect(await says('if_shown')).toEqual({ state: 'nothing' });
});

test.each([
  [{ components: [] }, {}, /checkout has no component on the status page: set statusPage.components/],
  [
    { components: ['Checkout'] },
    { environments: ['eu'] },
    /environment production is not public: add it to environments/,
  ],
])('a page that never shows the incident says why: %j, %j', async (page, file, reason) => {
  await configured(page, file);
  expect(await says('if_shown')).toEqual({ state: 'not_shown', reason: expect.stringMatching(reason) });
  const sent = (await world.deps.incidents.timeline(id, { limit: 9 })).items.length;
  await expect(says('required')).rejects.toMatchObject({
    code: 'not-on-status-page',
    message: expect.stringMatching(reason),
  });
  expect((await world.deps.incidents.timeline(id, { limit: 9 })).items).toHaveLength(sent);
  expect(await isPublic()).toBe(false);
});
