import { expect, test } from 'vitest';
import { updateSimilar, similarIncidents } from '../../core/actions/incidents/similar-incidents.ts';
import { detailsCard } from '../../core/domain/messages/incident-card.ts';
import { compareIncidents } from '../../core/jobs/sweep/compare-incidents.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import {
  all,
  answers,
  configured,
  deploys,
  ends,
  fires,
  mode,
  type Moment,
  play,
  says,
  type Story,
  theIncident,
  withHealth,
} from './play.ts';
import { begins, finishes, recordsLate } from './stories/late-changes.ts';
import { redeployPaths } from './stories/redeploys.ts';
import { paths } from './stories/rollbacks.ts';

/** Plays an incident, which a rollback fixes unless the story says otherwise. Three weeks later, alerts fire again. */
async function again(
  name?: string,
  labels: Record<string, string> = {},
  story: Parameters<typeof play>[0] = paths['rollback-is-verified'] ?? { timeline: {} },
): Promise<{ world: FakeWorld; id: IncidentId }> {
  const { world } = await play(story);
  world.clock.set(world.clock.millis + 21 * 86_400_000 + 60_000);
  await deploys('v3', 5)(world);
  world.engine = { start: async () => undefined, complete: async () => undefined } as unknown as FakeWorld['engine'];
  await fires({ ...(name !== undefined && { name }), labels })(world);
  const id = [...world.store.dossiers.keys()].at(-1);
  if (id === undefined) throw new Error('no incident has opened');
  return { world, id };
}

test('an incident names an earlier one of the same alert, what fixed it, and its action items', async () => {
  const { world, id } = await again();
  const first = theIncident(world);
  const openOf = async () => [{ id: 'i', incident_id: first, title: 'Alert sooner', done: false }];
  const list = { isConfigured: () => true, load: async () => ({ openOf }) as never };
  Object.assign(world.deps, { extensions: { ...world.deps.extensions, actionItems: [list] } });
  expect(await compareIncidents(world.deps, await world.deps.incidents.open())).toEqual({ compared: 1 });
  // Nothing is written again, because a write updates the card.
  expect(await compareIncidents(world.deps, await world.deps.incidents.open())).toEqual({ compared: 0 });
  const incident = await world.deps.incidents.read(id);
  expect(incident?.similar).toEqual([
    {
      id: first,
      number: 1,
      title: 'HighErrorRatio of checkout',
      opened_at: '2026-11-20T12:00:00.000Z',
      reasons: ['same alert: HighErrorRatio'],
      fixed_by: 'fixed by a rollback of v2 to v1',
      open_action_items: 1,
    },
  ]);
  const story = await world.deps.incidents.story(id, null);
  if (story === undefined) throw new Error('no story');
  expect(JSON.stringify(detailsCard(story))).toContain(
    'INC-1 HighErrorRatio of checkout: 3 weeks ago; same alert: HighErrorRatio; fixed by a rollback of v2 to v1; its action item is still open',
  );
});

test('a version that was deployed over the probable cause has ended an earlier incident, as far as its changes are read', async () => {
  const asks = { autoRollback: { mode: 'suggest', evidence: 'time', unknownMigration: 'act' } };
  const { world, id } = await again(
    undefined,
    {},
    {
      given: [configured(asks)],
      timeline: { '0 s': fires(), '240 s': begins('v3'), '270 s': finishes('v3'), '10 min': ends() },
    },
  );
  const incident = (await world.deps.incidents.read(id)) ?? expect.unreachable();
  expect(await similarIncidents(world.deps, incident)).toMatchObject([
    { fixed_by: 'ended after v3 was deployed over v2' },
  ]);
  for (let n = 0; n < 100; n += 1) await recordsLate(`w${n}`, 1)(world);
  expect(await similarIncidents(world.deps, incident)).toMatchObject([{ fixed_by: null }]);
});

test('what a person deployed again has fixed an earlier incident', async () => {
  const { world, id } = await again(undefined, {}, redeployPaths['redeploy-by-hand']);
  const incident = await world.deps.incidents.read(id);
  expect(incident && (await similarIncidents(world.deps, incident))).toMatchObject([
    { fixed_by: 'fixed outside Firebreak: the earlier version was deployed again' },
  ]);
});

const hasHealth =
  (value: number): Moment =>
  (world) =>
    void (world.health = { kind: 'value', value });

test.each<[string, Story['timeline'], string | null]>([
  ['that ended by itself', { '24 min': ends() }, 'fixed by a rollback of v2 to v1'],
  [
    'that a newer version ended',
    { '21 min': begins('v4'), '1280 s': finishes('v4'), '24 min': ends() },
    'ended after v4 was deployed over v3',
  ],
  [
    'that was rolled back as well',
    { '22 min': answers('approved'), '24 min': ends() },
    'fixed by a rollback of v3 to v1',
  ],
  [
    'whose rollback did not help',
    { '21 min': hasHealth(0.2), '22 min': answers('approved'), '60 min': all(hasHealth(0.001), ends()) },
    'ended by itself',
  ],
])('the fix of an earlier incident is named if a later problem of it is one %s', async (how, more, expected) => {
  const isDeployed = how !== 'that ended by itself';
  const deploys3 = isDeployed ? { '1160 s': begins('v3'), '1190 s': finishes('v3') } : {};
  const story = {
    given: [withHealth, hasHealth(0.001)],
    timeline: { '0 s': fires(), '180 s': ends(), ...deploys3, '20 min': fires({ began: 5 }), ...more },
  };
  const { world, id } = await again(undefined, {}, story);
  const first = await world.deps.incidents.read(theIncident(world));
  expect(first?.earlier_problems).toMatchObject([{ verification: 'passed', mitigation: { number: 1 } }]);
  const incident = (await world.deps.incidents.read(id)) ?? expect.unreachable();
  expect(await similarIncidents(world.deps, incident)).toMatchObject([{ fixed_by: expected }]);
});

test('another alert alone is not similar, and a resolved incident is not compared', async () => {
  const { world, id } = await again('DiskFull');
  const incident = await world.deps.incidents.read(id);
  expect(incident && (await similarIncidents(world.deps, incident))).toEqual([]);
  expect(await updateSimilar(world.deps, theIncident(world))).toBe(false);
  await ends({ name: 'DiskFull' })(world);
});

test('an incident recalls the cause that a person wrote, and not what was suspected and excluded', async () => {
  const rejected: Story = {
    given: [mode('approve')],
    timeline: {
      '0 s': fires(),
      '2 min': answers('rejected'),
      '4 min': says({ kind: 'resolve', by: 'person:ada', note: 'config problem' }, { words: 'config problem' }),
      '5 min': ends(),
    },
  };
  const { world, id } = await again(undefined, {}, rejected);
  await updateSimilar(world.deps, id);
  const [similar] = (await world.deps.incidents.read(id))?.similar ?? [];
  expect(similar).toMatchObject({
    reasons: ['same alert: HighErrorRatio'],
    fixed_by: 'as person:ada wrote, "config problem"',
  });
});
