import { expect, test } from 'vitest';
import { play, theIncident } from './play.ts';
import { paths } from './stories/rollbacks.ts';

test('a CD system that does not answer is on the timeline once, before the attempts end', async () => {
  const { world } = await play(paths['cd-system-is-unreachable-until-the-deadline'] ?? expect.unreachable());
  const { timeline } = world.store.dossier(theIncident(world));
  const told = timeline.filter(({ kind }) => kind === 'rollback.unanswered' || kind === 'mitigation.gave_up');
  expect(told.map(({ at, text }) => [at.slice(11, 16), text])).toEqual([
    [
      '12:00',
      'No usable answer from the CD system in 3 attempts: answered 503. Firebreak tries again for up to an hour',
    ],
    [expect.stringMatching(/^13:/), expect.stringMatching(/gave no usable response for an hour/)],
  ]);
});
