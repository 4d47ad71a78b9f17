import { expect, test } from 'vitest';
import type { TargetResponse } from '../../domain/rollback/targets.ts';
import { ends, fires, type Moment, play, theIncident } from './play.ts';

const waits: TargetResponse = {
  kind: 'in_progress',
  id: 'https://git.test/pull/1',
  handle: 'pull/1',
  waitsFor: 'the pull request https://git.test/pull/1 must be merged',
};
const SAID =
  'The rollback from v2 to v1 is waiting for a person: the pull request https://git.test/pull/1 must be merged';

test('a waiting rollback is reported once, and holds the lock of its target', async () => {
  const seen: unknown[] = [];
  const recordState: Moment = async (world) => {
    const view = await world.deps.incidents.view(theIncident(world));
    const effect = view?.effects.find(({ kind }) => kind === 'roll-back');
    seen.push([view?.status, effect?.state, effect?.detail, world.store.locks.length]);
  };
  const unmerged: Moment = (world) => {
    // The CD system's responses to the rollback, and to later status requests.
    world.rollbacks = [waits];
    world.looks = [waits];
  };
  const merged: Moment = (world) => {
    world.looks = [{ kind: 'succeeded', id: 'rb-1' }];
  };
  const timeline = { '0 s': fires(), '2 min': recordState, '3 min': merged, '4 min': recordState, '9 min': ends() };
  const { world } = await play({ given: [unmerged], timeline });
  expect(seen).toEqual([
    ['mitigating', 'accepted', SAID, 1],
    ['mitigated', 'succeeded', 'Rolled back to v1', 0],
  ]);
  const told = world.store.dossier(theIncident(world)).timeline.filter(({ text }) => text === SAID);
  expect(told.map(({ kind }) => kind)).toEqual(['roll-back.accepted']);
});
