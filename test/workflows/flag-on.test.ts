import { describe, expect, test } from 'vitest';
import { tendFlags } from '../../core/actions/incidents/tend-flags.ts';
import { turnFlagOn } from '../../core/actions/incidents/turn-flag-on.ts';
import { GoldenHistories } from './golden-histories.ts';
import { all, type Moment, theIncident } from './play.ts';
import { type FlagPath, flagPaths, type FlagWorld, flagWorld, playFlag, requests } from './stories/flags.ts';

async function verify({ world, service }: FlagWorld, { ends, changes }: FlagPath): Promise<void> {
  const id = theIncident(world);
  expect({ on: service.on, changes: service.changes }).toEqual({ on: ends.on, changes });
  const { effects, timeline } = world.store.dossier(id);
  expect(effects.get(`${id}.flag-on.1`)?.state).toBe(ends.state);
  const lines = timeline.map(({ actor, text }) => `${actor}: ${text}`);
  expect(lines.slice(-2)).toEqual(['person:ada: Requested to turn on feature flag new-basket again', ends.says]);
}

const histories = new GoldenHistories('flag-on');

describe('turning a flag on again', () => {
  test.for(Object.entries(flagPaths))('%s', async ([name, path]) => {
    const known = await flagWorld();
    const runs = await playFlag(known, path);
    await verify(known, path);
    histories.compare(name, runs);
  });

  test('the golden histories contain every transition', () => histories.checkTransitions());

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

  test('is started by the sweeper if its start was lost, and ended if its workflow was lost', async () => {
    const lost = await flagWorld();
    const { world } = lost;
    const id = theIncident(world);
    const caller = { name: 'person:ada', allow: () => undefined };
    const dies = { start: () => Promise.reject(new Error('the process has died')) };
    await expect(
      turnFlagOn({ ...world.deps, runs: { ...world.deps.runs, flag: dies } }, caller, { id, flag: 'new-basket' }),
    ).rejects.toThrow('the process has died');
    const started: number[] = [];
    const flag = {
      start: async (_: string, number: number) => {
        started.push(number);
        return undefined;
      },
    };
    const deps = { ...world.deps, runs: { ...world.deps.runs, flag } };
    const after = async (seconds: number) => {
      world.clock.set(world.clock.millis + 1000 * seconds);
      await tendFlags(deps);
    };
    await after(10);
    expect(started).toEqual([]);
    await after(60);
    await after(60);
    expect(started).toEqual([1, 1]);
    await after(2 * 3600);
    const { effects, timeline } = world.store.dossier(id);
    expect(effects.get(`${id}.flag-on.1`)?.state).toBe('failed');
    expect(timeline.at(-1)?.text).toMatch(/was not turned on again: its workflow was lost/);
    await after(60);
    expect(started).toEqual([1, 1]);
  });

  test('is ended by the sweeper if its workflow has failed', async () => {
    const known = await flagWorld();
    const { world, virtual } = known;
    const id = theIncident(world);
    const fails: Moment = () => virtual.kill(id, 1);
    await playFlag(known, { timeline: { '0 s': all(requests, fails), '40 s': ({ deps }) => tendFlags(deps) } });
    const { effects, timeline } = world.store.dossier(id);
    expect(effects.get(`${id}.flag-on.1`)?.state).toBe('failed');
    expect(timeline.at(-1)?.text).toMatch(/was not turned on again: its workflow was lost/);
  });

  test('one failed start does not hold back the requests of other incidents', async () => {
    const { world } = await flagWorld();
    const id = theIncident(world);
    const flag = { target: 'flags', class: 'convergent', detail: 'on', flag: { name: 'basket', on: true } } as const;
    for (const number of [1, 2])
      await world.deps.effects.intend(id, { ...flag, key: `${id}.flag-on.${number}`, kind: 'flag' });
    world.clock.set(world.clock.millis + 60_000);
    const started: number[] = [];
    const start = async (_: string, number: number) => {
      if (number === 1) throw new Error('throttled');
      started.push(number);
      return undefined;
    };
    await tendFlags({ ...world.deps, runs: { ...world.deps.runs, flag: { start } } });
    expect(started).toEqual([2]);
  });

  test('is not done by a workflow that counts as lost: its request has ended', async () => {
    const known = await flagWorld();
    const { world, service } = known;
    const id = theIncident(world);
    let number = 0; // the second press is another request, because the first one has ended
    world.on('effects.intend', {
      after: async () => {
        number += 1;
        await world.deps.effects.conclude(id, `${id}.flag-on.${number}`, 'failed', 'its workflow was lost', 'ada');
      },
    });
    await playFlag(known, { timeline: { '0 s': requests } });
    expect({ number, changes: service.changes }).toEqual({ number: 2, changes: [] });
    expect(world.store.dossier(id).effects.get(`${id}.flag-on.1`)?.state).toBe('failed');
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
