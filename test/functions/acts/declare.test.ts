import { beforeEach, expect, test } from 'vitest';
import { declare } from '../../../functions/acts/incidents.ts';
import type { Who } from '../../../functions/acts/who.ts';
import type { EnvironmentName, ServiceName, Severity } from '../../../schemas/names.ts';
import { FakeWorld } from '../../support/fake-deps.ts';

const ADA: Who = { name: 'ada', allow: () => undefined };
const BOB: Who = { name: 'bob', allow: () => undefined };

let world: FakeWorld;
beforeEach(() => {
  world = new FakeWorld();
  world.engine = {
    start: async () => undefined,
    ring: async () => undefined,
    died: async () => false,
    kill: () => undefined,
    dieAfter: () => undefined,
  };
});

const says = (who: Who, title: string, severity: Severity) =>
  declare(world.deps, who, {
    service: 'checkout' as ServiceName,
    environment: 'production' as EnvironmentName,
    title,
    severity,
    trace: 'trace',
  });

const told = async (id: Awaited<ReturnType<typeof says>>['incident']['id']) =>
  (await world.deps.incidents.timeline(id, { limit: 50 })).items
    .map(({ actor, text }) => `${actor}: ${text}`)
    .toReversed();

test('what is declared where one is open already is not lost: it is told, and as severe as they say', async () => {
  const { incident } = await says(ADA, 'Latency is high', 'warning');
  const second = await says(BOB, 'Customers are charged twice', 'critical');
  expect(second).toMatchObject({ created: false, incident: { id: incident.id, severity: 'critical' } });
  expect((await told(incident.id)).slice(1)).toEqual([
    'bob: Declared, while it was open already: Customers are charged twice (critical)',
    'bob: Changed severity to critical',
  ]);
});

test('the same that is sent again is told once, and nothing makes it less severe', async () => {
  const { incident } = await says(ADA, 'Down', 'critical');
  await says(BOB, 'Slow', 'warning');
  expect((await says(BOB, 'Slow', 'warning')).incident.severity).toBe('critical');
  expect((await told(incident.id)).slice(1)).toEqual(['bob: Declared, while it was open already: Slow (warning)']);
});
