import { describe, expect, test } from 'vitest';
import { byContext, golden, record, type Run, updating } from './history.ts';
import { theIncident } from './play.ts';
import { type FlagPath, flagPaths, type FlagWorld, flagWorld, playFlag, requests } from './stories/flags.ts';

const inContexts = ({ input, result, events }: Run) => ({ input, result, events: byContext(events) });

async function verify({ world, service }: FlagWorld, { ends, changes }: FlagPath): Promise<void> {
  const id = theIncident(world);
  expect({ on: service.on, changes: service.changes }).toEqual({ on: ends.on, changes });
  const { effects, timeline } = world.store.dossier(id);
  expect(effects.get(`${id}.flag-on.1`)?.state).toBe(ends.state);
  const lines = timeline.map(({ actor, text }) => `${actor}: ${text}`);
  expect(lines.slice(-2)).toEqual(['person:ada: Requested to turn on feature flag new-basket again', ends.says]);
}

describe('turning a flag on again', () => {
  test.for(Object.entries(flagPaths))('%s', async ([name, path]) => {
    const known = await flagWorld();
    const runs = await playFlag(known, path);
    await verify(known, path);
    if (updating()) record(name, { runs }, 'flag-on');
    expect(runs.map(inContexts)).toEqual(golden(name, 'flag-on').runs.map(inContexts));
  });

  test('is done once, whenever the process dies', async () => {
    const path = flagPaths['flag-service-busy'];
    if (path === undefined) throw new Error('no such story');
    for (let checkpoints = 1; checkpoints <= 12; checkpoints += 1) {
      const known = await flagWorld();
      known.world.dieAfter(checkpoints);
      await playFlag(known, path);
      await verify(known, path);
    }
  });

  test('does not start while the kill switch is on', async () => {
    const known = await flagWorld();
    known.world.on('effects.intend', {
      after: () => void known.world.deps.automation.write({ paused: true }, 'ada'),
    });
    await playFlag(known, { timeline: { '0 s': requests } });
    const { effects, timeline } = known.world.store.dossier(theIncident(known.world));
    expect([...effects.values()].at(-1)).toMatchObject({ state: 'withheld' });
    expect(timeline.at(-1)?.text).toBe('Feature flag new-basket was not turned on again: the kill switch is on');
    expect(known.service.changes).toEqual([]);
  });
});
