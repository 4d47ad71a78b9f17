import { describe, test } from 'vitest';
import { closingPaths } from './stories/closings.ts';
import { groupPaths } from './stories/groups.ts';
import { externalPaths } from './stories/external-pages.ts';
import { guardPaths } from './stories/guards.ts';
import { GoldenHistories } from './golden-histories.ts';
import { latePaths } from './stories/late-changes.ts';
import { lookPaths } from './stories/looks.ts';
import { internalNamesIn } from '../support/internal-names.ts';
import { shownToResponders } from '../support/shown-texts.ts';
import { play } from './play.ts';
import { proofPaths } from './stories/proof.ts';
import { runbookPaths } from './stories/runbooks.ts';
import { redeployPaths } from './stories/redeploys.ts';
import { paths } from './stories/rollbacks.ts';
import { secondFailurePaths } from './stories/second-failures.ts';
import { suspectPaths } from './stories/suspects.ts';
import { waitPaths } from './stories/waits.ts';

const histories = new GoldenHistories('incident-response');

describe.concurrent('incident-response', () => {
  test.for(
    Object.entries({
      ...paths,
      ...closingPaths,
      ...groupPaths,
      ...externalPaths,
      ...guardPaths,
      ...latePaths,
      ...lookPaths,
      ...proofPaths,
      ...redeployPaths,
      ...runbookPaths,
      ...secondFailurePaths,
      ...suspectPaths,
      ...waitPaths,
    }),
  )('%s', async ([name, path], { expect }) => {
    const { world, runs } = await play(path);
    const statuses = new Set([...world.store.dossiers.values()].map(({ record: { status } }) => status));
    expect(world.calls).toEqual(path.calls);
    expect([...statuses].join(', ')).toBe(path.status);
    histories.compare(name, runs);
    for (const [id, { timeline }] of world.store.dossiers) {
      const texts = { ...(await shownToResponders(world, id)), timeline: timeline.map(({ text }) => text).join('\n') };
      const names = Object.entries(texts).flatMap(([channel, text]) =>
        internalNamesIn(text).map((code) => ({ channel, code, text })),
      );
      expect(names, 'no channel shows names of code').toEqual([]);
    }
  });
});

test('the golden histories contain every transition', () => histories.checkTransitions());
