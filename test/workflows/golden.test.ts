import { describe, expect, test } from 'vitest';
import { byContext, golden, record, updating } from './history.ts';
import { play } from './play.ts';
import { paths } from './stories.ts';

describe.concurrent('incident-response', () => {
  for (const [name, path] of Object.entries(paths)) {
    test(name.replaceAll('-', ' '), async ({ expect: expectHere }) => {
      const { world, runs } = await play(path);
      const incident = [...world.store.dossiers.values()][0]?.record;
      expectHere(world.calls).toEqual(path.calls);
      expectHere(incident?.status ?? '').toBe(path.status);
      if (updating()) record(name, { runs });
      const expected = golden(name).runs;
      expectHere(runs.map(({ events: _, ...run }) => run)).toEqual(expected.map(({ events: _, ...run }) => run));
      expectHere(runs.map(({ events }) => byContext(events))).toEqual(expected.map(({ events }) => byContext(events)));
    });
  }
});
void expect;
