import { beforeEach, expect, test } from 'vitest';
import { sendUpdateToStakeholders } from '../../../actions/incidents/acknowledge.ts';
import { declareIncident } from '../../../actions/incidents/declare-incident.ts';
import type { Caller } from '../../../actions/people/caller.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { FakeWorld, idleEngine } from '../../support/fake-deps.ts';

const ADA: Caller = { name: 'ada', allow: () => undefined };

let world: FakeWorld;
let id: IncidentId;

const configured = async (statusPage: object) => {
  world = new FakeWorld();
  world.engine = idleEngine();
  const services = { checkout: { statusPage, environments: { production: {} } } };
  world.config = Config.parse({ version: 'test', services, paging: {} });
  const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
  ({ id } = (
    await declareIncident(world.deps, ADA, { ...serviceEnvironment, title: 'Down', severity: 'critical', trace: 't' })
  ).incident);
};

beforeEach(() => configured({ components: ['Checkout'], publish: 'approve' }));

const says = async (publish: boolean) =>
  (await sendUpdateToStakeholders(world.deps, ADA, { id, text: 'It is vendor X, do not tell customers', publish }))
    .public;
const isPublic = async () => (await world.deps.incidents.read(id))?.published_by !== undefined;

test('an internal update publishes nothing', async () => {
  expect(await says(false)).toBe('waits');
  expect(await isPublic()).toBe(false);
});

test('an update with publication approves the status page', async () => {
  expect(await says(true)).toBe('published');
  expect((await world.deps.incidents.timeline(id, { limit: 9 })).items[0]?.kind).toBe('statuspage.published');
});

test.each([{ components: [] }, { components: ['Checkout'], publish: 'auto' }])(
  'there is nothing to allow: %j',
  async (page) => {
    await configured(page);
    expect(await says(true)).toBe('nothing');
  },
);
