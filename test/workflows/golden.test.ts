import { describe, test } from 'vitest';
import { groupPaths } from './stories/groups.ts';
import { externalPaths } from './stories/external-pages.ts';
import { guardPaths } from './stories/guards.ts';
import { byContext, golden, record, type Run, updating } from './history.ts';
import { latePaths } from './stories/late-changes.ts';
import { play } from './play.ts';
import { proofPaths } from './stories/proof.ts';
import { runbookPaths } from './stories/runbooks.ts';
import { paths } from './stories/rollbacks.ts';
import { secondFailurePaths } from './stories/second-failures.ts';
import { suspectPaths } from './stories/suspects.ts';

const inContexts = ({ input, result, events }: Run) => ({ input, result, events: byContext(events) });

describe.concurrent('incident-response', () => {
  test.for(
    Object.entries({
      ...paths,
      ...groupPaths,
      ...externalPaths,
      ...guardPaths,
      ...latePaths,
      ...proofPaths,
      ...runbookPaths,
      ...secondFailurePaths,
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
