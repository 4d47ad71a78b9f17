import { describe, test } from 'vitest';
import { crowdPaths } from './crowd-stories.ts';
import { externalPaths } from './external-stories.ts';
import { guardPaths } from './guard-stories.ts';
import { byContext, golden, record, type Run, updating } from './history.ts';
import { latePaths } from './late-stories.ts';
import { play } from './play.ts';
import { runbookPaths } from './runbook-stories.ts';
import { paths } from './stories.ts';
import { suspectPaths } from './suspect-stories.ts';

const inContexts = ({ input, result, events }: Run) => ({ input, result, events: byContext(events) });

describe.concurrent('incident-response', () => {
  test.for(
    Object.entries({
      ...paths,
      ...crowdPaths,
      ...externalPaths,
      ...guardPaths,
      ...latePaths,
      ...runbookPaths,
      ...suspectPaths,
    }),
  )('%s', async ([name, path], { expect }) => {
    const { world, runs } = await play(path);
    const statuses = new Set([...world.store.dossiers.values()].map(({ record: { status } }) => status));
    expect(world.calls).toEqual(path.calls);
    expect([...statuses].join(', ')).toBe(path.status);
    if (updating()) record(name, { runs });
    expect(runs.map(inContexts)).toEqual(golden(name).runs.map(inContexts));
  });
});
