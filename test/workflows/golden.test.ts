import { describe, test } from 'vitest';
import { externalPaths } from './external-stories.ts';
import { byContext, golden, record, type Run, updating } from './history.ts';
import { play } from './play.ts';
import { paths } from './stories.ts';

const inContexts = ({ input, result, events }: Run) => ({ input, result, events: byContext(events) });

describe.concurrent('incident-response', () => {
  test.for(Object.entries({ ...paths, ...externalPaths }))('%s', async ([name, path], { expect }) => {
    const { world, runs } = await play(path);
    const incident = [...world.store.dossiers.values()][0]?.record;
    expect(world.calls).toEqual(path.calls);
    expect(incident?.status ?? '').toBe(path.status);
    if (updating()) record(name, { runs });
    expect(runs.map(inContexts)).toEqual(golden(name).runs.map(inContexts));
  });
});
